import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkOf } from './harness.ts';
import { archive, profile } from './package-server.ts';
import { PAIR_PASSWORD, type Pair, REDIRECT, type Side, startPair } from './tenant-pair.ts';
import { expectUntouched, MARK, populate } from './tenant-twins.ts';

/*
 * Issue 5, section 5: what a tenant has handed out (cursors, jobs, tokens, codes, launches, cookies, links) is worth as much
 * in another as what was made up. Requests are in tenant-escape.test.ts.
 */

let pair: Pair;
let north: Side;
let south: Side;

beforeAll(async () => {
  pair = await startPair();
  ({ north, south } = pair);
  await populate(pair);
}, 60_000);
afterAll(async () => {
  await pair?.stop();
});

const exchangeOf = (code: string, verifier: string) => ({
  grant_type: 'authorization_code',
  client_id: 'app',
  redirect_uri: REDIRECT,
  code,
  code_verifier: verifier,
});

const ask = (path: string, method = 'GET') => south.client.request(method, path, undefined, south.admin);

describe('what was handed out by north is worth nothing in south', () => {
  it('paging cursors', async () => {
    for (const path of [
      'Patient?_count=1',
      '?_type=Patient,Observation&_count=1',
      '_history?_count=1',
      'Patient/twin/$everything?_count=1',
      'Patient?_count=1&_sort=family',
    ]) {
      const next = linkOf((await north.client.get(path, north.admin)).json, 'next') as string;
      expect([path, (await north.client.get(next, north.admin)).status]).toEqual([path, 200]);
      const stolen = next.replace('/fhir/north', '/fhir/south');
      const garbled = stolen.replace(
        /(_cursor=)([\w-]{4})/,
        (_, name, four) => `${name}${four.split('').reverse().join('')}`,
      );
      const answers = [await ask(stolen), await ask(garbled)];
      expect(answers.map(({ status }) => status)).toEqual([400, 400]);
      expect(answers[0]?.text).toBe(answers[1]?.text);
    }
  });

  it('jobs: asked for, cancelled, and by their result', async () => {
    const started = await north.client.get('Patient', { ...north.admin, Prefer: 'respond-async' });
    expect(started.status).toBe(202);
    const url = started.header('content-location') as string;
    const id = url.split('/').at(-1) as string;
    for (let round = 0; round < 2; round++) {
      for (const method of ['GET', 'DELETE']) {
        const stolen = await ask(`_async/${id}`, method);
        const unknown = await ask(`_async/${randomUUID()}`, method);
        expect([method, stolen.status, stolen.text.replace(id, '')]).toEqual([
          method,
          404,
          unknown.text.replace(/[0-9a-f-]{36}/, ''),
        ]);
      }
      // Once while it runs, perhaps, and once when it has ended; it still belongs to north.
      for (let answer = await north.client.get(url, north.admin); answer.status === 202; ) {
        await sleep(50);
        answer = await north.client.get(url, north.admin);
      }
    }
    expect((await north.client.get(url, north.admin)).text).toContain(MARK.north);
    const own = (await north.client.get('Patient', { ...north.admin, Prefer: 'respond-async' })).header(
      'content-location',
    ) as string;
    expect((await ask(own)).status).toBe(401);
  });

  it('packages: neither their definitions nor that they are there', async () => {
    const made = await north.client.post(
      '$install-package?activate=true',
      archive('org.example.escape', '1.0.0', [
        profile('packaged', { url: 'http://example.org/StructureDefinition/packaged' }),
      ]),
      { ...north.admin, 'Content-Type': 'application/gzip' },
    );
    expect(made.status, made.text).toBeLessThan(300);
    const snapshot = (side: Side, name: string) =>
      side.client.get(
        `StructureDefinition/$snapshot?url=http://example.org/StructureDefinition/${name}`,
        side.admin,
      );
    expect((await snapshot(north, 'packaged')).status).toBe(200);
    const [there, not] = [await snapshot(south, 'packaged'), await snapshot(south, 'nowherea')];
    expect([there.status, there.text.replaceAll('packaged', '')]).toEqual([
      not.status,
      not.text.replaceAll('nowherea', ''),
    ]);
    expect((await ask('metadata')).text).not.toContain('org.example.escape');
  });

  it('access tokens: at the API, at userinfo, at introspection, at launch', async () => {
    const token = north.person;
    expect((await north.client.get('Patient/twin', { Authorization: `Bearer ${token}` })).status).toBe(200);
    const garbage = `${token.slice(0, -8)}AAAAAAAA`;
    const answers = async (each: string) => {
      const headers = { Authorization: `Bearer ${each}` };
      const api = await south.client.get('Patient/twin', headers);
      const info = await fetch(`${south.issuer}/userinfo`, { headers });
      const introspected = await south.form('introspect', { token: each }, headers);
      const launch = await fetch(`${south.issuer}/launch`, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json' },
        body: '{"patient":"twin"}',
      });
      return [
        api.status,
        api.text,
        info.status,
        await info.text(),
        introspected.status,
        introspected.text,
        launch.status,
        await launch.text(),
      ];
    };
    const stolen = await answers(token);
    expect(stolen).toEqual(await answers(garbage));
    expect([stolen[0], stolen[2], stolen[4], stolen[6]]).toEqual([401, 401, 401, 401]);
  });

  it('introspection tells nothing of the tokens of north, and revocation does not end them (RFC 7662, 2.2; RFC 7009, 2.2)', async () => {
    const agent = { client_id: 'agent', client_secret: 'secret' };
    const { code, verifier } = await north.code();
    const tokens = (await north.form('token', exchangeOf(code, verifier))).json;
    for (const token of [north.person, tokens.access_token, tokens.refresh_token]) {
      expect((await south.form('introspect', { ...agent, token })).text).toBe('{"active":false}');
      for (const form of [
        { ...agent, token },
        { client_id: 'app', token },
      ]) {
        const revoked = await south.form('revoke', form);
        const unknown = await south.form('revoke', { ...form, token: 'nothing' });
        expect([revoked.status, revoked.text]).toEqual([unknown.status, unknown.text]);
      }
    }
    expect((await north.form('introspect', { ...agent, token: north.person })).json).toMatchObject({
      active: true,
    });
    expect(
      (await north.client.get('Patient/twin', { Authorization: `Bearer ${tokens.access_token}` })).status,
    ).toBe(200);
    const renewed = await north.form('token', {
      grant_type: 'refresh_token',
      client_id: 'app',
      refresh_token: tokens.refresh_token,
    });
    expect(renewed.status).toBe(200);
  });

  it('authorization codes and refresh tokens; trying them in south does not use them up', async () => {
    const { code, verifier } = await north.code();
    const stolen = await south.form('token', exchangeOf(code, verifier));
    const unknown = await south.form('token', exchangeOf(code.split('').reverse().join(''), verifier));
    expect([stolen.status, stolen.json.error]).toEqual([400, 'invalid_grant']);
    expect([stolen.status, stolen.text]).toEqual([unknown.status, unknown.text]);
    const tokens = (await north.form('token', exchangeOf(code, verifier))).json;
    expect(tokens.refresh_token).toBeDefined();
    const refresh = (token: string, side: Side) =>
      side.form('token', { grant_type: 'refresh_token', client_id: 'app', refresh_token: token });
    const [taken, made] = [await refresh(tokens.refresh_token, south), await refresh('x'.repeat(43), south)];
    expect([taken.status, taken.text]).toEqual([made.status, made.text]);
    expect((await refresh(tokens.refresh_token, north)).status).toBe(200);
  });

  it('client assertions: an audience of north is refused, and a jti of north is free in south (RFC 7523, 3)', async () => {
    const call = async (side: Side, assertion: string) =>
      side.form('token', {
        grant_type: 'client_credentials',
        scope: 'system/Patient.rs',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      });
    const stolen = await call(south, await pair.assertion(`${north.issuer}/token`));
    const wrong = await call(south, await pair.assertion('https://elsewhere.example/token'));
    expect([stolen.status, stolen.json.error]).toEqual([wrong.status, wrong.json.error]);
    expect([400, 401]).toContain(stolen.status);
    const jti = randomUUID();
    expect((await call(north, await pair.assertion(`${north.issuer}/token`, jti))).status).toBe(200);
    expect((await call(north, await pair.assertion(`${north.issuer}/token`, jti))).status).not.toBe(200);
    const mine = await call(south, await pair.assertion(`${south.issuer}/token`, jti));
    expect(mine.status).toBe(200);
    expect(
      (await north.client.get('Patient', { Authorization: `Bearer ${mine.json.access_token}` })).status,
    ).toBe(401);
  });

  it('tokens for exchange (RFC 8693)', async () => {
    const exchange = (token: string, more = {}) =>
      south.form('token', {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        client_id: 'agent',
        client_secret: 'secret',
        subject_token: token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        ...more,
      });
    const [stolen, garbage] = [await exchange(north.person), await exchange('garbage')];
    expect([stolen.status, stolen.text]).toEqual([garbage.status, garbage.text]);
    expect((await exchange(south.person, { audience: north.client.base })).json.error).toBe('invalid_target');
    expect((await exchange(south.person)).status).toBe(200);
  });

  it('launches; trying one in south does not use it up', async () => {
    const response = await fetch(`${north.issuer}/launch`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${north.person}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ patient: 'twin', client_id: 'app' }),
    });
    const { launch } = (await response.json()) as { launch: string };
    expect(response.status).toBe(201);
    const authorize = async (side: Side, value: string, aud = side.client.base) => {
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: 'app',
        redirect_uri: REDIRECT,
        scope: 'launch patient/Patient.rs',
        state: 's',
        aud,
        launch: value,
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      });
      const answer = await fetch(`${side.issuer}/authorize?${query}`, { redirect: 'manual' });
      await answer.arrayBuffer();
      const location = answer.headers.get('location') ?? '';
      return [answer.status, location.replace(/request=[\w-]+/, '')] as const;
    };
    const stolen = await authorize(south, launch);
    expect(stolen).toEqual(await authorize(south, 'y'.repeat(launch.length)));
    expect(stolen[1]).toContain('error=invalid_request');
    expect((await authorize(north, launch))[1]).not.toContain('error=');
    // Nor is a code of south to be had for the data of north.
    expect((await authorize(south, launch, north.client.base))[1]).toContain('error=');
    const context = async (id: string) => {
      const made = await fetch(`${south.issuer}/launch`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${south.person}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ patient: id }),
      });
      return [made.status, (await made.text()).replaceAll(id, 'ID')];
    };
    expect(await context('only-north')).toEqual(await context('not-at-all'));
  });

  it('session cookies and logins', async () => {
    const page = async (side: Side, cookie: string) => {
      const answer = await fetch(`${side.issuer}/manage`, {
        redirect: 'manual',
        headers: { Cookie: cookie },
      });
      const text = await answer.text();
      return [answer.status, answer.headers.get('location'), text.includes('Dr Twin')];
    };
    expect(await page(north, `vesta-session-north=${north.cookie}`)).toEqual([200, null, true]);
    const unknown = await page(south, `vesta-session-south=${'z'.repeat(43)}`);
    for (const cookie of [`vesta-session-south=${north.cookie}`, `vesta-session-north=${north.cookie}`]) {
      expect(await page(south, cookie)).toEqual(unknown);
    }
    await pair.services.accounts.create(north.tenant, {
      login: 'northerner',
      name: 'N',
      role: 'nurse',
      passwordHash: (await pair.services.accounts.passwordHash(north.tenant, north.account.id)) as string,
    });
    const logIn = async (login: string) => {
      const start = await fetch(`${south.issuer}/login`);
      const csrf = /name="csrf" value="([^"]+)"/.exec(await start.text())?.[1] as string;
      const cookie = start.headers
        .getSetCookie()
        .map((each) => each.split(';')[0])
        .join('; ');
      const answer = await south.form('login', { csrf, login, password: PAIR_PASSWORD }, { Cookie: cookie });
      return [
        answer.status,
        answer.text.replaceAll(login, 'LOGIN').replaceAll(csrf, 'CSRF'),
        answer.headers.getSetCookie().some((each) => each.startsWith('vesta-session')),
      ];
    };
    expect(await logIn('northerner')).toEqual(await logIn('nobodyhere'));
  });

  it('invitations and password resets', async () => {
    const token = 't'.repeat(43);
    const expires = Date.now() + 600_000;
    await pair.services.accounts.addToken(north.tenant, 'reset', token, north.account.id, expires);
    const page = async (side: Side, value: string) => {
      const answer = await fetch(`${side.issuer}/reset?token=${value}`);
      const text = await answer.text();
      return [
        answer.status,
        text.replaceAll(value, 'TOKEN').replace(/name="csrf" value="[^"]+"/g, ''),
        text.includes('name="password"'),
      ];
    };
    expect((await page(north, token))[2]).toBe(true);
    expect(await page(south, token)).toEqual(await page(south, 'q'.repeat(token.length)));
  });
});

it('after all that north is as it was, and no barrier behind the first had to hold', async () => {
  await expectUntouched(pair);
});
