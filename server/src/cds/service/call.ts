import type { AccessScope } from '../../access/scope.ts';
import { FhirError } from '../../fhir/outcome.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import { isObject, isResource } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import { fault } from '../hooks/fields.ts';
import type { TokenSource } from '../hooks/token.ts';
import type { CdsRequest, CdsResponse, Prefetch } from '../hooks/types.ts';
import type { Time } from '../time.ts';
import { fillPrefetch, type PrefetchSource } from './prefetch.ts';
import type { CdsService } from './service.ts';
import { hasErrors, nextOf } from './sources.ts';

/** Thrown when a service has not answered in its time. */
export class TimeLimitError extends Error {
  constructor() {
    super('The service has not answered in time');
  }
}

export interface CallOptions {
  readonly tenant: TenantContext;
  /** What of the tenant's record is open to who has called; undefined: nothing. */
  readonly caller: AccessScope | undefined;
  /** Where what was not prefetched comes from; undefined: from nowhere. */
  readonly source: PrefetchSource | undefined;
  readonly user?: TokenSource['user'];
  readonly now: () => Date;
  readonly time: Time;
  /** Milliseconds, where less is left than the service may take. */
  readonly timeLeft?: number;
}

/**
 * Calls a service of this server: fills its prefetch, and gives it its time.
 * @throws FhirError 412 when data that it needs cannot be had (CDS Hooks 2.0, HTTP Status Codes), 400 for a wrong prefetch
 * @throws TimeLimitError
 */
export async function callService(
  service: CdsService,
  request: CdsRequest,
  { tenant, caller, source, user, now, time, timeLeft = service.timeout }: CallOptions,
): Promise<CdsResponse> {
  const ends = new AbortController();
  const work = async (): Promise<CdsResponse> => {
    const prefetch = await neededPrefetch(service, request, { source, user, now });
    ends.signal.throwIfAborted();
    const { cards, systemActions } = await service.run(request, {
      tenant,
      caller,
      prefetch,
      signal: ends.signal,
      now,
    });
    return { cards, ...(systemActions === undefined || systemActions.length === 0 ? {} : { systemActions }) };
  };
  const limit = time.limit(Math.min(service.timeout, timeLeft));
  return await withinTime(work(), limit, () => ends.abort(new TimeLimitError()));
}

/**
 * @param limit ends the wait
 * @throws TimeLimitError when the work takes longer; what it does then is nobody's concern
 */
export async function withinTime<T>(work: Promise<T>, limit: AbortSignal, onEnd = () => {}): Promise<T> {
  let ended = () => {};
  const end = new Promise<never>((_, reject) => {
    ended = () => {
      onEnd();
      reject(new TimeLimitError());
    };
  });
  work.catch(() => {});
  end.catch(() => {});
  if (limit.aborted) ended();
  else limit.addEventListener('abort', ended);
  try {
    return await Promise.race([work, end]);
  } finally {
    limit.removeEventListener('abort', ended);
  }
}

async function neededPrefetch(
  { prefetch: templates = {}, optional = [] }: CdsService,
  request: CdsRequest,
  { source, user, now }: Pick<CallOptions, 'source' | 'user' | 'now'>,
): Promise<Prefetch> {
  const tokens = tokensOf(request, user, now);
  const filled = await fillPrefetch(
    templates,
    givenPrefetch(request.prefetch, templates),
    tokens,
    source ?? (async () => undefined),
  );
  const missing = Object.keys(templates).filter(
    (key) => !Object.hasOwn(filled, key) && !optional.includes(key),
  );
  if (missing.length > 0) {
    throw new FhirError(
      412,
      missing.map((key) => ({
        severity: 'error' as const,
        code: 'incomplete' as const,
        diagnostics: `prefetch.${key} (${templates[key]}) is not in the request and cannot be fetched`,
        expression: `prefetch.${key}`,
      })),
    );
  }
  return filled;
}

/** What tokens of templates are replaced from. */
export function tokensOf(
  { context }: Pick<CdsRequest, 'context'>,
  user: TokenSource['user'],
  now: () => Date,
): Omit<TokenSource, 'prefetched'> {
  const today = now().toISOString().slice(0, 10);
  return { context, today, ...(user === undefined ? {} : { user }) };
}

/**
 * What was prefetched whole: a page of a search does not show what stands on the next.
 * @throws FhirError 400 for what is not what the template asks for: it must not be taken for "there is nothing"
 */
function givenPrefetch(given: Prefetch = {}, templates: Readonly<Record<string, string>>): Prefetch {
  return Object.fromEntries(
    Object.entries(given).filter(([key, data]) => {
      if (!Object.hasOwn(templates, key)) return false;
      if (data === null) return true;
      const template = templates[key] as string;
      assertForm(data, template, `prefetch.${key}`);
      return !hasErrors(data) && (isLimited(template) || nextOf(data) === undefined);
    }),
  );
}

/** Whether a template asks for so many and no more: then it is whole although there are others. */
const isLimited = (template: string): boolean => /[?&]_count=/.test(template);

/** A search gives a Bundle, a read a resource of its type (CDS Hooks 2.0, Prefetch Template). */
function assertForm(data: Resource, template: string, at: string): void {
  const [, type, isSearch] = /^\s*\/?([A-Z][A-Za-z]*)(\?)?/.exec(template) ?? [];
  const wanted = isSearch === undefined ? type : 'Bundle';
  if (wanted !== undefined && data.resourceType !== wanted)
    throw fault(at, `must be a ${wanted}, as ${template} asks for`, 'structure');
  const { entry = [] } = data;
  const isWhole = Array.isArray(entry) && entry.every((one) => isObject(one) && isResource(one['resource']));
  if (wanted === 'Bundle' && !isWhole)
    throw fault(`${at}.entry`, 'must be entries with resources', 'structure');
}
