import fc, { type GeneratorValue } from 'fast-check';
import { expect, it } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import type { ElementModel } from '../conformance/model.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { parseXml } from './read.ts';
import { writeXml } from './write.ts';

const definitions = loadDefinitions();

/** Characters of every kind that FHIR allows in a string: R4 datatypes.html#string, XML 1.0 section 2.2. */
const text = fc
  .array(fc.constantFrom(...'aZ09 \t\n\r&<>"\'\u0085\u00a0\u2028\ufffd😀é'), { minLength: 1, maxLength: 8 })
  .map((characters) => characters.join(''));
const number = fc
  .oneof(
    fc.constantFrom(
      '1.50',
      '1e10',
      '-0.000',
      '0',
      `1.${'0123456789'.repeat(20)}`,
      '1E-7',
      '9007199254740993',
    ),
    fc.integer().map(String),
  )
  .map((digits) => (parseJson(`[${digits}]`) as JsonValue[])[0] as JsonValue);
const NUMBERS = new Set(['decimal', 'integer', 'positiveInt', 'unsignedInt']);
const DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p title="&quot;a">\r\n &amp;&lt; b\t</p><br/></div>';

/** An arbitrary value of a type of the definitions, of a few elements. Not all are valid otherwise: the codec must not care. */
class Maker {
  readonly #g: GeneratorValue;

  constructor(g: GeneratorValue) {
    this.#g = g;
  }

  chance(percent: number): boolean {
    return this.#g(fc.nat, { max: 99 }) < percent;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.#g(fc.nat, { max: items.length - 1 })] as T;
  }

  resource(depth: number): JsonObject {
    const resourceType = this.pick(definitions.resourceTypes);
    return { resourceType, ...this.object(resourceType, depth) };
  }

  /** An object with something in it. */
  object(typeName: string, depth: number): JsonObject {
    const type = definitions.types.get(typeName);
    if (type === undefined) throw new Error(`no type ${typeName}`);
    const object: JsonObject = {};
    const choices = new Set<string>();
    if (typeName === 'Extension') object['url'] = this.#g(() => text);
    const elements = [...type.elements.values()];
    const count = Math.min(elements.length, 1 + this.#g(fc.nat, { max: 4 }));
    for (let i = 0; i < count; i++) {
      const element = this.pick(elements);
      if (element.choice !== undefined) {
        if (choices.has(element.choice)) continue;
        choices.add(element.choice);
      }
      const filled = element.name in object || `_${element.name}` in object;
      if (!filled) this.#fill(object, element, depth);
    }
    if (Object.keys(object).length === 0) {
      if (elements.some(({ name }) => name === 'id')) object['id'] = this.#g(() => text);
    }
    return object;
  }

  #fill(object: JsonObject, element: ElementModel, depth: number): void {
    const kind = definitions.types.get(element.type)?.kind;
    const { name, array } = element;
    if (kind === 'primitive') {
      // Ids and urls stand in attributes, and the div in its own form: they have no ids or extensions.
      const plain =
        element.type === 'xhtml' || name === 'id' || (name === 'url' && object['url'] !== undefined);
      const items = Array.from({ length: array ? 1 + this.#g(fc.nat, { max: 3 }) : 1 }, () => {
        const extended = !plain && depth > 0 && this.chance(30);
        return {
          value: extended && this.chance(50) ? null : this.primitive(element.type),
          sibling: extended ? { extension: [this.object('Extension', depth - 1)] } : null,
        };
      });
      const values = items.map(({ value }) => value);
      const siblings = items.map(({ sibling }) => sibling);
      if (values.some((value) => value !== null)) object[name] = array ? values : (values[0] as JsonValue);
      if (siblings.some((value) => value !== null))
        object[`_${name}`] = array ? siblings : (siblings[0] as JsonValue);
      return;
    }
    if (depth === 0) return;
    const one = () => (kind === 'resource' ? this.resource(depth - 1) : this.object(element.type, depth - 1));
    const values = Array.from({ length: array && this.chance(40) ? 2 : 1 }, one).filter(
      (value) => Object.keys(value).length > 0,
    );
    if (values.length > 0) object[name] = array ? values : (values[0] as JsonValue);
  }

  primitive(type: string): JsonValue {
    if (type === 'boolean') return this.chance(50);
    if (NUMBERS.has(type)) return this.#g(() => number);
    return type === 'xhtml' ? DIV : this.#g(() => text);
  }
}

/** JSON text with the properties of each object sorted: XML has them in the order of the definitions. */
function sorted(value: JsonValue): string {
  return JSON.stringify(value, (_, inner: JsonValue) =>
    typeof inner === 'object' && inner !== null && Object.getPrototypeOf(inner) === Object.prototype
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

it('resources of every type, as the definitions allow them, come back from XML as they were (R4 formats.html)', () => {
  const types = new Set<unknown>();
  fc.assert(
    fc.property(fc.gen(), (g) => {
      const resource = new Maker(g).resource(3);
      types.add(resource['resourceType']);
      expect(sorted(parseXml(writeXml(resource, definitions), definitions))).toBe(sorted(resource));
    }),
    { numRuns: 1500 },
  );
  expect(types.size).toBeGreaterThan(100);
});
