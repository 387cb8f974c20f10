import { createWriteStream } from 'node:fs';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { type ChainKey, chainKey } from '../audit/chain.ts';
import { keyTexts, RowMaker, readEntry } from '../audit/entry.ts';
import { auditEventResource } from '../audit/resource.ts';
import { readAnchor, verifyChain } from '../audit/verify.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { dateRange } from '../search/dates.ts';
import { chainState, chainTenants, readBatches } from '../storage/audit/chains.ts';
import { migrate } from '../storage/migrate.ts';
import { type Command, parse, UsageError } from './command.ts';
import { withDatabase } from './database.ts';

/** The secret that the audit chain's key is made of; see {@link chainKey}. */
export type AuditSecret = (config: Config, client: pg.Client) => Promise<Uint8Array>;

/**
 * `vesta audit verify|export`.
 * @param secretOf gives the secret that the server's chains are made with
 */
export function auditCommand(secretOf: AuditSecret): Command {
  return {
    help: `Usage: vesta audit verify [--tenant NAME] [--since DATE] [--anchor TIME:HASH]
       vesta audit export [--tenant NAME] [--since DATE] [--patient ID] [--out FILE]

verify follows the hash chain of each tenant's audit log and tells what was changed, removed or inserted; then the exit
code is 1. It shows the end of each chain as an anchor: keep it where the database's owner cannot reach it, and give it
again later, for what is cut off at the end cannot be seen otherwise.
export writes the events as AuditEvent resources in NDJSON.

  --tenant NAME   only this tenant; also a number, for one that was deleted
  --since DATE    verify: tell problems from this date on; export: events from this date on
  --anchor A      an anchor of an earlier verify, which must still hold; needs --tenant
  --patient ID    only events that concern this patient
  --out FILE      where to write to (standard output)`,

    async run(args) {
      const { values, positionals } = parse(
        args,
        {
          tenant: { type: 'string' },
          since: { type: 'string' },
          patient: { type: 'string' },
          anchor: { type: 'string' },
          out: { type: 'string' },
        },
        [1, 1],
      );
      const [action] = positionals;
      if (action !== 'verify' && action !== 'export')
        throw new UsageError(`"${action}" is neither verify nor export`);
      const since = values.since === undefined ? 0 : dateRange(values.since)?.low;
      if (since === undefined) throw new UsageError(`--since: "${values.since}" is no date`);
      if (values.anchor !== undefined && (values.tenant === undefined || action === 'export'))
        throw new UsageError('--anchor is for verify with --tenant');
      const anchors = values.anchor === undefined ? [] : [checkedAnchor(values.anchor)];
      const config = loadConfig();
      return await withDatabase(config, `audit ${action}`, async (client) => {
        await migrate(client);
        const all = await chainTenants(client);
        const wanted =
          values.tenant === undefined
            ? all
            : all.filter(({ id, name }) => name === values.tenant || String(id) === values.tenant);
        if (values.tenant !== undefined && wanted.length === 0) {
          console.error(`There is no audit log of a tenant "${values.tenant}"`);
          return 1;
        }
        const rows = await rowMaker(client);
        if (action === 'export') {
          await exportEvents(client, wanted, {
            since,
            patient: values.patient,
            out: values.out,
            rows,
            config,
          });
          return 0;
        }
        const key = chainKey(await secretOf(config, client));
        return await verify(client, wanted, { since, anchors, rows, key });
      });
    },
  };
}

function checkedAnchor(text: string): string {
  try {
    readAnchor(text);
    return text;
  } catch (error) {
    throw new UsageError(`--anchor: ${(error as Error).message}`);
  }
}

type LogOwner = { readonly id: number; readonly name: string | undefined };

async function verify(
  client: pg.Client,
  tenants: readonly LogOwner[],
  options: { since: number; anchors: string[]; rows: RowMaker; key: ChainKey },
): Promise<number> {
  let problems = 0;
  for (const { id, name } of tenants) {
    const report = await verifyChain(await chainState(client, id), readBatches(client, id), {
      tenantId: id,
      keys: [options.key],
      rows: options.rows,
      anchors: options.anchors,
      since: options.since,
    });
    problems += report.problems.length;
    const label = name ?? `${id} (deleted)`;
    const verdict = report.problems.length === 0 ? 'verified' : `${report.problems.length} PROBLEMS`;
    const waiting = report.waiting === 0 ? '' : `, ${report.waiting} not in the chain yet`;
    console.log(`${label}: ${report.events} events in ${report.batches} batches${waiting}: ${verdict}`);
    for (const { written, text } of report.problems)
      console.log(`  ${new Date(written).toISOString()} (${written}): ${text}`);
    if (report.anchor !== undefined) console.log(`  anchor ${report.anchor}`);
  }
  if (tenants.length === 0) console.log('The audit log is empty');
  return problems === 0 ? 0 : 1;
}

interface ExportOptions {
  readonly since: number;
  readonly patient: string | undefined;
  readonly out: string | undefined;
  readonly rows: RowMaker;
  readonly config: Config;
}

async function exportEvents(
  client: pg.Client,
  tenants: readonly LogOwner[],
  { since, patient, out, rows, config }: ExportOptions,
): Promise<void> {
  async function* lines(): AsyncGenerator<string> {
    for (const { id, name } of tenants) {
      const baseUrl = `${config.baseUrl}/fhir/${name ?? id}`;
      const key = patient === undefined ? undefined : keyTexts([rows.key(id, `Patient/${patient}`)])[0];
      for await (const { written, events } of readBatches(client, id)) {
        for (const event of events) {
          if (event.happened < since || (key !== undefined && !event.keys.includes(key))) continue;
          const entry = readEntry(event.entry);
          yield `${JSON.stringify(auditEventResource({ written, n: event.n, entry }, { baseUrl }))}\n`;
        }
      }
    }
  }
  const target = out === undefined ? standardOutput() : createWriteStream(out, { flags: 'wx', mode: 0o600 });
  await pipeline(lines(), target);
}

/** Standard output that is not closed when the export is done. */
function standardOutput(): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      process.stdout.write(chunk, done);
    },
  });
}

async function rowMaker(client: pg.Client): Promise<RowMaker> {
  const { rows } = await client.query(`select value from store.setting where name = 'hash_key'`);
  if (rows[0] === undefined) throw new Error('The database has no hash_key: start the server once');
  return new RowMaker(Buffer.from(rows[0].value, 'hex'));
}
