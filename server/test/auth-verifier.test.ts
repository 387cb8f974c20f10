import * as jose from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Client } from '../src/auth/clients/client.ts';
import { TenantKeys } from '../src/auth/keys/tenant-keys.ts';
import { ACCESS_TOKEN_TYPE, claimsOf } from '../src/auth/token/claims.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import { createTokenVerifier } from '../src/auth/token/verifier.ts';
import { createSecretBox } from '../src/security/keys/secret-box.ts';
import type { Connections, SqlStatement } from '../src/storage/connections.ts';
import { type AuthServer, startAuthServer, tokensOf } from './auth-server.ts';

let server: AuthServer;
let client: Client;
beforeAll(async () => {
  server = await startAuthServer();
  client = await server.client();
});
afterAll(() => server?.close());

const accessToken = async (): Promise<string> =>
  (await tokensOf(server, { clientId: client.id }))['access_token'] as string;

/** The connections, with a count of the statements that go to the database, and a switch that cuts it off. */
function counted(connections: Connections) {
  const state = { statements: 0, away: false };
  const note = () => {
    state.statements++;
    if (state.away) throw new Error('away');
  };
  const counting: Connections = {
    within: (tenant, pool, work) => {
      note();
      return connections.within(tenant, pool, work);
    },
    global: (statement: SqlStatement) => {
      note();
      return connections.global(statement);
    },
  };
  return { state, counting };
}

/** A verifier with a clock that the test sets, in milliseconds. */
function verifierAt(now: () => number = Date.now, maxVerified?: number) {
  const { state, counting } = counted(server.services.connections);
  const time = { clock: 0 };
  const { keys, settings } = server.services;
  const verifier = createTokenVerifier({
    connections: counting,
    keys,
    baseUrl: settings.baseUrl,
    now,
    clock: () => time.clock,
    ...(maxVerified === undefined ? {} : { maxVerified }),
  });
  return { state, time, verifier };
}

/** For what is asked for in the background. */
const WAIT = { timeout: 20_000, interval: 20 };

describe('what is no access token of this tenant (RFC 9068 4, RFC 8725)', () => {
  const forged = async (change: {
    claims?: Record<string, unknown>;
    typ?: string;
    alg?: 'RS256' | 'ES256';
  }): Promise<string> => {
    const { keys } = server.services;
    const { kid, algorithm, key } = await keys.signing(server.a, change.alg ?? 'ES256');
    const issued = Math.floor(Date.now() / 1000);
    const claims = claimsOf({
      id: 'j',
      grantId: 'g',
      clientId: 'c',
      subject: 's',
      scopes: 'patient/*.rs',
      issued,
      expires: issued + 60,
    });
    return await new jose.SignJWT({ ...claims, iss: server.issuer, aud: server.fhir, ...change.claims })
      .setProtectedHeader({ alg: algorithm, kid, typ: change.typ ?? ACCESS_TOKEN_TYPE })
      .sign(key);
  };
  const verify = (token: string, tenant = server.a) => server.services.verifier.verify(tenant, token);

  it('a token as it should be is one, signed with either algorithm', async () => {
    expect(await verify(await forged({}))).toMatchObject({ id: 'j', scopes: 'patient/*.rs' });
    expect(await verify(await forged({ alg: 'RS256' }))).toBeDefined();
  });

  it.each<[string, Parameters<typeof forged>[0]]>([
    ['another issuer', { claims: { iss: 'https://elsewhere.example.org' } }],
    ['another audience', { claims: { aud: 'https://elsewhere.example.org' } }],
    ['an end in the past', { claims: { exp: 1 } }],
    ['no end', { claims: { exp: undefined } }],
    ['a beginning in the future', { claims: { nbf: 9_999_999_999 } }],
    ['the type of an id_token', { typ: 'JWT' }],
    ['no scope', { claims: { scope: undefined } }],
    ['a scope that is a list', { claims: { scope: ['patient/*.rs'] } }],
    ['no jti', { claims: { jti: undefined } }],
    ['no grant', { claims: { gid: undefined } }],
  ])('%s', async (_name, change) => {
    expect(await verify(await forged(change))).toBeUndefined();
  });

  it('a token of another tenant, before and after it was verified there', async () => {
    const token = await accessToken();
    expect(await verify(token, server.b)).toBeUndefined();
    expect(await verify(token)).toBeDefined();
    expect(await verify(token, server.b)).toBeUndefined();
  });

  it('a token without signature, with one of a stranger, or with HMAC by the public key', async () => {
    const token = await accessToken();
    const { kid } = jose.decodeProtectedHeader(token);
    const claims = jose.decodeJwt(token);
    const stranger = await jose.generateKeyPair('ES256');
    const [published] = (await server.request('GET', '/jwks')).json.keys;
    const header = { kid: kid as string, typ: ACCESS_TOKEN_TYPE };
    for (const wrong of [
      new jose.UnsecuredJWT(claims).encode(),
      await new jose.SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', ...header })
        .sign(stranger.privateKey),
      await new jose.SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', ...header })
        .sign(new TextEncoder().encode(JSON.stringify(published))),
      `${token.slice(0, -4)}AAAA`,
      `${token}x`,
      'x'.repeat(20_000),
      '',
      'a.b.c',
    ]) {
      expect(await verify(wrong)).toBeUndefined();
    }
  });
});

describe('memory', () => {
  it('a token that was verified needs no database until it is time to ask for revocations', async () => {
    const { state, verifier } = verifierAt();
    const token = await accessToken();
    const first = await verifier.verify(server.a, token);
    const before = state.statements;
    for (let i = 0; i < 100; i++) expect(await verifier.verify(server.a, token)).toBe(first);
    expect(state.statements).toBe(before);
  });

  it('says without waiting what a remembered token is, and nothing of any other', async () => {
    let now = Date.now();
    const { time, verifier } = verifierAt(() => now);
    const token = await accessToken();
    expect(verifier.remembered(server.a, token)).toBeUndefined();
    const first = await verifier.verify(server.a, token);
    expect(verifier.remembered(server.a, token)).toBe(first);
    expect(verifier.remembered(server.b, token)).toBeUndefined();
    verifier.revoked();
    expect(verifier.remembered(server.a, token)).toBeUndefined();
    await verifier.verify(server.a, token);
    expect(verifier.remembered(server.a, token)).toBe(first);
    time.clock = 4001;
    expect(verifier.remembered(server.a, token)).toBeUndefined();
    await verifier.verify(server.a, token);
    now += 86_400_000;
    expect(verifier.remembered(server.a, token)).toBeUndefined();
  });

  it('is bounded: what was not used for longest is forgotten', async () => {
    const { verifier } = verifierAt(Date.now, 2);
    const tokens = [await accessToken(), await accessToken(), await accessToken()];
    for (const token of tokens) expect(await verifier.verify(server.a, token)).toBeDefined();
    const known = tokens.map((token) => verifier.remembered(server.a, token) !== undefined);
    expect(known).toEqual([false, true, true]);
  });

  it('a token ends at its time, remembered or not', async () => {
    let now = Date.now();
    const { verifier } = verifierAt(() => now);
    const token = await accessToken();
    const known = await verifier.verify(server.a, token);
    now = (known?.expires as number) * 1000 - 1;
    expect(await verifier.verify(server.a, token)).toBeDefined();
    now = (known?.expires as number) * 1000;
    expect(await verifier.verify(server.a, token)).toBeUndefined();
    expect(await verifier.verify(server.a, token)).toBeUndefined();
  });
});

describe('revocation', () => {
  it('is seen at once in the process that revokes', async () => {
    const { verifier, grants } = server.services;
    const tokens = await tokensOf(server, { clientId: client.id });
    const token = tokens['access_token'] as string;
    expect(await verifier.verify(server.a, token)).toBeDefined();
    await grants.revoke(server.a, { account: tokens.accountId });
    expect(await verifier.verify(server.a, token)).toBeUndefined();
  });

  it('is seen in another process within five seconds, whether it had anything to do or not', async () => {
    const { time, verifier } = verifierAt();
    const [busy, idle] = [await accessToken(), await accessToken()];
    for (const token of [busy, idle]) expect(await verifier.verify(server.a, token)).toBeDefined();
    const id = async (token: string) => (await verifier.verify(server.a, token))?.id as string;
    const [busyId, idleId] = [await id(busy), await id(idle)];
    await server.services.grants.revokeToken(server.a, busyId);
    // Two to four seconds later it is asked for beside the requests.
    time.clock += 2500;
    await vi.waitFor(async () => expect(await verifier.verify(server.a, busy)).toBeUndefined(), WAIT);
    await server.services.grants.revokeToken(server.a, idleId);
    // After that nobody gets in before it is known.
    time.clock += 4500;
    expect(await verifier.verify(server.a, idle)).toBeUndefined();
  });

  it('is looked up when a token is new to a process', async () => {
    const token = await accessToken();
    const known = await server.services.verifier.verify(server.a, token);
    await server.services.grants.revokeToken(server.a, known?.id as string);
    const { verifier } = verifierAt();
    expect(await verifier.verify(server.a, token)).toBeUndefined();
  });

  it('of one tenant does not touch a token of the same id in another', async () => {
    const { keys, settings, grants, verifier } = server.services;
    const fields = { grantId: 'same', clientId: 'c', subject: 'c', scopes: 'system/*.rs' };
    const [a, b] = await Promise.all(
      [server.a, server.b].map((tenant) => mintAccessToken({ keys, settings }, tenant, fields, 60)),
    );
    for (const [tenant, minted] of [
      [server.a, a],
      [server.b, b],
    ] as const) {
      expect(await verifier.verify(tenant, minted?.jwt as string)).toBeDefined();
    }
    await grants.revokeToken(server.a, 'same');
    expect(await verifier.verify(server.a, a?.jwt as string)).toBeUndefined();
    expect(await verifier.verify(server.b, b?.jwt as string)).toBeDefined();
  });

  it('lets nobody in when the database cannot be asked for too long', async () => {
    const { state, time, verifier } = verifierAt();
    const token = await accessToken();
    await verifier.verify(server.a, token);
    state.away = true;
    time.clock += 3000;
    expect(await verifier.verify(server.a, token)).toBeDefined();
    time.clock += 3000;
    await expect(verifier.verify(server.a, token)).rejects.toThrow('away');
    state.away = false;
    expect(await verifier.verify(server.a, token)).toBeDefined();
  });

  it('that comes between check and memory is not missed', async () => {
    const { connections, keys, settings } = server.services;
    const token = await accessToken();
    const { id } = (await server.services.verifier.verify(server.a, token)) as { id: string };
    let meanwhile = async (): Promise<void> => {};
    const verifier = createTokenVerifier({
      keys,
      baseUrl: settings.baseUrl,
      connections: {
        global: (statement) => connections.global(statement),
        within: async (tenant, pool, work) => {
          const result = await connections.within(tenant, pool, work);
          await meanwhile();
          return result;
        },
      },
    });
    meanwhile = async () => {
      await server.services.grants.revokeToken(server.a, id);
      verifier.revoked();
      // Another request has it asked for, before there is anything to take out of memory.
      await verifier.verify(server.a, 'another');
    };
    await verifier.verify(server.a, token);
    meanwhile = async () => {};
    expect(await verifier.verify(server.a, token)).toBeUndefined();
  });
});

describe('keys of tenants', () => {
  const HOUR = 3600_000;
  const DAY = 24 * HOUR;
  const keysAt = (masterKey: Uint8Array, now: () => number) =>
    new TenantKeys(server.services.connections, createSecretBox(masterKey), {
      rotationSeconds: 30 * 86_400,
      now,
    });

  it('are replaced by age: announced before they sign, served until their tokens have ended', async () => {
    let now = Date.now();
    const keys = keysAt(new Uint8Array(32), () => now);
    await server.sql('delete from store.signing_key where tenant_id = $1', [server.b.id]);
    const kids = async () =>
      (await keys.jwks(server.b)).keys.filter(({ alg }) => alg === 'ES256').map(({ kid }) => kid);
    const signing = async () => (await keys.signing(server.b, 'ES256')).kid;
    const first = await signing();
    expect(await kids()).toEqual([first]);
    now += 29 * DAY;
    expect(await signing()).toBe(first);
    now += DAY - 2 * HOUR;
    // The next one is there for clients to fetch, and signs nothing yet.
    expect(await kids()).toHaveLength(2);
    expect(await signing()).toBe(first);
    now += 2 * HOUR;
    const second = await signing();
    expect(second).not.toBe(first);
    expect(await kids()).toContain(first);
    expect(await keys.verifying(server.b, first, 'ES256')).toBeDefined();
    now += 2 * HOUR;
    expect(await kids()).toEqual([second]);
    expect(await keys.verifying(server.b, first, 'ES256')).toBeUndefined();
    const rows = await server.sql('select kid from store.signing_key where tenant_id = $1', [server.b.id]);
    expect(rows.map(({ kid }) => kid)).not.toContain(first);
    await server.sql('delete from store.signing_key where tenant_id = $1', [server.b.id]);
  });

  it('are made once by processes that start together', async () => {
    await server.sql('delete from store.signing_key where tenant_id = $1', [server.b.id]);
    const processes = Array.from({ length: 3 }, () => keysAt(new Uint8Array(32), Date.now));
    const kids = await Promise.all(
      processes.map(async (keys) => (await keys.signing(server.b, 'ES256')).kid),
    );
    expect(new Set(kids).size).toBe(1);
    await server.sql('delete from store.signing_key where tenant_id = $1', [server.b.id]);
  });

  it('of another process are found when a token of it comes', async () => {
    const token = await accessToken();
    expect(await server.another().verifier.verify(server.a, token)).toBeDefined();
  });

  it('lie in the database sealed: without the master key nobody signs', async () => {
    await server.services.keys.signing(server.a, 'RS256');
    const rows = await server.sql(
      'select sealed_private, public_jwk from store.signing_key where tenant_id = $1',
      [server.a.id],
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect((row['sealed_private'] as Buffer).toString('latin1')).not.toMatch(/"d"|kty/);
      expect(row['public_jwk']).not.toHaveProperty('d');
    }
    const stranger = keysAt(new Uint8Array(32).fill(7), Date.now);
    await expect(stranger.signing(server.a, 'RS256')).rejects.toThrow('cannot be opened');
  });
});

describe('the tables', () => {
  it('are closed to other tenants, by view and by row level security', async () => {
    const { connections } = server.services;
    const tables = (
      await server.sql(
        `select c.table_name as name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
          where c.table_schema = 'store' and c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE'
            and c.table_name in ('signing_key', 'client', 'auth_grant', 'authorization_code', 'refresh_token', 'token_revocation', 'account', 'account_session')`,
      )
    ).map(({ name }) => name as string);
    expect(tables).toHaveLength(8);
    for (const table of tables) {
      for (const schema of ['store', 'tenant']) {
        const { rows } = await connections.within(server.b, 'read', (connection) =>
          connection.query({
            text: `select count(*)::int from ${schema}.${table} where tenant_id = $1`,
            values: [server.a.id],
          }),
        );
        expect([schema, table, rows[0]?.[0]]).toEqual([schema, table, 0]);
      }
    }
    const [own] = await server.sql('select count(*)::int as n from store.auth_grant where tenant_id = $1', [
      server.a.id,
    ]);
    expect(own?.['n']).toBeGreaterThan(0);
  });
});
