import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HttpClient } from '../src/cli/http-client.ts';
import { inputFiles } from '../src/cli/loading/files.ts';
import { loadFiles } from '../src/cli/loading/loader.ts';
import { ProgressDisplay } from '../src/cli/loading/progress.ts';
import { type Json, startHarness, type TestClient } from './harness.ts';

const DEMO = fileURLToPath(new URL('../demo/us-core', import.meta.url));

/** A server that holds the demo data for US Core. */
export interface UsCoreDemo {
  readonly client: TestClient;
  /** What could not be loaded; empty as it should be. */
  readonly failures: readonly string[];
  /** Everything that was loaded, as the server returns it, by `Type/id`. */
  readonly stored: ReadonlyMap<string, Json>;
  /** The stored resources of a type. */
  all(type: string): Json[];
  /**
   * `Type/id` of what a search finds, in their order; asked once per query.
   * @throws Error unless GET answers 200 and POST to `_search` finds the same (R4 http.html#search)
   */
  search(type: string, query: string): Promise<readonly string[]>;
  /** Loads the data as `vesta load` does. @param once as its option `--once` @returns what could not be loaded */
  load(tenant: TestClient, once: boolean): Promise<string[]>;
  /** The client of a second tenant, which is empty. */
  readonly other: TestClient;
  stop(): Promise<void>;
}

/** Starts a server of its own and loads server/demo/us-core into it, in the way in which `npm start` does. */
export async function startUsCoreDemo(): Promise<UsCoreDemo> {
  const harness = await startHarness({ tenants: ['demo', 'other'] });
  const client = harness.client();
  const failures = await load(client, true);
  const stored = new Map<string, Json>();
  for (const type of typesOfDemo()) {
    const { entries } = await client.pages(`${type}?_count=500`);
    for (const { resource } of entries) stored.set(keyOf(resource), resource);
  }
  const answers = new Map<string, Promise<readonly string[]>>();
  return {
    client,
    failures,
    stored,
    all: (type) => [...stored.values()].filter((one) => one.resourceType === type),
    search(type, query) {
      const key = `${type}?${query}`;
      const answer = answers.get(key) ?? ask(client, type, query);
      answers.set(key, answer);
      return answer;
    },
    load,
    other: harness.client('other'),
    stop: () => harness.stop(),
  };
}

async function load(tenant: TestClient, once: boolean): Promise<string[]> {
  const http = new HttpClient(4);
  const silent = { write: () => true, isTTY: false } as unknown as NodeJS.WriteStream;
  const display = new ProgressDisplay(1, silent);
  try {
    return await loadFiles(inputFiles([DEMO]), {
      client: http,
      base: tenant.base,
      concurrency: 4,
      journal: undefined,
      once,
      display,
    });
  } finally {
    display.end();
    http.close();
  }
}

async function ask(client: TestClient, type: string, query: string): Promise<readonly string[]> {
  const keys = (bundle: Json): string[] =>
    (bundle.entry ?? []).map((one: Json) => keyOf(one.resource)).sort();
  const got = await client.get(`${type}?${query}&_count=500`);
  if (got.status !== 200) throw new Error(`${type}?${query} answers ${got.status}: ${got.text}`);
  const posted = await client.post(`${type}/_search`, `${query}&_count=500`, {
    'Content-Type': 'application/x-www-form-urlencoded',
  });
  const found = keys(got.json);
  if (JSON.stringify(keys(posted.json)) !== JSON.stringify(found)) {
    throw new Error(`${type}/_search finds other resources than ${type}?${query}`);
  }
  return found;
}

function typesOfDemo(): string[] {
  const texts = inputFiles([DEMO]).map(({ path }) => readFileSync(path, 'utf8'));
  const bundles: Json[] = texts.map((text) => JSON.parse(text));
  return [...new Set(bundles.flatMap(({ entry }) => entry.map((one: Json) => one.resource.resourceType)))];
}

export const keyOf = ({ resourceType, id }: Json): string => `${resourceType}/${id}`;

/** The codes of a CodeableConcept or of several. */
export const codesOf = (concepts: Json): string[] =>
  [concepts ?? []].flat().flatMap(({ coding = [] }: Json) => coding.map(({ code }: Json) => code));

/** Whether meta.profile names a profile, without a version or with the profile's. */
export const declares = (resource: Json, { url, version }: Json): boolean =>
  (resource.meta?.profile ?? []).some((one: string) => one === url || one === `${url}|${version}`);
