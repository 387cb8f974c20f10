import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SearchParamModel } from '../src/conformance/model.ts';
import { compartment } from './naive-definitions.ts';
import { compareBySort } from './naive-order.ts';
import { referenceOf } from './naive-search.ts';
import type { JsonObject } from './naive-values.ts';
import { of, TARGETS } from './search-datatypes.ts';
import { commonQueries, plainQueries, type Query, queries, sortedQueries } from './search-queries.ts';
import { resourceTexts, TYPES } from './search-resources.ts';
import { type DataSet, definitions, openSearchStore, type SearchStore } from './search-store.ts';

/*
 * Random resources and random searches: what PostgreSQL finds is compared with a naive reading of R4 search.html in
 * memory (naive-search.ts). FC_SEED repeats a run, FC_RUNS asks more, FC_SHOW lists more differences.
 */
const RUNS = Number(process.env['FC_RUNS'] ?? 2400);
// CI judges a change, so it asks the same questions each time; everybody else's runs look further.
const SEED = Number(process.env['FC_SEED'] ?? (process.env['CI'] ? 2106430236 : Date.now() % 2 ** 31));
const SETS = 6;

let store: SearchStore;
const sets: DataSet[] = [];

beforeAll(async () => {
  console.log(`search property test: FC_SEED=${SEED} FC_RUNS=${RUNS}`);
  store = await openSearchStore();
  for (let i = 0; i < SETS; i++) {
    const [texts] = fc.sample(resourceTexts, { seed: SEED + i, numRuns: 1 }) as [string[]];
    sets.push(await store.add(`set${i}`, texts));
  }
  await store.analyze();
});

afterAll(() => store?.close());

/** One search as a URL, for messages. */
function urlOf({ type, parameters }: Query): string {
  return `${type}?${parameters.map(([name, value]) => `${name}=${value}`).join('&')}`;
}

function difference(
  { naive }: DataSet,
  expected: readonly string[],
  found: readonly string[],
): string | undefined {
  const missing = expected.filter((one) => !found.includes(one));
  const extra = found.filter((one) => !expected.includes(one));
  const [example] = [...missing, ...extra];
  if (example === undefined) return undefined;
  const resource = naive.resources.find((one) => referenceOf(one) === example);
  return `missing [${missing.join(', ')}], extra [${extra.join(', ')}], e.g.\n    ${JSON.stringify(resource)}`;
}

/** Runs a check over random cases and lists what failed, shortest first. */
async function checkAll<T>(
  cases: fc.Arbitrary<T>,
  runs: number,
  check: (one: T) => Promise<{ case: string; problem: string } | undefined>,
): Promise<void> {
  const wrong: string[] = [];
  for (const one of fc.sample(cases, { seed: SEED, numRuns: runs })) {
    const failed = await check(one);
    if (failed !== undefined) wrong.push(`${failed.case}\n  ${failed.problem}`);
  }
  wrong.sort((a, b) => a.length - b.length);
  const shown = wrong.slice(0, Number(process.env['FC_SHOW'] ?? 10)).join('\n');
  expect(wrong.length, `FC_SEED=${SEED}: ${wrong.length} of ${runs} cases differ\n${shown}`).toBe(0);
}

const PATIENT_COMPARTMENT = compartment('Patient');
const anySet = fc.nat(SETS - 1);

describe('R4 search.html: the SQL finds what a naive reading of the specification finds', () => {
  const populated = (param: SearchParamModel) =>
    sets.some(({ naive }) => naive.has(param.resourceType, param.code));

  test('searches of one type: every type of parameter, modifiers, prefixes, chains, _has, composites, _filter', async () => {
    let withMatches = 0;
    await checkAll(fc.tuple(queries(definitions, populated), anySet), RUNS, async ([query, at]) => {
      const set = sets[at] as DataSet;
      const found = await set.find(query.type, query.parameters);
      const expected = set.naive.find(
        [query.type],
        query.filter === undefined ? query.parameters : [],
        query.filter,
      );
      if (expected.length > 0) withMatches++;
      const problem = difference(set, expected, found);
      return problem === undefined ? undefined : { case: `${urlOf(query)} (set ${at})`, problem };
    });
    console.log(`${withMatches} of ${RUNS} searches have matches`, Object.fromEntries(store.ways));
  }, 600_000);

  test('#sort and http.html#paging: following next gives every match once, in order', async () => {
    const cases = fc.tuple(sortedQueries(definitions, populated), anySet, fc.integer({ min: 1, max: 7 }));
    await checkAll(cases, Math.ceil(RUNS / 8), async ([{ query, sort }, at, size]) => {
      const set = sets[at] as DataSet;
      const asked = [...query.parameters, ['_sort', sort]] as const;
      const name = `${urlOf({ ...query, parameters: asked })} in pages of ${size} (set ${at})`;
      const found = await set.pages(query.type, asked, size);
      if (found === undefined) return undefined;
      if (new Set(found).size !== found.length)
        return { case: name, problem: `twice in ${found.join(', ')}` };
      const problem = difference(set, set.naive.find([query.type], query.parameters), found);
      if (problem !== undefined) return { case: name, problem };
      const resources = found.map(
        (one) => set.naive.resources.find((other) => referenceOf(other) === one) as JsonObject,
      );
      for (const [i, one] of resources.entries()) {
        const next = resources[i + 1];
        if (next !== undefined && compareBySort(set.naive, sort, one, next) > 0) {
          return {
            case: name,
            problem: `${referenceOf(one)} before ${referenceOf(next)}\n${JSON.stringify([one, next])}`,
          };
        }
      }
      return undefined;
    });
  }, 600_000);

  test('#contained: _contained=true and both, by container and by contained resource', async () => {
    // What takes other resources cannot be asked of a contained one.
    const cases = of(['Patient', 'Practitioner', 'Observation', 'Organization']).chain((type) =>
      fc.tuple(
        plainQueries(type, definitions, populated),
        anySet,
        of(['true', 'both']),
        of(['container', 'contained']),
      ),
    );
    await checkAll(cases, Math.ceil(RUNS / 16), async ([query, at, contained, containedType]) => {
      const set = sets[at] as DataSet;
      const { naive } = set;
      const parameters = [
        ...query.parameters,
        ['_contained', contained],
        ['_containedType', containedType],
      ] as const;
      const expected = naive.resources.flatMap((container) => {
        const inner = naive.contained(container).filter((one) => one['resourceType'] === query.type);
        const matching = inner.filter((one) =>
          query.parameters.every(([name, value]) => naive.matches(one, name, value)),
        );
        const itself =
          contained === 'both' && naive.find([query.type], query.parameters).includes(referenceOf(container));
        const reference = referenceOf(container);
        if (containedType === 'container') return matching.length > 0 || itself ? [reference] : [];
        return [
          ...(itself ? [reference] : []),
          ...matching.map((one) => `${reference}#${one['id'] as string}`),
        ];
      });
      const found = await set.contained(query.type, parameters);
      const problem =
        found.length === new Set(found).size ? difference(set, expected, found) : `twice in ${found}`;
      return problem === undefined
        ? undefined
        : { case: `${urlOf({ ...query, parameters })} (set ${at})`, problem };
    });
  }, 600_000);

  test('#all and compartmentdefinition.html: several types, and the resources of a patient', async () => {
    const inCompartment = fc.tuple(of(TYPES), of(TARGETS)).chain(([type, id]) =>
      fc.record({
        query: plainQueries(type, definitions, populated),
        types: fc.constant([type]),
        patient: fc.constant(id),
      }),
    );
    const overTypes = fc.record({
      query: fc.oneof(
        commonQueries,
        commonQueries.map(({ type }): Query => ({ type, parameters: [] })),
      ),
      types: fc.uniqueArray(of(TYPES), { minLength: 1, maxLength: 4 }),
      patient: fc.option(of(TARGETS), { nil: undefined }),
    });
    await checkAll(
      fc.tuple(fc.oneof(inCompartment, overTypes), anySet),
      Math.ceil(RUNS / 8),
      async ([one, at]) => {
        const set = sets[at] as DataSet;
        const { query, patient } = one;
        const types = one.types.filter(
          (type) => patient === undefined || type === 'Patient' || PATIENT_COMPARTMENT.has(type),
        );
        if (types.length === 0) return undefined;
        const parameters = [
          ...query.parameters,
          ...(types.length === 1 ? [] : [['_type', types.join(',')] as const]),
        ];
        const compartment = patient === undefined ? {} : { compartment: { type: 'Patient', id: patient } };
        const found = await set.find(types.length === 1 ? types[0] : undefined, parameters, compartment);
        const expected = set.naive
          .find(types, query.parameters)
          .filter(
            (reference) =>
              patient === undefined ||
              set.naive.isInCompartment(reference, `Patient/${patient}`, PATIENT_COMPARTMENT),
          );
        const problem = difference(set, expected, found);
        const name = `${patient === undefined ? '' : `Patient/${patient}/`}${types.join(',')} ${urlOf({ ...query, parameters })} (set ${at})`;
        return problem === undefined ? undefined : { case: name, problem };
      },
    );
  }, 600_000);
});
