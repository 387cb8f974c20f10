import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/database.ts';
import type { Tenant } from '../access/scope.ts';
import { type AuthServices, createAuthServices } from '../auth/services.ts';
import { ConnectionPools } from '../storage/connections.ts';
import { withOwner } from '../storage/prepare.ts';
import { ensureTenant } from '../storage/tenants.ts';
import { client } from './client.ts';
import { type Command, UsageError } from './command.ts';
import { token } from './token.ts';

const masterKey = randomBytes(32);
let database: TestDatabase;
let directory: string;
let pools: ConnectionPools;
let services: AuthServices;
let tenant: Tenant;
beforeAll(async () => {
  database = await createTestDatabase();
  directory = mkdtempSync(join(tmpdir(), 'vesta-cli-'));
  tenant = (await withOwner(database.ownerUrl, (owner) => ensureTenant(owner, 'demo'))).tenant;
  vi.stubEnv('DATABASE_URL', database.ownerUrl);
  vi.stubEnv('BASE_URL', 'https://fhir.example.org');
  vi.stubEnv('VESTA_MASTER_KEY', masterKey.toString('hex'));
  pools = new ConnectionPools({
    connectionString: database.servingUrl,
    poolSizes: { read: 1, search: 1, write: 1 },
    statementTimeouts: { read: 10_000, search: 10_000, write: 0 },
    acquireTimeout: 5000,
  });
  services = createAuthServices({
    settings: { baseUrl: 'https://fhir.example.org' },
    connections: pools,
    masterKey,
    findTenant: async () => tenant,
    mayRead: async () => true,
    onError: () => {},
  });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
  await pools?.close();
  await database?.drop();
});

/** Runs a command. @returns its exit code, what it printed, and what it printed on standard error */
async function run(command: Command, ...args: string[]): Promise<[number, string, string]> {
  const printed = { log: [] as string[], error: [] as string[] };
  const spies = (['log', 'error'] as const).map((name) =>
    vi.spyOn(console, name).mockImplementation((line: string) => void printed[name].push(line)),
  );
  try {
    return [await command.run(args), printed.log.join('\n'), printed.error.join('\n')];
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const verified = async (jwt: string) => await services.verifier.verify(tenant, jwt);

describe('vesta client', () => {
  it('registers, lists and removes clients, and shows a secret once', async () => {
    expect(await run(client, 'list')).toEqual([0, 'Tenant demo has no clients', '']);
    const redirect = ['--redirect', 'https://app.example.org/a https://app.example.org/b'];
    const [code, printed] = await run(
      client,
      'create',
      '--name',
      'App',
      '--id',
      'app',
      '--auth',
      'client_secret_post',
      ...redirect,
    );
    expect(code).toBe(0);
    const secret = /client_secret {2}(\S{43})/.exec(printed)?.[1];
    expect(secret).toBeDefined();
    expect(await services.clients.find(tenant, 'app')).toMatchObject({
      kind: 'confidential-symmetric',
      redirectUris: ['https://app.example.org/a', 'https://app.example.org/b'],
      grantTypes: ['authorization_code', 'refresh_token'],
    });
    expect(await services.clients.find(tenant, 'app')).not.toHaveProperty('trusted');
    await run(client, 'create', '--name', 'EHR', '--id', 'z', '--trusted', ...redirect);
    expect(await services.clients.find(tenant, 'z')).toMatchObject({ trusted: true, kind: 'public' });
    const [, listed] = await run(client, 'list');
    expect(listed).toMatch(/^app +App +confidential-symmetric/);
    expect(listed).not.toContain(secret);
    expect((await run(client, 'create', '--name', 'App', '--id', 'app', ...redirect))[0]).toBe(1);
    expect((await run(client, 'delete', 'app'))[0]).toBe(0);
    expect((await run(client, 'delete', 'app'))[0]).toBe(1);
    expect(await services.clients.find(tenant, 'app')).toBeUndefined();
  });

  it('says what is wrong', async () => {
    await expect(run(client, 'make')).rejects.toThrow(UsageError);
    await expect(run(client, 'create')).rejects.toThrow('--name');
    await expect(run(client, 'delete')).rejects.toThrow('id');
    await expect(run(client, 'create', '--name', 'x', '--redirect', 'javascript:alert(1)')).rejects.toThrow(
      UsageError,
    );
    await expect(
      run(client, 'create', '--name', 'x', '--id', 'a:b', '--redirect', 'https://a.org'),
    ).rejects.toThrow('--id');
    await expect(run(client, 'create', '--name', 'x')).rejects.toThrow('private_key_jwt');
    await expect(run(client, 'list', '--tenant', 'nobody')).rejects.toThrow('There is no tenant "nobody"');
  });
});

describe('vesta token', () => {
  it('gives the operator a token that a server of this installation accepts', async () => {
    const [code, jwt, hints] = await run(token);
    expect(code).toBe(0);
    // What a shell puts into a header is the token and nothing else.
    expect(jwt).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(hints).toContain('Token of tenant demo as the operator, for 15 minutes: system/*.cruds');
    expect(hints).not.toContain(jwt);
    expect((await run(token, '--quiet'))[2]).toBe('');
    expect(await verified(jwt)).toMatchObject({ subject: 'vesta-cli', scopes: 'system/*.cruds' });
    const [, narrow] = await run(token, '--scope', 'patient/*.rs', '--patient', 'p1', '--minutes', '60');
    const known = await verified(narrow);
    expect(known).toMatchObject({ scopes: 'patient/*.rs', patient: 'p1' });
    expect((known?.expires as number) - (known?.issued as number)).toBe(3600);
    const app = await verified((await run(token, '--patient', 'p1'))[1]);
    expect(app).toMatchObject({ scopes: 'launch/patient patient/*.cruds', patient: 'p1' });
  });

  it('gives people what they are: their role, and patients their own record', async () => {
    const accounts = [
      ['doc', 'attending', 'Practitioner/d1', 'active'],
      ['pat', 'patient', 'Patient/p1', 'active'],
      ['gone', 'nurse', null, 'disabled'],
    ];
    await withOwner(database.ownerUrl, async (owner) => {
      for (const [login, role, user, state] of accounts) {
        await owner.query(
          `insert into store.account (tenant_id, id, login, name, role, fhir_user, state, created, updated) values ($1, $2, $3, $3, $4, $5, $6, 1, 1)`,
          [tenant.id, randomUUID(), login, role, user, state],
        );
      }
    });
    const doc = await verified((await run(token, '--user', 'DOC'))[1]);
    expect(doc).toMatchObject({
      role: 'attending',
      fhirUser: 'Practitioner/d1',
      scopes: 'openid fhirUser user/*.cruds',
    });
    expect(doc).not.toHaveProperty('patient');
    const pat = await verified((await run(token, '--user', 'pat'))[1]);
    expect(pat).toMatchObject({
      role: 'patient',
      patient: 'p1',
      scopes: 'openid fhirUser launch/patient patient/*.cruds',
    });
    expect(await verified((await run(token, '--role', 'attending'))[1])).toMatchObject({
      subject: doc?.subject,
      role: 'attending',
    });
    await expect(run(token, '--role', 'nurse')).rejects.toThrow(
      'no active account of role nurse; there are attending, patient',
    );
    await expect(run(token, '--role', 'king')).rejects.toThrow('there is no role "king"');
    await expect(run(token, '--user', 'gone')).rejects.toThrow('disabled');
    await expect(run(token, '--user', 'nobody')).rejects.toThrow('no account');
  });

  it('gives a service its registered scopes and no others', async () => {
    const jwks = join(directory, 'jwks.json');
    writeFileSync(jwks, '{"keys":[{"kty":"EC","crv":"P-384","kid":"k","x":"AA","y":"AA"}]}');
    const scope = ['--scope', 'system/Patient.rs system/Group.rs'];
    await run(
      client,
      'create',
      '--name',
      'Service',
      '--id',
      'svc',
      '--auth',
      'private_key_jwt',
      '--jwks',
      jwks,
      ...scope,
    );
    const all = await verified((await run(token, '--client', 'svc'))[1]);
    expect(all).toMatchObject({
      subject: 'svc',
      clientId: 'svc',
      scopes: 'system/Patient.rs system/Group.rs',
    });
    const one = await verified(
      (await run(token, '--client', 'svc', '--scope', 'system/Group.r system/*.d'))[1],
    );
    expect(one?.scopes).toBe('system/Group.r');
    await expect(run(token, '--client', 'svc', '--scope', 'system/Observation.rs')).rejects.toThrow(
      'registered',
    );
    await expect(run(token, '--client', 'nobody')).rejects.toThrow('no client');
  });

  it('says what is wrong', async () => {
    await expect(run(token, '--user', 'a', '--client', 'b')).rejects.toThrow(UsageError);
    await expect(run(token, '--role', 'nurse', '--user', 'b')).rejects.toThrow(UsageError);
    await expect(run(token, '--patient', 'Patient/1')).rejects.toThrow('--patient');
    await expect(run(token, '--scope', 'nonsense')).rejects.toThrow('no scope');
    await expect(run(token, '--minutes', '61')).rejects.toThrow('--minutes');
    await expect(run(token, '--tenant', 'nobody')).rejects.toThrow('There is no tenant');
  });
});
