import type { Tenant } from '../access/scope.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import type { Connections } from '../storage/connections.ts';
import {
  type ClosureConcept,
  type ClosureEntry,
  closureEntries,
  extendClosure,
  readClosure,
  resetClosure,
} from '../storage/terminology/closures.ts';
import type { TxContext } from './context.ts';
import { type TxError, txError } from './issues.ts';
import { objectOf, stringOf } from './json.ts';

const MOST_CONCEPTS = 50_000;
const MOST_AT_ONCE = 1000;
const ATTEMPTS = 5;

export interface ClosureRequest {
  readonly name: string;
  readonly concepts: readonly JsonValue[];
  /** The version that the client has: what came after it is asked for. */
  readonly version: string | undefined;
}

/**
 * $closure (R4 conceptmap-operation-closure.html): without concepts and version it makes or empties the client's table;
 * with concepts it adds them and answers what they subsume and are subsumed by; with a version it repeats what came after.
 * @returns a ConceptMap of the new relationships
 */
export async function closure(
  connections: Connections,
  tenant: Tenant,
  context: TxContext,
  { name, concepts, version }: ClosureRequest,
): Promise<JsonObject> {
  if (name.length > 64 || /\s/.test(name) || name === '')
    throw wrong(
      `The closure table name '${name}' is not valid: it must not contain white space, and must be no more than 64 characters long`,
    );
  if (concepts.length > 0 && version !== undefined)
    throw wrong('A $closure request can add concepts or resynchronise from a version, but not both at once');
  if (concepts.length === 0 && version === undefined) {
    await resetClosure(connections, tenant, name);
    return conceptMap(name, 0, []);
  }
  if (version !== undefined) {
    const state = await readClosure(connections, tenant, name);
    if (state === undefined) throw unknownTable(name);
    if (!/^\d+$/.test(version) || Number(version) > state.version) {
      throw wrong(
        `The version '${version}' is not valid for the closure table '${name}': it must be a whole number between 0 and the table's current version, ${state.version}`,
      );
    }
    return conceptMap(name, state.version, await closureEntries(connections, tenant, name, Number(version)));
  }
  if (concepts.length > MOST_AT_ONCE)
    throw txError(
      422,
      'too-costly',
      'too-costly',
      `A single $closure request can add at most ${MOST_AT_ONCE} concepts on this server`,
    );
  const added = concepts.map(closureConcept);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const state = await readClosure(connections, tenant, name);
    if (state === undefined) throw unknownTable(name);
    if (state.concepts.length + added.length > MOST_CONCEPTS)
      throw txError(
        422,
        'too-costly',
        'too-costly',
        `The closure table '${name}' can hold at most ${MOST_CONCEPTS} concepts on this server`,
      );
    const entries = await relate(context, state.concepts, added);
    const next = await extendClosure(connections, tenant, name, state.version, added, entries);
    if (next !== undefined) return conceptMap(name, next, entries);
  }
  throw txError(
    409,
    'conflict',
    'business-rule',
    `The closure table '${name}' is busy with other requests. Try again shortly`,
  );
}

function closureConcept(value: JsonValue): ClosureConcept {
  const coding = objectOf(value);
  const system = stringOf(coding?.['system']);
  const code = stringOf(coding?.['code']);
  if (system === undefined || code === undefined)
    throw wrong('Each concept added to a closure table must be a Coding with a system and a code');
  return { system, version: stringOf(coding?.['version']) ?? '', code };
}

/** The subsumptions between added concepts, and between them and those that are there. */
async function relate(
  context: TxContext,
  known: readonly ClosureConcept[],
  added: readonly ClosureConcept[],
): Promise<ClosureEntry[]> {
  const entries: ClosureEntry[] = [];
  const seen = new Set(known.map(keyOf));
  const all = [...known];
  for (const concept of added) {
    if (seen.has(keyOf(concept))) continue;
    seen.add(keyOf(concept));
    const { system, version, code } = concept;
    const provider = await context.expandable(system, version === '' ? undefined : version);
    if ((await provider.locate(code)) === undefined)
      throw txError(
        422,
        'code-invalid',
        'invalid-code',
        `Unknown code '${code}' in the CodeSystem '${system}'`,
      );
    for (const other of all) {
      await context.tick(system);
      if (other.system !== system || other.version !== version || other.code === code) continue;
      if (await provider.isBelow(code, other.code))
        entries.push({ system, version, below: code, above: other.code });
      else if (await provider.isBelow(other.code, code))
        entries.push({ system, version, below: other.code, above: code });
    }
    all.push(concept);
  }
  return entries;
}

function keyOf({ system, version, code }: ClosureConcept): string {
  return `${system}|${version}#${code}`;
}

/** The relationships as R4 writes them: an element is subsumed by each of its targets. */
function conceptMap(name: string, version: number, entries: readonly ClosureEntry[]): JsonObject {
  const groups = new Map<string, { system: string; version: string; elements: Map<string, string[]> }>();
  for (const { system, version: systemVersion, below, above } of entries) {
    const key = `${system}|${systemVersion}`;
    const group = groups.get(key) ?? { system, version: systemVersion, elements: new Map() };
    groups.set(key, group);
    group.elements.set(below, [...(group.elements.get(below) ?? []), above]);
  }
  const group = [...groups.values()].map(({ system, version: systemVersion, elements }) => ({
    source: system,
    ...(systemVersion === '' ? {} : { sourceVersion: systemVersion }),
    target: system,
    ...(systemVersion === '' ? {} : { targetVersion: systemVersion }),
    element: [...elements].map(([code, targets]) => ({
      code,
      target: targets.map((target) => ({ code: target, equivalence: 'subsumes' })),
    })),
  }));
  return {
    resourceType: 'ConceptMap',
    name,
    version: String(version),
    status: 'active',
    experimental: true,
    date: new Date().toISOString(),
    ...(group.length === 0 ? {} : { group }),
  };
}

function wrong(text: string): TxError {
  return txError(400, 'invalid', 'invalid-data', text);
}

function unknownTable(name: string): TxError {
  return txError(
    404,
    'not-found',
    'not-found',
    `The closure table '${name}' does not exist on this server. Initialise it first, with a $closure request that names it and has no concepts`,
  );
}
