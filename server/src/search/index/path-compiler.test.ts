import { describe, expect, test } from 'vitest';
import { loadDefinitions } from '../../conformance/definitions.ts';
import type { JsonValue, Resource } from '../../json/types.ts';
import { typeSystemOf } from './extractor.ts';
import { compilePath } from './path-compiler.ts';
import { compileWithFallback, generalPath } from './path-fallback.ts';
import { UnsupportedPath } from './path-parser.ts';
import { generateResource, numbers, scopeOf, syntheaResources } from './test-support.ts';

const definitions = loadDefinitions();
const types = typeSystemOf(definitions);

/** Values of an expression by closures, as [type, value]. */
function closures(expression: string, resource: Resource): [string, JsonValue][] {
  const found: [string, JsonValue][] = [];
  const { run } = compilePath(expression, resource.resourceType, types, (type) => (value) => {
    if (value !== null) found.push([type, value]);
  });
  run?.(resource, scopeOf(resource, definitions));
  return found;
}

function engine(expression: string, resource: Resource): [string, JsonValue][] {
  const found: [string, JsonValue][] = [];
  const run = generalPath(
    expression,
    resource.resourceType,
    types,
    (type) => (value) => found.push([type, value]),
    (error) => {
      throw error;
    },
  );
  run(resource, scopeOf(resource, definitions));
  return found;
}

const distinct = (found: readonly [string, JsonValue][]) =>
  [...new Set(found.map(([, value]) => JSON.stringify(value)))].sort();

test('no built-in R4 search parameter needs the general evaluator, and each names elements that exist', () => {
  let count = 0;
  for (const type of definitions.resourceTypes) {
    for (const { code, expression } of definitions.search(type).params.values()) {
      if (expression === '') continue;
      count++;
      const { general, unknown } = compileWithFallback(expression, type, types, () => () => {});
      expect(general, `${type}.${code}`).toBe(false);
      expect(unknown, `${type}.${code}`).toEqual([]);
    }
  }
  expect(count).toBeGreaterThan(1300);
});

describe('closures give what the general evaluator gives (R4 searchparameter expressions)', () => {
  const programs = new Map<string, { run: ReturnType<typeof generalPath>; found: JsonValue[] }>();
  const engineValues = (expression: string, resource: Resource): string[] => {
    const key = `${resource.resourceType} ${expression}`;
    let program = programs.get(key);
    if (program === undefined) {
      const found: JsonValue[] = [];
      const failed = (error: unknown) => {
        throw error;
      };
      const run = generalPath(
        expression,
        resource.resourceType,
        types,
        () => (value) => found.push(value),
        failed,
      );
      program = { run, found };
      programs.set(key, program);
    }
    program.found.length = 0;
    program.run(resource, scopeOf(resource, definitions));
    return [...new Set(program.found.map((value) => JSON.stringify(value)))].sort();
  };
  /** The parameters that had a value to compare. */
  const withValues = new Set<string>();
  const compare = (resource: Resource) => {
    for (const { code, expression, type } of definitions.search(resource.resourceType).params.values()) {
      if (expression === '' || type === 'composite') continue;
      // fhirpath refuses `as` on a collection of several values, which R4 expressions mean as ofType
      const forEngine = expression
        .replaceAll(/\.as\(/g, '.ofType(')
        .replaceAll(/\(([\w.]+) as (\w+)\)/g, '($1.ofType($2))');
      const expected = engineValues(forEngine, resource);
      if (expected.length > 0) withValues.add(`${resource.resourceType}.${code}`);
      const label = `${resource.resourceType}.${code}: ${expression}`;
      expect(distinct(closures(expression, resource)), label).toEqual(expected);
    }
  };

  const synthea = syntheaResources(1);
  test.skipIf(synthea.length === 0)('over Synthea resources', () => {
    const perType = new Map<string, number>();
    for (const resource of synthea) {
      const seen = perType.get(resource.resourceType) ?? 0;
      perType.set(resource.resourceType, seen + 1);
      if (seen < 6) compare(resource);
    }
  });

  test('over generated resources of every type', () => {
    const random = numbers(7);
    for (const type of definitions.resourceTypes) {
      compare(generateResource(definitions, type, random));
      compare(generateResource(definitions, type, random));
    }
    // most parameters were compared on values, not on nothing
    expect(withValues.size).toBeGreaterThan(1500);
  }, 60_000);
});

describe('single constructs', () => {
  const patient: Resource = {
    resourceType: 'Patient',
    id: 'a',
    birthDate: '2000-01-02',
    _birthDate: { extension: [{ url: 'http://x/time', valueDateTime: '2000-01-02T03:04:05Z' }] },
    _gender: { extension: [{ url: 'http://x/why', valueCode: 'unknown' }] },
    extension: [
      { url: 'http://x/a', valueString: 'one' },
      { url: 'http://x/a', valueCodeableConcept: { text: 'two' } },
      { url: 'http://x/b', extension: [{ url: 'inner', valueInteger: 3 }] },
    ],
    name: [
      { family: 'F', given: ['G', 'H'] },
      { family: 'I', use: 'old' },
    ],
    telecom: [
      { system: 'email', value: 'e' },
      { system: 'phone', value: 'p' },
    ],
    generalPractitioner: [
      { reference: 'Practitioner/1' },
      { reference: '#o' },
      { type: 'Organization', identifier: { value: '1' } },
    ],
    contained: [{ resourceType: 'Organization', id: 'o', name: 'Contained' }],
    deceasedBoolean: false,
  } as Resource;
  const cases: readonly (readonly [string, readonly (readonly [string, JsonValue])[]])[] = [
    [
      "Patient.extension('http://x/a').value",
      [
        ['string', 'one'],
        ['CodeableConcept', { text: 'two' }],
      ],
    ],
    ["Patient.extension.where(url = 'http://x/a').value.ofType(string)", [['string', 'one']]],
    ["(Patient.extension('http://x/a').value as CodeableConcept).text", [['string', 'two']]],
    ["Patient.extension('http://x/b').extension('inner').value", [['integer', 3]]],
    ["Patient.birthDate.extension('http://x/time').value", [['dateTime', '2000-01-02T03:04:05Z']]],
    ["Patient.gender.extension.where(url='http://x/why').value", [['code', 'unknown']]],
    ['Patient.gender.exists()', [['boolean', true]]],
    ['Patient.gender.hasValue()', [['boolean', false]]],
    ['Patient.active.exists()', [['boolean', false]]],
    ['Patient.active.empty()', [['boolean', true]]],
    ['Patient.name.given.first()', [['string', 'G']]],
    ['Patient.name[1].family', [['string', 'I']]],
    ['Patient.name.given[2]', []],
    ["Patient.name.where(use != 'old').family", []],
    ['Patient.name.where(use.exists().not()).family', [['string', 'F']]],
    [
      "Patient.telecom.where(system = 'email' or system = 'phone').value",
      [
        ['string', 'e'],
        ['string', 'p'],
      ],
    ],
    ["Patient.telecom.where(system = 'email' and value = 'p').value", []],
    [
      'Patient.generalPractitioner.where(resolve() is Practitioner).reference',
      [['string', 'Practitioner/1']],
    ],
    ['Patient.generalPractitioner.where(resolve() is Organization).reference', [['string', '#o']]],
    ['Patient.generalPractitioner.resolve().ofType(Organization).name', [['string', 'Contained']]],
    ['Patient.deceased.exists() and Patient.deceased != false', [['boolean', false]]],
    [
      'Patient.name.family | Patient.name.given',
      [
        ['string', 'F'],
        ['string', 'I'],
        ['string', 'G'],
        ['string', 'H'],
      ],
    ],
    ['%resource.birthDate', [['date', '2000-01-02']]],
    ['Observation.code', []],
    ['Resource.id', [['id', 'a']]],
    [
      'name.family',
      [
        ['string', 'F'],
        ['string', 'I'],
      ],
    ],
    ['Patient.contained.name', [['string', 'Contained']]],
    ["Patient.name.exists(use = 'old')", [['boolean', true]]],
    ['Patient.deceased is boolean', [['boolean', true]]],
    ['Patient.`name`.family[0]', [['string', 'F']]],
  ];
  for (const [expression, expected] of cases) {
    test(expression, () => {
      expect(closures(expression, patient)).toEqual(expected);
    });
  }

  test('a choice element becomes its JSON property and keeps its type (R4 formats.html#choice)', () => {
    const observation: Resource = { resourceType: 'Observation', valueQuantity: { value: 1 } };
    expect(closures('Observation.value', observation)).toEqual([['Quantity', { value: 1 }]]);
    expect(closures('Observation.value.ofType(string)', observation)).toEqual([]);
    expect(closures('(Observation.value as Quantity).value', observation)).toEqual([['decimal', 1]]);
  });

  test('what closures cannot do goes to the general evaluator', () => {
    const expression = "Patient.name.given.select($this + '!').upper()";
    expect(() =>
      compilePath('Patient.birthDate.toString().substring(0, 4)', 'Patient', types, () => () => {}),
    ).toThrow(UnsupportedPath);
    expect(() => closures(expression, patient)).toThrow(UnsupportedPath);
    expect(engine('Patient.birthDate.toString().substring(0, 4)', patient)).toEqual([['string', '2000']]);
    expect(engine('Patient.birthDate + 1 year', patient)).toEqual([['date', '2001-01-02']]);
    expect(engine('Patient.name.given.last()', patient)).toEqual([['string', 'H']]);
    expect(
      engine('Patient.generalPractitioner.where(resolve() is Practitioner).reference.last()', patient),
    ).toEqual([['string', 'Practitioner/1']]);
  });

  test('names that are no elements are told, unless another type of a choice has them', () => {
    const unknown = (expression: string, type = 'Observation') =>
      compilePath(expression, type, types, () => () => {}).unknown;
    expect(unknown('Observation.codes')).toEqual(['Observation.codes']);
    expect(unknown('Observation.code.codding.code')).toEqual(['CodeableConcept.codding']);
    expect(unknown('Observation.value.coding')).toEqual([]);
    // The JSON name of a choice is no FHIRPath, but search parameters of guides have it.
    expect(unknown('Observation.valueQuantity')).toEqual([]);
    expect(unknown('Observation.valueAddress')).toEqual(['Observation.valueAddress']);
    expect(unknown('Observation.value.ofType(Nothing)')).toEqual(['Nothing']);
    expect(unknown("Observation.category.where(foo = 'x')")).toEqual(['CodeableConcept.foo']);
  });

  test('expressions nested without end are refused', () => {
    expect(() => closures('('.repeat(5000), patient)).toThrow(UnsupportedPath);
    expect(() => closures(`${'('.repeat(200)}name${')'.repeat(200)}`, patient)).toThrow(UnsupportedPath);
  });
});
