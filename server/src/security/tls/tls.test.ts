import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServer } from './https-server.ts';
import { TlsError, tlsFiles, tlsOptions } from './tls-options.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe('TLS settings', () => {
  test('certificate and key belong together', () => {
    expect(tlsFiles({})).toBeUndefined();
    expect(() => tlsFiles({ tlsCertificate: 'a' })).toThrow(TlsError);
    expect(() => tlsFiles({ tlsKey: 'a' })).toThrow(TlsError);
    expect(tlsFiles({ tlsCertificate: 'a', tlsKey: 'b' })).toEqual({ certificate: 'a', key: 'b' });
  });
});

describe.skipIf(!hasOpenssl)('TLS (RFC 9325; needs openssl to make certificates)', () => {
  let folder: string;
  let server: Server;
  const files = () => ({ certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') });
  const reloads: string[] = [];
  const errors: unknown[] = [];

  function makeCertificate(name: string, into = files()): void {
    execFileSync(
      'openssl',
      [
        ...[
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:prime256v1',
          '-nodes',
          '-days',
          '2',
        ],
        ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost'],
        ...['-keyout', into.key, '-out', into.certificate],
      ],
      { stdio: 'ignore' },
    );
  }

  const handshake = (options: ConnectionOptions = {}): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }, () => {
        socket.end();
        resolve(socket);
      });
      socket.on('error', reject);
    });

  const nameOf = (socket: TLSSocket) => socket.getPeerCertificate().subject.CN;

  const until = async (holds: () => boolean): Promise<void> => {
    for (let i = 0; i < 200 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 25));
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vesta-tls-'));
    makeCertificate('first');
    server = createServer({}, (_request, response) => response.end('by TLS'), files(), {
      interval: 20,
      onReload: () => reloads.push('reloaded'),
      onError: (error) => errors.push(error),
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  test('HTTP is answered by TLS, 1.3 when the client can', async () => {
    const { port } = server.address() as AddressInfo;
    const body = await new Promise((resolve, reject) => {
      request({ port, host: '127.0.0.1', rejectUnauthorized: false, agent: false }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve(text));
      })
        .on('error', reject)
        .end();
    });
    expect(body).toBe('by TLS');
    const socket = await handshake();
    expect(socket.getProtocol()).toBe('TLSv1.3');
  });

  test('1.2 with forward secrecy and authenticated encryption; nothing weaker', async () => {
    const old = await handshake({ maxVersion: 'TLSv1.2' });
    expect(old.getProtocol()).toBe('TLSv1.2');
    expect(old.getCipher().name).toMatch(/^ECDHE-.*(GCM|POLY1305)/);
    const weak = { ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(handshake({ ...weak, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })).rejects.toThrow();
    await expect(
      handshake({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256:AES128-GCM-SHA256:AES256-SHA' }),
    ).rejects.toThrow();
  });

  test('a new pair of files is used without a restart; a wrong one is told and not used', async () => {
    expect(nameOf(await handshake())).toBe('first');
    writeFileSync(files().certificate, 'half written');
    await until(() => errors.length > 0);
    expect(errors[0]).toBeInstanceOf(TlsError);
    expect(nameOf(await handshake())).toBe('first');
    makeCertificate('second');
    await until(() => reloads.length > 0);
    expect(nameOf(await handshake())).toBe('second');
  });

  test('files that cannot be used are refused by name', () => {
    const other = { certificate: join(folder, 'other.pem'), key: join(folder, 'other-key.pem') };
    makeCertificate('other', other);
    const { certificate, key } = files();
    expect(() => tlsOptions({ certificate, key: other.key })).toThrow(/is not the key of the certificate/);
    expect(() => tlsOptions({ certificate: key, key })).toThrow(/VESTA_TLS_CERT.* no certificate/);
    expect(() => tlsOptions({ certificate, key: certificate })).toThrow(/VESTA_TLS_KEY.* no private key/);
    expect(() => tlsOptions({ certificate: join(folder, 'none'), key })).toThrow(/ENOENT/);
    expect(tlsOptions(other)).toMatchObject({ minVersion: 'TLSv1.2' });
  });
});
