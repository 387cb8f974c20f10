import { loadDefinitions } from '../../server/src/conformance/definitions.ts';
import type { ElementModel } from '../../server/src/conformance/model.ts';
import { Members, type Node, nodeOf } from './hostile-values.ts';
import type { Random } from './random.ts';

export const definitions = loadDefinitions();

/** Ids that the tests put Patients under before they begin. */
export const SEEDED = ['a', 'b', 'c'] as const;

const PRIMITIVES: Readonly<Record<string, readonly (string | number | boolean)[]>> = {
  boolean: [true, false],
  integer: [0, 1, -5, 2147483647],
  positiveInt: [1, 7],
  unsignedInt: [0, 3],
  decimal: [0, 1.5, -2, 0.001],
  date: ['2020', '2020-02', '2020-02-29'],
  dateTime: ['2020', '2020-02-29T10:00:00Z', '2020-02-29T10:00:00.123+02:00'],
  instant: ['2020-02-29T10:00:00Z', '2020-02-29T10:00:00.123-05:00'],
  time: ['10:00:00', '23:59:59.5'],
  uri: ['http://example.org/a', 'urn:oid:1.2.3'],
  url: ['http://example.org/a'],
  canonical: ['http://example.org/vs|1'],
  oid: ['urn:oid:1.2.3'],
  uuid: ['urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0'],
  base64Binary: ['aGVsbG8='],
  code: ['a', 'final', 'active'],
  id: ['x', 'A-1.b'],
  string: ['Anna', 'Müller', 'a b'],
  markdown: ['*x*'],
  xhtml: ['<div xmlns="http://www.w3.org/1999/xhtml"><p>x</p></div>'],
};

/** A resource with random elements that the R4 definitions allow; FHIRPath invariants are not looked at. */
export function randomResource(random: Random, type = random.pick(definitions.resourceTypes)): Members {
  return new Members([['resourceType', type], ...elementsOf(type, random, 0)]);
}

function elementsOf(type: string, random: Random, depth: number): [string, Node][] {
  const model = definitions.types.get(type);
  if (model === undefined) return [];
  const members: [string, Node][] = [];
  const chosen = new Set<string>();
  for (const element of model.elements.values()) {
    const { choice, name, min } = element;
    if (
      name === 'id' ||
      name === 'contained' ||
      name === 'extension' ||
      name === 'modifierExtension' ||
      name === 'meta'
    )
      continue;
    if (choice !== undefined && chosen.has(choice)) continue;
    const wanted = min > 0 && choice === undefined ? 1 : depth === 0 ? 0.35 : depth < 3 ? 0.2 : 0;
    if (!random.chance(wanted)) continue;
    if (choice !== undefined) chosen.add(choice);
    const value = (): Node => randomValue(element, random, depth);
    members.push([
      name,
      element.array ? random.times(1 + random.below(Math.min(2, element.max)), value) : value(),
    ]);
  }
  if (random.chance(0.03))
    members.push(['extension', [nodeOf({ url: 'http://example.org/x', valueString: 'y' })]]);
  return members;
}

function randomValue(element: ElementModel, random: Random, depth: number): Node {
  const { type, requiredBinding } = element;
  if (type === 'Reference') {
    const target = element.targets?.includes('Patient') ? `Patient/${random.pick(SEEDED)}` : undefined;
    return nodeOf(target === undefined ? { display: 'somebody' } : { reference: target });
  }
  if (type === 'Resource') return randomResource(random, 'Basic');
  if (requiredBinding !== undefined && type === 'code') {
    const codes = [...(definitions.requiredCodes(requiredBinding) ?? [])].filter(
      (code) => !code.includes('|'),
    );
    if (codes.length > 0) return random.pick(codes);
  }
  const samples = PRIMITIVES[type];
  if (samples !== undefined) return random.pick(samples);
  const members = elementsOf(type, random, depth + 1);
  return new Members(
    members.length > 0
      ? members
      : [['extension', [nodeOf({ url: 'http://example.org/x', valueBoolean: true })]]],
  );
}
