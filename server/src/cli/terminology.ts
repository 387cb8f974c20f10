import { loadConfig } from '../config/config.ts';
import { migrate } from '../storage/migrate.ts';
import { checkTenantName } from '../storage/tenants.ts';
import {
  type ListedSystem,
  listSystems,
  ownerStatements,
  removeListed,
  tenantNumber,
} from '../storage/terminology/owner.ts';
import { SHARED } from '../storage/terminology/rows.ts';
import type { RunStatement } from '../storage/terminology/write-concepts.ts';
import { type LoadFormat, loadCodeSystem } from '../terminology/load/load.ts';
import { type Command, parse, UsageError } from './command.ts';
import { withDatabase } from './database.ts';
import { count } from './loading/progress.ts';

const FORMATS: readonly LoadFormat[] = ['icd10cm', 'csv', 'fhir'];

/** `vesta terminology load|list|remove`. */
export const terminology: Command = {
  help: `Usage: vesta terminology load FILE --format FORMAT --system URL [--version V] [--tenant NAME | --shared]
       vesta terminology list
       vesta terminology remove --system URL [--version V] [--tenant NAME | --shared]

Loads code systems into the database, where all terminology operations find them. A version that is there already is
replaced when the new one is complete; a running server uses it within a second.

  --format FORMAT  icd10cm  order file (.txt) or tabular list (.xml) of the CDC
                   csv      first line: code, display, definition, parent, abstract, inactive, status, display:LANGUAGE,
                            synonym; any other column is a property
                   fhir     a CodeSystem resource in JSON
  --system URL     the code system's URL, e.g. http://hl7.org/fhir/sid/icd-10-cm
  --version V      its version
  --name NAME      its name
  --codes FILE     icd10cm in XML: one code a line, which codes with a 7th character exist
  --tenant NAME    for this tenant (demo)
  --shared         for all tenants

FILE may be packed with gzip (.gz).`,

  async run(args) {
    const text = { type: 'string' } as const;
    const { values, positionals } = parse(
      args,
      {
        format: text,
        system: text,
        version: text,
        name: text,
        codes: text,
        tenant: text,
        shared: { type: 'boolean' },
      },
      [1, 2],
    );
    const [action, file] = positionals;
    if (values.shared && values.tenant !== undefined)
      throw new UsageError('--tenant and --shared exclude each other');
    const tenant = values.shared ? undefined : (values.tenant ?? 'demo');
    if (tenant !== undefined) checkTenantName(tenant);
    const config = loadConfig();
    if (action === 'list') {
      const systems = await withDatabase(config, 'terminology list', async (client) => {
        await migrate(client);
        return listSystems(ownerStatements(client));
      });
      for (const system of systems) console.log(lineOf(system));
      if (systems.length === 0) console.log('No code systems are loaded');
      return 0;
    }
    if (action !== 'load' && action !== 'remove')
      throw new UsageError(`"${action}" is not load, list or remove`);
    const { system, version } = values;
    if (system === undefined) throw new UsageError('--system is missing');
    if (action === 'remove') {
      const removed = await withDatabase(config, 'terminology remove', async (client) => {
        await migrate(client);
        return remove(ownerStatements(client), system, version, tenant);
      });
      console.log(removed === 0 ? 'There is no such code system' : `Removed: ${removed}`);
      return removed === 0 ? 1 : 0;
    }
    const format = values.format as LoadFormat | undefined;
    if (format === undefined || !FORMATS.includes(format))
      throw new UsageError(`--format must be one of ${FORMATS.join(', ')}`);
    if (file === undefined) throw new UsageError('The file is missing');
    const shown = new Progress();
    const total = await withDatabase(config, 'terminology load', async (client) => {
      await migrate(client);
      const run = ownerStatements(client);
      return loadCodeSystem(run, {
        file,
        format,
        system,
        owner: await ownerOf(run, tenant),
        progress: (concepts, share) => shown.show(concepts, share),
        ...(version === undefined ? {} : { version }),
        ...(values.name === undefined ? {} : { name: values.name }),
        ...(values.codes === undefined ? {} : { codes: values.codes }),
      });
    }).finally(() => shown.end());
    console.log(
      `${system}${version === undefined ? '' : `|${version}`}: ${count(total)} codes in ${shown.seconds} s`,
    );
    return 0;
  },
};

async function ownerOf(run: RunStatement, tenant: string | undefined): Promise<number> {
  if (tenant === undefined) return SHARED;
  const id = await tenantNumber(run, tenant);
  if (id === undefined) throw new Error(`There is no tenant "${tenant}"`);
  return id;
}

async function remove(
  run: RunStatement,
  url: string,
  version: string | undefined,
  tenant: string | undefined,
): Promise<number> {
  const owner = await ownerOf(run, tenant);
  const systems = (await listSystems(run)).filter(
    (system) =>
      system.owner === owner && system.url === url && (version === undefined || system.version === version),
  );
  for (const system of systems) await removeListed(run, system);
  return systems.length;
}

function lineOf({ tenant, url, version, concepts, loaded }: ListedSystem): string {
  const name = version === '' ? url : `${url}|${version}`;
  return `${(tenant ?? '(shared)').padEnd(16)} ${name.padEnd(56)} ${count(concepts).padStart(10)} codes  ${loaded.toISOString().slice(0, 10)}`;
}

/** How far a load is: on one line of a terminal, a line every few seconds elsewhere. */
class Progress {
  readonly #began = performance.now();
  #shown = 0;

  show(concepts: number, share: number): void {
    const now = performance.now();
    const terminal = process.stderr.isTTY;
    if (now - this.#shown < (terminal ? 200 : 5000)) return;
    this.#shown = now;
    const rate = concepts / Math.max(0.001, (now - this.#began) / 1000);
    const line = `${(share * 100).toFixed(0).padStart(3)} %  ${count(concepts)} codes  ${count(rate)}/s`;
    process.stderr.write(terminal ? `\r\x1b[K${line}` : `${line}\n`);
  }

  end(): void {
    if (process.stderr.isTTY && this.#shown > 0) process.stderr.write('\r\x1b[K');
  }

  get seconds(): string {
    return ((performance.now() - this.#began) / 1000).toFixed(1);
  }
}
