import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startDemoProvider } from '../src/cds/demo/provider.ts';
import { cds } from '../src/cli/cds.ts';
import { UsageError } from '../src/cli/command.ts';
import { registerDemoProviders } from '../src/cli/demo-cds.ts';
import { withOwner } from '../src/storage/prepare.ts';
import { configureTenant } from '../src/storage/tenants.ts';
import { clientKey } from './auth-server.ts';
import { type CdsServer, post, startCdsServer } from './cds-support.ts';
import type { Json } from './harness.ts';

let server: CdsServer;
const lines: string[] = [];
beforeAll(async () => {
  server = await startCdsServer({ allowPrivateAddresses: false });
  vi.stubEnv('DATABASE_URL', server.harness.database.ownerUrl);
  vi.stubEnv('BASE_URL', server.harness.url);
  for (const name of ['log', 'error'] as const)
    vi.spyOn(console, name).mockImplementation((line: string) => void lines.push(line));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await server?.stop();
});
const run = async (...args: string[]) => {
  lines.length = 0;
  return await cds.run([...args, '--tenant', 'one']);
};

describe('vesta cds', () => {
  it('registers EHRs, lists and removes them', async () => {
    const { publicJwk } = await clientKey('ES384');
    const file = join(tmpdir(), `cds-jwks-${process.pid}.json`);
    writeFileSync(file, JSON.stringify({ keys: [publicJwk] }));
    const one = ['client', 'add', 'https://ehr.example', '--name', 'EHR'];
    expect(
      await run(...one, '--jwks', file, '--fhir-server', 'https://a.example/fhir/ https://b.example'),
    ).toBe(0);
    expect(await run(...one, '--jwks', file)).toBe(1);
    expect(await server.registrations.findClient(server.tenants.one, 'https://ehr.example')).toEqual({
      issuer: 'https://ehr.example',
      name: 'EHR',
      jwks: { keys: [publicJwk] },
      fhirServers: ['https://a.example/fhir', 'https://b.example'],
    });
    expect(await server.registrations.findClient(server.tenants.two, 'https://ehr.example')).toBeUndefined();
    expect(await run('client', 'list')).toBe(0);
    expect(lines.join()).toContain('https://ehr.example');
    expect(await run('client', 'remove', 'https://ehr.example')).toBe(0);
    expect(await run('client', 'remove', 'https://ehr.example')).toBe(1);
  });

  it('registers providers, which a running server asks at once', async () => {
    expect(
      await run(
        'provider',
        'add',
        'p1',
        '--name',
        'P',
        '--url',
        'https://10.0.0.1/cds-services/',
        '--scope',
        'patient/Patient.r',
      ),
    ).toBe(0);
    expect(await server.registrations.providers(server.tenants.one)).toEqual([
      { id: 'p1', name: 'P', url: 'https://10.0.0.1', scopes: 'patient/Patient.r' },
    ]);
    expect(await run('provider', 'list')).toBe(0);
    expect(lines.join()).toContain('p1');
    expect(await run('provider', 'remove', 'p1')).toBe(0);
  });

  it('refuses what makes no registration', async () => {
    const { registrations, tenants } = server;
    for (const args of [
      ['client', 'add', 'https://x.example', '--name', 'X'],
      ['client', 'add', 'https://x.example', '--name', 'X', '--jku', 'file:///etc/passwd'],
      ['client', 'add', 'https://x.example', '--jku', 'https://x.example/jwks'],
      [
        'client',
        'add',
        'https://x.example',
        '--name',
        'X',
        '--jku',
        'https://x.example',
        '--fhir-server',
        'x',
      ],
      [
        'client',
        'add',
        'https://x.example',
        '--name',
        'X',
        '--jku',
        'https://x.example',
        '--url',
        'https://y.example',
      ],
      ['provider', 'add', 'own', '--name', 'X', '--url', 'https://x.example'],
      ['provider', 'add', 'A/b', '--name', 'X', '--url', 'https://x.example'],
      ['provider', 'add', 'x', '--name', 'X', '--url', 'javascript:1'],
      ['provider', 'add', 'x', '--name', 'X', '--url', 'https://x.example', '--scope', 'user/*.cruds'],
      ['provider', 'add', 'x', '--name', 'X', '--url', 'https://x.example', '--scope', 'patient/*.u'],
      ['provider', 'list', 'x'],
      ['provider', 'remove'],
      ['other', 'list'],
    ])
      await expect(run(...args), args.join(' ')).rejects.toThrow(UsageError);
    expect(await registrations.providers(tenants.one)).toEqual([]);
  });
});

describe('the providers of the demo', () => {
  const register = (url: string) =>
    withOwner(server.harness.database.ownerUrl, (owner) =>
      registerDemoProviders(owner, server.tenants.one, url),
    );

  it('are one that answers and one that is down (issue 6, story 4); what was removed stays away', async () => {
    const provider = await startDemoProvider();
    try {
      await register('http://127.0.0.1:1');
      await register(provider.url);
      await server.put({ resourceType: 'Patient', id: 'p', birthDate: '1960-01-01' });
      const token = await server.as({ role: 'attending', scopes: 'user/*.rs' });
      const context = { patientId: 'p', userId: 'Practitioner/x' };
      const answer = await post(`${server.harness.url}/cds-hooks/one/patient-view`, { context }, token);
      const states = answer.json.extension['health.vesta.services'].map(({ id, status }: Json) => [
        id,
        status,
      ]);
      expect(Object.fromEntries(states)).toEqual({
        'own/record-gaps': 'answered',
        'demo-guidance/influenza-vaccination': 'answered',
        'demo-down': 'unavailable',
      });
      const [flu] = answer.json.cards.filter(({ source }: Json) => source.label.includes('ACIP'));
      const [{ resource }] = flu.suggestions[0].actions;
      const written = await server.one.post('ServiceRequest', resource, await server.as());
      expect(written.status).toBe(201);
      const item = {
        card: flu.uuid,
        outcome: 'accepted',
        acceptedSuggestions: [{ id: flu.suggestions[0].uuid }],
        outcomeTimestamp: '2026-01-02T03:04:05Z',
      };
      const service = flu.extension['health.vesta.service'];
      const url = `${server.harness.url}/cds-hooks/one/${service}/feedback`;
      expect((await post(url, { feedback: [item] }, token)).status).toBe(200);

      await server.registrations.removeProvider(server.tenants.one, 'demo-down');
      await register(provider.url);
      const ids = (await server.registrations.providers(server.tenants.one)).map(({ id }) => id);
      expect(ids).toEqual(['demo-guidance']);
    } finally {
      await provider.stop();
    }
  });

  it('open the demo tenant to EHRs without proof once, and not against what is configured', async () => {
    const configured = () =>
      withOwner(server.harness.database.ownerUrl, (owner) => configureTenant(owner, 'one', {}));
    expect((await configured())['cds.unsignedClients']).toBe('allow');
    await withOwner(server.harness.database.ownerUrl, (owner) =>
      configureTenant(owner, 'one', { 'cds.unsignedClients': 'refuse' }),
    );
    await register('http://127.0.0.1:1');
    expect((await configured())['cds.unsignedClients']).toBe('refuse');
  });
});
