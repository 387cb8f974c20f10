import { entriesOf } from '../../audit/entry.ts';
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
      const context = await fhir().tenants.current(tenant);
      const client = new InternalClient(fhir(), context, runtimeScope(tenant), { audited: false });
      for (const entry of entriesOf(event)) {
        const make = async (patients: readonly string[] | undefined) => {
          const { patients: _, ...rest } = entry;
          const told = { ...rest, ...(patients === undefined ? {} : { patients }) };
          const whole = { written: entry.time, n: 0, entry: told };
          const {
            id: _id,
            meta: _meta,
            ...resource
          } = auditEventResource(whole, { baseUrl: context.baseUrl });
          await client.create({ ...resource, resourceType: 'AuditEvent' });
        };
        try {
          await make(entry.patients);
        } catch (error) {
          // A patient that is only talked about is no resource here.
          if (!(error instanceof FhirError) || error.status >= 500 || entry.patients === undefined)
            throw error;
          await make(undefined);
        }
      }
    } catch (error) {
      onError(error);
    }
  };
}
