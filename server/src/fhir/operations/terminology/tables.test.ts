import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, type Json, startHarness, type TestClient } from '../../../../test/harness.ts';
import { withOwner } from '../../../storage/prepare.ts';
import { ownerStatements, tenantNumber } from '../../../storage/terminology/owner.ts';
import { loadCodeSystem } from '../../../terminology/load/load.ts';
import { createTerminologyProvider } from '../../../terminology/provider.ts';
import { searchTerminology } from '../../../terminology/search-terminology.ts';
import { codeSystemsWritten } from '../../../terminology/store-system.ts';
import { terminologyCapabilities } from '../../../terminology/terminology-capabilities.ts';
import type { TenantContext } from '../../tenant-context.ts';
import { terminologyOf } from './call.ts';
import { animalSet, codesIn, expanded, parameters, registerTerminology, valueIn } from './test-support.ts';

const SYSTEM = 'http://example.org/parts';
let harness: Harness;
let client: TestClient;
let directory: string;

/** 60 groups of 100 parts each, with a colour; the last of each group is inactive. */
function parts(): string {
  const lines = ['code,display,parent,colour,inactive,synonym'];
  for (let group = 0; group < 60; group++) {
    lines.push(`G${group},Group number ${group},,,,`);
    for (let part = 0; part < 100; part++) {
      lines.push(
        `P${group}-${part},Part ${part} of ${group},G${group},${part % 2 ? 'red' : 'blue'},${part === 99},Gizmo ${group * 100 + part}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

async function load(owner: 'shared' | string, content = parts(), version = '1'): Promise<number> {
  const file = join(directory, 'parts.csv');
  writeFileSync(file, content);
  return withOwner(harness.database.ownerUrl, async (connection) => {
    const run = ownerStatements(connection);
    const number = owner === 'shared' ? 0 : ((await tenantNumber(run, owner)) as number);
    return loadCodeSystem(run, { file, format: 'csv', system: SYSTEM, version, owner: number });
  });
}

beforeAll(async () => {
  registerTerminology();
  directory = mkdtempSync(join(tmpdir(), 'vesta-parts-'));
  harness = await startHarness({ tenants: ['test', 'other'] });
  client = harness.client();
  expect(await load('test')).toBe(6060);
});
afterAll(async () => {
  await harness?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const all = animalSet({ include: [{ system: SYSTEM }] });
const filtered = (property: string, op: string, value: string) =>
  animalSet({ include: [{ system: SYSTEM, filter: [{ property, op, value }] }] });
const page = (count: number, offset = 0) =>
  [
    ['count', { valueInteger: count }],
    ['offset', { valueInteger: offset }],
  ] as const;

describe('code systems in the concept tables', () => {
  it('look up, validate and subsume', async () => {
    const { json } = await client.get(`CodeSystem/$lookup?system=${SYSTEM}&code=P3-7`);
    expect([valueIn(json, 'display'), valueIn(json, 'version')]).toEqual(['Part 7 of 3', '1']);
    const group = await client.get(`CodeSystem/$lookup?system=${SYSTEM}&code=G3&property=child`);
    expect(group.json.parameter.filter(({ name }: Json) => name === 'property')).toHaveLength(100);
    const good = await client.get(
      `CodeSystem/$validate-code?url=${SYSTEM}&code=P3-7&display=part%207%20of%203`,
    );
    expect(valueIn(good.json, 'result')).toBe(true);
    const bad = await client.get(`CodeSystem/$validate-code?url=${SYSTEM}&code=P3-700`);
    expect(valueIn(bad.json, 'result')).toBe(false);
    const below = await client.get(`CodeSystem/$subsumes?system=${SYSTEM}&codeA=G3&codeB=P3-7`);
    expect(valueIn(below.json, 'outcome')).toBe('subsumes');
  });

  it('page through a whole code system, with the total, and refuse to list it at once', async () => {
    const first = await expanded(client, ['valueSet', all], ...page(3));
    expect([codesIn(first), first.expansion.total]).toEqual(['G0 P0-0 P0-1', 6060]);
    const later = await expanded(client, ['valueSet', all], ...page(2, 6058));
    expect(codesIn(later)).toBe('P59-98 P59-99');
    const whole = await client.post('ValueSet/$expand', parameters(['valueSet', all]));
    expect([whole.status, whole.issueCodes]).toEqual([422, ['too-costly']]);
  });

  it('find words in displays and designations', async () => {
    const found = await expanded(
      client,
      ['valueSet', all],
      ['filter', { valueString: 'GROUP number 5' }],
      ...page(3),
    );
    expect([codesIn(found), found.expansion.total]).toEqual(['G5 G15 G25', 15]);
    const gizmo = await expanded(
      client,
      ['valueSet', all],
      ['filter', { valueString: 'gizmo 4711' }],
      ...page(10),
    );
    expect(codesIn(gizmo)).toBe('P47-11');
  });

  it.each([
    ['concept', 'is-a', 'G5', 101],
    ['concept', 'descendent-of', 'G5', 100],
    ['concept', 'child-of', 'G5', 100],
    ['concept', 'descendent-leaf', 'G5', 100],
    ['concept', 'is-not-a', 'G5', 5959],
    ['concept', 'generalizes', 'P5-1', 2],
    ['concept', 'in', 'G5,P5-1,nothing', 2],
    ['code', 'regex', 'G[0-9]', 10],
    ['colour', '=', 'red', 3000],
    ['colour', 'exists', 'false', 60],
    ['inactive', '=', 'true', 60],
    ['child', 'exists', 'true', 60],
  ])('filter by %s %s %s', async (property, op, value, total) => {
    const json = await expanded(
      client,
      ['valueSet', filtered(property, op, value)],
      ['excludeNested', { valueBoolean: true }],
      ...page(7000),
    );
    expect(json.expansion.total ?? json.expansion.contains.length).toBe(total);
    expect(json.expansion.contains).toHaveLength(total);
  });

  it('take part in imports, excludes and activeOnly', async () => {
    const groups = animalSet(
      { include: [{ system: SYSTEM, filter: [{ property: 'concept', op: 'is-a', value: 'G7' }] }] },
      { url: 'http://example.org/g7' },
    );
    const valueSet = animalSet({
      include: [{ valueSet: ['http://example.org/g7'] }],
      exclude: [{ system: SYSTEM, filter: [{ property: 'colour', op: '=', value: 'red' }] }],
    });
    const json = await expanded(client, ['tx-resource', groups], ['valueSet', valueSet]);
    expect(json.expansion.total).toBe(51);
    const active = await expanded(
      client,
      ['valueSet', filtered('concept', 'is-a', 'G7')],
      ['activeOnly', { valueBoolean: true }],
    );
    expect(active.expansion.total).toBe(100);
  });

  it('are one tenant’s own, unless they are shared (row level security)', async () => {
    const other = harness.client('other');
    expect((await other.get(`CodeSystem/$lookup?system=${SYSTEM}&code=G1`)).status).toBe(422);
    await load('shared', 'code,display\nG1,Shared group\n', '0');
    await expect
      .poll(async () => (await other.get(`CodeSystem/$lookup?system=${SYSTEM}&code=G1`)).status, {
        timeout: 5000,
      })
      .toBe(200);
    const own = await client.get(`CodeSystem/$lookup?system=${SYSTEM}&version=1&code=G1`);
    expect(valueIn(own.json, 'display')).toBe('Group number 1');
    const { connections } = harness.service.fhir.services;
    const tenant = (await harness.service.fhir.tenants.byName('other'))?.tenant as {
      id: number;
      name: string;
    };
    const write = (text: string) =>
      connections.within(tenant, 'write', (connection) => connection.query({ text, values: [] }));
    await expect(
      write(
        `insert into store.code_system (tenant_id, url, version, state, info, concepts, loaded) values (0, 'x', '', 'ready', '{}', 0, 0)`,
      ),
    ).rejects.toThrow(/row-level security/);
    expect((await write('delete from store.concept')).count).toBe(0);
    expect((await write("update store.code_system set state = 'loading'")).count).toBe(0);
  });

  it('are replaced as a whole by the next load, and not at all by one that fails', async () => {
    await load('other', 'code,display\nA,First\nB,Second\n', '2');
    await expect(load('other', 'code,display\nA,Third\nA,Fourth\n', '2')).rejects.toThrow('twice');
    const other = harness.client('other');
    const display = async () =>
      valueIn((await other.get(`CodeSystem/$lookup?system=${SYSTEM}&version=2&code=A`)).json, 'display');
    await expect.poll(display, { timeout: 5000 }).toBe('First');
    await load('other', 'code,display\nA,Newer\n', '2');
    await expect.poll(display, { timeout: 5000 }).toBe('Newer');
    const gone = await other.get(`CodeSystem/$lookup?system=${SYSTEM}&version=2&code=B`);
    expect(gone.status).toBe(404);
  });
});

describe('large stored CodeSystem resources', () => {
  it('are copied to the tables after they were written, and go with them', async () => {
    const concept = Array.from({ length: 6000 }, (_, i) => ({
      code: `n${i}`,
      display: `Number ${i}`,
      concept: i % 100 ? [] : [{ code: `k${i}` }],
    }));
    const url = 'http://example.org/numbers';
    const stored = await client.create({
      resourceType: 'CodeSystem',
      url,
      status: 'active',
      content: 'complete',
      caseSensitive: true,
      concept: concept.map((one) => (one.concept.length ? one : { code: one.code, display: one.display })),
    });
    const { services, tenants } = harness.service.fhir;
    const context = (await tenants.byName('test')) as NonNullable<Awaited<ReturnType<typeof tenants.byName>>>;
    const lookup = () => client.get(`CodeSystem/$lookup?system=${url}&code=k500`);
    expect((await lookup()).status).toBe(200);
    const service = terminologyOf(services);
    await codeSystemsWritten(services.connections, service, context, [stored.id]);
    const systems = await service.registry.systems(context.tenant);
    expect(systems.find((system) => system.url === url)).toMatchObject({ concepts: 6060 });
    expect(valueIn((await lookup()).json, 'display')).toBe('k500');
    const json = await expanded(client, ['url', { valueUri: `${url}?fhir_vs=isa/n500` }]);
    expect(codesIn(json)).toBe('n500(k500)');
    await client.put(`CodeSystem/${stored.id}`, { ...stored, concept: [{ code: 'one' }] });
    expect((await lookup()).status).toBe(404);
    await codeSystemsWritten(services.connections, service, context, [stored.id]);
    expect((await service.registry.systems(context.tenant)).some((system) => system.url === url)).toBe(false);
  });
});

describe('terminology for other parts of the server', () => {
  it('names the code systems that a tenant may use (R4 TerminologyCapabilities)', async () => {
    const { services, tenants } = harness.service.fhir;
    const context = (await tenants.byName('test')) as TenantContext;
    const capabilities: Json = await terminologyCapabilities(terminologyOf(services), context);
    const versionsOf = (uri: string) =>
      capabilities.codeSystem.find((one: Json) => one.uri === uri)?.version?.map(({ code }: Json) => code);
    expect(versionsOf(SYSTEM)).toEqual(['1', '0']);
    expect(versionsOf('http://hl7.org/fhir/administrative-gender')).toEqual(['4.0.1']);
    expect(capabilities.codeSystem.some((one: Json) => one.uri === 'http://unitsofmeasure.org')).toBe(true);
  });

  it('answers token modifiers from the tenant’s terminology', async () => {
    const { services, tenants } = harness.service.fhir;
    const context = (await tenants.byName('test')) as NonNullable<Awaited<ReturnType<typeof tenants.byName>>>;
    await client.create(
      animalSet(
        { include: [{ system: SYSTEM, concept: [{ code: 'G1' }] }] },
        { url: 'http://example.org/one' },
      ),
    );
    const terminology = await searchTerminology(terminologyOf(services), context, [
      ['code:in', 'http://example.org/one'],
      ['code:below', `${SYSTEM}|G2`],
      ['code:above', `${SYSTEM}|P2-5`],
      ['subject:Patient.gender:not-in', 'http://example.org/none'],
    ]);
    expect(terminology.codesIn('http://example.org/one')).toEqual([{ system: SYSTEM, code: 'G1' }]);
    expect(terminology.codesIn('http://example.org/none')).toBeUndefined();
    expect(terminology.descendants(SYSTEM, 'G2')).toHaveLength(100);
    expect(terminology.ancestors(SYSTEM, 'P2-5')).toEqual(['G2']);
  });

  it('judges codes for validation', async () => {
    const { services, tenants } = harness.service.fhir;
    const provider = createTerminologyProvider(terminologyOf(services), await tenants.byName('test'));
    const gender = 'http://hl7.org/fhir/ValueSet/administrative-gender';
    expect(await provider.validateCode(undefined, 'male', undefined, `${gender}|4.0.1`)).toMatchObject({
      result: true,
      display: 'Male',
    });
    expect((await provider.validateCode(undefined, 'm', undefined, gender)).result).toBe(false);
    expect((await provider.validateCode('http://example.org/none', 'm')).result).toBe('unknown');
    expect((await provider.validateCode(SYSTEM, 'G1', 'Wrong')).message).toContain('Wrong Display Name');
    expect((await provider.validateCode(SYSTEM, 'G1', undefined, 'http://example.org/nothing')).result).toBe(
      'unknown',
    );
  });
});
