import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, type RequestOptions, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withOwner } from '../src/storage/prepare.ts';
import { ensureTenant } from '../src/storage/tenants.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { freePort, temporaryDirectory, VestaProcess, vesta } from './server-process.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly protocol: string | null;
}

describe.skipIf(!hasOpenssl)(
  '`vesta serve` by TLS, in its server processes (needs openssl to make a certificate)',
  () => {
    let folder: string;
    let database: TestDatabase;
    let port: number;
    let server: VestaProcess;

    /** A request on a connection of its own, so that either process may take it. */
    const get = (path: string, options: RequestOptions = {}): Promise<Got> =>
      new Promise((resolve, reject) => {
        const sent = request(
          `https://localhost:${port}${path}`,
          { ca: readFileSync(join(folder, 'cert.pem')), agent: new Agent(), ...options },
          (response) => {
            const protocol = (response.socket as TLSSocket).getProtocol();
            let text = '';
            response.on('data', (chunk) => (text += String(chunk)));
            response.on('end', () =>
              resolve({ status: response.statusCode as number, headers: response.headers, text, protocol }),
            );
          },
        );
        sent.on('error', reject);
        sent.end();
      });

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'vesta-serve-tls-'));
      const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
      const kind = [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ];
      const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
      execFileSync('openssl', [...kind, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' });
      database = await createTestDatabase();
      await withOwner(database.ownerUrl, (owner) => ensureTenant(owner, 'north'));
      port = await freePort();
      server = new VestaProcess(['serve'], {
        PORT: String(port),
        DATABASE_URL: database.ownerUrl,
        VESTA_DATA_DIR: folder,
        VESTA_MASTER_KEY: randomBytes(32).toString('hex'),
        VESTA_WORKERS: '2',
        VESTA_DEMO: 'off',
        VESTA_AUTH: 'smart',
        VESTA_TLS_CERT: cert,
        VESTA_TLS_KEY: key,
      });
      await server.says(/Vesta is ready/);
    }, 120_000);
    afterAll(async () => {
      server?.kill('SIGKILL');
      await server?.exited;
      await database?.drop();
      rmSync(folder, { recursive: true });
    });

    test('speaks TLS 1.3 and 1.2, no plain HTTP, and says so in all its addresses', async () => {
      expect(server.output).toContain(`https://localhost:${port}/fhir/`);
      const answers = await Promise.all(Array.from({ length: 6 }, () => get('/fhir/north/metadata')));
      for (const { status, protocol } of answers) expect([status, protocol]).toEqual([200, 'TLSv1.3']);
      expect((await get('/health/live', { maxVersion: 'TLSv1.2' })).protocol).toBe('TLSv1.2');
      await expect(get('/health/live', { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow();
      await expect(fetch(`http://127.0.0.1:${port}/health/live`)).rejects.toThrow();
      const smart = JSON.parse((await get('/fhir/north/.well-known/smart-configuration')).text);
      expect(smart.token_endpoint).toBe(`https://localhost:${port}/auth/north/token`);
      expect(smart.issuer).toMatch(/^https:/);
      const metadata = JSON.parse(answers[0]?.text ?? '');
      expect(metadata.implementation.url).toBe(`https://localhost:${port}/fhir/north`);
    });

    test('HSTS on pages, answers and errors (RFC 6797; OWASP ASVS 3.4.1)', async () => {
      for (const path of ['/fhir/north/metadata', '/fhir/north/Patient', '/auth/north/login', '/nothing'])
        expect([path, (await get(path)).headers['strict-transport-security']]).toEqual([
          path,
          'max-age=31536000; includeSubDomains',
        ]);
    });

    test('cookies are Secure and of this host alone (OWASP ASVS 3.3)', async () => {
      const cookies = (await get('/auth/north/login')).headers['set-cookie'] as string[];
      expect(cookies.length).toBeGreaterThan(0);
      for (const cookie of cookies)
        expect(cookie).toMatch(/^__Host-[^;]+; Path=\/; HttpOnly; SameSite=Lax; Secure/);
    });
  },
);

describe('settings of TLS', () => {
  test('a file that is missing, one without the other and a base URL of HTTP are refused by name', async () => {
    const base = { VESTA_DATA_DIR: temporaryDirectory(), PORT: '1' };
    for (const [more, message] of [
      [{ VESTA_TLS_CERT: '/none.pem' }, /VESTA_TLS_CERT and VESTA_TLS_KEY belong together/],
      [
        { VESTA_TLS_CERT: '/none.pem', VESTA_TLS_KEY: '/none.key', BASE_URL: 'http://a.example' },
        /BASE_URL.*https:/,
      ],
      [{ VESTA_TLS_CERT: '/none.pem', VESTA_TLS_KEY: '/none.key' }, /VESTA_TLS_CERT.*\/none\.pem.*ENOENT/],
      [{ VESTA_TRUSTED_PROXIES: 'proxy' }, /VESTA_TRUSTED_PROXIES.*proxy/],
    ] as const) {
      const { code, output } = await vesta(['serve'], { ...base, ...more });
      expect([code === 0, output]).toEqual([false, expect.stringMatching(message)]);
    }
  }, 60_000);
});
