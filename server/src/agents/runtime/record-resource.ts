import { type AuditEntry, entriesOf } from '../../audit/entry.ts';
import { auditEventResource } from '../../audit/resource.ts';
import type { FhirServer } from '../../fhir/fhir-server.ts';
import { InternalClient } from '../../fhir/internal-client.ts';
import { FhirError } from '../../fhir/outcome.ts';
import type { RecordEvent } from './record.ts';
import { runtimeScope } from './scope.ts';

/** Records runs as AuditEvent resources, where no audit log is kept. A failure does not stop the run. */
export function recordAsResources(fhir: () => FhirServer, onError: (error: unknown) => void): RecordEvent {
  return async (tenant, event) => {
    try {
      const context = await fhir().tenants.recent(tenant);
      const client = new InternalClient(fhir(), context, runtimeScope(tenant), { audited: false });
      for (const entry of entriesOf(event)) {
        const make = async (told: AuditEntry) => {
          const whole = { written: entry.time, n: 0, entry: told };
          const {
            id: _id,
            meta: _meta,
            ...resource
          } = auditEventResource(whole, { baseUrl: context.baseUrl });
          await client.create({ ...resource, resourceType: 'AuditEvent' });
        };
        try {
          await make(entry);
        } catch (error) {
          // What is only talked about is no resource here.
          if (!(error instanceof FhirError) || error.status >= 500) throw error;
          const { patients = [], about = [], ...rest } = entry;
          const [there, known] = await Promise.all([
            existing(client, about),
            existing(
              client,
              patients.map((id) => `Patient/${id}`),
            ),
          ]);
          const ids = known.map((reference) => reference.slice('Patient/'.length));
          await make({
            ...rest,
            ...(there.length === 0 ? {} : { about: there }),
            ...(ids.length === 0 ? {} : { patients: ids }),
          });
        }
      }
    } catch (error) {
      onError(error);
    }
  };
}

/** Those of some references that point to a resource. */
async function existing(client: InternalClient, references: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    references.map(async (reference) => ((await client.follow(reference)) === undefined ? [] : [reference])),
  );
  return found.flat();
}
