import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Harness, type Json, startHarness } from './harness.ts';

/* R4 fhirpath.html#functions: conformsTo(), memberOf() and subsumes() in $fhirpath know what the tenant has, and no other tenant's. */

const PROFILE = 'http://example.org/fhir/StructureDefinition/named-patient';
const VALUE_SET = 'http://example.org/fhir/ValueSet/colours';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ tenants: ['north', 'south'] });
  const north = harness.client('north');
  const resources: Json[] = [
    {
      resourceType: 'StructureDefinition',
      url: PROFILE,
      name: 'NamedPatient',
      status: 'active',
      kind: 'resource',
      abstract: false,
      type: 'Patient',
      baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient',
      derivation: 'constraint',
      differential: { element: [{ id: 'Patient.name', path: 'Patient.name', min: 1 }] },
    },
    {
      resourceType: 'CodeSystem',
      url: 'http://example.org/fhir/CodeSystem/colours',
      status: 'active',
      content: 'complete',
      concept: [{ code: 'red', concept: [{ code: 'scarlet' }] }, { code: 'blue' }],
    },
    {
      resourceType: 'ValueSet',
      url: VALUE_SET,
      status: 'active',
      compose: {
        include: [{ system: 'http://example.org/fhir/CodeSystem/colours', concept: [{ code: 'red' }] }],
      },
    },
  ];
  for (const resource of resources) {
    const { status } = await north.post(resource.resourceType, resource);
    expect(status).toBe(201);
  }
});
afterAll(() => harness?.stop());

async function results(expression: string, resource: Json, tenant = 'north'): Promise<unknown> {
  const { status, json } = await harness.client(tenant).post('$fhirpath', {
    resourceType: 'Parameters',
    parameter: [
      { name: 'expression', valueString: expression },
      { name: 'resource', resource },
    ],
  });
  if (status !== 200) return [status, json.issue[0].diagnostics];
  return json.parameter
    .filter(({ name }: Json) => name === 'result')
    .flatMap(({ part }: Json) => part.map(({ valueBoolean }: Json) => valueBoolean));
}

it('conformsTo() validates against the profiles of the tenant', async () => {
  const unnamed = { resourceType: 'Patient', meta: { profile: ['http://example.org/unknown'] } };
  const named = { ...unnamed, name: [{ family: 'Chalmers' }] };
  const expression = `conformsTo('${PROFILE}')`;
  expect(await results(expression, named)).toEqual([true]);
  expect(await results(expression, unnamed)).toEqual([false]);
  expect(await results(expression, named, 'south')).toEqual([400, expect.stringContaining(PROFILE)]);
});

it('memberOf() asks the terminology of the tenant', async () => {
  const coded = (code: string) => ({
    resourceType: 'Basic',
    code: { coding: [{ system: 'http://example.org/fhir/CodeSystem/colours', code }] },
  });
  const expression = `code.memberOf('${VALUE_SET}')`;
  expect(await results(expression, coded('red'))).toEqual([true]);
  expect(await results(expression, coded('blue'))).toEqual([false]);
  expect(await results(expression, coded('red'), 'south')).toEqual([400, expect.stringContaining(VALUE_SET)]);
});

it('subsumes() asks the terminology of the tenant', async () => {
  const system = 'http://example.org/fhir/CodeSystem/colours';
  const pair = (first: string, second: string) => ({
    resourceType: 'Basic',
    code: { coding: [first, second].map((code) => ({ system, code })) },
  });
  const expression = 'code.coding[0].subsumes(%resource.code.coding[1])';
  expect(await results(expression, pair('red', 'scarlet'))).toEqual([true]);
  expect(await results(expression, pair('scarlet', 'red'))).toEqual([false]);
  expect(await results(expression, pair('blue', 'scarlet'))).toEqual([false]);
  expect(await results(expression, pair('red', 'scarlet'), 'south')).toEqual([
    400,
    expect.stringContaining('does not know the code system'),
  ]);
});
