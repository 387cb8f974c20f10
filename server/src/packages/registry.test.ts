import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PackageNotFound } from '../conformance/packages/index.ts';
import { packageArchive, tar } from '../conformance/packages/test-archive.ts';
import { downloadPackage, environmentRegistries } from './registry.ts';

/* FHIR NPM package specification: a registry speaks the NPM registry protocol; the cache has `name#version/package`. */

const LIMITS = { listTime: 500, listBytes: 100_000, archiveTime: 500, archiveBytes: 1_000_000 };
const ARCHIVE = packageArchive(
  { name: 'a.b', version: '1.0.0' },
  { 'ValueSet-v.json': { resourceType: 'ValueSet' } },
);
const SHA1 = createHash('sha1').update(ARCHIVE).digest('hex');
const SHA512 = `sha512-${createHash('sha512').update(ARCHIVE).digest('base64')}`;

let server: Server;
let base: string;
let cache: string;
/** What the server does for a path; 404 for any other. */
let routes: Record<string, (response: ServerResponse) => void>;
let asked: string[];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url as string);
    const route = routes[request.url as string];
    if (route === undefined) response.writeHead(404).end();
    else route(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  routes = {};
  asked = [];
  cache = mkdtempSync(join(tmpdir(), 'vesta-registry-'));
  return () => rmSync(cache, { recursive: true, force: true });
});

const json = (value: object) => (response: ServerResponse) => void response.end(JSON.stringify(value));
const bytes = (value: Buffer) => (response: ServerResponse) => void response.end(value);

/** A registry with versions of a.b whose archives lie at /tgz. */
function registry(dist: object, versions = ['1.0.0'], archive = ARCHIVE): void {
  routes['/a.b'] = json({
    name: 'a.b',
    'dist-tags': { latest: versions[0] },
    versions: Object.fromEntries(versions.map((one) => [one, { dist: { tarball: `${base}/tgz`, ...dist } }])),
  });
  routes['/tgz'] = bytes(archive);
}

const download = (id: string, registries = [base]) => downloadPackage(id, registries, [cache], LIMITS);

async function refusal(id = 'a.b#1.0.0', registries?: string[]): Promise<string> {
  const error = await download(id, registries).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(PackageNotFound);
  expect(readdirSync(cache)).toEqual([]);
  return (error as Error).message;
}

describe('a package from a registry', () => {
  it.each([
    ['shasum', { shasum: SHA1 }],
    ['integrity, which counts before shasum', { shasum: '0'.repeat(40), integrity: SHA512 }],
  ])('is put into the package cache, checked by %s', async (_, dist) => {
    registry(dist);
    const folder = await download('a.b#1.0.0');
    expect(folder).toBe(join(cache, 'a.b#1.0.0'));
    expect(JSON.parse(readFileSync(join(folder, 'package', 'package.json'), 'utf8'))['version']).toBe(
      '1.0.0',
    );
    expect(existsSync(join(folder, 'package', 'ValueSet-v.json'))).toBe(true);
    expect(readdirSync(cache)).toEqual(['a.b#1.0.0']);
  });

  it('without a version it is the one called latest, with a pattern the newest that fits', async () => {
    registry({ shasum: SHA1 }, ['1.0.0', '2.0.0', '1.0.1']);
    expect(await download('a.b')).toBe(join(cache, 'a.b#1.0.0'));
    expect(await refusalOf('a.b#1.0.x')).toContain('a.b#1.0.1 holds a.b#1.0.0');
    expect(await refusalOf('a.b#3.0.0')).toContain('it has no version 3.0.0');
  });
  const refusalOf = async (id: string) =>
    ((await download(id).catch((error: Error) => error)) as Error).message;

  it('the next registry is asked when one does not have it, or cannot be reached', async () => {
    registry({ shasum: SHA1 });
    expect(await download('a.b#1.0.0', ['http://127.0.0.1:1', `${base}/empty/`, base])).toContain(
      'a.b#1.0.0',
    );
    expect(asked).toEqual(['/empty/a.b', '/a.b', '/tgz']);
  });

  it('redirects are followed, five at most, and to http and https only', async () => {
    registry({ shasum: SHA1 });
    const to = (location: string) => (response: ServerResponse) =>
      void response.writeHead(302, { Location: location }).end();
    routes['/moved/a.b'] = to('/a.b');
    expect(await download('a.b#1.0.0', [`${base}/moved`])).toContain('a.b#1.0.0');
    rmSync(join(cache, 'a.b#1.0.0'), { recursive: true });
    routes['/loop/a.b'] = to('/loop/a.b');
    expect(await refusal('a.b#1.0.0', [`${base}/loop`])).toContain('redirects more than 5 times');
    routes['/file/a.b'] = to('file:///etc/passwd');
    expect(await refusal('a.b#1.0.0', [`${base}/file`])).toContain('no http or https URL');
  });
});

describe('what a registry does wrong', () => {
  it('a wrong checksum, or none', async () => {
    registry({ shasum: '0'.repeat(40) });
    expect(await refusal()).toContain('another sha1 checksum');
    registry({ integrity: `sha512-${Buffer.alloc(64).toString('base64')}`, shasum: SHA1 });
    expect(await refusal()).toContain('another sha512 checksum');
    registry({});
    expect(await refusal()).toContain('states no checksum');
  });

  it('not having it, failing, and answers that are none', async () => {
    expect(await refusal()).toContain(`${base}: it does not have it`);
    routes['/a.b'] = (response) => void response.writeHead(503).end();
    expect(await refusal()).toContain('it answered 503');
    routes['/a.b'] = (response) => void response.end('<html>');
    expect(await refusal()).toContain('not JSON');
    routes['/a.b'] = json([]);
    expect(await refusal()).toContain('no versions');
    routes['/a.b'] = json({
      versions: { '1.0.0': { dist: { tarball: 'file:///etc/passwd', shasum: SHA1 } } },
    });
    expect(await refusal()).toContain('no http or https URL');
    routes['/a.b'] = json({ versions: { '../../x': {} } });
    expect(await refusal('a.b#../../x')).toContain('no version');
    expect(await refusal('../x#1.0.0')).toContain('that is no name');
  });

  it('being slow, or never ending', async () => {
    routes['/a.b'] = () => {};
    expect(await refusal()).toContain('took longer than 1 s');
    routes['/a.b'] = (response) => {
      response.write('{');
      const more = setInterval(() => response.write(' '.repeat(20_000)), 1);
      response.on('close', () => clearInterval(more));
    };
    expect(await refusal()).toContain('more than 100000 bytes');
    registry({ shasum: SHA1 });
    routes['/tgz'] = (response) => {
      const more = setInterval(() => response.write(Buffer.alloc(100_000)), 1);
      response.on('close', () => clearInterval(more));
    };
    expect(await refusal()).toContain('more than 1000000 bytes');
  });

  it('archives that are broken, lead out of their folder, or hold something else', async () => {
    const sum = (archive: Buffer) => ({ shasum: createHash('sha1').update(archive).digest('hex') });
    for (const [archive, message] of [
      [Buffer.from('x'), 'archive is broken'],
      [tar([['package/../../../x', 'x']]), 'leads out of the archive'],
      [packageArchive({ name: 'other', version: '1.0.0' }, []), 'holds other#1.0.0'],
    ] as const) {
      registry(sum(archive), ['1.0.0'], archive);
      expect(await refusal()).toContain(message);
    }
  });
});

describe('VESTA_PACKAGE_REGISTRY', () => {
  it('is a list', () => {
    expect(environmentRegistries({})).toEqual([]);
    expect(environmentRegistries({ VESTA_PACKAGE_REGISTRY: 'http://a, http://b' })).toEqual([
      'http://a',
      'http://b',
    ]);
  });
});
