import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startHarness, type TestClient } from '../../../test/harness.ts';
import { tenantTerminology } from '../../terminology/tenant-terminology.ts';
import { DeferredTerminology } from '../../validation/profiles/deferred-terminology.ts';
import { createValidators, PackageTerminology, type Validators } from '../../validation/profiles/index.ts';
import { observation, P, parsed, profile, withResources } from '../../validation/profiles/test-support.ts';
import { terminologyOf } from '../operations/terminology/call.ts';
import { ANIMALS, animalSet } from '../operations/terminology/test-support.ts';
import type { TenantContext } from '../tenant-context.ts';
import { validateWithTerminology } from './validate-with-terminology.ts';

const SET = 'http://example.org/ValueSet/pets';
let harness: Harness;
let client: TestClient;
let validators: Validators;
beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
  const resolver = withResources([
    profile('Observation', [
      { id: 'Observation', path: 'Observation' },
      { id: 'Observation.code', path: 'Observation.code', binding: { strength: 'required', valueSet: SET } },
    ]),
  ]);
  validators = createValidators(
    resolver,
    new DeferredTerminology(new PackageTerminology(resolver), resolver),
  );
});
afterAll(() => harness?.stop());

/** Issues of codes in an Observation of a pet, and how many statements they took. */
async function validate(coding: object, visible?: () => boolean): Promise<string[]> {
  const { services, tenants } = harness.service.fhir;
  const context = (await tenants.byName('test')) as TenantContext;
  const service = terminologyOf(services);
  service.own.forget(context.tenant);
  const found = await validateWithTerminology(
    parsed(observation({ code: { coding: [coding] } })),
    validators,
    { profiles: [P] },
    await tenantTerminology(service, context, visible),
  );
  return found
    .filter(({ code }) => /code|not-found|not-supported|value/.test(code))
    .map(({ severity, code, expression }) => `${severity} ${code} ${expression}`);
}

describe('codes judged by a tenant’s own ValueSet and CodeSystem (R4 terminologies.html#strength)', () => {
  const system = ANIMALS.url;

  it('decide as soon as they are stored, changed and removed', async () => {
    const unknown = ['warning not-found Observation.code'];
    expect(await validate({ system, code: 'cat' })).toEqual(unknown);
    await client.create(ANIMALS);
    const stored = await client.create(
      animalSet(
        { include: [{ system, filter: [{ property: 'concept', op: 'is-a', value: 'cat' }] }] },
        { url: SET },
      ),
    );
    expect(await validate({ system, code: 'kitten' })).toEqual([]);
    expect(await validate({ system, code: 'bird' })).toEqual(['error code-invalid Observation.code']);
    expect(await validate({ system, code: 'unicorn' })).toEqual([
      'error code-invalid Observation.code.coding[0].code',
      'error code-invalid Observation.code',
    ]);
    expect(await validate({ system, code: 'cat', display: 'Dog' })).toEqual([
      'warning value Observation.code.coding[0].display',
    ]);
    await client.put(`ValueSet/${stored.id}`, {
      ...stored,
      compose: { include: [{ system, concept: [{ code: 'bird' }] }] },
    });
    expect(await validate({ system, code: 'bird' })).toEqual([]);
    expect(await validate({ system, code: 'kitten' })).toEqual(['error code-invalid Observation.code']);
    await client.delete(`ValueSet/${stored.id}`);
    expect(await validate({ system, code: 'kitten' })).toEqual(unknown);
  });

  it('stay unseen by who may not read them', async () => {
    await client.create(animalSet({ include: [{ system }] }, { url: SET }));
    expect(await validate({ system, code: 'bird' })).toEqual([]);
    expect(await validate({ system, code: 'bird' }, () => false)).toEqual([
      'warning not-found Observation.code',
    ]);
  });

  it('are not asked of the database again while nothing changes', async () => {
    const { services, tenants } = harness.service.fhir;
    const context = (await tenants.byName('test')) as TenantContext;
    const service = terminologyOf(services);
    const first = await tenantTerminology(service, context);
    const answer = await first.validateCode(system, 'bird', undefined, SET);
    const second = await tenantTerminology(service, context);
    expect(second).toBe(first);
    expect(await second.validateCode(system, 'bird', undefined, SET)).toBe(answer);
  });
});
