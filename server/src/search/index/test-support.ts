import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { DefinitionsModel, ElementModel } from '../../conformance/model.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import type { PathScope } from './path-types.ts';
import { parseReference } from './references.ts';

const SYNTHEA = new URL('../../../../../shared/data/synthea/', import.meta.url);

/** Resources of the first Synthea patients with their references made literal; empty if the data is not there. */
export function syntheaResources(patients: number): Resource[] {
  const resources: Resource[] = [];
  for (let i = 1; i <= patients; i++) {
    const file = new URL(`patient-${String(i).padStart(3, '0')}.json.gz`, SYNTHEA);
    if (!existsSync(file)) return [];
    const text = gunzipSync(readFileSync(file)).toString();
    const { entry } = JSON.parse(text) as { entry: { fullUrl: string; resource: Resource }[] };
    const targets = new Map(
      entry.map(({ fullUrl, resource }) => [fullUrl, `${resource.resourceType}/${resource.id}`]),
    );
    const literal = JSON.stringify(entry).replace(
      /"reference":"(urn:uuid:[0-9a-f-]+)"/g,
      (whole, urn: string) => {
        const target = targets.get(urn);
        return target === undefined ? whole : `"reference":"${target}"`;
      },
    );
    for (const { resource } of JSON.parse(literal) as { resource: Resource }[]) resources.push(resource);
  }
  return resources;
}

/** A scope without a base URL. */
export function scopeOf(resource: Resource, definitions: DefinitionsModel): PathScope {
  const types = new Set(definitions.resourceTypes);
  return {
    resource,
    referenceType: (text) => parseReference(text, undefined, (name) => types.has(name)).type,
  };
}

const SAMPLES: Readonly<Record<string, readonly JsonValue[]>> = {
  boolean: [true, false],
  integer: [3, -7],
  positiveInt: [2],
  unsignedInt: [0, 5],
  decimal: [1.5, 0.001],
  date: ['2013', '2013-05', '2013-05-06'],
  dateTime: ['2013-05', '2013-05-06T07:08:09+02:00'],
  instant: ['2013-05-06T07:08:09.123Z'],
  time: ['10:00:00'],
  uri: ['http://example.org/a', 'urn:oid:1.2.3'],
  canonical: ['http://example.org/a|1', 'Questionnaire/q'],
  base64Binary: ['AAAA'],
};
const REFERENCES = [
  'Patient/p',
  'http://other.org/fhir/Group/g/_history/1',
  'urn:uuid:0',
  '#inner',
  'Device/d',
  'Location/l',
];

/** A source of pseudo-random numbers that a seed determines. */
export function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A resource of a type with many of its elements, as the definitions allow their types; not valid in other respects. */
export function generateResource(
  definitions: DefinitionsModel,
  type: string,
  random: (below: number) => number,
): Resource {
  const resource = generate(definitions, type, random, 0) as Resource;
  return {
    ...resource,
    resourceType: type,
    id: 'generated',
    contained: [{ resourceType: random(2) === 0 ? 'Patient' : 'Group', id: 'inner' }],
  };
}

function generate(
  definitions: DefinitionsModel,
  type: string,
  random: (below: number) => number,
  depth: number,
): JsonValue {
  const model = definitions.types.get(type);
  const samples = SAMPLES[type];
  if (samples !== undefined) return samples[random(samples.length)] as JsonValue;
  if (type === 'Resource')
    return { resourceType: ['Patient', 'Composition', 'MessageHeader'][random(3)] as string, id: 'x' };
  if (model === undefined || model.kind === 'primitive')
    return ['alpha', 'Beta', 'email', 'phone', 'derived-from'][random(5)] as string;
  const object: JsonObject = {};
  if (type === 'Reference') {
    object.reference = REFERENCES[random(REFERENCES.length)] as string;
    if (random(3) === 0) object.type = 'Patient';
    return object;
  }
  const choices = new Map<string, ElementModel[]>();
  for (const element of model.elements.values()) {
    if (element.choice !== undefined)
      choices.set(element.choice, [...(choices.get(element.choice) ?? []), element]);
    else add(object, element);
  }
  for (const list of choices.values()) add(object, list[random(list.length)] as ElementModel);
  return object;

  function add(to: JsonObject, element: ElementModel): void {
    if (['contained', 'extension', 'modifierExtension', 'id', 'text'].includes(element.name)) return;
    if (depth > 4 || random(10) < depth * 2) return;
    const count = element.array ? 1 + random(2) : 1;
    const values: JsonValue[] = [];
    for (let i = 0; i < count; i++) values.push(generate(definitions, element.type, random, depth + 1));
    to[element.name] = element.array ? values : (values[0] as JsonValue);
  }
}
