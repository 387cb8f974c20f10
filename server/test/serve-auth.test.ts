import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as jose from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROLES } from '../src/access/policies/index.ts';
import { Talk } from './conversation-support.ts';
import { createClient, type Json } from './harness.ts';
import { cleanUp, freePort, temporaryDirectory, VestaProcess, vesta } from './server-process.ts';

/* Issue 5: `npm start` is secure by default; a data directory of the open mode goes on in it. */

let data: string;
let port: number;
let env: Record<string, string>;
let server: VestaProcess;
let fhir: string;
let issuer: string;

beforeAll(async () => {
  data = temporaryDirectory();
  port = await freePort();
  env = { PORT: String(port), VESTA_DATA_DIR: data, VESTA_WORKERS: '1' };
  fhir = `http://localhost:${port}/fhir/demo`;
  issuer = `http://localhost:${port}/auth/demo`;
});
afterAll(async () => {
  server?.kill('SIGTERM');
  await server?.exited;
  await cleanUp(data);
});

async function start(more: Record<string, string> = {}): Promise<void> {
  server = new VestaProcess(['serve'], { ...env, ...more });
  await server.says(/Vesta is ready/);
}

describe('demo patients (issue 3, section 1)', () => {
  const count = async (type: string): Promise<number> =>
    ((await (await fetch(`${fhir}/${type}?_summary=count&_total=accurate`)).json()) as Json).total;

  test('kill -9 half-way of loading them: the next start loads the rest, and nobody twice', async () => {
    await start({ VESTA_AUTH: 'open' });
    while ((await count('Patient')) === 0) await sleep(25);
    server.kill('SIGKILL');
    await server.exited;
    await start({ VESTA_AUTH: 'open' });
    await server.says(/The demo patients are there/);
    expect(await count('Patient')).toBe(18);
    expect(await count('Practitioner')).toBe(await count('PractitionerRole'));
  }, 180_000);

  test('the open mode says that it is open', async () => {
    expect(server.output).toContain('VESTA_AUTH=open: EVERYBODY');
    const { implementation, rest } = (await (await fetch(`${fhir}/metadata`)).json()) as Json;
    expect(implementation.description).toContain('VESTA_AUTH=open');
    expect(rest[0].security.description).toContain('VESTA_AUTH=open');
    expect((await fetch(`${fhir}/Patient`)).status).toBe(200);
  });

  test('once they are there nothing is loaded again, whatever the mode', async () => {
    server.kill('SIGTERM');
    expect(await server.exited).toBe(0);
    await start();
    await server.says(/demo-service/);
    expect(server.output).not.toContain('Loading');
  });
});

/** Logins with their passwords, as the start prints them. */
const printed = (): Map<string, string> =>
  new Map(
    [...server.output.matchAll(/^ {2}([a-z-]+) +((?:[a-z2-9]{5}-){3}[a-z2-9]{5})\b/gm)].map((match) => [
      match[1] as string,
      match[2] as string,
    ]),
  );

async function token(...args: string[]): Promise<string> {
  const run = await vesta(['token', '--quiet', ...args], env);
  expect(run.code, run.output).toBe(0);
  return run.output.trim();
}

const ask = async (path: string, bearer: string): Promise<number> =>
  (await fetch(`${fhir}/${path}`, { headers: { Authorization: `Bearer ${bearer}` } })).status;

describe('the default', () => {
  test('without a token: only metadata, discovery, pages and health', async () => {
    for (const path of ['Patient', 'Patient/x', '_history', '$everything', 'Patient/$validate', '_async/x'])
      expect([path, (await fetch(`${fhir}/${path}`)).status]).toEqual([path, 401]);
    for (const [method, path] of [
      ['POST', ''],
      ['PUT', 'Patient/x'],
      ['DELETE', 'Patient/x'],
      ['PATCH', 'Patient/x'],
    ]) {
      const { status } = await fetch(`${fhir}/${path}`, {
        method: method as string,
        headers: { 'Content-Type': 'application/fhir+json' },
        ...(method === 'DELETE' ? {} : { body: '{}' }),
      });
      expect([method, status]).toEqual([method, 401]);
    }
    for (const url of [
      `${fhir}/metadata`,
      `${fhir}/.well-known/smart-configuration`,
      `${issuer}/.well-known/openid-configuration`,
      `${issuer}/jwks`,
      `${issuer}/login`,
      `http://localhost:${port}/health/live`,
      `http://localhost:${port}/health/ready`,
    ])
      expect([url, (await fetch(url)).status]).toEqual([url, 200]);
  });

  test('metrics are for this machine', async () => {
    const url = `http://localhost:${port}/metrics`;
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(url, { headers: { 'X-Forwarded-For': '192.0.2.1' } })).status).toBe(403);
  });

  test('VESTA_AUTH=open is refused on an address that others reach, and an external database without a master key', async () => {
    for (const HOST of ['0.0.0.0', '::', '192.0.2.1']) {
      const { code, output } = await vesta(['serve'], {
        ...env,
        PORT: String(await freePort()),
        HOST,
        VESTA_AUTH: 'open',
      });
      expect([code, output]).toEqual([
        1,
        expect.stringMatching(new RegExp(`^HOST: "${HOST}" is not allowed with VESTA_AUTH=open`)),
      ]);
    }
    const { code, output } = await vesta(['serve'], {
      PORT: String(await freePort()),
      DATABASE_URL: 'postgresql://a:secret@127.0.0.1:1/x',
    });
    expect(code).toBe(1);
    expect(output).toMatch(
      /^With an external database VESTA_MASTER_KEY or VESTA_MASTER_KEY_FILE must be set/,
    );
    expect(output).not.toMatch(/secret|^\s+at /m);
  });
});

describe('demo accounts', () => {
  test('there is one for each role, in a database of the open mode too, and a password alone logs each in', async () => {
    const logins = printed();
    expect([...logins.keys()].sort()).toEqual(ROLES.map((role) => role.replaceAll('_', '-')).sort());
    for (const [login, password] of logins) {
      const start = await fetch(`${issuer}/login`);
      const csrf = /name="csrf" value="([^"]+)"/.exec(await start.text())?.[1] as string;
      const cookies = (response: Response) =>
        response.headers
          .getSetCookie()
          .map((each) => each.split(';')[0])
          .join('; ');
      const answer = await fetch(`${issuer}/login`, {
        method: 'POST',
        redirect: 'manual',
        headers: { Cookie: cookies(start) },
        body: new URLSearchParams({ csrf, login, password }),
      });
      expect([login, answer.status, answer.headers.get('location')]).toEqual([
        login,
        303,
        '/auth/demo/manage',
      ]);
      const page = await fetch(`${issuer}/manage`, {
        redirect: 'manual',
        headers: { Cookie: `${cookies(start)}; ${cookies(answer)}` },
      });
      expect([login, page.status]).toEqual([login, 200]);
    }
  }, 60_000);

  test('their people are those of the demo data', () => {
    expect(server.output).toMatch(/^ {2}patient .* Patient\/marisol-quintero-ashby$/m);
    expect(server.output).toMatch(/^ {2}attending .* Practitioner\/imogen-tarrow$/m);
    expect(server.output).toMatch(/^ {2}caregiver .* RelatedPerson\/theo-mother$/m);
  });

  test('vesta token gives tokens of roles, patients and services that the server takes', async () => {
    expect(await ask('Patient', await token())).toBe(200);
    expect(await ask('Observation?_count=1', await token('--role', 'nurse'))).toBe(200);
    expect(await ask('Observation?_count=1', await token('--role', 'scheduler'))).toBe(403);
    const patient = await token('--patient', 'theo-lindqvist-okafor');
    expect(await ask('Patient/theo-lindqvist-okafor', patient)).toBe(200);
    expect(await ask('Patient/marisol-quintero-ashby', patient)).not.toBe(200);
    expect(await ask('Patient?_count=1', await token('--client', 'demo-service'))).toBe(200);
  }, 60_000);
});

describe('demo clients', () => {
  test('the service proves itself by the key in the data directory (SMART App Launch 2.2, Backend Services)', async () => {
    const file = join(data, 'demo-service.key.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const [jwk] = (JSON.parse(readFileSync(file, 'utf8')) as { keys: jose.JWK[] }).keys as [jose.JWK];
    const assertion = await new jose.SignJWT({ jti: 'one' })
      .setProtectedHeader({ alg: 'ES384', kid: jwk.kid as string, typ: 'JWT' })
      .setIssuer('demo-service')
      .setSubject('demo-service')
      .setAudience(`${issuer}/token`)
      .setExpirationTime('2m')
      .sign(await jose.importJWK(jwk, 'ES384'));
    const answer = await fetch(`${issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'system/*.rs',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      }),
    });
    const { access_token } = (await answer.json()) as { access_token: string };
    expect(await ask('Patient?_count=1', access_token)).toBe(200);
  });

  test('an EHR launch of the app that has a launch_uri is made with a token', async () => {
    const answer = await fetch(`${issuer}/launch`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${await token()}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        patient: 'marisol-quintero-ashby',
        encounter: 'marisol-visit',
        client_id: 'demo-ehr-app',
      }),
    });
    const { launch_url } = (await answer.json()) as { launch_url: string };
    expect(new URL(launch_url).searchParams.get('iss')).toBe(fhir);
  });
});

test("story 1 (issue 6, section 5) in npm start's demo: a patient asks, books, is told, moves and cancels", async () => {
  const bearer = { Authorization: `Bearer ${await token('--role', 'patient')}` };
  const client = createClient(fhir);
  const talk = new Talk(client, 'Patient/marisol-quintero-ashby', bearer);
  const asked = await talk.say('I need a cardiology visit next week in the afternoon');
  const times = asked.options.filter(({ appointment }) => appointment !== undefined);
  expect(times.length, asked.text).toBeGreaterThanOrEqual(3);
  for (const { appointment } of times) {
    expect(JSON.stringify(appointment.participant)).toContain('HealthcareService/cardiology');
    // By the clocks of the clinic.
    expect(Number(appointment.start.slice(11, 13))).toBeGreaterThanOrEqual(12);
  }
  expect((await talk.say('the first one')).text).toContain('Booked');
  const visits = async (): Promise<Json[]> =>
    ((await client.get('Appointment?patient=marisol-quintero-ashby', bearer)).json.entry ?? []).map(
      ({ resource }: Json) => resource,
    );
  const booked = (await visits()).find(({ status }) => status === 'booked');
  expect(booked?.start).toBe(times[0]?.appointment.start);
  await expect
    .poll(
      async () => {
        const found = await client.get(
          'Communication?recipient=Patient/marisol-quintero-ashby&_count=100',
          bearer,
        );
        return JSON.stringify(found.json).includes(`"Appointment/${booked.id}"`);
      },
      { timeout: 30_000, interval: 200 },
    )
    .toBe(true);
  expect((await talk.say('move it to the week after')).status).toBe(200);
  await talk.say('the first one');
  expect((await visits()).find(({ id }) => id === booked.id)?.start).not.toBe(booked.start);
  await talk.say('cancel it');
  await talk.say('yes');
  expect((await visits()).find(({ id }) => id === booked.id)?.status).toBe('cancelled');
}, 60_000);

test('vesta load and vesta reindex get a token by themselves, but send none to other servers', async () => {
  expect((await vesta(['tenant', 'create', 'north'], env)).code).toBe(0);
  const files = join(import.meta.dirname, '..', 'demo', 'us-core', 'organizations.json');
  const load = (...more: string[]) => vesta(['load', files, '--tenant', 'north', '--restart', ...more], env);
  expect(await load()).toMatchObject({ code: 0 });
  expect(await vesta(['reindex', '--tenant', 'north', '--type', 'Organization'], env)).toMatchObject({
    code: 0,
  });
  const seen: (string | undefined)[] = [];
  const stranger = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(401).end('{}');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => stranger.once('listening', resolve));
  const other = await load('--url', `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`);
  stranger.close();
  expect([other.code, seen]).toEqual([1, [undefined]]);
  const { output } = await vesta(['load', files, '--tenant', 'north', '--restart'], {
    ...env,
    VESTA_TOKEN: 'x',
  });
  expect(output).toContain('asks for an access token: set VESTA_TOKEN');
}, 60_000);
