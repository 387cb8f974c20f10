import type { AccessScope, Tenant } from '../access/scope.ts';
import { type FhirError, fhirError } from '../fhir/outcome.ts';
import type { FhirRequest, FhirResponse } from '../fhir/request.ts';
import type { WriteRequest } from '../fhir/write/write-request.ts';
import { type FieldPolicy, NO_FIELDS, protectsNothing } from '../security/fields/policy.ts';
import type { SqlStatement } from '../storage/connections.ts';
import { type AuditLog, AuditUnavailable } from './audit-log.ts';
import type { AuditInput } from './entry.ts';
import {
  type AuditActor,
  type RequestEnd,
  requestEvent,
  type WrittenResource,
  writeEvents,
} from './request-event.ts';
import { isLogId } from './resource.ts';
import type { AuditReader } from './search.ts';
import { withoutIdentifiers } from './without-identifiers.ts';

/** The audit log as the interactions use it: what they do is recorded here, and AuditEvents are read from here. */
export class AuditTrail {
  readonly reader: AuditReader;
  readonly #log: AuditLog;
  readonly #fieldsOf: (tenant: Tenant) => FieldPolicy;

  /** @param fieldsOf which identifiers a tenant has encrypted: their values are not recorded */
  constructor(
    log: AuditLog,
    reader: AuditReader,
    fieldsOf: (tenant: Tenant) => FieldPolicy = () => NO_FIELDS,
  ) {
    this.#log = log;
    this.reader = reader;
    this.#fieldsOf = fieldsOf;
  }

  /**
   * Records what was answered to a request, or to an entry of a Bundle. The answer must wait for it.
   * @throws FhirError 503 when the event can be kept nowhere
   */
  async record(
    tenant: Tenant,
    request: Pick<FhirRequest, 'method' | 'path' | 'query'>,
    end: RequestEnd,
    actor: AuditActor,
  ): Promise<void> {
    const made = requestEvent(request, end, actor);
    if (made === undefined) return;
    await this.#keep(tenant, withoutIdentifiers(made, this.#fieldsOf(tenant), end.response?.text));
  }

  async #keep(tenant: Tenant, event: AuditInput): Promise<void> {
    try {
      await this.#log.record(tenant, event);
    } catch (error) {
      throw error instanceof AuditUnavailable ? unavailable() : error;
    }
  }

  /**
   * Records what is no request, such as a step of an agent. What goes on must wait for it.
   * @throws FhirError 503 when the event can be kept nowhere
   */
  async report(tenant: Tenant, input: AuditInput): Promise<void> {
    await this.#keep(tenant, withoutIdentifiers(input, this.#fieldsOf(tenant), undefined));
  }

  /** As {@link record}, for a request whose interaction was carried out. */
  async answered(request: FhirRequest, response: FhirResponse): Promise<void> {
    const { scope, actor = actorOf(scope) } = request;
    await this.record(scope.tenant, request, { status: response.status, response }, actor);
  }

  /** As {@link record}, for a request whose interaction failed. */
  async refused(request: FhirRequest, error: FhirError): Promise<void> {
    const { scope, actor = actorOf(scope) } = request;
    await this.record(scope.tenant, request, refusal(error), actor);
  }

  /** @throws FhirError 405 for what would change an event of the log */
  assertNotLogged(requests: readonly WriteRequest[]): void {
    for (const { type, id, kind, resource, at } of requests) {
      if (type !== 'AuditEvent') continue;
      const target = id ?? (kind === 'update' ? resource?.['id'] : undefined);
      if (typeof target === 'string' && isLogId(target))
        throw fhirError(
          405,
          'not-supported',
          'Events of the audit log cannot be changed',
          at === '' ? 'http.method' : `${at}.request.url`,
        );
    }
  }

  /** The events of writes, each with the actor of its request, or else of the scope. */
  writeEvents(scope: AccessScope, written: readonly WrittenResource[]): AuditInput[] {
    let shared: AuditActor | undefined;
    const actor = ({ actor: own }: WriteRequest) => own ?? (shared ??= actorOf(scope));
    const fields = this.#fieldsOf(scope.tenant);
    if (protectsNothing(fields)) return writeEvents(written, actor);
    return written.flatMap((one) =>
      writeEvents([one], actor).map((event) => withoutIdentifiers(event, fields, one.content)),
    );
  }

  /** See {@link AuditLog.statements}. */
  statements(tenant: Tenant, events: readonly AuditInput[]): SqlStatement[] {
    return this.#log.statements(tenant, events);
  }

  /** See {@link AuditLog.committed}. */
  committed(tenant: Tenant, events: readonly AuditInput[]): void {
    if (events.length > 0) this.#log.committed(tenant, events);
  }
}

/** How a request ended that an error ended. */
export function refusal({ status, issues }: FhirError): RequestEnd {
  const reason = issues[0]?.diagnostics;
  return { status, ...(reason === undefined ? {} : { reason }) };
}

/** What a scope alone tells of who acts: for what a job does on behalf of a request. */
function actorOf({ subject, client, purposeOfUse, emergencies }: AccessScope): AuditActor {
  return {
    agent: subject,
    ...(client === undefined ? {} : { client }),
    ...(purposeOfUse === undefined ? {} : { purpose: purposeOfUse }),
    ...(emergencies === undefined ? {} : { emergencies }),
  };
}

function unavailable(): FhirError {
  const text = 'The audit log cannot be written at the moment, so nothing can be answered';
  return fhirError(503, 'transient', text);
}
