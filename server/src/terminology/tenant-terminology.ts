import { Lru } from '../collections/lru.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import type { TerminologyType } from '../storage/terminology/find-resources.ts';
import type { OwnUrls } from '../storage/terminology/own-definitions.ts';
import { createTerminologyProvider, type TerminologyProvider } from './provider.ts';
import type { TerminologyService } from './service.ts';

/** A tenant's terminology as the validation of its resources asks it. */
export interface TenantTerminology extends TerminologyProvider {
  /** Whether the tenant, or a code system loaded for it, defines a URL: then packages do not count for it. */
  overrides(url: string): boolean;
}

interface Kept {
  readonly own: OwnUrls;
  readonly systems: string;
  readonly context: TenantContext;
  readonly terminology: TenantTerminology;
}

/** Tenants whose answers are kept, and answers of each. */
const TENANTS = 20;
const ANSWERS = 5000;

const kept = new WeakMap<TerminologyService, Lru<string, Kept>>();

/**
 * The terminology of a tenant for validations. Answers are shared by all validations as long as neither the tenant's own
 * definitions, nor the code systems loaded for it, nor its context (its packages) change; a change that another process
 * made is seen within a second or two.
 * @param visible whether the tenant's own resources of a type may be seen by whoever asks
 */
export async function tenantTerminology(
  service: TerminologyService,
  context: TenantContext,
  visible: (type: TerminologyType) => boolean = () => true,
): Promise<TenantTerminology> {
  const sees = (['CodeSystem', 'ValueSet'] as const).filter((type) => visible(type));
  const [own, stored] = await Promise.all([
    service.own.urls(context.tenant),
    service.registry.systems(context.tenant),
  ]);
  const systems = stored.map(({ owner, id }) => `${owner}/${id}`).join(' ');
  let tenants = kept.get(service);
  if (tenants === undefined) kept.set(service, (tenants = new Lru(TENANTS)));
  const key = `${context.tenant.id} ${sees.join(' ')}`;
  const known = tenants.get(key);
  if (known?.own === own && known.systems === systems && known.context === context) return known.terminology;
  const loaded = new Set(stored.filter(({ source }) => source === undefined).map(({ url }) => url));
  const provider = createTerminologyProvider(service, context, { visible, kept: ANSWERS });
  const terminology: TenantTerminology = {
    overrides: (url) => loaded.has(url) || (sees.length > 0 && own.has(url)),
    validateCode: (...question) => provider.validateCode(...question),
  };
  tenants.set(key, { own, systems, context, terminology });
  return terminology;
}
