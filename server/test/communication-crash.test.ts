import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Adapter, OutgoingMessage } from '../src/communication/adapter.ts';
import type { Channel } from '../src/communication/terms.ts';
import { desk, sql, timePasses, until } from './communication-support.ts';
import { type Harness, startHarness } from './harness.ts';

/*
 * Issue 6, section 2: a message is sent at most once. Its state stands in the database before it is sent; a process that
 * dies leaves it to another, which sends what was not begun and asks people about what was.
 */

/** Sends nothing that it does not remember; hangs while it is told to. */
class Sender implements Adapter {
  readonly name = 'fake';
  readonly sent: OutgoingMessage[] = [];
  hangs = false;
  readonly released = Promise.withResolvers<void>();

  async send(_tenant: unknown, message: OutgoingMessage) {
    this.sent.push(message);
    if (this.hangs) await this.released.promise;
    return { state: 'delivered' } as const;
  }
}

let harness: Harness;
let sender: Sender;
let d: ReturnType<typeof desk>;

beforeAll(async () => {
  sender = new Sender();
  harness = await startHarness({
    service: { communication: { adapters: new Map<Channel, Adapter>([['email', sender]]) } },
  });
  d = desk(harness);
  await d.put({ resourceType: 'Patient', id: 'p', telecom: [{ system: 'email', value: 'p@example.org' }] });
}, 60_000);
afterAll(async () => {
  sender?.released.resolve();
  await harness?.stop();
});

const ask = (text: string) =>
  d.ask({ subject: { reference: 'Patient/p' }, payload: [{ contentString: text }] });
const sentTexts = () => sender.sent.filter(({ text }) => text.includes('first') || text.includes('second'));

// Four servers share this process.
describe('a server that dies', { timeout: 180_000 }, () => {
  test('while it sends: another one does not send again, says that nobody can tell, and a person is asked', async () => {
    sender.hangs = true;
    const request = await ask('first');
    await d.settled(request, 'in-progress');
    await until(async () => sender.sent.length === 1);
    sender.hangs = false;
    // What the process held is taken over by another when its lease is over.
    await harness.startAnother();
    await timePasses(harness);
    const [unknown] = await d.settled(request, 'unknown');
    expect(sender.sent).toHaveLength(1);
    expect(unknown.statusReason.coding[0].code).toBe('unknown');
    const tasks = await until(async () => {
      const found = await d.all(`Task?focus=Communication/${unknown.id}`);
      return found.length > 0 && found;
    });
    expect(tasks[0].code.coding[0].code).toBe('message-unclear');
    await until(async () => (await d.read(`CommunicationRequest/${request.id}`)).status === 'completed');
  });

  test('before it sends: what is prepared is sent by whoever is there, once', async () => {
    const request = await d.client.create({
      resourceType: 'CommunicationRequest',
      status: 'draft',
      priority: 'urgent',
      subject: { reference: 'Patient/p' },
      payload: [{ contentString: 'second' }],
    });
    // As a process leaves it that has prepared a message and died.
    await d.put({
      ...request,
      status: 'active',
      occurrenceDateTime: new Date(Date.now() + 60_000).toISOString(),
    });
    await until(
      async () =>
        (
          await sql(
            harness,
            `select 1 from store.communication_due where reference = 'CommunicationRequest/${request.id}'`,
          )
        ).length > 0,
    );
    await Promise.all([harness.startAnother(), harness.startAnother()]);
    await d.put({
      ...(await d.read(`CommunicationRequest/${request.id}`)),
      occurrenceDateTime: new Date().toISOString(),
    });
    await timePasses(harness);
    await d.settled(request, 'completed');
    expect(sentTexts().filter(({ text }) => text.includes('second'))).toHaveLength(1);
  });

  test('a hundred requests, three servers: each message once, and nothing is left to do', async () => {
    await Promise.all([harness.startAnother(), harness.startAnother()]);
    const requests = await Promise.all(Array.from({ length: 100 }, (_, index) => ask(`number ${index}.`)));
    for (const request of requests) await d.settled(request, 'completed');
    await until(async () => (await sql(harness, 'select 1 from store.communication_due')).length === 0);
    const texts = sender.sent.flatMap(({ text }) => /number \d+\./.exec(text)?.[0] ?? []);
    expect(texts).toHaveLength(100);
    expect(new Set(texts).size).toBe(100);
  });

  test('what is settled and was not followed up is: the next way, the end of the request', async () => {
    const request = await d.client.create({
      resourceType: 'CommunicationRequest',
      status: 'active',
      priority: 'urgent',
      doNotPerform: true,
      subject: { reference: 'Patient/p' },
    });
    const { doNotPerform: _, ...performed } = request;
    const communication = await d.client.create({
      resourceType: 'Communication',
      status: 'completed',
      basedOn: [{ reference: `CommunicationRequest/${request.id}` }],
      recipient: [{ reference: 'Patient/p' }],
      extension: [
        {
          url: 'https://vesta.health/fhir/StructureDefinition/delivery',
          extension: [{ url: 'channel', valueCode: 'email' }],
        },
      ],
    });
    const count = sender.sent.length;
    await d.put(performed);
    await sql(
      harness,
      `insert into store.communication_due (tenant_id, reference, due)
        select id, 'Communication/${communication.id}', 0 from store.tenant where name = 'test'`,
    );
    await until(async () => (await d.read(`CommunicationRequest/${request.id}`)).status === 'completed');
    expect(sender.sent).toHaveLength(count);
  });
});
