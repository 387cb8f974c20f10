import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { hasUsCore, US_CORE_VERSIONS, usCorePath } from '../../validation/profiles/test-support.ts';
import {
  compareVersions,
  findPackages,
  loadPackage,
  PackageError,
  PackageSet,
  versionMatches,
} from './index.ts';
import { readTarGz } from './tar.ts';
import { tar } from './test-archive.ts';

const directory = mkdtempSync(join(tmpdir(), 'vesta-packages-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let count = 0;
function archive(
  files: readonly [string, string][],
  manifest: object = { name: 'a.b', version: '1.0.0' },
): string {
  const path = join(directory, `p${++count}.tgz`);
  writeFileSync(path, tar([['package/package.json', JSON.stringify(manifest)], ...files]));
  return path;
}
const structure = (url: string, version: string) =>
  JSON.stringify({ resourceType: 'StructureDefinition', id: 's', url, version, type: 'Patient' });

describe('tar archives', () => {
  const all = (archive: Buffer, limits = {}) =>
    [...readTarGz(archive, () => true, limits)].map(({ path }) => path);
  it('gives regular files and passes over links', () => {
    expect(
      all(
        tar([
          ['package/a.json', '{}'],
          ['package/l', '', '2'],
          ['./package/b.json', '{}'],
        ]),
      ),
    ).toEqual(['package/a.json', 'package/b.json']);
  });
  it('refuses paths that lead out, damage, and more than the limits', () => {
    expect(() => all(tar([['package/../../etc/passwd', 'x']]))).toThrow('leads out');
    expect(() => all(tar([['/etc/passwd', 'x']]))).toThrow('leads out');
    expect(() => all(Buffer.from('no archive'))).toThrow('not a gzipped archive');
    expect(() => all(gzipSync(Buffer.alloc(2048, 1)))).toThrow('damaged');
    const big = tar([['package/a.json', ' '.repeat(5000)]]);
    expect(() => all(big, { maxBytes: 1000 })).toThrow('more than 1000 bytes');
    expect(() => all(big, { maxFileBytes: 1000 })).toThrow('package/a.json');
    expect(() =>
      all(
        tar([
          ['a', ''],
          ['b', ''],
        ]),
        { maxFiles: 1 },
      ),
    ).toThrow('more than 1 files');
  });
});

describe('packages (FHIR NPM package specification)', () => {
  it('an archive without .index.json, with examples apart', () => {
    const loaded = loadPackage(
      archive([
        ['package/StructureDefinition-s.json', structure('http://e.org/s', '1')],
        ['package/example/Patient-1.json', '{"resourceType":"Patient","id":"1"}'],
        ['package/other/x.json', 'not JSON'],
      ]),
    );
    expect(loaded.entries.map(({ url, example }) => [url, example])).toEqual([['http://e.org/s', false]]);
    expect([...loaded.examples()].map(({ resource }) => resource['id'])).toEqual(['1']);
  });
  it('a folder as the package cache has it', () => {
    const folder = join(directory, 'x.y#2.0.0');
    mkdirSync(join(folder, 'package', 'example'), { recursive: true });
    writeFileSync(join(folder, 'package', 'package.json'), '{"name":"x.y","version":"2.0.0"}');
    writeFileSync(join(folder, 'package', 'StructureDefinition-s.json'), structure('http://e.org/s', '2'));
    const loaded = loadPackage(folder);
    expect(loaded.manifest.version).toBe('2.0.0');
    expect(loaded.read(loaded.entries[0]!)['version']).toBe('2');
    expect(findPackages('x.y#2.0.0', [directory]).map(({ manifest }) => manifest.name)).toEqual(['x.y']);
    expect(findPackages('x.y', [directory])).toHaveLength(1);
    expect(() => findPackages('x.y#3.0.0', [directory])).toThrow(PackageError);
  });
  it('a broken resource is named by its file', () => {
    expect(() => loadPackage(archive([['package/ValueSet-a.json', '{"resourceType":']]))).toThrow(
      'ValueSet-a.json',
    );
    expect(() =>
      loadPackage(archive([['package/S.json', '{"resourceType":"StructureDefinition"}']])),
    ).toThrow('S.json');
    expect(() => loadPackage(archive([], { name: 'a' }))).toThrow('no name and version');
    expect(() => loadPackage(join(directory, 'none.tgz'))).toThrow('There is no package');
  });
});

describe('canonical resolution (references.html#canonical)', () => {
  const one = (version: string, dependencies: object = {}) =>
    loadPackage(
      archive([[`package/S.json`, structure('http://e.org/s', version)]], {
        name: `p${version}`,
        version,
        dependencies,
      }),
    );
  it('a version where one is given, else the newest', () => {
    const set = new PackageSet([one('1.9.0'), one('1.10.0'), one('2.0.0-ballot')]);
    const version = (canonical: string) => set.resolve('StructureDefinition', canonical)?.['version'];
    expect(version('http://e.org/s')).toBe('2.0.0-ballot');
    expect(version('http://e.org/s|1.9.0')).toBe('1.9.0');
    expect(version('http://e.org/s|1.10')).toBe('1.10.0');
    expect(version('http://e.org/s|3.0.0')).toBeUndefined();
    expect(version('http://e.org/s#f')).toBe('2.0.0-ballot');
  });
  it('inside a package its own, then that of its dependencies', () => {
    const old = one('1.0.0');
    const user = loadPackage(
      archive([['package/U.json', structure('http://e.org/u', '1')]], {
        name: 'u',
        version: '1',
        dependencies: { 'p1.0.0': '1.0.0' },
      }),
    );
    const set = new PackageSet([old, one('2.0.0'), user]);
    const origin = set.resolve('StructureDefinition', 'http://e.org/u');
    expect(set.resolve('StructureDefinition', 'http://e.org/s', origin)?.['version']).toBe('1.0.0');
    expect(set.resolve('StructureDefinition', 'http://e.org/s')?.['version']).toBe('2.0.0');
  });
  it('what an earlier layer has wins over later ones, with and without a version; R4 core is the last', () => {
    const own = loadPackage(
      archive(
        [
          ['package/S.json', structure('http://e.org/s', '1.0.0')],
          ['package/P.json', structure('http://hl7.org/fhir/StructureDefinition/Patient', '0.1.0')],
        ],
        { name: 'own', version: '1.0.0' },
      ),
    );
    const shared = one('2.0.0');
    const same = one('1.0.0');
    const set = new PackageSet([[own], [shared, same]]);
    const packageOf = (canonical: string) => set.find('StructureDefinition', canonical)?.package;
    expect(packageOf('http://e.org/s')).toBe(own);
    expect(packageOf('http://e.org/s|1.0.0')).toBe(own);
    expect(packageOf('http://e.org/s|2.0.0')).toBe(shared);
    expect(packageOf('http://hl7.org/fhir/StructureDefinition/Patient')).toBe(own);
    const other = new PackageSet([[shared, same], [own]]);
    expect(other.find('StructureDefinition', 'http://e.org/s')?.package).toBe(shared);
    expect(other.find('StructureDefinition', 'http://e.org/s|1.0.0')?.package).toBe(same);
    expect(other.packages.at(-1)?.manifest.name).toBe('hl7.fhir.r4.core');
  });
  it('tells which dependencies are missing; R4 core is there', () => {
    const set = new PackageSet([one('1.0.0', { 'hl7.fhir.r4.core': '4.0.1', 'x.y': '1.0.0' })]);
    expect(set.missingDependencies()).toEqual([{ package: 'p1.0.0#1.0.0', name: 'x.y', version: '1.0.0' }]);
    expect(
      set.resolve('StructureDefinition', 'http://hl7.org/fhir/StructureDefinition/Patient')?.['type'],
    ).toBe('Patient');
    expect(
      set.resolve('ValueSet', 'http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1')?.['url'],
    ).toBeDefined();
  });
  it.each([
    ['1.0.0', '1.0.1'],
    ['1.9.0', '1.10.0'],
    ['5.0.0-ballot', '5.0.0'],
    ['1.0.0-alpha.1', '1.0.0-alpha.2'],
    ['1.0.0-alpha', '1.0.0-beta'],
    ['1.0', '1.0.1'],
  ])('%s is older than %s (Semantic Versioning 2.0, 11)', (a, b) => {
    expect(compareVersions(a, b)).toBeLessThan(0);
    expect(compareVersions(b, a)).toBeGreaterThan(0);
    expect(compareVersions(a, a)).toBe(0);
  });
  it('a patch version may be left open', () => {
    expect([
      versionMatches('4.0.1', '4.0.x'),
      versionMatches('4.0.1', '4.0'),
      versionMatches('4.1.0', '4.0.x'),
    ]).toEqual([true, true, false]);
  });
});

describe.skipIf(!hasUsCore)('US Core', () => {
  it('all versions side by side', () => {
    const set = new PackageSet(US_CORE_VERSIONS.map((version) => loadPackage(usCorePath(version))));
    const url = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient';
    expect(set.resolve('StructureDefinition', url)?.['version']).toBe('8.0.0');
    for (const version of US_CORE_VERSIONS) {
      const patient = set.resolve('StructureDefinition', `${url}|${version}`)!;
      const race = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-race';
      expect(set.resolve('StructureDefinition', race, patient)?.['version']).toBe(version);
    }
    expect(set.missingDependencies().map(({ name }) => name)).toContain('us.nlm.vsac');
  });
});
