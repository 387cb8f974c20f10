import { loadConfig } from '../config/config.ts';
import { checkTenantName } from '../storage/tenants.ts';
import { type Command, parse, UsageError, wholeNumber } from './command.ts';
import { HttpClient, outcomeTexts, TOKEN_VARIABLE } from './http-client.ts';
import { inputFiles } from './loading/files.ts';
import { Journal } from './loading/journal.ts';
import { loadFiles } from './loading/loader.ts';
import { count, ProgressDisplay } from './loading/progress.ts';
import { localUrl } from './local-url.ts';
import { lockHolder } from './lock.ts';
import { ownServer } from './own-token.ts';

/** `vesta load`. */
export const load: Command = {
  help: `Usage: vesta load FILE|DIRECTORY... [OPTION...]

Loads FHIR JSON into a running server: bundles (transaction, batch, collection and others), single resources, and
NDJSON with one resource a line; each gzipped (.gz) or not. Of a directory it takes the files that end in .json,
.ndjson or .jsonl, with those below. Organizations, locations and practitioners come first. What is loaded is
remembered: after an interruption the same command goes on, and changed files are loaded again.

  --tenant NAME         tenant to load into (demo)
  --url URL             address of the server (the one that runs on VESTA_DATA_DIR, or else PORT and HOST)
  --concurrency NUMBER  requests at once (4)
  --restart             forget what was loaded before
  --once                remember nothing; ask the server which bundles it has, and send batches as transactions

A server of this installation gets the operator's token by itself; for others set VESTA_TOKEN (see vesta token).
The exit code is 1 when something could not be loaded; it is listed with the server's reasons.`,

  async run(args) {
    const { values, positionals } = parse(
      args,
      {
        tenant: { type: 'string' },
        url: { type: 'string' },
        concurrency: { type: 'string' },
        restart: { type: 'boolean' },
        once: { type: 'boolean' },
      },
      [1, 10_000],
    );
    const config = loadConfig();
    const tenant = values.tenant ?? 'demo';
    checkTenantName(tenant);
    const concurrency = wholeNumber('concurrency', values.concurrency, 4, 1, 64);
    const url = serverUrl(values.url, config);
    const base = `${url}/fhir/${tenant}`;
    const files = inputFiles(positionals);
    if (files.length === 0) throw new UsageError('There are no .json, .ndjson or .jsonl files');
    const journal = values.once
      ? undefined
      : new Journal(config.dataDirectory, base, values.restart ?? false);
    const todo = files.filter((file) => journal?.progress(file, -1) !== 'done');
    const done = files.length - todo.length;
    if (done > 0)
      console.log(`${done} of ${files.length} files were loaded before (--restart loads them again)`);
    if (todo.length === 0) return 0;

    if (process.connected) {
      process.on('disconnect', () => process.exit(1));
      process.channel?.unref();
    }
    const client = new HttpClient(concurrency, undefined, ownServer(config, url, tenant));
    const display = new ProgressDisplay(todo.reduce((sum, { bytes }) => sum + bytes, 0));
    try {
      await requireTenant(client, base);
      const failures = await loadFiles(todo, {
        client,
        base,
        concurrency,
        journal,
        once: values.once ?? false,
        display,
      });
      display.end();
      const rate = display.resources / display.seconds;
      console.log(
        `${count(display.resources)} resources from ${todo.length} files in ${display.seconds.toFixed(1)} s (${count(rate)}/s)`,
      );
      if (failures.length === 0) return 0;
      console.error(`${failures.length} failed:\n${failures.join('\n')}`);
      console.error('Run the same command again to try those once more.');
      return 1;
    } finally {
      display.end();
      client.close();
    }
  },
};

/** The server's address: as given, of the server that runs on the data directory, or of the configuration. */
export function serverUrl(given: string | undefined, config: ReturnType<typeof loadConfig>): string {
  if (given !== undefined) {
    if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol)) {
      throw new UsageError(`--url: "${given}" is no http:// or https:// address`);
    }
    return given.replace(/\/+$/, '').replace(/\/fhir$/, '');
  }
  const running = config.databaseUrl === undefined ? lockHolder(config.dataDirectory)?.url : undefined;
  return running ?? localUrl(config);
}

async function requireTenant(client: HttpClient, base: string): Promise<void> {
  const answer = await client.send({ method: 'GET', url: `${base}/Patient?_summary=count` });
  if (answer.status === 200) return;
  if (answer.status === 401) throw new Error(tokenNeeded(base));
  throw new Error(`${base} answers ${answer.status}: ${outcomeTexts(answer.body, 1).join('')}`);
}

/** What to do about a 401. */
export const tokenNeeded = (base: string): string =>
  `${base} asks for an access token: set ${TOKEN_VARIABLE} to one (vesta token prints one where its database is at hand)`;
