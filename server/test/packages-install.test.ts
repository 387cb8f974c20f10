import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { packageArchive } from '../src/conformance/packages/test-archive.ts';
import { PackageFiles } from '../src/packages/package-files.ts';
import { activePackages } from '../src/storage/packages/active-packages.ts';
import type { Json } from './harness.ts';
import { archive, install, listed, PackageServer, packagesOf, profile } from './package-server.ts';

/* Issue 4, sections 1 and 6: packages are checked whole and installed in the database, by HTTP and command line. */

const US_CORE = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'packages');
const VERSIONS = ['3.1.1', '5.0.1', '6.1.0', '7.0.0', '8.0.0'];

let server: PackageServer;
beforeAll(async () => {
  server = await PackageServer.start(['north', 'south', 'west']);
});
afterAll(() => server?.stop());

describe('$install-package', () => {
  it('installs an archive, which is active at once, and changes nothing the second time', async () => {
    const client = server.harness.client('north');
    const before = await server.version('north');
    const body = archive('example.one', '1.0.0', [profile('p-one')]);
    const first = await install(client, body);
    expect(first.status).toBe(200);
    expect(packagesOf(first.json)).toMatchObject([
      { name: 'example.one', version: '1.0.0', outcome: 'installed', active: true, resources: 1 },
    ]);
    expect(await server.active('north')).toEqual(['tenant example.one#1.0.0']);
    const after = await server.version('north');
    expect(after).toBeGreaterThan(before);
    const second = await install(client, body);
    expect(packagesOf(second.json)).toMatchObject([{ outcome: 'present', active: true }]);
    expect(await server.version('north')).toBe(after);
    expect(await server.active('south')).toEqual([]);
  });

  it('takes base64 in Parameters, as base64Binary, Attachment and Binary', async () => {
    const client = server.harness.client('west');
    const data = (version: string) => archive('example.base64', version, [profile('p')]).toString('base64');
    const values = [
      { valueBase64Binary: data('1.0.0') },
      { valueAttachment: { contentType: 'application/gzip', data: data('2.0.0') } },
      { resource: { resourceType: 'Binary', contentType: 'application/gzip', data: data('3.0.0') } },
    ];
    const answer = await client.post('$install-package', {
      resourceType: 'Parameters',
      parameter: [
        ...values.map((value) => ({ name: 'package', ...value })),
        { name: 'active', valueBoolean: false },
      ],
    });
    expect(answer.status).toBe(200);
    expect(await listed(client)).toEqual(
      ['1.0.0', '2.0.0', '3.0.0'].map((version) => `tenant example.base64#${version} inactive`),
    );
    const removed = await client.post('$remove-package?name=example.base64%23*', {
      resourceType: 'Parameters',
    });
    expect(packagesOf(removed.json)).toHaveLength(3);
    expect(await listed(client)).toEqual([]);
  });

  it('refuses other contents of the same name and version, unless they are to replace it', async () => {
    const client = server.harness.client('west');
    await install(client, archive('example.same', '1.0.0', [profile('a')]));
    const other = archive('example.same', '1.0.0', [profile('b')]);
    const refused = await install(client, other);
    expect(refused.status).toBe(422);
    expect(refused.json.issue[0].diagnostics).toContain('example.same#1.0.0 is installed already');
    const replaced = await install(client, other, '?replace=true');
    expect(packagesOf(replaced.json)).toMatchObject([{ outcome: 'replaced' }]);
    const [one] = await activePackages(server.harness.service.connections, await server.tenant('west'));
    const opened = await new PackageFiles(server.harness.service.connections, {
      directories: [server.directory],
    }).open(await server.tenant('west'), one!);
    expect(opened.entries.map(({ id }) => id)).toEqual(['b']);
    const left = await server.owner.query(
      `select count(*)::int as count from store.package_chunk where tenant_id = $1 and package_id <> $2`,
      [(await server.tenant('west')).id, one!.packageId],
    );
    expect(left.rows[0].count).toBe(0);
    await client.post('$remove-package?name=example.same', { resourceType: 'Parameters' });
  });

  it('tells of dependencies that are missing, as an error when asked to be strict', async () => {
    const client = server.harness.client('west');
    const body = archive('example.needy', '1.0.0', [profile('n')], {
      dependencies: { 'example.gone': '1.2.3' },
    });
    const strict = await install(client, body, '?strict=true');
    expect(strict.status).toBe(422);
    expect(strict.json.issue[0].diagnostics).toContain('example.gone#1.2.3 (for example.needy#1.0.0)');
    expect(await listed(client)).toEqual([]);
    const answer = await install(client, body);
    const missing = answer.json.parameter.find((one: Json) => one.name === 'missing');
    expect(missing.part.map((part: Json) => part.valueString)).toEqual([
      'example.gone',
      '1.2.3',
      'example.needy#1.0.0',
    ]);
    await client.post('$remove-package?name=example.needy', { resourceType: 'Parameters' });
  });

  it.each<[string, Parameters<typeof packageArchive>[1], object, string, string]>([
    ['broken JSON', { 'ValueSet-a.json': '{"resourceType":' }, {}, 'ValueSet-a.json', 'is not JSON'],
    ['a file without resourceType', { 'x.json': { id: 'x' } }, {}, 'x.json', 'resourceType'],
    [
      'a StructureDefinition without url',
      { 'StructureDefinition-a.json': { resourceType: 'StructureDefinition', type: 'Patient' } },
      {},
      'StructureDefinition-a.json',
      'needs url and type',
    ],
    [
      'profiles that are each based on the other',
      [
        profile('a', { baseDefinition: 'http://example.org/StructureDefinition/b' }),
        profile('b', { baseDefinition: 'http://example.org/StructureDefinition/a' }),
      ],
      {},
      'StructureDefinition-a.json',
      'based on itself',
    ],
    [
      'a profile that constrains itself, though it has a snapshot',
      [
        profile('self', {
          baseDefinition: 'http://example.org/StructureDefinition/self',
          snapshot: { element: [{ id: 'Patient', path: 'Patient' }] },
        }),
      ],
      {},
      'StructureDefinition-self.json',
      'based on itself',
    ],
    [
      'a constraint on what is not there',
      [profile('a', { differential: { element: [{ id: 'Patient.nothing', path: 'Patient.nothing' }] } })],
      {},
      'StructureDefinition-a.json',
      'Patient.nothing',
    ],
    [
      'a base that is nowhere',
      [profile('a', { baseDefinition: 'http://nowhere.org/x' })],
      {},
      'StructureDefinition-a.json',
      'http://nowhere.org/x',
    ],
    [
      'a SearchParameter whose expression is no FHIRPath',
      [
        {
          resourceType: 'SearchParameter',
          id: 'a',
          url: 'http://example.org/sp',
          status: 'active',
          code: 'x',
          base: ['Patient'],
          type: 'token',
          expression: 'Patient.(',
        },
      ],
      {},
      'SearchParameter-a.json',
      'not FHIRPath',
    ],
    [
      'a SearchParameter of an unknown type',
      [
        {
          resourceType: 'SearchParameter',
          id: 'a',
          url: 'http://example.org/sp',
          status: 'active',
          code: 'x',
          base: ['Nothing'],
          type: 'token',
          expression: 'Nothing.x',
        },
      ],
      {},
      'SearchParameter-a.json',
      'Nothing',
    ],
    ['another FHIR version', [], { fhirVersions: ['5.0.0'] }, 'package/package.json', 'FHIR 5.0.0'],
  ])('%s: installs nothing and names the file', async (_, resources, more, file, message) => {
    const client = server.harness.client('west');
    const before = await server.version('west');
    const answer = await install(client, archive('example.broken', '1.0.0', resources, more));
    expect(answer.status).toBe(422);
    const [issue] = answer.json.issue;
    expect(issue.diagnostics).toContain(file);
    expect(issue.expression[0]).toContain(file);
    expect(issue.diagnostics).not.toContain(tmpdir());
    expect(issue.diagnostics).toContain(message);
    expect(await listed(client)).toEqual([]);
    expect(await server.version('west')).toBe(before);
    const rows = await server.owner.query('select 1 from store.package where name = $1', ['example.broken']);
    expect(rows.rowCount).toBe(0);
  });

  it('answers 4xx for what is no package or no call', async () => {
    const client = server.harness.client('west');
    const post = (parameter: object[]) =>
      client.post('$install-package', { resourceType: 'Parameters', parameter });
    const cases: [Json, number, string][] = [
      [await install(client, Buffer.from('no archive')), 422, 'not a gzipped archive'],
      [await install(client, Buffer.from('x'), '?active=maybe'), 400, 'active is a boolean'],
      [await post([]), 400, 'Send a package'],
      [await post([{ name: 'package', valueBoolean: true }]), 400, 'base64Binary'],
      [await post([{ name: 'name', valueString: '/etc/passwd' }]), 422, 'There is no package /etc/passwd'],
      [
        await post([{ name: 'name', valueString: 'no.such#1.0.0' }]),
        422,
        'There is no package no.such#1.0.0',
      ],
      [
        await client.post('$activate-package?name=none', { resourceType: 'Parameters' }),
        422,
        'not installed',
      ],
      [await client.post('$remove-package', { resourceType: 'Parameters' }), 400, 'name is missing'],
      [await client.get('$install-package'), 405, 'POST'],
    ];
    for (const [answer, status, text] of cases) {
      expect([answer.status, answer.json.issue[0].diagnostics]).toEqual([
        status,
        expect.stringContaining(text),
      ]);
    }
  });
});

describe('what packages depend on (FHIR NPM package specification)', () => {
  it('is installed too where it is found, and profiles are based on it', async () => {
    await server.harness.addTenant('deps');
    const cache = join(server.directory, '.fhir', 'packages', 'example.base#1.0.1', 'package');
    mkdirSync(cache, { recursive: true });
    writeFileSync(
      join(cache, 'package.json'),
      JSON.stringify({ name: 'example.base', version: '1.0.1', fhirVersions: ['4.0.1'] }),
    );
    writeFileSync(join(cache, 'StructureDefinition-base.json'), JSON.stringify(profile('base')));
    const file = join(server.directory, 'derived.tgz');
    const derived = profile('derived', { baseDefinition: 'http://example.org/StructureDefinition/base' });
    const dependencies = { 'hl7.fhir.r4.core': '4.0.1', 'example.base': '1.0.x', 'example.later': '1.0.0' };
    const other = profile('other', { baseDefinition: 'http://example.org/later' });
    writeFileSync(file, archive('example.derived', '1.0.0', [derived, other], { dependencies }));
    const { code, out, err } = await server.cli('install', file, '--tenant', 'deps', '--inactive');
    expect([code, out]).toEqual([
      0,
      'Installed: example.derived#1.0.0 (2 resources, not active)\n' +
        'Installed: example.base#1.0.1 (1 resources, not active, needed by another)\n',
    ]);
    expect(err).toContain('StructureDefinition-other.json cannot be used until');
    expect(err).toContain('example.later#1.0.0 (for example.derived#1.0.0)');
    const refused = await server.cli('remove', 'example.base', '--tenant', 'deps');
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('example.derived#1.0.0 depend')]);
    const named = await server.cli('install', 'example.base@1.0.1', '--tenant', 'deps');
    expect(named.out).toBe('Already there: example.base#1.0.1 (1 resources, not active)\n');
    const both = await server.cli('remove', 'example.base', 'example.derived', '--tenant', 'deps');
    expect(both.out).toBe('Removed: example.base#1.0.1\nRemoved: example.derived#1.0.0\n');
  });

  it('a circle of packages that need each other is installed as it is', async () => {
    const client = await server.harness.addTenant('circle');
    const data = (name: string, other: string) =>
      archive(name, '1.0.0', [], { dependencies: { [other]: '1.0.0' } }).toString('base64');
    const answer = await client.post('$install-package', {
      resourceType: 'Parameters',
      parameter: [
        { name: 'package', valueBase64Binary: data('example.a', 'example.b') },
        { name: 'package', valueBase64Binary: data('example.b', 'example.a') },
      ],
    });
    expect(packagesOf(answer.json)).toMatchObject([{ outcome: 'installed' }, { outcome: 'installed' }]);
    expect(answer.json.parameter.some((one: Json) => one.name === 'missing')).toBe(false);
  });
});

describe('vesta package', () => {
  it.each<[string[], number, string]>([
    [['install'], 2, 'A package is missing'],
    [['update', 'x'], 2, '"update" is not install, list, activate, deactivate or remove'],
    [['install', 'x', '--tenant', 'north', '--shared'], 2, 'exclude each other'],
    [['install', 'x#1', '--tenant', 'nobody'], 1, 'There is no tenant "nobody"'],
    [['install', 'x#1', '--tenant', 'north'], 1, 'There is no package x#1'],
    [['remove', 'x', '--shared'], 1, 'The package x is not installed'],
  ])('%j: exit code %i and a sentence', async (args, code, message) => {
    const run = await server.cli(...args);
    expect([run.code, run.err]).toEqual([code, expect.stringContaining(message)]);
    expect(run.err).not.toContain('    at ');
  });
});

describe.skipIf(!existsSync(US_CORE))('US Core', () => {
  it('five versions side by side, by HTTP and by command line, a folder of them too', async () => {
    const client = await server.harness.addTenant('east');
    const answer = await install(client, readFileSync(join(US_CORE, 'hl7.fhir.us.core-6.1.0.tgz')));
    expect(answer.status).toBe(200);
    expect(answer.json.parameter.some((one: Json) => one.name === 'missing')).toBe(true);
    const { code, out, err } = await server.cli('install', US_CORE, '--tenant', 'east');
    expect(code).toBe(0);
    expect(out.split('\n').map((line) => line.split(' (')[0])).toEqual([
      ...VERSIONS.map(
        (version) => `${version === '6.1.0' ? 'Already there' : 'Installed'}: hl7.fhir.us.core#${version}`,
      ),
      '',
    ]);
    expect(err).toContain('us.nlm.vsac');
    expect(await server.active('east')).toEqual(
      VERSIONS.map((version) => `tenant hl7.fhir.us.core#${version}`),
    );
    const ambiguous = await client.post('$deactivate-package?name=hl7.fhir.us.core', {
      resourceType: 'Parameters',
    });
    expect([ambiguous.status, ambiguous.json.issue[0].diagnostics]).toEqual([
      422,
      expect.stringContaining('several versions'),
    ]);
    const list = await server.cli('list');
    expect(list.out.match(/hl7\.fhir\.us\.core#/g)).toHaveLength(5);
    await client.post('$deactivate-package', {
      resourceType: 'Parameters',
      parameter: [
        { name: 'name', valueString: 'hl7.fhir.us.core#3.1.1' },
        { name: 'name', valueString: 'hl7.fhir.us.core@8.0.0' },
      ],
    });
    expect(await server.active('east')).toEqual(
      ['5.0.1', '6.1.0', '7.0.0'].map((version) => `tenant hl7.fhir.us.core#${version}`),
    );
  }, 120_000);
});
