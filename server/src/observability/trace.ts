import { randomFillSync } from 'node:crypto';

/** What ties the log lines, metrics exemplars and outgoing calls of one request together. */
export interface Trace {
  /** 32 lower-case hexadecimal digits: the caller's trace id, or a new one. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits: this server's part of the trace. */
  readonly spanId: string;
  /** The caller's span, when it sent a valid traceparent. */
  readonly parentId?: string;
  readonly sampled: boolean;
  /** For the response header X-Request-Id (R4 http.html#custom): the client's, or the trace id. */
  readonly requestId: string;
  /** For outgoing calls: this server's span as traceparent. */
  readonly traceparent: string;
  /** The caller's vendor data, passed on unchanged with outgoing calls. */
  readonly tracestate?: string;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const REQUEST_ID = /^[A-Za-z0-9._:~@+/=-]{1,128}$/;
const MAX_TRACESTATE = 512;

/** The parts of a traceparent header (W3C Trace Context section 3.2); undefined if it is invalid and must be ignored. */
export function parseTraceparent(
  header: string | undefined,
): { traceId: string; parentId: string; sampled: boolean } | undefined {
  const match = header === undefined ? null : TRACEPARENT.exec(header.trim());
  if (match === null) return undefined;
  const [, version, traceId = '', parentId = '', flags = '', rest] = match;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/**
 * The trace of a request: goes on with the caller's or starts a new one (sampled). Never fails: an invalid header is
 * ignored, and so is an X-Request-Id that is longer than 128 characters or not plain.
 * @param headers lower-case names, as node:http gives them
 */
export function startTrace(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Trace {
  const parent = parseTraceparent(single(headers['traceparent']));
  const traceId = parent?.traceId ?? randomHex(16);
  const spanId = randomHex(8);
  const sampled = parent?.sampled ?? true;
  const requestId = single(headers['x-request-id']);
  const tracestate = parent === undefined ? undefined : joined(headers['tracestate']);
  return {
    traceId,
    spanId,
    sampled,
    requestId: requestId !== undefined && REQUEST_ID.test(requestId) ? requestId : traceId,
    traceparent: `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`,
    ...(parent === undefined ? {} : { parentId: parent.parentId }),
    ...(tracestate === undefined || tracestate.length > MAX_TRACESTATE ? {} : { tracestate }),
  };
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function joined(value: string | readonly string[] | undefined): string | undefined {
  return value === undefined || typeof value === 'string' ? value : value.join(',');
}

const pool = Buffer.alloc(4096);
let used = pool.length;

/** Random bytes as hexadecimal text, never all zero (zero is invalid as an id). One system call serves many requests. */
function randomHex(bytes: number): string {
  for (;;) {
    if (used + bytes > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    const text = pool.toString('hex', used, used + bytes);
    used += bytes;
    if (!/^0+$/.test(text)) return text;
  }
}
