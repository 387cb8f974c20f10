import type { AccessScope, Interaction } from '../access/scope.ts';
import type { AuditActor } from '../audit/request-event.ts';
import type { JsonValue } from '../json/types.ts';
import type { TenantContext } from './tenant-context.ts';

/** The preferences of R4 http.html#ops and #async that a request's Prefer header states. */
export interface Preferences {
  readonly return: 'minimal' | 'representation' | 'OperationOutcome' | undefined;
  readonly handling: 'strict' | 'lenient' | undefined;
  readonly respondAsync: boolean;
}

/** A FHIR request as the interactions see it: what HTTP or a Bundle entry says, without HTTP. */
export interface FhirRequest {
  readonly scope: AccessScope;
  readonly context: TenantContext;
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the tenant's base, decoded, without leading slash: `['Patient', '1', '_history']`. */
  readonly path: readonly string[];
  /** Query parameters in order, decoded; of a POST `_search` those of its body too. */
  readonly query: readonly (readonly [string, string])[];
  /** Header values by lower-case name: if-match, if-none-match, if-modified-since, if-none-exist, x-provenance. */
  readonly header: (name: string) => string | undefined;
  /** Media type of the body without parameters, lower case. */
  readonly contentType: string | undefined;
  /** A body that is JSON, or the resource of an entry of a Bundle. */
  readonly json?: JsonValue;
  /** Any other body, as text or, for Binary, as bytes; undefined when there is none. */
  readonly body: string | Buffer | undefined;
  readonly prefer: Preferences;
  /** Types of which what is written gets a Provenance that names who asks, unless X-Provenance gives one. */
  readonly attributed?: readonly string[];
  /** Who makes the request and from where, for the audit log; absent where there is none, and in what a job carries out. */
  readonly actor?: AuditActor;
  /** Of what an asynchronous job carries out: ends when the job must stop. Looked at before each step that takes time. */
  readonly signal?: AbortSignal;
}

/** A FHIR response before it is negotiated into bytes. */
export interface FhirResponse {
  readonly status: number;
  /** JSON text of the resource that is the body. */
  readonly text?: string;
  /** Bytes of another media type (raw Binary); then `contentType` names it. */
  readonly bytes?: Buffer;
  readonly contentType?: string;
  /** Response headers besides content type and length: ETag, Last-Modified, Location... */
  readonly headers?: Readonly<Record<string, string>>;
  /** Ids of the patients whose data it is, where the text does not show all (`_elements`); for the audit log. */
  readonly patients?: readonly string[];
  /** For logs and metrics. */
  readonly interaction: Interaction;
  readonly type?: string;
}

/** The first value of a query parameter. */
export function queryValue(request: FhirRequest, name: string): string | undefined {
  return request.query.find(([key]) => key === name)?.[1];
}
