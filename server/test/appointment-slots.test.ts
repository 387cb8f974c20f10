import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOLD_EXPIRES } from '../src/scheduling/terms.ts';
import { checkDatabase } from '../src/storage/check.ts';
import { entry, type Harness, type Json, startHarness, type TestClient } from './harness.ts';

/*
 * Issue 6, section 3: double booking is impossible, whoever writes. Slots of a Schedule that are not free (R4
 * valueset-slotstatus.html) do not overlap, unless they are overbooked on purpose (Slot.overbooked).
 */

let harness: Harness;
let client: TestClient;
let owner: pg.Client;

beforeAll(async () => {
  harness = await startHarness({ tenants: ['one', 'two'] });
  client = harness.client('one');
  owner = new pg.Client({ connectionString: harness.database.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner?.end();
  await harness?.stop();
});

let schedules = 0;
async function newSchedule(of = client): Promise<string> {
  const practitioner = await of.create({ resourceType: 'Practitioner' });
  const id = `calendar-${++schedules}`;
  await of.put(`Schedule/${id}`, {
    resourceType: 'Schedule',
    id,
    actor: [{ reference: `Practitioner/${practitioner.id}` }],
  });
  return id;
}

const at = (time: string) => `2030-01-07T${time}:00Z`;
const slot = (schedule: string, from: string, to: string, more: object = {}): Json => ({
  resourceType: 'Slot',
  schedule: { reference: `Schedule/${schedule}` },
  status: 'busy',
  start: at(from),
  end: at(to),
  ...more,
});
const held = (until: number) => ({
  status: 'busy-tentative',
  extension: [{ url: HOLD_EXPIRES, valueInstant: new Date(until).toISOString() }],
});
const refused = { status: 409, issueCodes: ['conflict'] };

describe('Slots of a Schedule that are not free', () => {
  it('do not overlap: a POST, PUT or PATCH that would make it so is a 409 that names Slot.start', async () => {
    const schedule = await newSchedule();
    const first = await client.create(slot(schedule, '09:00', '09:30'));
    for (const [from, to] of [
      ['09:00', '09:30'],
      ['08:45', '09:01'],
      ['09:10', '09:20'],
      ['08:00', '10:00'],
    ] as const) {
      for (const status of ['busy', 'busy-tentative', 'busy-unavailable']) {
        const answer = await client.post('Slot', slot(schedule, from, to, { status }));
        expect(answer).toMatchObject(refused);
        expect(answer.expressions).toEqual(['Slot.start']);
      }
    }
    const next = await client.create(slot(schedule, '09:30', '10:00'));
    const moved = slot(schedule, '09:15', '09:45', { id: next.id });
    expect(await client.put(`Slot/${next.id}`, moved)).toMatchObject(refused);
    const patch = [{ op: 'replace', path: '/start', value: at('09:29') }];
    expect(await client.patch(`Slot/${next.id}`, patch)).toMatchObject(refused);
    expect((await client.get(`Slot/${first.id}`)).json.meta.versionId).toBe('1');
    expect((await client.get(`Slot/${next.id}`)).json.meta.versionId).toBe('1');
  });

  it('may stand beside free ones, those entered in error, overbooked ones, and those of other Schedules and tenants', async () => {
    const schedule = await newSchedule();
    await client.create(slot(schedule, '09:00', '09:30'));
    for (const more of [{ status: 'free' }, { status: 'entered-in-error' }, { overbooked: true }])
      await client.create(slot(schedule, '09:00', '09:30', more));
    await client.create(slot(await newSchedule(), '09:00', '09:30'));
    const two = harness.client('two');
    const practitioner = await two.create({ resourceType: 'Practitioner' });
    const actor = [{ reference: `Practitioner/${practitioner.id}` }];
    await two.put(`Schedule/${schedule}`, { resourceType: 'Schedule', id: schedule, actor });
    await two.create(slot(schedule, '09:00', '09:30'));
  });

  it('give their time back when they are freed, moved or deleted', async () => {
    const schedule = await newSchedule();
    const take = async () => (await client.create(slot(schedule, '09:00', '09:30'))).id as string;
    const freed = await take();
    await client.put(`Slot/${freed}`, slot(schedule, '09:00', '09:30', { id: freed, status: 'free' }));
    const moved = await take();
    await client.put(`Slot/${moved}`, slot(schedule, '11:00', '11:30', { id: moved }));
    const gone = await take();
    expect((await client.delete(`Slot/${gone}`)).status).toBe(204);
    await take();
    const back = slot(schedule, '09:00', '09:30', { id: freed });
    expect(await client.put(`Slot/${freed}`, back)).toMatchObject(refused);
  });

  it('may change places within one transaction, and a transaction with an overlap writes nothing', async () => {
    const schedule = await newSchedule();
    const one = await client.create(slot(schedule, '09:00', '09:30'));
    const two = await client.create(slot(schedule, '09:30', '10:00'));
    const swapped = await client.transaction([
      entry('POST', 'Slot', slot(schedule, '09:00', '09:15')),
      entry('PUT', `Slot/${one.id}`, slot(schedule, '09:30', '10:00', { id: one.id })),
      entry('PUT', `Slot/${two.id}`, slot(schedule, '09:15', '09:30', { id: two.id })),
    ]);
    expect(swapped.status).toBe(200);
    const before = (await client.get('Slot?_summary=count')).json.total;
    const answer = await client.transaction([
      entry('POST', 'Slot', slot(schedule, '12:00', '12:30')),
      entry('POST', 'Slot', slot(schedule, '12:15', '12:45')),
    ]);
    expect(answer).toMatchObject(refused);
    expect((await client.get('Slot?_summary=count')).json.total).toBe(before);
  });

  it('of a batch each is refused by itself', async () => {
    const schedule = await newSchedule();
    const answer = await client.batch([
      entry('POST', 'Slot', slot(schedule, '09:00', '09:30')),
      entry('POST', 'Slot', slot(schedule, '09:15', '09:45')),
      entry('POST', 'Slot', slot(schedule, '10:00', '10:30')),
    ]);
    const statuses = answer.json.entry.map((one: Json) => one.response.status.slice(0, 3));
    expect(statuses[2]).toBe('201');
    expect(statuses.toSorted()).toEqual(['201', '201', '409']);
  });

  it('that hold a time until it is over make way then, and not before', async () => {
    const schedule = await newSchedule();
    await client.create(slot(schedule, '09:00', '09:30', held(Date.now() + 3_600_000)));
    expect(await client.post('Slot', slot(schedule, '09:00', '09:30'))).toMatchObject(refused);
    const over = await client.create(slot(schedule, '10:00', '10:30', held(Date.now() - 1000)));
    await client.create(slot(schedule, '10:15', '10:45'));
    const late = slot(schedule, '10:00', '10:30', { id: over.id });
    expect(await client.put(`Slot/${over.id}`, late)).toMatchObject(refused);
  });

  it('of many clients that take one time at once one wins', async () => {
    const schedule = await newSchedule();
    const other = await harness.startAnother();
    const clients = [client, other.client('one')];
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        (clients[i % 2] as TestClient).post('Slot', slot(schedule, '09:00', '09:30')),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...new Array(59).fill(409)]);
  });

  it('are known to vesta db check, and $reindex makes their rows anew, but not of what overlaps already', async () => {
    const schedule = await newSchedule();
    const slotId = (await client.create(slot(schedule, '09:00', '09:30'))).id as string;
    await client.create(slot(schedule, '14:00', '14:30', held(Date.now() - 1000)));
    const baseUrl = `${harness.url}/fhir`;
    const check = async () => (await checkDatabase(harness.database.ownerUrl, { baseUrl })).problems;
    const missing = [`one Slot/${slotId}: busy: 1 missing`];
    expect(await check()).toEqual([]);
    const { rows } = await owner.query('select rid from store.resource where id = $1', [slotId]);
    await owner.query('delete from store.busy where rid = $1', [rows[0].rid]);
    expect(await check()).toEqual(missing);
    expect((await client.post(`Slot/${slotId}/$reindex`, { resourceType: 'Parameters' })).status).toBe(200);
    expect(await check()).toEqual([]);
    await owner.query('delete from store.busy where rid = $1', [rows[0].rid]);
    await client.create(slot(schedule, '09:00', '09:30'));
    expect((await client.post(`Slot/${slotId}/$reindex`, { resourceType: 'Parameters' })).status).toBe(200);
    expect(await check()).toEqual(missing);
  });
});
