import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccessServer, found, startAccessServer } from './access-server.ts';
import type { HeaderMap, Json } from './harness.ts';

/* Issue 5, section 3: what has sensitive codes is labelled as it is written, and seen by those entitled only. */

const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const ICD = 'http://hl7.org/fhir/sid/icd-10-cm';

let server: AccessServer;
let attending: HeaderMap;
let specialist: HeaderMap;
let nurse: HeaderMap;
let system: HeaderMap;

beforeAll(async () => {
  server = await startAccessServer();
  attending = await server.as({ role: 'attending', fhirUser: 'Practitioner/d' });
  specialist = await server.as({ role: 'specialist', fhirUser: 'Practitioner/s' });
  nurse = await server.as({ role: 'nurse', fhirUser: 'Practitioner/n' });
  system = await server.as({ scopes: 'system/*.cruds' });
  await server.put({ resourceType: 'Patient', id: 'p' });
}, 60_000);
afterAll(() => server?.stop());

const condition = (id: string, code: string, codeSystem = ICD) => ({
  resourceType: 'Condition',
  id,
  subject: { reference: 'Patient/p' },
  code: { coding: [{ system: codeSystem, code }] },
});
const labelsOf = async (id: string, who = system): Promise<string[]> =>
  ((await server.one.get(`Condition/${id}`, who)).json.meta?.security ?? []).map(({ code }: Json) => code);

describe('labelling', () => {
  it.each([
    ['F11.20', 'SUD'],
    ['F17.210', undefined],
    ['F33.1', 'MH'],
    ['B20', 'HIV'],
    ['A54.00', 'STD'],
    ['T74.21XA', 'SDV'],
    ['Z65.1', 'legal'],
    ['E11.9', undefined],
  ])('of %s: %s', async (code, label) => {
    const id = `dx-${code.toLowerCase()}`;
    await server.put(condition(id, code));
    expect(await labelsOf(id)).toEqual(label === undefined ? [] : [label]);
  });

  it('decides who sees what', async () => {
    const all = await found(server.one, 'Condition', system);
    const without = (...ids: string[]) => all.filter((id) => !ids.includes(id));
    expect(await found(server.one, 'Condition', attending)).toEqual(without('dx-z65.1'));
    expect(await found(server.one, 'Condition', specialist)).toEqual(without('dx-z65.1', 'dx-f11.20'));
    expect(await found(server.one, 'Condition', nurse)).toEqual(['dx-e11.9', 'dx-f17.210']);
    expect((await server.one.get('Condition/dx-f11.20', specialist)).status).toBe(404);
  });

  it('is done in transactions, by updates and patches, and cannot be taken away', async () => {
    const entry = {
      resource: condition('dx-patched', 'E11.9'),
      request: { method: 'PUT', url: 'Condition/dx-patched' },
    };
    expect((await server.one.transaction([entry], system)).status).toBe(200);
    expect(await labelsOf('dx-patched')).toEqual([]);
    const patch = [{ op: 'replace', path: '/code/coding/0/code', value: 'F20.0' }];
    const headers = { ...system, 'content-type': 'application/json-patch+json' };
    expect((await server.one.patch('Condition/dx-patched', patch, headers)).status).toBe(200);
    expect(await labelsOf('dx-patched')).toEqual(['MH']);
    const body = {
      resourceType: 'Parameters',
      parameter: [{ name: 'meta', valueMeta: { security: [{ system: ACT_CODE, code: 'MH' }] } }],
    };
    await server.one.post('Condition/dx-patched/$meta-delete', body, system);
    expect(await labelsOf('dx-patched')).toEqual(['MH']);
    await server.put(condition('dx-patched', 'F20.0'));
    expect(await labelsOf('dx-patched')).toEqual(['MH']);
    expect((await server.one.get('Condition/dx-patched', nurse)).status).toBe(404);
  });

  it('leaves definitions and consents as they are', async () => {
    const valueSet = {
      resourceType: 'ValueSet',
      id: 'about',
      url: 'http://example.org/about',
      status: 'active',
      compose: { include: [{ system: ICD, concept: [{ code: 'F11.20' }] }] },
    };
    await server.put(valueSet);
    expect((await server.one.get('ValueSet/about', system)).json.meta.security).toBeUndefined();
  });

  it("follows the tenant's own value sets, here at once and elsewhere within five seconds", async () => {
    await server.put(condition('before', 'G40.1'));
    expect(await labelsOf('before')).toEqual([]);
    const own = {
      resourceType: 'ValueSet',
      id: 'own',
      url: 'http://example.org/own',
      status: 'active',
      useContext: [
        {
          code: { system: 'http://terminology.hl7.org/CodeSystem/usage-context-type', code: 'focus' },
          valueCodeableConcept: { coding: [{ system: ACT_CODE, code: 'COGN' }] },
        },
      ],
      compose: { include: [{ system: ICD, concept: [{ code: 'G40.1' }] }] },
    };
    await server.put(own);
    await server.put(condition('after', 'G40.1'));
    expect(await labelsOf('after')).toEqual(['COGN']);
    const there = async () => {
      const { id } = (await server.elsewhere.post('Condition', { ...condition('x', 'G40.1') }, system)).json;
      return labelsOf(id);
    };
    await expect.poll(there, { timeout: 5000, interval: 500 }).toEqual(['COGN']);
    await server.put({ ...own, status: 'retired' });
    await server.put(condition('later', 'G40.1'));
    expect(await labelsOf('later')).toEqual([]);
  });
});
