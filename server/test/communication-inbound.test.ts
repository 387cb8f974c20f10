import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OPTION } from '../src/agents/supervisor/terms.ts';
import { webhookSignature } from '../src/communication/twilio/signature.ts';
import {
  ACCOUNT,
  configure,
  desk,
  type FakeTwilio,
  fakeTwilio,
  until,
  webhook,
} from './communication-support.ts';
import { type Harness, type Json, startHarness } from './harness.ts';

/* Issue 6, section 2, Communication: messages that come in by Twilio's signed webhooks, and what is answered. */

let harness: Harness;
let twilio: FakeTwilio;
let d: ReturnType<typeof desk>;

beforeAll(async () => {
  twilio = await fakeTwilio();
  harness = await startHarness({
    tenants: ['test', 'other'],
    service: { communication: { twilio: ACCOUNT, twilioUrl: twilio.url } },
  });
  d = desk(harness);
  for (const [id, value] of [
    ['p', '+15551110001'],
    ['refuser', '+15551110002'],
  ])
    await d.put({ resourceType: 'Patient', id, telecom: [{ system: 'sms', value }] });
  await d.put({
    resourceType: 'RelatedPerson',
    id: 'permitted',
    patient: { reference: 'Patient/p' },
    telecom: [{ system: 'phone', use: 'mobile', value: '(555) 222-0001' }],
  });
  await configure(harness, 'test', {
    'communication.countryCode': '1',
    'communication.inbound': 'supervisor',
  });
}, 60_000);
afterAll(async () => {
  await harness?.stop();
  await twilio?.stop();
});

const saying = (text: string) => ({ payload: [{ contentString: text }] });
const sentTo = (number: string) => twilio.requests.filter(({ form }) => form['To'] === number);

let number = 1000;
const sid = () => `SM${(++number).toString(16).padStart(32, '0')}`;
const PATH = '/communication/test/twilio/message';
const receive = (from: string, body: string, more: Record<string, string> = {}) => {
  const fields = { MessageSid: sid(), From: from, To: '+15550000000', Body: body, NumMedia: '0', ...more };
  return { fields, answer: webhook(harness, PATH, fields) };
};
const kept = (id: string) =>
  d.all(`Communication?identifier=https://vesta.health/fhir/identifier/twilio-message|${id}`);

describe('messages that come in', () => {
  test('are Communications of who has the number, however it is written, in one conversation', async () => {
    const first = receive('+15552220001', 'How is she?');
    expect((await first.answer).status).toBe(200);
    const second = receive('+15552220001', 'Hello?');
    await second.answer;
    const [one, other] = await Promise.all(
      [first, second].map(async ({ fields }) => (await kept(fields.MessageSid))[0]),
    );
    expect(one).toMatchObject({
      status: 'completed',
      category: [{ coding: [{ code: 'chat' }] }],
      sender: { reference: 'RelatedPerson/permitted' },
      subject: { reference: 'Patient/p' },
      payload: [{ contentString: 'How is she?' }],
    });
    const conversation = ({ identifier }: Json) =>
      identifier.find(({ system }: Json) => system.endsWith('/conversation')).value;
    expect(conversation(one)).toBe(conversation(other));
  });

  test('that come again are kept once', async () => {
    const { fields, answer } = receive('+15551110001', 'Twice');
    await answer;
    const [a, b] = await Promise.all([webhook(harness, PATH, fields), webhook(harness, PATH, fields)]);
    expect([a.status, b.status]).toEqual([200, 200]);
    expect(await kept(fields.MessageSid)).toHaveLength(1);
  });

  test('from a number of nobody, or of several people, have no sender, and a Task', async () => {
    await d.put({
      resourceType: 'Patient',
      id: 'twin1',
      telecom: [{ system: 'phone', value: '555.444.0001' }],
    });
    await d.put({
      resourceType: 'Patient',
      id: 'twin2',
      telecom: [{ system: 'sms', value: '+1 555-444-0001' }],
    });
    for (const from of ['+15553330000', '+15554440001']) {
      const { fields, answer } = receive(from, 'Who am I?');
      await answer;
      const [one] = await kept(fields.MessageSid);
      expect(one.sender).toEqual({ identifier: { system: 'urn:ietf:rfc:3966', value: `tel:${from}` } });
      expect(one.subject).toBeUndefined();
      expect(await d.all(`Task?focus=Communication/${one.id}`)).toHaveLength(1);
    }
  });

  test('STOP refuses the channel, START takes it back; an old STOP that comes again does nothing', async () => {
    const ask = () => d.ask({ subject: { reference: 'Patient/p' }, ...saying('still there?') });
    const active = async () =>
      (await d.all('Consent?patient=Patient/p&status=active')).filter(
        ({ scope }) => scope.coding[0].code === 'communication',
      );
    const stop = receive('+15551110001', ' Stop. ');
    await stop.answer;
    expect(await active()).toHaveLength(1);
    await d.settled(await ask(), 'not-done');
    // An answer to a question elsewhere; here it means START.
    await receive('+15551110001', 'yes').answer;
    expect(await active()).toEqual([]);
    await webhook(harness, PATH, stop.fields);
    expect(await active()).toEqual([]);
    const before = sentTo('+15551110001').length;
    await ask();
    await until(async () => sentTo('+15551110001').length === before + 1);
    await receive('+15551110001', 'please do not stop').answer;
    expect(await active()).toEqual([]);
  });

  test('WhatsApp numbers carry their channel; what Twilio has understood counts', async () => {
    const { fields, answer } = receive('whatsapp:+15551110002', 'whatever', { OptOutType: 'STOP' });
    await answer;
    expect((await kept(fields.MessageSid))[0].medium[0].coding[0].code).toBe('whatsapp');
    const consents = await d.all('Consent?patient=Patient/refuser&status=active');
    const refused = consents.flatMap(({ provision }) =>
      provision.code.map((code: Json) => code.coding[0].code),
    );
    expect(refused).toContain('whatsapp');
  });
});

describe('conversations by SMS', () => {
  const conversationOf = ({ identifier }: Json) =>
    identifier.find(({ system }: Json) => system.endsWith('/conversation'));
  const option = (label: string) => ({
    url: OPTION,
    extension: [
      { url: 'label', valueString: label },
      { url: 'value', valueString: label },
    ],
  });
  const answer = (to: Json, text: string, options: readonly string[] = []) =>
    d.client.create({
      resourceType: 'Communication',
      ...(options.length === 0 ? {} : { extension: options.map(option) }),
      status: 'completed',
      identifier: [conversationOf(to)],
      category: to.category,
      subject: { reference: 'Patient/p' },
      sender: { reference: 'Practitioner/nurse' },
      payload: [{ contentString: text }],
    });

  test('what staff answer in a conversation goes to the number that has written, once, at any hour', async () => {
    await d.put({ resourceType: 'Practitioner', id: 'nurse' });
    await configure(harness, 'test', {
      'communication.inbound': 'people',
      'communication.quietHours': '00:00-23:59',
    });
    const { fields, answer: received } = receive('+15551110001', 'May I eat?');
    await received;
    const [message] = await kept(fields.MessageSid);
    const [task] = await d.all(`Task?focus=Communication/${message.id}`);
    expect(task.code.coding[0].code).toBe('message-received');
    // What can be chosen is told once, whether the text lists it or not.
    await answer(message, 'Yes, you may.\n1. Now\n2. Later', ['Now', 'Later', 'Something else']);
    const body = 'Yes, you may.\n1. Now\n2. Later\n- Something else';
    await until(async () => sentTo('+15551110001').some(({ form }) => form['Body'] === body));
    await configure(harness, 'test', {
      'communication.inbound': 'supervisor',
      'communication.quietHours': null,
    });
    const sent = sentTo('+15551110001').filter(({ form }) => form['Body'] === body);
    expect(sent).toHaveLength(1);
  });

  test('who writes on in the app is answered there', async () => {
    const { fields, answer: received } = receive('+15551110001', 'Now in the app');
    await received;
    const [message] = await kept(fields.MessageSid);
    await d.client.create({
      resourceType: 'Communication',
      status: 'completed',
      identifier: [conversationOf(message)],
      category: message.category,
      subject: { reference: 'Patient/p' },
      sender: { reference: 'Patient/p' },
      payload: [{ contentString: 'here' }],
    });
    const before = sentTo('+15551110001').length;
    const reply = await answer(message, 'In the app.');
    await until(async () =>
      (await harness.service.agents.dispatcher.depths()).every(({ waiting }) => waiting === 0),
    );
    expect(await d.all(`CommunicationRequest?_count=200`)).not.toContainEqual(
      expect.objectContaining({ about: [{ reference: `Communication/${reply.id}` }] }),
    );
    expect(sentTo('+15551110001')).toHaveLength(before);
  });

  test('the supervisor answers who writes by SMS (its Device is the recipient)', async () => {
    // Its Device is made with its first run.
    const context = (await harness.service.fhir.tenants.byName('test'))!;
    const { runtime } = harness.service.agents;
    const supervisor = runtime.agent('supervisor');
    if (supervisor === undefined) throw new Error('no supervisor');
    const device = await runtime.devices.referenceOf(context, supervisor);
    const before = sentTo('+15551110001').length;
    const { fields, answer: received } = receive('+15551110001', 'hello');
    await received;
    const [message] = await kept(fields.MessageSid);
    expect(message.recipient).toEqual([{ reference: device }]);
    await until(async () => sentTo('+15551110001').length > before);
  });
});

describe('hostile webhooks', () => {
  const fields = () => ({
    MessageSid: sid(),
    From: '+15551110001',
    To: '+15550000000',
    Body: 'x',
    NumMedia: '0',
  });
  const nothingKept = async (id: string) => expect(await kept(id)).toEqual([]);

  test('without the account’s signature nothing is taken: a wrong token, path, field, or none', async () => {
    const good = fields();
    const cases = [
      await webhook(harness, PATH, good, { token: 'another-token' }),
      await webhook(harness, PATH, good, { signature: '' }),
      await webhook(harness, PATH, good, { signature: 'é'.normalize('NFD').slice(0, 1).repeat(28) }),
      await webhook(harness, PATH, good, { account: `AC${'2'.repeat(32)}` }),
      await webhook(harness, '/communication/nobody/twilio/message', good),
    ];
    expect(cases.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    expect(new Set(cases.map(({ text }) => text)).size).toBe(1);
    await nothingKept(good.MessageSid);
  });

  test('what was signed for one tenant is nothing in another', async () => {
    const form = new URLSearchParams({ AccountSid: ACCOUNT.accountSid, ...fields() });
    const signature = webhookSignature(ACCOUNT.authToken, `${harness.url}${PATH}`, form);
    const response = await fetch(`${harness.url}/communication/other/twilio/message`, {
      method: 'POST',
      body: form,
      headers: { 'X-Twilio-Signature': signature },
    });
    expect(response.status).toBe(403);
  });

  test('a huge body is refused, and one of another type; a signed form that lacks fields is a 400', async () => {
    const huge = await webhook(harness, PATH, { ...fields(), Body: 'x'.repeat(100_000) });
    expect(huge.status).toBe(413);
    const json = await fetch(`${harness.url}${PATH}`, {
      method: 'POST',
      body: '{}',
      headers: { 'Content-Type': 'application/json' },
    });
    expect(json.status).toBe(415);
    expect((await webhook(harness, PATH, { From: '+15551110001' })).status).toBe(400);
    expect((await webhook(harness, PATH, { ...fields(), From: 'not a number' })).status).toBe(400);
    const odd = fields();
    expect((await webhook(harness, PATH, { ...odd, Body: '\0\u0007 \ud800 ok' })).status).toBe(200);
    expect((await kept(odd.MessageSid))[0].payload[0].contentString).toContain('ok');
  });

  test('a status for a Communication that nothing was sent for changes nothing', async () => {
    const other = await d.client.create({ resourceType: 'Communication', status: 'in-progress' });
    for (const communication of [other.id, '../x', 'nope']) {
      const answer = await webhook(
        harness,
        `/communication/test/twilio/status?communication=${encodeURIComponent(communication)}`,
        { MessageSid: sid(), MessageStatus: 'delivered' },
      );
      expect(answer.status).toBe(200);
    }
    expect((await d.read(`Communication/${other.id}`)).status).toBe('in-progress');
  });
});
