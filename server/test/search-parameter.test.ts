import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;
beforeAll(async () => {
  harness = await startHarness({});
  client = harness.client();
});
afterAll(() => harness?.stop());

const parameter = (over: object = {}) => ({
  resourceType: 'SearchParameter',
  url: 'http://example.org/SearchParameter/nickname',
  name: 'Nickname',
  status: 'active',
  description: 'x',
  code: 'nickname',
  base: ['Patient'],
  type: 'string',
  expression: "Patient.name.where(use = 'nickname').given",
  ...over,
});

describe('a SearchParameter of a tenant (R4 searchparameter.html)', () => {
  it.each([
    ["Patient.name.where(use = 'nickname'", 'a syntax error'],
    ['Patient.nope', 'an unknown element'],
    ['Observation.code', 'nothing of the base type'],
    ["Patient.where(maritalStatus.memberOf('http://example.org/vs'))", 'what an index cannot hold'],
  ])('with the expression %s is refused and names it: %s', async (expression) => {
    const answer = await client.post('SearchParameter', parameter({ expression }));
    expect(answer.status).toBe(422);
    expect(answer.expressions[0]).toContain('SearchParameter.expression');
  });

  it('finds new resources at once, older ones after $reindex, and is in /metadata when it is ready', async () => {
    const old = await client.create({
      resourceType: 'Patient',
      name: [{ use: 'nickname', given: ['Bear'] }],
    });
    expect((await client.post('SearchParameter', parameter())).status).toBe(201);
    const fresh = await client.create({
      resourceType: 'Patient',
      name: [{ use: 'nickname', given: ['Bee'] }],
    });
    const found = async (text: string): Promise<string[]> =>
      ((await client.get(`Patient?nickname=${text}`)).json.entry ?? []).map(
        (one: { resource: { id: string } }) => one.resource.id,
      );
    expect(await found('bee')).toEqual([fresh.id]);
    const listed = async (): Promise<boolean> =>
      (await client.get('metadata')).text.includes('SearchParameter/nickname');
    expect(await listed()).toBe(false);
    const started = await client.post('$reindex', { resourceType: 'Parameters' });
    expect(started.status).toBe(202);
    const location = (started.header('content-location') as string).split(`/${client.tenant}/`)[1] as string;
    await expect.poll(async () => (await client.get(location)).status, { timeout: 20_000 }).toBe(200);
    expect(await found('bear')).toEqual([old.id]);
    await expect.poll(listed, { timeout: 5_000 }).toBe(true);
  });
});
