import * as jose from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../src/auth/clients/client.ts';
import { DEFAULT_SETTINGS } from '../src/auth/settings.ts';
import { type AuthServer, startAuthServer, tokensOf } from './auth-server.ts';
import type { Answer } from './harness.ts';

let server: AuthServer;
let client: Client;
beforeAll(async () => {
  server = await startAuthServer();
  client = await server.client();
});
afterAll(() => server?.close());
afterEach(() => expect(server.errors).toEqual([]));

const SCOPES = 'openid fhirUser launch/patient offline_access patient/*.rs';
const refresh = (token: unknown, scope?: string, clientId = client.id): Promise<Answer> =>
  server.form('/token', {
    grant_type: 'refresh_token',
    refresh_token: token as string,
    scope,
    client_id: clientId,
  });
const verify = (token: string) => server.services.verifier.verify(server.a, token);
/** Moves the moments of use of all refresh tokens into the past, beyond the grace for retries. */
const ageUses = () => server.sql('update store.refresh_token set used = used - 11000 where used is not null');

describe('refresh (RFC 6749 6)', () => {
  it('gives a new token of the same scope and context, without the nonce (OIDC Core 12.2)', async () => {
    const first = await tokensOf(server, { clientId: client.id, nonce: 'n', encounter: 'e1' });
    const answer = await refresh(first['refresh_token']);
    expect(answer.status).toBe(200);
    expect(answer.header('cache-control')).toBe('no-store');
    expect(answer.header('pragma')).toBe('no-cache');
    expect(answer.json).toMatchObject({
      token_type: 'Bearer',
      scope: SCOPES,
      patient: 'pat1',
      encounter: 'e1',
    });
    expect(answer.json.access_token).not.toBe(first['access_token']);
    expect(answer.json.refresh_token).not.toBe(first['refresh_token']);
    const before = jose.decodeJwt(first['id_token'] as string);
    const after = jose.decodeJwt(answer.json.id_token);
    expect(after).not.toHaveProperty('nonce');
    for (const claim of ['iss', 'sub', 'aud', 'auth_time']) expect(after[claim]).toEqual(before[claim]);
  });

  it('narrows the scope when asked, for this access token only', async () => {
    const first = await tokensOf(server, { clientId: client.id });
    const narrow = await refresh(first['refresh_token'], 'launch/patient patient/Observation.rs');
    expect(narrow.status).toBe(200);
    expect(narrow.json.scope).toBe('launch/patient patient/Observation.rs');
    expect(narrow.json).not.toHaveProperty('id_token');
    expect((await verify(narrow.json.access_token))?.scopes).toBe('launch/patient patient/Observation.rs');
    const wide = await refresh(narrow.json.refresh_token);
    expect(wide.json.scope).toBe(SCOPES);
  });

  it.each(['patient/*.cruds', 'user/Observation.rs', 'online_access', 'patient/Observation.rs nonsense'])(
    'refuses a scope that was not granted (%s) and leaves the token usable',
    async (scope) => {
      const first = await tokensOf(server, { clientId: client.id });
      const answer = await refresh(first['refresh_token'], scope);
      expect([answer.status, answer.json.error]).toEqual([400, 'invalid_scope']);
      expect((await refresh(first['refresh_token'])).status).toBe(200);
    },
  );

  it('of a token that is unknown, missing or of another client is refused', async () => {
    const first = await tokensOf(server, { clientId: client.id });
    const other = await server.client();
    for (const answer of [
      await refresh('unknown'),
      await refresh(first['refresh_token'], undefined, other.id),
      await refresh(first['access_token']),
    ]) {
      expect([answer.status, answer.json.error]).toEqual([400, 'invalid_grant']);
    }
    expect((await refresh(undefined)).json.error).toBe('invalid_request');
    expect((await refresh(first['refresh_token'])).status).toBe(200);
  });
});

describe('rotation (OAuth 2.1 4.3.1)', () => {
  it('ends the whole family when a token that was exchanged comes again', async () => {
    const first = await tokensOf(server, { clientId: client.id });
    const second = await refresh(first['refresh_token']);
    await ageUses();
    const reuse = await refresh(first['refresh_token']);
    expect([reuse.status, reuse.json.error]).toEqual([400, 'invalid_grant']);
    expect((await refresh(second.json.refresh_token)).json.error).toBe('invalid_grant');
    expect(await verify(first['access_token'] as string)).toBeUndefined();
    expect(await verify(second.json.access_token)).toBeUndefined();
  });

  it('answers a retry within seconds with the same successor', async () => {
    const first = await tokensOf(server, { clientId: client.id });
    const [one, two] = await Promise.all([refresh(first['refresh_token']), refresh(first['refresh_token'])]);
    expect([one.status, two.status]).toEqual([200, 200]);
    expect(two.json.refresh_token).toBe(one.json.refresh_token);
    expect((await refresh(one.json.refresh_token)).status).toBe(200);
  });

  it('takes a retry for theft as soon as the successor was used, however short the time', async () => {
    const first = await tokensOf(server, { clientId: client.id });
    const second = await refresh(first['refresh_token']);
    const third = await refresh(second.json.refresh_token);
    expect((await refresh(first['refresh_token'])).json.error).toBe('invalid_grant');
    expect((await refresh(third.json.refresh_token)).json.error).toBe('invalid_grant');
    expect(await verify(third.json.access_token)).toBeUndefined();
  });

  it('makes successors that do not follow from the token alone', async () => {
    const first = await tokensOf(server, { clientId: client.id });
    const other = await startAuthServer();
    try {
      const own = server.services.secrets.derive('refresh-token', `1/${first['refresh_token']}`);
      const foreign = other.services.secrets.derive('refresh-token', `1/${first['refresh_token']}`);
      expect(own.equals(foreign)).toBe(false);
    } finally {
      await other.close();
    }
  });
});

describe('how long (SMART App Launch 2.2, offline_access and online_access)', () => {
  const lastExpiry = async (): Promise<number> => {
    const [row] = await server.sql('select expires from store.refresh_token order by created desc limit 1');
    return Number(row?.['expires']);
  };

  it('offline_access lives at least 90 days from each use, also when the session has ended', async () => {
    const first = await tokensOf(server, { clientId: client.id });
    const least = 90 * 86_400_000;
    expect((await lastExpiry()) - Date.now()).toBeGreaterThanOrEqual(least);
    await server.sql('update store.account_session set ended = 1 where id = $1', [first.sessionId]);
    // 80 days later
    await server.sql('update store.refresh_token set expires = expires - $1::bigint', [80 * 86_400_000]);
    await server.sql('update store.auth_grant set created = created - $1::bigint', [80 * 86_400_000]);
    const second = await refresh(first['refresh_token']);
    expect(second.status).toBe(200);
    expect((await lastExpiry()) - Date.now()).toBeGreaterThanOrEqual(least);
  });

  it('online_access ends with the session', async () => {
    const scopes = SCOPES.replace('offline', 'online');
    const first = await tokensOf(server, { clientId: client.id, scopes });
    const second = await refresh(first['refresh_token']);
    expect(second.status).toBe(200);
    await server.sql('update store.account_session set ended = 1 where id = $1', [first.sessionId]);
    const third = await refresh(second.json.refresh_token);
    expect([third.status, third.json.error]).toEqual([400, 'invalid_grant']);
  });

  it('online_access ends seven days after it was authorized, use or not', async () => {
    const scopes = SCOPES.replace('offline', 'online');
    const first = await tokensOf(server, { clientId: client.id, scopes });
    expect(await lastExpiry()).toBeLessThanOrEqual(Date.now() + DEFAULT_SETTINGS.onlineSeconds * 1000);
    await server.sql('update store.auth_grant set created = created - $1::bigint', [6 * 86_400_000]);
    await refresh(first['refresh_token']);
    expect(await lastExpiry()).toBeLessThanOrEqual(Date.now() + 86_400_000);
  });

  it('an expired token is refused', async () => {
    const first = await tokensOf(server, { clientId: client.id });
    await server.sql('update store.refresh_token set expires = $1', [Date.now() - 1]);
    expect((await refresh(first['refresh_token'])).json.error).toBe('invalid_grant');
  });
});

describe('people change', () => {
  it('a role that was changed since is the role of the next token', async () => {
    const first = await tokensOf(server, { clientId: client.id });
    await server.sql(`update store.account set role = 'nurse', fhir_user = null where id = $1`, [
      first.accountId,
    ]);
    const second = await refresh(first['refresh_token']);
    const token = await verify(second.json.access_token);
    expect(token?.role).toBe('nurse');
    expect(token).not.toHaveProperty('fhirUser');
  });

  it('an account that is disabled, or a grant that was revoked, gives nothing more', async () => {
    const first = await tokensOf(server, { clientId: client.id });
    await server.sql(`update store.account set state = 'disabled' where id = $1`, [first.accountId]);
    expect((await refresh(first['refresh_token'])).json.error).toBe('invalid_grant');
    const second = await tokensOf(server, { clientId: client.id });
    expect(
      await server.services.grants.revoke(server.a, { account: second.accountId, client: client.id }),
    ).toBe(1);
    expect((await refresh(second['refresh_token'])).json.error).toBe('invalid_grant');
    expect(await verify(second['access_token'] as string)).toBeUndefined();
  });

  it('sees its living grants, and ends them: of itself alone, and of a session without those that outlive it', async () => {
    const offline = await tokensOf(server, { clientId: client.id });
    const online = await tokensOf(server, {
      clientId: client.id,
      scopes: 'launch/patient online_access patient/*.rs',
      accountId: offline.accountId,
      sessionId: offline.sessionId,
    });
    const { grants } = server.services;
    const all = await grants.ofAccount(server.a, offline.accountId);
    expect(all.map(({ scopes }) => scopes).sort()).toEqual([
      'launch/patient online_access patient/*.rs',
      SCOPES,
    ]);
    const other = await server.person();
    expect(await grants.revoke(server.a, { account: other.accountId, grant: all[0]?.id as string })).toBe(0);
    expect(await grants.revoke(server.a, { account: offline.accountId, grant: 'no uuid' })).toBe(0);
    expect(await grants.revoke(server.a, { session: offline.sessionId })).toBe(1);
    expect(await verify(online['access_token'] as string)).toBeUndefined();
    expect(await verify(offline['access_token'] as string)).toBeDefined();
    expect(await grants.ofAccount(server.a, offline.accountId)).toHaveLength(1);
    expect(await grants.ofAccount(server.b, offline.accountId)).toEqual([]);
  });
});
