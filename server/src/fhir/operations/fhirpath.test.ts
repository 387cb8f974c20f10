import { afterAll, describe, expect, it } from 'vitest';
import { openScope } from '../../access/scope.ts';
import { loadDefinitions } from '../../conformance/definitions.ts';
import { exactNumber } from '../../json/exact-number.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { FhirError } from '../outcome.ts';
import type { FhirRequest } from '../request.ts';
import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { fhirpath } from './fhirpath.ts';
import { fhirPathEvaluator } from './fhirpath-evaluator.ts';

const tenant = { id: 1, name: 'north' };
const patient = {
  resourceType: 'Patient',
  id: 'p1',
  active: true,
  name: [{ family: 'Chalmers', given: ['Peter', 'James'] }, { given: ['Jim'] }],
  _birthDate: { extension: [{ url: 'http://example.org/none', valueCode: 'unknown' }] },
  multipleBirthInteger: 2,
  contact: [{ name: { text: 'Ann' } }],
  contained: [{ resourceType: 'Basic', id: 'b' }],
  extension: [{ url: 'http://example.org/dose', valueDecimal: exactNumber('1.50') }],
};

/** What is left of the services when only reading by id is needed. */
const services = {
  reader: {
    read: async () => ({
      id: 'p1',
      type: 'Patient',
      version: 1,
      deleted: false,
      lastUpdated: new Date(0),
      content: JSON.stringify(patient),
    }),
  },
} as unknown as Services;

async function call(
  parameters: JsonValue | undefined,
  route: Partial<Route> = {},
  query: [string, string][] = [],
): Promise<JsonObject> {
  const request = {
    scope: openScope(tenant as never),
    context: { tenant, definitions: loadDefinitions(), keys: { reference: () => 1n } },
    method: parameters === undefined ? 'GET' : 'POST',
    path: ['$fhirpath'],
    query,
    header: () => undefined,
    contentType: 'application/fhir+json',
    body: undefined,
    ...(parameters === undefined ? {} : { json: parameters }),
    prefer: { return: undefined, handling: undefined, respondAsync: false },
  } as unknown as FhirRequest;
  const response = await fhirpath(services, request, {
    interaction: 'operation',
    operation: '$fhirpath',
    ...route,
  });
  expect(response.status).toBe(200);
  return parseJson(response.text as string) as JsonObject;
}

function parametersFor(expression: string, more: JsonValue[] = []): JsonObject {
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'expression', valueString: expression },
      { name: 'resource', resource: patient as never },
      ...more,
    ],
  };
}

/** The result parameters of an expression. */
async function results(expression: string, more: JsonValue[] = []): Promise<JsonObject[]> {
  const answer = await call(parametersFor(expression, more));
  return (answer['parameter'] as JsonObject[]).filter(({ name }) => name === 'result');
}

async function refused(promise: Promise<unknown>) {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FhirError)) throw error ?? new Error('accepted');
  return { status: error.status, ...error.issues[0] };
}

const path = (valueString: string) => ({
  url: 'http://fhir.forms-lab.com/StructureDefinition/resource-path',
  valueString,
});

afterAll(() => fhirPathEvaluator().close());

describe('the answer, as the FHIRPath Lab reads it (its server-api.md)', () => {
  it('says who evaluated what', async () => {
    const answer = await call(
      parametersFor('active', [{ name: 'variables', part: [{ name: 'a', valueInteger: 1 }] }]),
    );
    expect(answer['id']).toBe('fhirpath');
    const [first] = answer['parameter'] as JsonObject[];
    expect(first).toEqual({
      name: 'parameters',
      part: [
        { name: 'evaluator', valueString: 'Vesta (R4)' },
        { name: 'expression', valueString: 'active' },
        { name: 'resource', resource: expect.objectContaining({ id: 'p1' }) },
        { name: 'variables', part: [{ name: 'a', valueInteger: 1 }] },
      ],
    });
  });

  it('names each value by its type and tells where it is from', async () => {
    expect(await results('name.given.first() | contact | contained | active | multipleBirth')).toEqual([
      {
        name: 'result',
        part: [
          { extension: [path('Patient.name[0].given[0]')], name: 'string', valueString: 'Peter' },
          {
            extension: [
              {
                url: 'http://fhir.forms-lab.com/StructureDefinition/json-value',
                valueString: '{"name":{"text":"Ann"}}',
              },
              path('Patient.contact[0]'),
            ],
            name: 'Patient.contact',
          },
          {
            extension: [path('Patient.contained[0]')],
            name: 'Basic',
            resource: { resourceType: 'Basic', id: 'b' },
          },
          { extension: [path('Patient.active')], name: 'boolean', valueBoolean: true },
          { extension: [path('Patient.multipleBirth')], name: 'integer', valueInteger: 2 },
        ],
      },
    ]);
  });

  it('has the values of System types in their FHIR types, and empty strings under a name of their own', async () => {
    const [result] = await results("'' | 'a' | 1 | 1.20 | @2020-01 | @T10:00 | true | 4 'mg'");
    expect(result?.['part']).toEqual([
      { name: 'empty-string' },
      { name: 'string', valueString: 'a' },
      { name: 'integer', valueInteger: 1 },
      { name: 'decimal', valueDecimal: exactNumber('1.20') },
      { name: 'date', valueDate: '2020-01' },
      { name: 'time', valueTime: '10:00' },
      { name: 'boolean', valueBoolean: true },
      {
        name: 'Quantity',
        valueQuantity: { value: 4, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' },
      },
    ]);
    expect(await results('{}')).toEqual([{ name: 'result' }]);
  });

  it('keeps the digits of decimals and what primitives have besides their value (R4 datatypes.html#decimal)', async () => {
    const [result] = await results('extension.value | birthDate');
    expect(result?.['part']).toEqual([
      {
        extension: [path('Patient.extension[0].value')],
        name: 'decimal',
        valueDecimal: exactNumber('1.50'),
      },
      { extension: [path('Patient.birthDate')], name: 'date', _valueDate: patient._birthDate },
    ]);
  });

  it('has one result for each context, with %context, %resource and %rootResource', async () => {
    const found = await results("%context.given.first() & '/' & %resource.id & '/' & %rootResource.id", [
      { name: 'context', valueString: 'name' },
    ]);
    expect(found).toEqual([
      {
        name: 'result',
        valueString: 'Patient.name[0]',
        part: [{ name: 'string', valueString: 'Peter/p1/p1' }],
      },
      {
        name: 'result',
        valueString: 'Patient.name[1]',
        part: [{ name: 'string', valueString: 'Jim/p1/p1' }],
      },
    ]);
    expect(await results('given', [{ name: 'context', valueString: 'photo' }])).toEqual([]);
  });

  it('has what trace() was given', async () => {
    const [result] = await results("name.trace('names', family).count()");
    expect(result?.['part']).toEqual([
      { name: 'integer', valueInteger: 2 },
      {
        name: 'trace',
        valueString: 'names',
        part: [{ extension: [path('Patient.name[0].family')], name: 'string', valueString: 'Chalmers' }],
      },
    ]);
  });

  it('gives variables to the expression: primitives, data types, resources, several values', async () => {
    const variables = {
      name: 'variables',
      part: [
        { name: 'n', valueInteger: 5 },
        { name: 'c', valueCoding: { code: 'x' } },
        { name: 'r', resource: { resourceType: 'Basic', id: 'other' } },
        { name: 'm', valueString: 'one' },
        { name: 'm', valueString: 'two' },
        { name: 'resource', valueString: 'not this' },
      ],
    };
    const [result] = await results(
      '(%n + 1).toString() | %c.code | %r.id | %m.count().toString() | %resource.id',
      [variables],
    );
    expect(
      ((result as JsonObject)['part'] as JsonObject[]).map(
        (part) => part['valueString'] ?? part['valueCode'],
      ),
    ).toEqual(['6', 'x', 'other', '2', 'p1']);
  });
});

describe('where the resource comes from', () => {
  const expression = { name: 'expression', valueString: 'Patient.id' };
  const extension = (kind: string, valueString: string) => ({
    resourceType: 'Parameters',
    parameter: [
      expression,
      {
        name: 'resource',
        extension: [{ url: `http://fhir.forms-lab.com/StructureDefinition/${kind}-value`, valueString }],
      },
    ],
  });
  const id = (answer: JsonObject) =>
    (answer['parameter'] as { part: JsonObject[] }[])[1]?.part[0]?.['valueString'];

  it('the stored resource, the body, or a text in an extension', async () => {
    expect(id(await call(undefined, { type: 'Patient', id: 'p1' }, [['expression', 'Patient.id']]))).toBe(
      'p1',
    );
    expect(id(await call({ resourceType: 'Patient', id: 'p2' }, {}, [['expression', 'id']]))).toBe('p2');
    expect(id(await call(extension('json', '{"resourceType":"Patient","id":"p3"}')))).toBe('p3');
    expect(
      id(await call(extension('xml', '<Patient xmlns="http://hl7.org/fhir"><id value="p4"/></Patient>'))),
    ).toBe('p4');
  });

  it('nowhere: the expression stands alone', async () => {
    const answer = await call(undefined, {}, [['expression', '1 + 1']]);
    expect((answer['parameter'] as JsonObject[])[1]).toEqual({
      name: 'result',
      part: [{ name: 'integer', valueInteger: 2 }],
    });
  });
});

describe('what is refused', () => {
  it('wrong parameters: 400', async () => {
    expect(await refused(call({ resourceType: 'Parameters' }))).toMatchObject({
      status: 400,
      code: 'required',
    });
    expect(await refused(call('text'))).toMatchObject({ status: 400 });
    expect(await refused(call(parametersFor('id'), { type: 'Observation' }))).toMatchObject({ status: 400 });
    expect(await refused(call(parametersFor('id'), { type: 'Patient', id: 'p1' }))).toMatchObject({
      status: 400,
    });
    expect(await refused(call(parametersFor('a'.repeat(100_000))))).toMatchObject({ status: 400 });
  });

  it.each([
    ['name.(', 'line 1, column 6'],
    ['nothing()', 'nothing()'],
    ['%nothing', '%nothing'],
    ['1.combine(1, true, 2)', '1 to 2 parameters'],
    ['name.given1', 'HumanName has no element given1'],
  ])('an expression that fails: 400 with the reason (%#)', async (expression, message) => {
    expect(await refused(results(expression))).toMatchObject({
      status: 400,
      diagnostics: expect.stringContaining(message),
    });
  });

  it('evaluates leniently if asked to: an element that there is not gives nothing (FHIRPath 11)', async () => {
    const strict = { name: 'strict', valueBoolean: false };
    expect(await results('name.given1 | Encounter.status', [strict])).toEqual([{ name: 'result' }]);
  });

  it('an expression that is nested without end: it fails, or takes too long', {
    timeout: 60_000,
  }, async () => {
    const nested = `${'('.repeat(30_000)}1${')'.repeat(30_000)}`;
    expect([400, 422]).toContain((await refused(results(nested))).status);
  });

  it('an expression that takes too long or too much: 422, and the next one is evaluated', {
    timeout: 60_000,
  }, async () => {
    const slow = "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'.matches('^(a+)+\\\\1$')";
    const [bomb, after] = await Promise.all([refused(results(slow)), results('1')]);
    expect(bomb).toMatchObject({ status: 422, code: 'too-costly' });
    expect(after[0]?.['part']).toEqual([{ name: 'integer', valueInteger: 1 }]);
    const many = 'iif(true, (1|2|3|4|5|6|7|8|9|10))';
    const product = Array.from({ length: 6 }, () => `${many}.select(`).join('') + many + ')'.repeat(6);
    for (const endless of [product, '1.repeatAll($this)', "'a'.repeat($this & $this)"]) {
      expect(await refused(results(endless))).toMatchObject({ status: 422, code: 'too-costly' });
    }
  });
});

it('elementDefinition() gives R4 definitions of elements (R4 fhirpath.html#functions)', async () => {
  const paths = await results(
    '(name.first() | name.family.first() | birthDate | $this).elementDefinition().path',
  );
  expect(paths[0]?.['part']).toEqual([
    expect.objectContaining({ valueString: 'Patient.name' }),
    expect.objectContaining({ valueString: 'HumanName.family' }),
    expect.objectContaining({ valueString: 'Patient.birthDate' }),
    expect.objectContaining({ valueString: 'Patient' }),
  ]);
});
