import { afterAll, beforeAll, expect, it } from 'vitest';
import { purgeAuth } from '../src/storage/auth/purge.ts';
import { withOwner } from '../src/storage/prepare.ts';
import { type AuthServer, startAuthServer, tokensOf } from './auth-server.ts';

let server: AuthServer;
beforeAll(async () => {
  server = await startAuthServer();
});
afterAll(() => server?.close());

const counts = async (): Promise<Record<string, number>> => {
  const tables = [
    'authorization_code',
    'refresh_token',
    'auth_grant',
    'token_revocation',
    'launch',
    'account_session',
  ];
  const rows = await Promise.all(
    tables.map(
      async (table): Promise<[string, number]> => [
        table,
        Number((await server.sql(`select count(*) as n from store.${table}`))[0]?.['n']),
      ],
    ),
  );
  return Object.fromEntries(rows);
};

it('what has ended goes, what may still be used or misused stays', async () => {
  const client = await server.client();
  const { accountId } = await tokensOf(server, { clientId: client.id });
  await tokensOf(server, { clientId: client.id });
  await server.services.grants.revoke(server.a, { account: accountId });
  await server.services.launches.createLaunch(server.a, {});
  const before = await counts();
  const purge = () => withOwner(server.database.ownerUrl, (owner) => purgeAuth(owner));
  expect(await purge()).toBe(0);
  expect(await counts()).toEqual(before);
  const year = 365 * 86_400_000;
  for (const table of Object.keys(before)) {
    await server.sql(
      `update store.${table} set expires = expires - $1::bigint where ctid = (select min(ctid) from store.${table})`,
      [year],
    );
  }
  expect(await purge()).toBe(Object.keys(before).length);
  expect(await counts()).toEqual(
    Object.fromEntries(Object.entries(before).map(([name, n]) => [name, n - 1])),
  );
});
