import type { Resource } from '../../json/types.ts';
import { terminologyCapabilities } from '../../terminology/terminology-capabilities.ts';
import { capabilityStatement, INTERACTIONS } from '../capability-statement.ts';
import { OPERATIONS } from '../operations/operations.ts';
import { terminologyOf } from '../operations/terminology/call.ts';
import { projectionOf, projectText } from '../projection-request.ts';
import { type FhirRequest, type FhirResponse, queryValue } from '../request.ts';
import type { Services } from '../services.ts';
import { supportedConformance } from '../supported-conformance.ts';
import type { TenantContext } from '../tenant-context.ts';

/** Since when the process offers what it offers. */
const STARTED = new Date().toISOString();

/** The requirements of Bulk Data Access, which are met whether or not its package is there. */
const BULK_DATA = 'http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data';

const texts = new WeakMap<TenantContext, string>();

/** capabilities (R4 http.html#capabilities): made from what is loaded, kept as long as the tenant's context. */
export async function capabilities(services: Services, request: FhirRequest): Promise<FhirResponse> {
  const context = await services.tenants.current(request.context.tenant);
  if (queryValue(request, 'mode') === 'terminology') {
    const statement = await terminologyCapabilities(terminologyOf(services), context);
    return { status: 200, text: JSON.stringify(statement), interaction: 'capabilities' };
  }
  let text = texts.get(context);
  if (text === undefined) {
    text = JSON.stringify(await statementOf(services, context));
    texts.set(context, text);
  }
  const projection = projectionOf(request);
  return {
    status: 200,
    text: projection === undefined ? text : projectText(text, projection, context),
    interaction: 'capabilities',
  };
}

async function statementOf(
  { settings, security, audit }: Services,
  context: TenantContext,
): Promise<Resource> {
  const { definitions, baseUrl, tenant, ownSearchParameters, activePackages } = context;
  const pending = [...ownSearchParameters, ...activePackages].filter(({ ready }) => !ready);
  const offered = OPERATIONS.filter(({ audited }) => !audited || audit !== undefined);
  const operations = offered.map(({ name, definition, types, levels }) => ({
    levels,
    name,
    definition,
    types,
  }));
  const conformance = supportedConformance(await context.packages(), definitions, {
    interactions: INTERACTIONS,
    operations,
  });
  return capabilityStatement({
    definitions,
    baseUrl,
    tenant: tenant.name,
    software: { name: 'Vesta', version: settings.softwareVersion },
    date: STARTED,
    operations,
    enforceReferences: settings.references === 'strict',
    pendingSearchParams: pending.flatMap(({ models }) => models),
    ...conformance,
    instantiates: [...new Set([BULK_DATA, ...conformance.instantiates])],
    ...(security === undefined ? {} : { security: security(tenant) }),
  });
}
