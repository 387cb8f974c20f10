import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { validateStructure } from './structure.ts';

const definitions = loadDefinitions();
const synthea = fileURLToPath(new URL('../../../../shared/data/synthea/', import.meta.url));
const BUNDLES = [
  'hospitals',
  'practitioners',
  ...['1', '2', '3', '4', '5'].map((number) => `patient-00${number}`),
];

function load(name: string): Resource {
  return parseJson(gunzipSync(readFileSync(`${synthea}${name}.json.gz`)).toString('utf8')) as Resource;
}

type Key = string | number;
type Container = Record<Key, unknown>;

/** Every place in a value: the keys that lead to it. */
function places(value: JsonValue, path: Key[] = []): Key[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, item]) =>
    places(item as JsonValue, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return path.length === 0 ? inner : [path, ...inner];
}

/** What can be put in place of a value so that the resource is wrong; undefined where it would not be a mistake. */
const MISTAKES: readonly ((value: unknown) => unknown)[] = [
  () => null,
  () => [],
  () => ({}),
  (value) => (Array.isArray(value) ? value[0] : [value]),
  (value) => (typeof value === 'string' ? '' : undefined),
  (value) => (typeof value === 'string' ? 1 : undefined),
  (value) => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined),
  (value) => (typeof value === 'object' && !Array.isArray(value) ? { ...value, unknown: 'x' } : undefined),
];

describe.skipIf(!existsSync(synthea))('Synthea', () => {
  it.each(BUNDLES)('all of %s is accepted', (name) => {
    expect(validateStructure(load(name), definitions)).toEqual([]);
  });

  it('a valid resource with one mistake anywhere has an issue', () => {
    const entries = load('patient-005')['entry'] as JsonObject[];
    const resources = entries.map((entry) => entry['resource'] as Resource);
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(MISTAKES.length - 1), (which, where, how) => {
        const copy = JSON.parse(JSON.stringify(resources[which % resources.length])) as Container & Resource;
        const all = places(copy);
        const path = all[where % all.length] as Key[];
        let parent: Container = copy;
        for (const key of path.slice(0, -1)) parent = parent[key] as Container;
        const key = path.at(-1) as Key;
        const wrong = MISTAKES[how]?.(parent[key]);
        fc.pre(wrong !== undefined);
        parent[key] = wrong;
        const [issue] = validateStructure(copy, definitions);
        expect(issue?.expression, `${path.join('.')} with mistake ${how}`).toBeDefined();
      }),
      { numRuns: 2000 },
    );
  });

  it('a valid resource with a property of another name anywhere has an issue at that property', () => {
    const entries = load('patient-005')['entry'] as JsonObject[];
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.stringMatching(/^[a-z]{3,8}Qq$/), (which, where, name) => {
        const copy = JSON.parse(JSON.stringify(entries[which % entries.length]?.['resource'])) as Container &
          Resource;
        const paths = places(copy).filter((path) => typeof path.at(-1) === 'string');
        const path = paths[where % paths.length] as Key[];
        let parent: Container = copy;
        for (const key of path.slice(0, -1)) parent = parent[key] as Container;
        parent[name] = 'x';
        const issues = validateStructure(copy, definitions);
        expect(issues.map((issue) => issue.expression?.endsWith(`.${name}`))).toEqual([true]);
      }),
      { numRuns: 500 },
    );
  });
});
