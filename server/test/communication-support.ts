import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TwilioAccount } from '../src/communication/twilio/account.ts';
import { webhookSignature } from '../src/communication/twilio/signature.ts';
import { withOwner } from '../src/storage/prepare.ts';
import { configureTenant } from '../src/storage/tenants.ts';
import type { Harness, HeaderMap, Json } from './harness.ts';

export const ACCOUNT: TwilioAccount = {
  accountSid: `AC${'1'.repeat(32)}`,
  authToken: 'the-token-of-the-account',
  smsFrom: '+15550000000',
  whatsAppFrom: '+15550000001',
};

/** What Twilio's API was asked, and what it answers: the next of `answers`, else that it took the message. */
export interface FakeTwilio {
  readonly url: string;
  readonly requests: {
    readonly path: string;
    readonly authorization: string;
    readonly form: Record<string, string>;
  }[];
  readonly answers: FakeAnswer[];
  /** States of messages by their ids, for who asks; `sent` where there is none. */
  readonly states: Map<string, string>;
  stop(): Promise<void>;
}
/** `lost`: the connection ends without an answer. */
export type FakeAnswer = { readonly status: number; readonly body: object } | 'lost';

/** An id of a message at Twilio. */
export const sidOf = (number: number): string => `SM${number.toString(16).padStart(32, '0')}`;

export async function fakeTwilio(): Promise<FakeTwilio> {
  const requests: FakeTwilio['requests'] = [];
  const answers: FakeAnswer[] = [];
  const states = new Map<string, string>();
  let made = 0;
  const server = createServer(async (request, response) => {
    const form = Object.fromEntries(new URLSearchParams(await bodyOf(request)));
    requests.push({ path: request.url as string, authorization: request.headers.authorization ?? '', form });
    const asked = /\/Messages\/(\w+)\.json$/.exec(request.url as string)?.[1];
    if (asked !== undefined) {
      const status = states.get(asked) ?? 'sent';
      response
        .writeHead(200, { 'Content-Type': 'application/json' })
        .end(JSON.stringify({ sid: asked, status }));
      return;
    }
    const answer = answers.shift() ?? { status: 201, body: { sid: sidOf(++made), status: 'queued' } };
    if (answer === 'lost') request.socket.destroy();
    else
      response
        .writeHead(answer.status, { 'Content-Type': 'application/json' })
        .end(JSON.stringify(answer.body));
  });
  return { url: await listening(server), requests, answers, states, stop: () => closed(server) };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

export interface FakeMailServer {
  readonly url: string;
  readonly mails: { readonly to: string[]; readonly data: string }[];
  /** Answers to RCPT TO, in place of 250. */
  readonly answers: string[];
  /** How many of the next messages are taken without a word, and the connection with them. */
  losses: number;
  stop(): Promise<void>;
}

/** A mail server (RFC 5321) that takes what it is sent, as far as nodemailer asks. */
export async function fakeMailServer(): Promise<FakeMailServer> {
  const mails: FakeMailServer['mails'] = [];
  const answers: string[] = [];
  const fake = { url: '', mails, answers, losses: 0, stop: () => closed(server) };
  const server = createTcpServer((socket) => serveMail(socket, fake));
  return Object.assign(fake, { url: (await listening(server)).replace('http:', 'smtp:') });
}

function serveMail(socket: Socket, fake: FakeMailServer): void {
  const { mails, answers } = fake;
  let buffer = '';
  let to: string[] = [];
  let inData = false;
  const say = (line: string) => socket.write(`${line}\r\n`);
  socket.on('error', () => {});
  say('220 fake');
  socket.on('data', (chunk) => {
    buffer += chunk.toString('utf8');
    for (;;) {
      const mark = inData ? '\r\n.\r\n' : '\r\n';
      const at = buffer.indexOf(mark);
      if (at < 0) return;
      const text = buffer.slice(0, at);
      buffer = buffer.slice(at + mark.length);
      if (inData) {
        mails.push({ to, data: text });
        to = [];
        inData = false;
        if (fake.losses-- > 0) socket.destroy();
        else say('250 taken');
      } else if (/^(EHLO|HELO)/i.test(text)) say('250 fake');
      else if (/^RCPT TO/i.test(text)) {
        to.push(/<(.*)>/.exec(text)?.[1] ?? '');
        say(answers.shift() ?? '250 ok');
      } else if (/^DATA/i.test(text)) {
        inData = true;
        say('354 go on');
      } else if (/^QUIT/i.test(text)) socket.end('221 bye\r\n');
      else {
        if (/^(MAIL|RSET)/i.test(text)) to = [];
        say('250 ok');
      }
    }
  });
}

function listening(server: Server | TcpServer): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () =>
      resolve(`http://127.0.0.1:${(server.address() as { port: number }).port}`),
    );
  });
}

const closed = (server: Server | TcpServer): Promise<void> =>
  new Promise((resolve) => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close(() => resolve());
  });

/** Posts a webhook to a server. @param more what is changed about it */
export async function webhook(
  harness: Harness,
  path: string,
  fields: Readonly<Record<string, string>>,
  more: { readonly token?: string; readonly signature?: string; readonly account?: string } = {},
): Promise<{ status: number; text: string }> {
  const form = new URLSearchParams({ AccountSid: more.account ?? ACCOUNT.accountSid, ...fields });
  const url = `${harness.url}${path}`;
  const signature = more.signature ?? webhookSignature(more.token ?? ACCOUNT.authToken, url, form);
  const response = await fetch(url, {
    method: 'POST',
    body: form,
    headers: { 'X-Twilio-Signature': signature },
  });
  return { status: response.status, text: await response.text() };
}

export async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await sleep(20);
  }
}

/** Runs a statement as the database's owner. */
export function sql(harness: Harness, text: string): Promise<Json[]> {
  return withOwner(harness.database.ownerUrl, async (owner) => (await owner.query(text)).rows as Json[]);
}

/** Makes all that is put down for later due now, also what a process that has died held. */
export async function timePasses(harness: Harness): Promise<void> {
  await sql(harness, 'update store.communication_due set due = 0, leased_until = 0');
}

/** Waits until no event waits and nothing that is due is left to do. */
export async function allDone(harness: Harness): Promise<void> {
  const { dispatcher } = harness.service.agents;
  await until(async () => {
    const [{ left }] = await sql(
      harness,
      `select count(*) as left from store.communication_due
        where due <= extract(epoch from clock_timestamp()) * 1000`,
    );
    return Number(left) === 0 && (await dispatcher.depths()).every(({ waiting }) => waiting === 0);
  });
}

/** Changes settings of a tenant, and waits until the server observes them. */
export async function configure(harness: Harness, tenant: string, settings: Record<string, string | null>) {
  await withOwner(harness.database.ownerUrl, (owner) => configureTenant(owner, tenant, settings));
  const version = async () => {
    const found = await harness.service.fhir.tenants.byName(tenant);
    return found?.conformanceVersion;
  };
  const wanted = await withOwner(harness.database.ownerUrl, async (owner) => {
    const { rows } = await owner.query(
      'select conformance_version as version from store.tenant where name = $1',
      [tenant],
    );
    return Number(rows[0].version);
  });
  await until(async () => Number(await version()) >= wanted);
}

/** What tests do with the messages of a tenant. */
export function desk(harness: Harness, headers: HeaderMap = {}, tenant?: string) {
  const client = harness.client(tenant);
  const all = async (path: string): Promise<Json[]> =>
    ((await client.get(path, headers)).json.entry ?? []).map(({ resource }: Json) => resource);
  const of = (request: Json) => all(`Communication?based-on=CommunicationRequest/${request.id}&_count=100`);
  return {
    client,
    all,
    of,
    async ask(fields: object): Promise<Json> {
      const answer = await client.post(
        'CommunicationRequest',
        { resourceType: 'CommunicationRequest', status: 'active', priority: 'urgent', ...fields },
        headers,
      );
      if (answer.status !== 201) throw new Error(answer.text);
      return answer.json;
    },
    async put(resource: object): Promise<Json> {
      const { resourceType, id } = resource as { resourceType: string; id: string };
      const answer = await client.put(`${resourceType}/${id}`, resource, headers);
      if (answer.status >= 300) throw new Error(answer.text);
      return answer.json;
    },
    async read(path: string): Promise<Json> {
      return (await client.get(path, headers)).json;
    },
    /** The Communications of a request once all of them have one of these states. */
    settled: (request: Json, ...states: string[]) =>
      until(async () => {
        const found = await of(request);
        return found.length > 0 && found.every(({ status }) => states.includes(status)) && found;
      }),
  };
}
