import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import express from 'express';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appsService } from './apps-service.ts';

/* Issue 6, section 4: `npm start` serves the apps beside the server. */

let folder: string;
let server: Server;
let base: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vesta-apps-'));
  const file = (path: string, text: string | Buffer) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  file('secret.txt', 'secret');
  file('one/index.html', 'source');
  file('one/dist/index.html', '<!doctype html>page');
  file('one/dist/.sources', 'hidden');
  file('one/dist/manifest.webmanifest', '{}');
  file('one/dist/assets/a-1.js', 'plain()');
  file('one/dist/assets/a-1.js.gz', gzipSync('plain()'));
  file('unbuilt/index.html', 'source');
  file('shared/src/index.ts', 'no app');
  const app = express();
  app.disable('etag');
  app.use(appsService({ directory: folder }));
  server = createServer(app).listen(0);
  base = `http://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(base + path, { headers, redirect: 'manual' });

test('the page of an app stands for all of its paths, and is asked for anew each time', async () => {
  for (const path of ['/apps/one/', '/apps/one/visits', '/apps/one/visits/1/move?x=1']) {
    const answer = await get(path);
    expect([path, answer.status, await answer.text()]).toEqual([path, 200, '<!doctype html>page']);
    expect(answer.headers.get('cache-control')).toBe('no-cache');
    expect(answer.headers.get('last-modified')).not.toBeNull();
  }
});

test('a path without the last slash leads to the app, with what it asks for', async () => {
  const answer = await get('/apps/one?iss=https://x.org&launch=1');
  expect([answer.status, answer.headers.get('location')]).toEqual([
    308,
    '/apps/one/?iss=https://x.org&launch=1',
  ]);
});

test('assets are kept, and sent compressed to those who take that', async () => {
  const plain = await get('/apps/one/assets/a-1.js', { 'Accept-Encoding': 'identity' });
  expect(plain.headers.get('content-encoding')).toBeNull();
  const zipped = await get('/apps/one/assets/a-1.js', { 'Accept-Encoding': 'gzip, br' });
  // There is no file for br.
  for (const answer of [plain, zipped]) {
    expect([answer.status, await answer.text()]).toEqual([200, 'plain()']);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(answer.headers.get('content-type')).toMatch(/^text\/javascript/);
    expect(answer.headers.get('vary')).toContain('Accept-Encoding');
  }
  const again = await get('/apps/one/assets/a-1.js', { 'Accept-Encoding': 'gzip' });
  expect(again.headers.get('content-encoding')).toBe('gzip');
});

test('scripts are those of the server alone, and nobody may frame the page (Content Security Policy 3)', async () => {
  const policy = (await get('/apps/one/')).headers.get('content-security-policy') ?? '';
  const directives = new Map(
    policy.split('; ').map((each) => [each.split(' ')[0], each.split(' ').slice(1).join(' ')]),
  );
  expect(directives.get('default-src')).toBe("'none'");
  expect(directives.get('script-src')).toBe("'self'");
  expect(directives.get('frame-ancestors')).toBe("'none'");
  expect(policy).not.toContain('unsafe');
});

test('those who are named may frame the pages, by the policy alone (Content Security Policy 3, 6.4.2)', async () => {
  const app = express();
  app.use((_request, response, next) => {
    response.set('X-Frame-Options', 'DENY');
    next();
  });
  app.use(appsService({ directory: folder, frameAncestors: ["'self'", 'https://ehr.example.org'] }));
  const framed = createServer(app).listen(0);
  try {
    const { port } = framed.address() as AddressInfo;
    const answer = await fetch(`http://localhost:${port}/apps/one/visits`);
    expect(answer.headers.get('content-security-policy')).toContain(
      "; frame-ancestors 'self' https://ehr.example.org; ",
    );
    expect(answer.headers.get('x-frame-options')).toBeNull();
    const other = await fetch(`http://localhost:${port}/apps/nothing/`);
    expect(other.headers.get('x-frame-options')).toBe('DENY');
  } finally {
    framed.close();
  }
});

test('files that are not of the build, hidden ones, and those that are not there are not found', async () => {
  for (const path of [
    '/apps/one/assets/a-2.js',
    '/apps/one/assets/a-2',
    '/apps/one/none.png',
    '/apps/one/.sources',
    '/apps/one/..%2findex.html',
    '/apps/one/..%2f..%2fsecret.txt',
    '/apps/one/%2e%2e/secret.txt',
    '/apps/shared/src/index.ts',
    '/apps/nothing/',
    '/apps/..%2fone/',
  ])
    expect([path, (await get(path)).status]).toEqual([path, 404]);
});

test('a manifest has its own type (Web Application Manifest)', async () => {
  const answer = await get('/apps/one/manifest.webmanifest');
  expect(answer.headers.get('content-type')).toMatch(/^application\/manifest\+json/);
});

test('an app that is being built is told of with 503', async () => {
  const answer = await get('/apps/unbuilt/');
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
});
