import { type DestinationStream, type Logger, pino } from 'pino';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
export type { Logger } from 'pino';

/** One handled request. Nothing in it may come from a body, a query value, a header's free text or an id. */
export interface RequestLine {
  readonly traceId: string;
  readonly requestId?: string;
  readonly tenant?: string;
  /** FHIR interaction code, or the operation's name with `$`. */
  readonly interaction?: string;
  /** Resource type. */
  readonly type?: string;
  readonly method: string;
  readonly status: number;
  /** Milliseconds from the first byte of the request to the last of the response. */
  readonly ms: number;
  /** Names of the parameters only: see {@link parameterNames}. */
  readonly params?: readonly string[];
  readonly bytes?: number;
}

/** A last line of defence: what stands under these names is never written. */
const NEVER = Object.fromEntries(
  [
    'req',
    'res',
    'request',
    'response',
    'headers',
    'authorization',
    'cookie',
    'url',
    'query',
    'body',
    'resource',
  ].map((name) => [name, () => undefined]),
);

/**
 * The logger of a process: one JSON object a line with `level`, `time` (ISO 8601), `pid`, `msg`. Errors under `err`
 * are written by {@link safeError}. What is logged must be free of patient data (query values, bodies, ids in URLs).
 * @param destination where lines go; standard output by default
 */
export function createLogger(
  options: { level: LogLevel; name?: string },
  destination?: DestinationStream,
): Logger {
  const settings = {
    level: options.level,
    ...(options.name === undefined ? {} : { name: options.name }),
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: {
      // Without a text of its own pino would take the error's message, which may quote data.
      logMethod(this: Logger, args: unknown[], method: (...args: unknown[]) => void) {
        const [first, text] = args;
        if (first instanceof Error) method.call(this, { err: first }, text ?? 'error', ...args.slice(2));
        else if (typeof first === 'object' && text === undefined) method.call(this, first, '');
        else method.apply(this, args);
      },
    },
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { ...NEVER, err: safeError, error: safeError },
  };
  return destination === undefined ? pino(settings) : pino(settings, destination);
}

/** Writes the line of a request: level error from status 500 on (warn for 503 and 504, which are no defect), otherwise info. */
export function logRequest(logger: Logger, line: RequestLine): void {
  const level = line.status < 500 ? 'info' : line.status === 503 || line.status === 504 ? 'warn' : 'error';
  if (!logger.isLevelEnabled(level)) return;
  logger[level]({ ...line, ms: Math.round(line.ms * 10) / 10 }, 'request');
}

/** A parameter name as FHIR writes it: code, modifiers, chain. Anything else could be a value in the wrong place. */
const PARAMETER_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}(?:[.:][A-Za-z_][A-Za-z0-9_-]{0,63}){0,8}$/;
const MAX_NAMES = 30;

/**
 * The names of the parameters in a query string or form body, without values: `name=Zimmer&_sort=-date` gives
 * `['name', '_sort']`. A name that does not look like one becomes `?`. At most 30.
 */
export function parameterNames(query: string): string[] {
  const names: string[] = [];
  for (const pair of query.replace(/^\?/, '').split('&', MAX_NAMES)) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    // Without an equals sign the whole may be a value (`?Zimmer`).
    const name = equals < 0 ? '' : pair.slice(0, equals).replaceAll('%3A', ':').replaceAll('%3a', ':');
    names.push(PARAMETER_NAME.test(name) ? name : '?');
  }
  return names;
}

/**
 * What of an error may be logged: its class, code, and the places of its stack, without the message, which may quote
 * data (`Key (id)=(...) already exists`, `Unexpected token in "..."`). Messages that the engine itself makes of names
 * in the source (TypeError, ReferenceError, RangeError without a code) are kept. Of PostgreSQL errors also severity, schema,
 * table, column and constraint, never detail, hint, where or the statement.
 */
export function safeError(error: unknown): Record<string, unknown> {
  if (typeof error !== 'object' || error === null) return { type: typeof error };
  const fields = error as Record<string, unknown>;
  const safe: Record<string, unknown> = {
    type: (error as { constructor?: { name?: string } }).constructor?.name,
  };
  for (const name of [
    'code',
    'errno',
    'syscall',
    'status',
    'severity',
    'schema',
    'table',
    'column',
    'constraint',
    'routine',
  ]) {
    const value = fields[name];
    if (typeof value === 'number' || (typeof value === 'string' && value.length <= 100)) safe[name] = value;
  }
  if (!(error instanceof Error)) return safe;
  const own = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  if (own && !('code' in error)) safe['message'] = error.message;
  const places = (error.stack ?? '').split('\n').filter((line) => /^\s+at [^\n]*(?:\(|:\d+:\d+)/.test(line));
  if (places.length > 0) safe['stack'] = places.slice(0, 20).map((line) => line.trim());
  if (error.cause !== undefined) safe['cause'] = safeError(error.cause);
  return safe;
}
