import type pg from 'pg';
import type { Tenant } from '../access/scope.ts';
import type { CdsProviderRegistration } from '../cds/registrations.ts';
import { ownerConnections } from '../storage/auth/owner.ts';
import { StoredCdsRegistrations } from '../storage/cds/registrations.ts';
import { configureWhereUnset } from '../storage/tenants.ts';

/** Of the discard protocol (RFC 863): nobody listens there. */
const NOWHERE = 'http://127.0.0.1:9';

const settingOf = ({ id }: Tenant): string => `demo-cds:${id}`;

/**
 * Registers the demo's providers of CDS services with the demo tenant: one that answers, and one that is down. What
 * somebody has removed does not come back. Once, when the tenant gets them, it is opened to EHRs without proof, so that
 * the public CDS Hooks sandbox can call; such callers see nothing of its record.
 * @param url where the provider is that answers, which changes from start to start
 */
export async function registerDemoProviders(owner: pg.Client, tenant: Tenant, url: string): Promise<void> {
  const registrations = new StoredCdsRegistrations(ownerConnections(owner));
  const { rowCount } = await owner.query('select from store.setting where name = $1', [settingOf(tenant)]);
  const isFirst = rowCount === 0;
  const providers: CdsProviderRegistration[] = [
    { id: 'demo-guidance', name: 'Demo: guidance of others', url, privateNetwork: true },
    { id: 'demo-down', name: 'Demo: a provider that is down', url: NOWHERE, privateNetwork: true },
  ];
  for (const provider of providers) {
    const isThere = await registrations.removeProvider(tenant, provider.id);
    if (isFirst || isThere) await registrations.addProvider(tenant, provider);
  }
  if (!isFirst) return;
  await configureWhereUnset(owner, tenant.name, { 'cds.unsignedClients': 'allow' });
  await owner.query('insert into store.setting (name, value) values ($1, $2) on conflict do nothing', [
    settingOf(tenant),
    'given',
  ]);
}
