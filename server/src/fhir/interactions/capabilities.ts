import { terminologyCapabilities } from '../../terminology/terminology-capabilities.ts';
import { capabilityStatement } from '../capability-statement.ts';
import { OPERATIONS } from '../operations/operations.ts';
import { terminologyOf } from '../operations/terminology/call.ts';
import { projectionOf, projectText } from '../projection-request.ts';
import { type FhirRequest, type FhirResponse, queryValue } from '../request.ts';
import type { Services } from '../services.ts';
import type { TenantContext } from '../tenant-context.ts';

/** Since when the process offers what it offers. */
const STARTED = new Date().toISOString();

const texts = new WeakMap<TenantContext, string>();

/** capabilities (R4 http.html#capabilities): made from what is loaded, kept as long as the tenant's context. */
export async function capabilities(services: Services, request: FhirRequest): Promise<FhirResponse> {
  const context = await services.tenants.current(request.context.tenant);
  if (queryValue(request, 'mode') === 'terminology') {
    const statement = await terminologyCapabilities(terminologyOf(services), context);
    return { status: 200, text: JSON.stringify(statement), interaction: 'capabilities' };
  }
  const own = (ready: boolean) =>
    context.ownSearchParameters.filter((one) => one.ready === ready).flatMap(({ models }) => models);
  let text = texts.get(context);
  if (text === undefined) {
    text = JSON.stringify(
      capabilityStatement({
        definitions: context.definitions,
        baseUrl: context.baseUrl,
        tenant: context.tenant.name,
        software: { name: 'Vesta', version: services.settings.softwareVersion },
        date: STARTED,
        formats: ['json', 'application/fhir+json', 'xml', 'application/fhir+xml'],
        patchFormats: [
          'application/json-patch+json',
          'application/xml-patch+xml',
          'application/fhir+json',
          'application/fhir+xml',
        ],
        interactions: [
          'read',
          'vread',
          'update',
          'patch',
          'delete',
          'history-instance',
          'history-type',
          'create',
          'search-type',
        ],
        systemInteractions: ['transaction', 'batch', 'history-system', 'search-system'],
        operations: OPERATIONS.map(({ name, definition, types, levels }) => ({
          levels,
          name,
          definition,
          types,
        })),
        enforceReferences: services.settings.references === 'strict',
        customSearchParams: own(true),
        pendingSearchParams: own(false),
        security: {
          cors: true,
          description: 'Open: every request is allowed. For development and benchmarks only.',
        },
      }),
    );
    texts.set(context, text);
  }
  const projection = projectionOf(request);
  return {
    status: 200,
    text: projection === undefined ? text : projectText(text, projection, context),
    interaction: 'capabilities',
  };
}
