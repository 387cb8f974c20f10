import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import type { ElementModel } from '../conformance/model.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonValue, Resource } from '../json/types.ts';
import { checkXhtml } from '../validation/xhtml.ts';
import { parseXml, writeXml } from '../xml/index.ts';
import { narrativeOf } from './index.ts';
import { TEMPLATES } from './templates/index.ts';
import { fullResource } from './test-support.ts';

const definitions = loadDefinitions();
const DOMAIN_TYPES = definitions.resourceTypes.filter(
  (type) => definitions.types.get(type)?.base === 'DomainResource' && type !== 'Composition',
);
const SYNTHEA = new URL('../../../../shared/data/synthea/', import.meta.url);

const divOf = (resource: Resource): string => String(narrativeOf(resource, definitions)?.['div']);

/** Tags that a narrative of ours may hold; anything else came from the data. */
const OURS = /<\/?(?:div|p|b|strong|table|caption|tr|th|td|br)(?: (?:xmlns|lang|xml:lang)="[^"<>]*")*\/?>/g;
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

function expectSafe(div: string): void {
  expect(checkXhtml(div)).toBeUndefined();
  expect(div.isWellFormed()).toBe(true);
  expect(CONTROL.test(div)).toBe(false);
  expect(div.replace(OURS, '')).not.toMatch(/[<>]/);
  expect(div.length).toBeLessThan(500_000);
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    ']]>',
    '<!--',
    '&amp;&lt;&#0;&',
    '\ud800',
    'a\udc00b',
    '\u0000\u0008\u001b[2J',
    '\ufffe\uffff',
    '\r\n\t',
    '  ',
    '__proto__',
    'constructor',
    '1'.repeat(5000),
    '😀'.repeat(3000),
    '</td></tr></table></div>',
  ),
);

describe('narratives are XHTML whatever the data are (R4 narrative.html txt-1, txt-2)', () => {
  it('holds for resources of every type with every element, hostile texts in all', () => {
    const resource = fc
      .tuple(fc.constantFrom(...DOMAIN_TYPES), fc.infiniteStream(hostile), fc.infiniteStream(fc.nat(1000)))
      .map(([type, texts, picks]) =>
        fullResource(
          type,
          definitions,
          (element) => primitiveOf(element, () => texts.next().value),
          (alternatives) => alternatives[picks.next().value % alternatives.length] as ElementModel,
          3,
        ),
      );
    fc.assert(
      fc.property(resource, (given) => expectSafe(divOf(given))),
      { numRuns: 300 },
    );
  });

  it('is the same after XML: what is in the div is well-formed for a reader that knows nothing of it', () => {
    const resource = fc.array(hostile, { minLength: 1, maxLength: 5 }).map(
      (texts): Resource => ({
        resourceType: 'Basic',
        text: narrativeOf(
          {
            resourceType: 'Condition',
            code: { text: texts.join('|') },
            note: texts.map((text) => ({ text })),
          },
          definitions,
        ) as JsonValue,
      }),
    );
    fc.assert(
      fc.property(resource, (given) => {
        expect(parseXml(writeXml(given, definitions), definitions)).toEqual(given);
      }),
    );
  });

  it('holds for elements that are any JSON at all, and never throws', () => {
    const elementNames = fc.constantFrom(
      ...new Set(
        [...TEMPLATES.keys()].flatMap((type) => [...(definitions.types.get(type)?.elements.keys() ?? [])]),
      ),
    );
    const json = fc.oneof(
      hostile,
      fc.jsonValue({ maxDepth: 4 }),
      fc.array(
        fc.dictionary(
          fc.constantFrom('coding', 'text', 'reference', 'extension', 'value', 'repeat', 'detail', 'item'),
          fc.jsonValue(),
        ),
      ),
      fc.array(fc.constant(null)),
    );
    const resource = fc
      .tuple(fc.constantFrom(...DOMAIN_TYPES), fc.dictionary(elementNames, json, { maxKeys: 20 }))
      .map(([resourceType, elements]) => ({ ...elements, resourceType }) as Resource);
    fc.assert(
      fc.property(resource, (given) => {
        const { text: _text, ...rest } = given;
        expectSafe(divOf(rest as Resource));
      }),
      { numRuns: 500 },
    );
  });

  it('cuts what is endless: a text of 1 MB, thousands of values, nesting without end', () => {
    const long = '<&>'.repeat(350_000);
    const note = divOf({ resourceType: 'Condition', code: { text: long }, note: [{ text: long }] });
    expectSafe(note);
    expect(note).toContain('…');
    const many = divOf({
      resourceType: 'Patient',
      name: Array.from({ length: 5000 }, (_, i) => ({ family: `Name${i}` })),
    });
    expectSafe(many);
    expect(many).toContain('and 4900 more');
    const components = Array.from({ length: 3000 }, (_, i) => ({
      code: { text: `c${i}` },
      valueString: 'x',
    }));
    const table = divOf({ resourceType: 'Observation', status: 'final', component: components });
    expectSafe(table);
    expect(table).toContain('and 2800 more');
    let item: Record<string, JsonValue> = { linkId: 'x' };
    for (let i = 0; i < 3000; i++) item = { linkId: 'x', item: [item] };
    const nested = divOf({ resourceType: 'QuestionnaireResponse', status: 'completed', item: [item] });
    expectSafe(nested);
    expect(nested).toContain('more questions than are shown');
    expectSafe(divOf({ resourceType: 'Questionnaire', status: 'draft', item: [item] }));
  });

  it('holds for Synthea, without anything that looks like JSON or JavaScript', (context) => {
    if (!existsSync(SYNTHEA)) context.skip(`no test data in ${SYNTHEA.pathname}`);
    const [file] = readdirSync(SYNTHEA).filter((name) => name.startsWith('patient-'));
    const bundle = parseJson(gunzipSync(readFileSync(new URL(file as string, SYNTHEA))).toString());
    const entries = (bundle as unknown as { entry: { resource: Resource }[] }).entry;
    expect(entries.length).toBeGreaterThan(10);
    for (const { resource } of entries) {
      const { text: _text, ...rest } = resource;
      const div = divOf(rest as Resource);
      expectSafe(div);
      expect(div).not.toMatch(/\[object |undefined|NaN|\{"|&quot;:/);
    }
  });
});

describe('nothing that matters is left out (R4 narrative.html: safe to read in place of the data)', () => {
  /** Elements that hand-made templates leave out: what no reader of a record needs. */
  const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
    Appointment: ['slot'],
    CarePlan: ['instantiatesCanonical', 'instantiatesUri'],
    Encounter: ['classHistory', 'account'],
    Immunization: ['education'],
    MedicationDispense: ['eventHistory'],
    MedicationRequest: ['instantiatesCanonical', 'instantiatesUri', 'eventHistory'],
    Patient: ['photo'],
    Practitioner: ['photo'],
    Procedure: ['instantiatesCanonical', 'instantiatesUri'],
    RelatedPerson: ['photo'],
    ServiceRequest: ['instantiatesCanonical', 'instantiatesUri', 'relevantHistory'],
  };
  const NOT_TOLD = [
    'id',
    'meta',
    'implicitRules',
    'language',
    'text',
    'contained',
    'extension',
    'modifierExtension',
  ];

  it.each([...TEMPLATES.keys()])('%s: every element is told, but those left out on purpose', (type) => {
    const elements = [...(definitions.types.get(type)?.elements.values() ?? [])];
    const untold = elements.filter((element) => {
      if (NOT_TOLD.includes(element.name)) return false;
      const full = fullResource(
        type,
        definitions,
        (part) => (part.name === 'language' ? { text: 'MARK' } : primitiveOf(part, () => 'MARK')),
        (alternatives) =>
          alternatives.find(({ name }) => name === element.name) ?? (alternatives[0] as ElementModel),
      );
      if (element.name === 'communication') return false;
      const only = { resourceType: type, [element.name]: full[element.name] as JsonValue };
      return !/MARK|7777|yes/.test(divOf(only));
    });
    expect(untold.map(({ name }) => name)).toEqual(LEFT_OUT[type] ?? []);
  });

  it.each(DOMAIN_TYPES)('%s: every modifier element is told, those within other elements too', (type) => {
    for (const modifier of modifiersOf(type)) {
      const isIt = ({ path, name }: ElementModel): boolean =>
        path === modifier.path && name === modifier.name;
      const full = fullResource(
        type,
        definitions,
        (element) => primitiveOf(element, () => (isIt(element) ? 'MARK' : 'x'), isIt(element)),
        (alternatives) => alternatives.find(isIt) ?? (alternatives[0] as ElementModel),
        6,
      );
      // All other booleans are false.
      expect(divOf(full), modifier.path).toMatch(
        modifier.type === 'boolean' ? /yes|DO NOT PERFORM/ : /MARK|7777/,
      );
    }
  });

  /** The modifier elements whose value is a primitive, not deeper than narratives go. */
  function modifiersOf(typeName: string, depth = 0): ElementModel[] {
    return [...(definitions.types.get(typeName)?.elements.values() ?? [])].flatMap((element) => {
      if (NOT_TOLD.includes(element.name)) return [];
      const type = definitions.types.get(element.type);
      if (type?.kind === 'backbone' && depth < 3) return modifiersOf(element.type, depth + 1);
      return element.isModifier === true && type?.kind === 'primitive' ? [element] : [];
    });
  }
});

/** A value of a primitive type; numbers and booleans are marked by 7777 and true. */
function primitiveOf(element: ElementModel, text: () => string, isMarked = true): JsonValue | undefined {
  switch (element.type) {
    case 'boolean':
      return isMarked;
    case 'integer':
    case 'decimal':
    case 'positiveInt':
    case 'unsignedInt':
      return isMarked ? 7777 : 1;
    case 'xhtml':
    case 'Resource':
      return undefined;
    default:
      return definitions.types.get(element.type)?.kind === 'primitive' ? text() : undefined;
  }
}
