import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Harness, type Json, startHarness, type TestClient } from './harness.ts';

/*
 * Random sequences of interactions with a few resources, against a model of R4 http.html in memory: what each answers,
 * and what is there afterwards by read, vread, history and search.
 */

let harness: Harness;
let client: TestClient;
let runs = 0;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
});
afterAll(() => harness?.stop());

/** The versions of a resource, oldest first: its gender, or null for a deletion. */
type Versions = (string | null)[];

/** What the model says of one resource. */
class Instance {
  readonly versions: Versions = [];

  get version(): number {
    return this.versions.length;
  }

  get current(): string | null | undefined {
    return this.versions.at(-1);
  }

  get exists(): boolean {
    return typeof this.current === 'string';
  }
}

type Command =
  | { kind: 'put' | 'cput'; id: number; gender: string; ifMatch: number | undefined }
  | { kind: 'patch'; id: number; gender: string; test: string | undefined; ifMatch: number | undefined }
  | { kind: 'delete'; id: number; ifMatch: number | undefined }
  | { kind: 'ccreate'; id: number; gender: string }
  | { kind: 'cdelete'; id: number };

const genders = fc.constantFrom('male', 'female', 'other', 'unknown');
const ids = fc.integer({ min: 0, max: 2 });
/** Mostly no condition; otherwise a version near the ones that there will be. */
const ifMatch = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 3 });
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constantFrom('put' as const, 'cput' as const), id: ids, gender: genders, ifMatch }),
  fc.record({
    kind: fc.constant('patch' as const),
    id: ids,
    gender: genders,
    test: fc.option(genders, { nil: undefined }),
    ifMatch,
  }),
  fc.record({ kind: fc.constant('delete' as const), id: ids, ifMatch }),
  fc.record({ kind: fc.constant('ccreate' as const), id: ids, gender: genders }),
  fc.record({ kind: fc.constant('cdelete' as const), id: ids }),
);

/** Carries out a command on the server and on the model, and compares the answers. */
async function step(run: string, model: Map<string, Instance>, given: Command): Promise<void> {
  const id = `${run}-${given.id}`;
  const value = `${run}.${given.id}`;
  const criteria = `identifier=http://example.org|${value}`;
  const body = (gender: string): Json => ({
    resourceType: 'Patient',
    id,
    gender,
    identifier: [{ system: 'http://example.org', value }],
  });
  const instance = model.get(id) ?? new Instance();
  model.set(id, instance);
  const { exists, version } = instance;
  const condition = 'ifMatch' in given ? given.ifMatch : undefined;
  const headers: Record<string, string> = condition === undefined ? {} : { 'If-Match': `W/"${condition}"` };
  const fails412 = condition !== undefined && (!exists || condition !== version);
  let answer: Answer;
  let expected: number[];
  let next: string | null | undefined;
  switch (given.kind) {
    case 'put':
    case 'cput':
      answer = await client.put(
        given.kind === 'put' ? `Patient/${id}` : `Patient?${criteria}`,
        body(given.gender),
        headers,
      );
      expected = [fails412 ? 412 : exists ? 200 : 201];
      if (!fails412) next = given.gender;
      break;
    case 'patch': {
      const operations = [
        ...(given.test === undefined ? [] : [{ op: 'test', path: '/gender', value: given.test }]),
        { op: 'replace', path: '/gender', value: given.gender },
      ];
      answer = await client.patch(`Patient/${id}`, operations, headers);
      const failsTest = given.test !== undefined && given.test !== instance.current;
      expected = !exists
        ? [version === 0 ? 404 : 410, ...(fails412 ? [412] : [])]
        : [fails412 ? 412 : failsTest ? 422 : 200];
      if (expected[0] === 200) next = given.gender;
      break;
    }
    case 'delete':
      answer = await client.delete(`Patient/${id}`, headers);
      expected = [fails412 ? 412 : 204];
      if (exists && !fails412) next = null;
      break;
    case 'ccreate': {
      // The server gives an id of its own: only the case of a match is about the model's resource.
      if (!exists) return;
      answer = await client.post('Patient', body(given.gender), { 'If-None-Exist': criteria });
      expected = [200];
      expect(answer.json).toMatchObject({ id, gender: instance.current });
      break;
    }
    case 'cdelete':
      answer = await client.delete(`Patient?${criteria}`);
      expected = [200, 204];
      if (exists) next = null;
      break;
  }
  expect(expected, JSON.stringify(given)).toContain(answer.status);
  if (next !== undefined) instance.versions.push(next);
  if (typeof next === 'string')
    expect(answer.json).toMatchObject({ id, gender: next, meta: { versionId: String(instance.version) } });
}

/** Compares everything that can be asked about a resource. */
async function check(id: string, instance: Instance): Promise<void> {
  const read = await client.get(`Patient/${id}`);
  expect(read.status).toBe(instance.exists ? 200 : instance.version === 0 ? 404 : 410);
  if (instance.exists)
    expect(read.json).toMatchObject({
      gender: instance.current,
      meta: { versionId: String(instance.version) },
    });
  const search = (await client.get(`Patient?_id=${id}`)).json;
  expect(search.total).toBe(instance.exists ? 1 : 0);
  if (instance.exists) expect(search.entry[0].resource).toEqual(read.json);
  if (instance.version === 0) return;
  const { entries } = await client.pages(`Patient/${id}/_history?_count=3`);
  expect(entries.map((one) => one.resource?.gender ?? null)).toEqual([...instance.versions].reverse());
  for (const [index, gender] of instance.versions.entries()) {
    const vread = await client.get(`Patient/${id}/_history/${index + 1}`);
    expect([vread.status, vread.json.gender]).toEqual(gender === null ? [410, undefined] : [200, gender]);
  }
}

describe('any sequence of interactions (R4 http.html#read to #history)', () => {
  it('leaves what the specification says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 12 }), async (commands) => {
        const run = `m${runs++}`;
        const model = new Map<string, Instance>();
        for (const one of commands) await step(run, model, one);
        for (const [id, instance] of model) await check(id, instance);
      }),
      { numRuns: 40 },
    );
  });
});
