import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { smtpTransport } from '../src/auth/mail/transports.ts';
import {
  ACCOUNT,
  allDone,
  configure,
  desk,
  type FakeMailServer,
  type FakeTwilio,
  fakeMailServer,
  fakeTwilio,
  sql,
  timePasses,
  until,
  webhook,
} from './communication-support.ts';
import { type Harness, type Json, startHarness } from './harness.ts';

/* Issue 6, section 2, Communication: CommunicationRequest -> Communication by SMTP and Twilio's API, over HTTP. */

const sms = (value: string, more: object = {}) => ({ system: 'sms', value, ...more });
const mail = (value: string, more: object = {}) => ({ system: 'email', value, ...more });
const to = (id: string) => ({ subject: { reference: `Patient/${id}` } });
const saying = (text: string) => ({ payload: [{ contentString: text }] });

let harness: Harness;
let twilio: FakeTwilio;
let smtp: FakeMailServer;
let d: ReturnType<typeof desk>;

beforeAll(async () => {
  twilio = await fakeTwilio();
  smtp = await fakeMailServer();
  const from = 'Clinic <clinic@example.org>';
  harness = await startHarness({
    service: {
      communication: {
        twilio: ACCOUNT,
        twilioUrl: twilio.url,
        mail: { transport: smtpTransport(smtp.url, from), from },
      },
    },
  });
  d = desk(harness);
  const patient = (id: string, telecom: object[], more: object = {}) =>
    d.put({ resourceType: 'Patient', id, name: [{ given: ['Ana'], family: 'Roe' }], telecom, ...more });
  await patient('sms', [sms('+1 (555) 123-0001')]);
  await patient('mail', [mail('ana@example.org')]);
  await patient('both', [sms('+15551230002', { rank: 1 }), mail('both@example.org', { rank: 2 })]);
  await patient('none', [{ system: 'fax', value: '+15551230003' }]);
  await patient('dead', [sms('+15551230004')], { deceasedDateTime: '2026-01-01' });
  await patient('karachi', [sms('+923001234567')], {
    extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/timezone', valueCode: 'Asia/Karachi' }],
  });
}, 60_000);
afterAll(async () => {
  await harness?.stop();
  await Promise.all([twilio?.stop(), smtp?.stop()]);
});

/** What Twilio was asked to send with a text. */
const askedFor = (text: string) => twilio.requests.filter(({ form }) => form['Body'] === text);
const mailsWith = (text: string) => smtp.mails.filter(({ data }) => data.includes(text));
const tasksOf = (communication: Json) => d.all(`Task?focus=Communication/${communication.id}`);
const reasonOf = ({ statusReason }: Json) => statusReason?.coding?.[0]?.code;
const sent = (request: Json) =>
  until(async () => {
    const [one] = await d.of(request);
    return one?.sent !== undefined && one;
  });
const sidOf = ({ identifier }: Json): string =>
  identifier.find(({ system }: Json) => system.endsWith('/twilio-message')).value;
const status = (communication: Json, state: string, more: Record<string, string> = {}) =>
  webhook(harness, `/communication/test/twilio/status?communication=${communication.id}`, {
    MessageSid: sidOf(communication),
    MessageStatus: state,
    ...more,
  });

describe('SMS by Twilio', () => {
  test('is sent once, and completed when Twilio says that it was delivered', async () => {
    const request = await d.ask({ ...to('sms'), ...saying('Please call us.') });
    const one = await sent(request);
    const [asked, ...others] = askedFor('Please call us.');
    expect(others).toEqual([]);
    expect(asked).toMatchObject({
      path: `/2010-04-01/Accounts/${ACCOUNT.accountSid}/Messages.json`,
      authorization: `Basic ${Buffer.from(`${ACCOUNT.accountSid}:${ACCOUNT.authToken}`).toString('base64')}`,
      form: {
        To: '+15551230001',
        From: ACCOUNT.smsFrom,
        StatusCallback: `${harness.url}/communication/test/twilio/status?communication=${one.id}`,
      },
    });
    expect(one).toMatchObject({
      status: 'in-progress',
      recipient: [{ reference: 'Patient/sms' }],
      medium: [{ coding: [{ code: 'sms' }, { code: 'SMSWRIT' }] }],
      payload: [{ contentString: 'Please call us.' }],
    });
    expect(await status(one, 'delivered')).toMatchObject({
      status: 200,
      text: expect.stringContaining('<Response/>'),
    });
    const [done] = await d.settled(request, 'completed');
    expect(done.received).toBeDefined();
    expect((await d.read(`CommunicationRequest/${request.id}`)).status).toBe('completed');
    // What comes late, again or in another order changes nothing.
    await status(one, 'undelivered', { ErrorCode: '30008' });
    await status(one, 'sent');
    expect((await d.of(request))[0]).toMatchObject({ meta: { versionId: done.meta.versionId } });
    const metrics = await (await fetch(`${harness.url}/metrics`)).text();
    expect(metrics).toMatch(/^messages_total\{channel="sms",outcome="delivered"\} [1-9]/m);
    const [provenance] = await d.all(`Provenance?target=Communication/${one.id}`);
    expect(provenance.agent[0].who.reference).toMatch(/^Device\//);
  });

  test('a request that is written again while it is carried out is carried out once', async () => {
    const request = await d.ask({ ...to('sms'), ...saying('once') });
    await d.put({ ...request, note: [{ text: 'more' }] });
    await d.put({ ...request, note: [{ text: 'still more' }] });
    await sent(request);
    await allDone(harness);
    expect(await d.of(request)).toHaveLength(1);
    expect(askedFor('once')).toHaveLength(1);
  });

  test('what Twilio cannot take now is tried again later', async () => {
    twilio.answers.push({ status: 429, body: { code: 20429 } });
    const request = await d.ask({ ...to('sms'), ...saying('again') });
    const waiting = await until(async () => {
      const [one] = await d.of(request);
      return one?.status === 'preparation' && one.statusReason !== undefined && one;
    });
    expect(reasonOf(waiting)).toBe('system-error');
    const [{ wait }] = await sql(
      harness,
      `select due - extract(epoch from clock_timestamp()) * 1000 as wait from store.communication_due
        where reference = 'Communication/${waiting.id}'`,
    );
    expect(Number(wait)).toBeGreaterThan(20_000);
    await timePasses(harness);
    expect((await sent(request)).statusReason).toBeUndefined();
    expect(askedFor('again')).toHaveLength(2);
  });

  test('what nobody can tell is not sent again: a Task asks people; a report settles it', async () => {
    twilio.answers.push('lost');
    const request = await d.ask({ ...to('sms'), ...saying('unclear') });
    const [unclear] = await d.settled(request, 'unknown');
    expect(reasonOf(unclear)).toBe('unknown');
    const [task] = await until(async () => {
      const found = await tasksOf(unclear);
      return found.length > 0 && found;
    });
    expect(task).toMatchObject({ status: 'requested', for: { reference: 'Patient/sms' } });
    await timePasses(harness);
    await allDone(harness);
    expect(askedFor('unclear')).toHaveLength(1);
    const report = { MessageSid: `SM${'e'.repeat(32)}`, MessageStatus: 'delivered' };
    await webhook(harness, `/communication/test/twilio/status?communication=${unclear.id}`, report);
    const [done] = await d.settled(request, 'completed');
    expect(sidOf(done)).toBe(report.MessageSid);
    expect((await tasksOf(unclear))[0].status).toBe('cancelled');
  });

  test('without a report Twilio is asked what has become of the message', async () => {
    const request = await d.ask({ ...to('sms'), ...saying('silent') });
    const one = await sent(request);
    twilio.states.set(sidOf(one), 'delivered');
    const done = await until(async () => {
      await timePasses(harness);
      return (await d.of(request))[0]?.status === 'completed';
    });
    expect(done).toBe(true);
    expect(twilio.requests.some(({ path }) => path.endsWith(`/Messages/${sidOf(one)}.json`))).toBe(true);
  });

  test('a report about another message than that of the Communication is passed over', async () => {
    const request = await d.ask({ ...to('sms'), ...saying('mine') });
    const one = await sent(request);
    await webhook(harness, `/communication/test/twilio/status?communication=${one.id}`, {
      MessageSid: `SM${'d'.repeat(32)}`,
      MessageStatus: 'delivered',
    });
    expect((await d.of(request))[0].status).toBe('in-progress');
  });
});

describe('channels', () => {
  test('mail has a subject, a greeting, and its Message-ID is kept; it is completed when it was taken over', async () => {
    const request = await d.ask({ ...to('mail'), ...saying('Bring your card.') });
    const [done] = await d.settled(request, 'completed');
    const [{ to: rcpt, data } = { to: [], data: '' }, ...others] = mailsWith('Bring your card.');
    expect(others).toEqual([]);
    expect(rcpt).toEqual(['ana@example.org']);
    expect(data).toContain('Subject: A message for you');
    expect(data).toContain('Hello Ana,');
    const id = done.identifier.find(({ system }: Json) => system.endsWith('/mail-message')).value;
    expect(data).toContain(`Message-ID: ${id}`);
  });

  test('where one way fails for good, the next one by rank is tried', async () => {
    twilio.answers.push({ status: 400, body: { code: 21614, message: 'not a mobile number' } });
    const request = await d.ask({ ...to('both'), ...saying('two ways') });
    const found = await until(async () => {
      const all = await d.of(request);
      return all.some((one) => one.status === 'completed') && all;
    });
    const failed = found.find((one) => one.status === 'not-done');
    expect(reasonOf(failed)).toBe('invalid-phone-number');
    expect(mailsWith('two ways')).toHaveLength(1);
    await until(async () => (await d.read(`CommunicationRequest/${request.id}`)).status === 'completed');
    expect(await tasksOf(failed)).toEqual([]);
  });

  test('an address that the mail server refuses, and nobody to reach: not done, with a Task', async () => {
    smtp.answers.push('550 no such user');
    const request = await d.ask({ ...to('mail'), ...saying('refused') });
    const [failed] = await d.settled(request, 'not-done');
    expect(reasonOf(failed)).toBe('recipient-unavailable');
    const nowhere = await d.ask({ ...to('none'), ...saying('nowhere') });
    const [none] = await d.settled(nowhere, 'not-done');
    // To the number of somebody who has died nothing is sent.
    const [dead] = await d.settled(await d.ask({ ...to('dead'), ...saying('to the dead') }), 'not-done');
    expect(askedFor('to the dead')).toEqual([]);
    for (const one of [failed, none, dead]) {
      const [task] = await until(async () => {
        const found = await tasksOf(one);
        return found.length > 0 && found;
      });
      expect(task.code.coding[0].code).toBe('message-not-delivered');
      expect(task.performerType[0].coding[0].code).toBe('front_desk');
    }
    await until(async () => (await d.read(`CommunicationRequest/${nowhere.id}`)).status === 'revoked');
  });

  test('a mail server that cannot now is tried again (RFC 5321 4yz); one that is lost with the message is not', async () => {
    smtp.answers.push('451 later');
    const request = await d.ask({ ...to('mail'), ...saying('greylisted') });
    await until(async () => {
      const [one] = await d.of(request);
      return one?.status === 'preparation' && one.statusReason !== undefined;
    });
    await timePasses(harness);
    await d.settled(request, 'completed');
    expect(mailsWith('greylisted')).toHaveLength(1);
    smtp.losses = 1;
    const lost = await d.ask({ ...to('mail'), ...saying('lost mail') });
    await d.settled(lost, 'unknown');
    await timePasses(harness);
    await allDone(harness);
    expect(mailsWith('lost mail')).toHaveLength(1);
  });

  test('the request may name the channel', async () => {
    const medium = [
      {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationMode', code: 'EMAILWRIT' }],
      },
    ];
    const request = await d.ask({ ...to('both'), medium, ...saying('by mail') });
    await d.settled(request, 'completed');
    expect(mailsWith('by mail')).toHaveLength(1);
    expect(askedFor('by mail')).toEqual([]);
  });

  test('a tenant may let messages say only that there is one', async () => {
    await configure(harness, 'test', {
      'communication.contents': 'notice',
      'communication.name': 'North Clinic',
    });
    const request = await d.ask({ ...to('sms'), ...saying('a diagnosis') });
    const one = await sent(request);
    await configure(harness, 'test', { 'communication.contents': null, 'communication.name': null });
    expect(askedFor('a diagnosis')).toEqual([]);
    expect(twilio.requests.at(-1)?.form['Body']).toBe(
      'There is a message from North Clinic. Sign in to read it.',
    );
    expect(one.payload).toEqual([{ contentString: 'a diagnosis' }]);
  });
});

describe('time', () => {
  test('what begins later is sent then; what is withdrawn before is not', async () => {
    const occurrenceDateTime = new Date(Date.now() + 3_600_000).toISOString();
    const later = await d.ask({ ...to('sms'), occurrenceDateTime, ...saying('later') });
    const withdrawn = await d.ask({ ...to('sms'), occurrenceDateTime, ...saying('withdrawn') });
    const put = await until(async () => {
      const rows = await sql(harness, `select reference, due from store.communication_due where due > 0`);
      const found = [later, withdrawn].map(({ id }) =>
        rows.find(({ reference }) => reference === `CommunicationRequest/${id}`),
      );
      return found.every((row) => row !== undefined) && found;
    });
    for (const { due } of put) expect(Number(due)).toBe(Date.parse(occurrenceDateTime));
    expect(await d.of(later)).toEqual([]);
    await d.put({ ...withdrawn, status: 'revoked' });
    await d.put({ ...later, occurrenceDateTime: new Date().toISOString() });
    await sent(later);
    await timePasses(harness);
    await allDone(harness);
    expect(await d.of(withdrawn)).toEqual([]);
    expect(askedFor('withdrawn')).toEqual([]);
  });

  test('what is of no use any more is not sent', async () => {
    const occurrencePeriod = { end: new Date(Date.now() - 1000).toISOString() };
    const request = await d.ask({ ...to('sms'), occurrencePeriod, ...saying('too late') });
    await until(async () => (await d.read(`CommunicationRequest/${request.id}`)).status === 'revoked');
    expect(askedFor('too late')).toEqual([]);
  });

  test('quiet hours by the clocks where the recipient lives: what can wait waits, urgent and stat do not', async () => {
    const clock = (minutes: number) => {
      const at = new Date(Date.now() + minutes * 60_000);
      return new Intl.DateTimeFormat('en-GB', {
        timeZone: 'Asia/Karachi',
        hour: '2-digit',
        minute: '2-digit',
      }).format(at);
    };
    await configure(harness, 'test', { 'communication.quietHours': `${clock(-60)}-${clock(60)}` });
    const routine = await d.ask({ ...to('karachi'), priority: 'routine', ...saying('quiet') });
    const urgent = await d.ask({ ...to('karachi'), priority: 'stat', ...saying('loud') });
    await sent(urgent);
    const [waiting] = await d.settled(routine, 'preparation');
    const [{ wait }] = await until(async () => {
      const rows = await sql(
        harness,
        `select due - extract(epoch from clock_timestamp()) * 1000 as wait from store.communication_due
          where reference = 'Communication/${waiting.id}' and due > extract(epoch from clock_timestamp()) * 1000 + 1000`,
      );
      return rows.length > 0 && rows;
    });
    expect(Number(wait) / 60_000).toBeGreaterThan(58);
    expect(Number(wait) / 60_000).toBeLessThanOrEqual(60);
    // Where the recipient lives it is not night: the same hours elsewhere are not theirs.
    const elsewhere = await d.ask({ ...to('sms'), priority: 'routine', ...saying('day') });
    await sent(elsewhere);
    expect(askedFor('quiet')).toEqual([]);
    await configure(harness, 'test', { 'communication.quietHours': 'off' });
    await timePasses(harness);
    await sent(routine);
    await configure(harness, 'test', { 'communication.quietHours': null });
  });
});

describe('texts', () => {
  test('payloads in several languages: that of the recipient (R4 extension language), else what is said of it', async () => {
    const language = (tag: string) => ({
      extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/language', valueCode: tag }],
    });
    await d.put({
      resourceType: 'Patient',
      id: 'spanish',
      name: [{ given: ['Ana'] }],
      telecom: [mail('es@example.org')],
      communication: [
        { language: { coding: [{ system: 'urn:ietf:bcp:47', code: 'en' }] } },
        { language: { coding: [{ system: 'urn:ietf:bcp:47', code: 'es-MX' }] }, preferred: true },
      ],
    });
    const both = await d.ask({
      ...to('spanish'),
      payload: [
        { contentString: 'in English', _contentString: language('en') },
        { contentString: 'en español', _contentString: language('es') },
      ],
    });
    const [done] = await d.settled(both, 'completed');
    expect(done).toMatchObject({ language: 'es', payload: [{ contentString: 'en español' }] });
    const nothing = await d.ask(to('spanish'));
    const [told] = await d.settled(nothing, 'completed');
    expect(told.payload).toEqual([
      { contentString: 'test: hay un mensaje para usted. Inicie sesión para leerlo.' },
    ]);
    expect(smtp.mails.at(-1)?.data).toContain('Hola, Ana:');
  });
});
