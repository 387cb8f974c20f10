import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCOUNT, configure, desk, type FakeTwilio, fakeTwilio, until } from './communication-support.ts';
import { type Harness, type Json, startHarness } from './harness.ts';

/* Issue 6, section 2, Communication: who may be told, and what people refuse. */

const EMERGENCY = 'https://vesta.health/fhir/PlanDefinition/emergency';
const MEDIUM = 'https://vesta.health/fhir/CodeSystem/communication-medium';

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
    await d.put({
      resourceType: 'Patient',
      id,
      name: [{ given: ['Ana'] }],
      telecom: [{ system: 'sms', value }],
    });
  const related = (id: string, value: string, more: object = {}) =>
    d.put({
      resourceType: 'RelatedPerson',
      id,
      patient: { reference: 'Patient/p' },
      telecom: [{ system: 'phone', use: 'mobile', value }],
      ...more,
    });
  await related('permitted', '(555) 222-0001', { active: true });
  await related('unmentioned', '+15552220002');
  await related('former', '+15552220003', { period: { end: '2020-01-01' } });
  for (const id of ['permitted', 'former'])
    await d.put(privacyConsent(`for-${id}`, 'permit', [`RelatedPerson/${id}`]));
  await configure(harness, 'test', { 'communication.countryCode': '1' });
}, 60_000);
afterAll(async () => {
  await harness?.stop();
  await twilio?.stop();
});

/** R4 consent.html: a base that denies, with what it permits to some; or one that permits with what it denies. */
function privacyConsent(id: string, type: 'permit' | 'deny', actors: readonly string[], more: object = {}) {
  return {
    resourceType: 'Consent',
    id,
    status: 'active',
    scope: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
    },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: 'Patient/p' },
    policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
    provision: {
      provision: [
        {
          type,
          actor: actors.map((reference) => ({
            role: { coding: [{ code: 'PRCP' }] },
            reference: { reference },
          })),
          ...more,
        },
      ],
    },
  };
}

const saying = (text: string) => ({ payload: [{ contentString: text }] });
const sentTo = (number: string) => twilio.requests.filter(({ form }) => form['To'] === number);
const reasonOf = ({ statusReason }: Json) => statusReason?.coding?.[0]?.code;
const byRecipient = (found: Json[], reference: string) =>
  found.find(({ recipient }) => recipient[0].reference === reference);

describe('the family is told by consent only', () => {
  test('who is permitted by name is told; others, and who is no relation any more, are not', async () => {
    const people = ['permitted', 'unmentioned', 'former'].map((id) => ({ reference: `RelatedPerson/${id}` }));
    const request = await d.ask({
      subject: { reference: 'Patient/p' },
      recipient: people,
      ...saying('news'),
    });
    const found = await until(async () => {
      const all = await d.of(request);
      return byRecipient(all, 'RelatedPerson/permitted')?.sent !== undefined && all.length === 3 && all;
    });
    expect(sentTo('+15552220001')).toHaveLength(1);
    for (const id of ['unmentioned', 'former']) {
      const one = byRecipient(found, `RelatedPerson/${id}`);
      expect([one.status, reasonOf(one)]).toEqual(['not-done', 'patient-objection']);
      // It is the patient's will: nobody has to look after it, and nothing of the message is kept for them.
      expect(await d.all(`Task?focus=Communication/${one.id}`)).toEqual([]);
      expect(one.payload).toBeUndefined();
    }
    expect(sentTo('+15552220002')).toEqual([]);
  });

  test('what another consent denies is not told, though one permits it', async () => {
    await d.put(
      privacyConsent('but', 'deny', ['RelatedPerson/permitted'], {
        action: [{ coding: [{ code: 'disclose' }] }],
      }),
    );
    const before = sentTo('+15552220001').length;
    const request = await d.ask({
      subject: { reference: 'Patient/p' },
      recipient: [{ reference: 'RelatedPerson/permitted' }],
      ...saying('denied'),
    });
    await d.settled(request, 'not-done');
    await d.client.delete('Consent/but');
    expect(sentTo('+15552220001')).toHaveLength(before);
  });

  test('the step of the emergency workflow tells those of the family who may be told, once, without findings', async () => {
    const group = await d.client.create({
      resourceType: 'RequestGroup',
      status: 'active',
      intent: 'order',
      instantiatesCanonical: [EMERGENCY],
      subject: { reference: 'Patient/p' },
    });
    const task = await d.client.create({
      resourceType: 'Task',
      status: 'in-progress',
      intent: 'order',
      code: { text: 'communication' },
      basedOn: [{ reference: `RequestGroup/${group.id}` }],
    });
    const context = (await harness.service.fhir.tenants.byName('test'))!;
    const run = () =>
      harness.service.agents.runtime.run(context, 'communication', {
        task,
        group,
        subject: 'Patient/p',
        intake: { text: 'crushing chest pain' },
        earlier: {},
      });
    const before = sentTo('+15552220001').length;
    const [{ output }, again] = [(await run()) as Json, (await run()) as Json];
    const reference = output.outputs[0].valueReference.reference;
    expect(again.output.outputs[0].valueReference.reference).toBe(reference);
    const request = await d.read(reference);
    expect(request).toMatchObject({ priority: 'urgent', subject: { reference: 'Patient/p' } });
    expect(request.recipient).toHaveLength(3);
    const found = await until(async () => {
      const all = await d.of(request);
      return byRecipient(all, 'RelatedPerson/permitted')?.sent !== undefined && all.length === 3 && all;
    });
    expect(byRecipient(found, 'RelatedPerson/unmentioned').status).toBe('not-done');
    expect(sentTo('+15552220001')).toHaveLength(before + 1);
    expect(sentTo('+15552220002')).toEqual([]);
    const text = sentTo('+15552220001').at(-1)?.form['Body'];
    expect(text).toBe('test: Ana is here with us and is being cared for. Please call us or come.');
  });

  test('who starts the workflow need not see consents: the agent decides by its own access', async () => {
    const context = (await harness.service.fhir.tenants.byName('test'))!;
    const group = await d.client.create({
      resourceType: 'RequestGroup',
      status: 'active',
      intent: 'order',
      instantiatesCanonical: [EMERGENCY],
    });
    const task = await d.client.create({ resourceType: 'Task', status: 'in-progress', intent: 'order' });
    const caller = {
      tenant: context.tenant,
      subject: 'Patient/refuser',
      grants: [
        {
          types: ['Patient', 'RelatedPerson', 'Task', 'CommunicationRequest'],
          interactions: ['read', 'search-type', 'create', 'update', 'transaction'],
        },
      ],
    } as const;
    const input = { task, group, subject: 'Patient/p', earlier: {} };
    const { output } = (await harness.service.agents.runtime.run(context, 'communication', input, {
      caller,
    })) as Json;
    const request = await d.read(output.outputs[0].valueReference.reference);
    const found = await until(async () => {
      const all = await d.of(request);
      return byRecipient(all, 'RelatedPerson/permitted')?.sent !== undefined && all.length === 3 && all;
    });
    expect(byRecipient(found, 'RelatedPerson/unmentioned').status).toBe('not-done');
  });

  test('in open mode or not: a step without a patient tells nobody and says so', async () => {
    const context = (await harness.service.fhir.tenants.byName('test'))!;
    const { output } = (await harness.service.agents.runtime.run(context, 'communication', {
      task: { resourceType: 'Task', id: 't' },
      group: { resourceType: 'RequestGroup', id: 'g' },
      earlier: {},
    })) as Json;
    expect(output.outputs).toHaveLength(1);
    expect(output.outputs[0].valueString).toContain('Nobody was told');
  });
});

describe('what the agent may not do', () => {
  test('of Consents it writes refusals of messages only, of Tasks those about messages', async () => {
    const context = (await harness.service.fhir.tenants.byName('test'))!;
    const { runtime } = harness.service.agents;
    const agent = runtime.agent('communication')!;
    const tries = [
      privacyConsent('forged', 'permit', ['RelatedPerson/unmentioned']),
      {
        resourceType: 'Task',
        id: 'forged',
        status: 'accepted',
        intent: 'order',
        code: { text: 'agent-action' },
      },
      { resourceType: 'Patient', id: 'forged' },
    ];
    for (const resource of tries) {
      const work = runtime.within(context, agent, {}, {}, ({ fhir }) => fhir.update(resource as never));
      await expect(work, resource.resourceType).rejects.toMatchObject({ status: 403 });
    }
  });
});

describe('channels that people refuse', () => {
  test('are not used (a Consent of scope communication), for as long as it holds', async () => {
    const refusal = {
      resourceType: 'Consent',
      id: 'refusal',
      status: 'active',
      scope: {
        coding: [{ system: 'https://vesta.health/fhir/CodeSystem/consent-scope', code: 'communication' }],
      },
      category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
      patient: { reference: 'Patient/refuser' },
      policyRule: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTOUT' }],
      },
      provision: { type: 'deny', code: [{ coding: [{ system: MEDIUM, code: 'sms' }] }] },
    };
    await d.put(refusal);
    const ask = (text: string) => d.ask({ subject: { reference: 'Patient/refuser' }, ...saying(text) });
    const [refused] = await d.settled(await ask('refused'), 'not-done');
    expect(reasonOf(refused)).toBe('patient-objection');
    expect(sentTo('+15551110002')).toEqual([]);
    await d.put({ ...refusal, provision: { ...refusal.provision, period: { end: '2020-01-01' } } });
    await ask('over');
    await until(async () => sentTo('+15551110002').length === 1);
  });

  test('a refusal that Twilio knows of becomes one here', async () => {
    twilio.answers.push({ status: 400, body: { code: 21610 } });
    await d.put({
      resourceType: 'Patient',
      id: 'opted',
      telecom: [{ system: 'sms', value: '+15551110009' }],
    });
    const request = await d.ask({ subject: { reference: 'Patient/opted' }, ...saying('x') });
    await d.settled(request, 'not-done');
    const [consent] = await d.all('Consent?patient=Patient/opted&status=active');
    expect(consent.provision).toMatchObject({ type: 'deny', code: [{ coding: [{ code: 'sms' }, {}] }] });
    await d.settled(await d.ask({ subject: { reference: 'Patient/opted' }, ...saying('y') }), 'not-done');
    expect(sentTo('+15551110009')).toHaveLength(1);
  });
});
