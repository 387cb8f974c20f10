import { existsSync } from 'node:fs';
import type pg from 'pg';
import type { Tenant } from '../access/scope.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { type InstallReport, installPackage, missingText } from '../packages/install-package.ts';
import { type ListedPackage, listed, packageId } from '../packages/list-packages.ts';
import { activate, deactivate, removePackages } from '../packages/manage-packages.ts';
import { PackageFiles } from '../packages/package-files.ts';
import { PackageProblem } from '../packages/package-problem.ts';
import { migrate } from '../storage/migrate.ts';
import { ownedPackages, ownerReads, type PackageStore } from '../storage/packages/package-store.ts';
import { allPackages } from '../storage/packages/stored-packages.ts';
import { ensureKeys } from '../storage/roles.ts';
import { checkTenantName } from '../storage/tenants.ts';
import { ownerStatements, tenantNumber } from '../storage/terminology/owner.ts';
import { type Command, parse, UsageError } from './command.ts';
import { withDatabase } from './database.ts';

const ACTIONS = ['install', 'list', 'activate', 'deactivate', 'remove'] as const;

/** `vesta package install|list|activate|deactivate|remove`. */
export const packageCommand: Command = {
  help: `Usage: vesta package install FILE.tgz|DIRECTORY|NAME#VERSION... [--tenant NAME | --shared] [OPTION...]
       vesta package list
       vesta package activate|deactivate NAME[#VERSION]... [--tenant NAME | --shared]
       vesta package remove NAME[#VERSION]... [--tenant NAME | --shared] [--force]

Installs FHIR packages (profiles, value sets, search parameters) with those that they depend on, as far as these are
found: in VESTA_PACKAGES, in ~/.fhir/packages, and in the registries of VESTA_PACKAGE_REGISTRY. Several versions may be
there side by side. A running server uses a package within a second.

  --tenant NAME  for this tenant (demo); activate and deactivate switch a shared package for it alone
  --shared       for all tenants
  --inactive     install without activating
  --strict       fail when a package that is needed is not found
  --replace      put it in the place of what has the same name and version, and other contents
  --force        remove what other packages depend on`,

  async run(args) {
    const flag = { type: 'boolean' } as const;
    const { values, positionals } = parse(
      args,
      {
        tenant: { type: 'string' },
        shared: flag,
        inactive: flag,
        strict: flag,
        replace: flag,
        force: flag,
      },
      [1, 1000],
    );
    const [action, ...named] = positionals;
    if (!ACTIONS.some((one) => one === action))
      throw new UsageError(`"${action}" is not ${ACTIONS.join(', ').replace(/, (\w+)$/, ' or $1')}`);
    if (values.shared && values.tenant !== undefined)
      throw new UsageError('--tenant and --shared exclude each other');
    if (action !== 'list' && named.length === 0) throw new UsageError('A package is missing');
    const name = values.shared ? undefined : (values.tenant ?? 'demo');
    if (name !== undefined) checkTenantName(name);
    const config = loadConfig();
    useSettings(config);
    try {
      return await withDatabase(config, `package ${action}`, async (client) => {
        await migrate(client);
        await ensureKeys(client);
        if (action === 'list') return list(ownedPackages(client, 0));
        const tenant = await tenantOf(client, name);
        const store = ownedPackages(client, tenant.id);
        if (action === 'install') return await install(client, tenant, store, named, values);
        if (action === 'remove') return await remove(store, named, values.force === true);
        const changed = await (action === 'activate' ? activate : deactivate)(store, named);
        for (const one of changed) console.log(`${one.active ? 'Active' : 'Inactive'}: ${packageId(one)}`);
        return 0;
      });
    } catch (error) {
      // What the user has to mend; main.ts shows the message alone.
      throw error instanceof PackageProblem ? new Error(error.message) : error;
    }
  },
};

/** The configuration file's settings count like the environment's, which is where packages are looked up. */
function useSettings({ packages, packageRegistry }: Config): void {
  if (packages !== undefined) process.env['VESTA_PACKAGES'] = packages;
  if (packageRegistry !== undefined) process.env['VESTA_PACKAGE_REGISTRY'] = packageRegistry;
}

async function tenantOf(client: pg.Client, name: string | undefined): Promise<Tenant> {
  if (name === undefined) return { id: 0, name: 'shared' };
  const id = await tenantNumber(ownerStatements(client), name);
  if (id === undefined) throw new Error(`There is no tenant "${name}"`);
  return { id, name };
}

async function install(
  client: pg.Client,
  tenant: Tenant,
  store: PackageStore,
  named: readonly string[],
  {
    inactive = false,
    strict = false,
    replace = false,
  }: Partial<Record<'inactive' | 'strict' | 'replace', boolean>>,
): Promise<number> {
  const files = named.filter((one) => existsSync(one));
  const report = await installPackage(tenant, store, new PackageFiles(ownerReads(client)), {
    files,
    names: named.filter((one) => !files.includes(one)),
    active: !inactive,
    strict,
    replace,
  });
  printReport(report);
  return 0;
}

const OUTCOMES = { installed: 'Installed', replaced: 'Replaced', present: 'Already there' } as const;

function printReport({ packages, missing }: InstallReport): void {
  for (const one of packages) {
    const notes = [
      `${one.resources} resources`,
      ...(one.active ? [] : ['not active']),
      ...(one.wanted ? [] : ['needed by another']),
    ];
    console.log(`${OUTCOMES[one.outcome]}: ${packageId(one)} (${notes.join(', ')})`);
    for (const warning of one.warnings) console.error(`  ${warning}`);
  }
  if (missing.length > 0) console.error(missingText(missing));
}

async function remove(store: PackageStore, named: readonly string[], force: boolean): Promise<number> {
  const others = store.owner === 0 ? await packagesByTenant(store) : [];
  for (const one of await removePackages(store, named, { force, others }))
    console.log(`Removed: ${packageId(one)}`);
  return 0;
}

/** The packages of each tenant. */
async function packagesByTenant(store: PackageStore): Promise<ListedPackage[][]> {
  const rows = (await allPackages(store)).filter(({ tenant }) => tenant !== undefined);
  const groups = Map.groupBy(rows, ({ tenant }) => tenant);
  return [...groups.values()].map((group) => group.map((row) => listed(row, 'tenant', row.active)));
}

async function list(store: PackageStore): Promise<number> {
  const packages = await allPackages(store);
  for (const { tenant, active, size, installed, ...one } of packages) {
    const kilobytes = `${Math.ceil(size / 1024)} kB`.padStart(10);
    console.log(
      `${(tenant ?? '(shared)').padEnd(16)} ${packageId(one).padEnd(48)} ${(active ? 'active' : 'inactive').padEnd(8)} ${kilobytes}  ${installed.toISOString().slice(0, 10)}`,
    );
  }
  if (packages.length === 0) console.log('No packages are installed');
  return 0;
}
