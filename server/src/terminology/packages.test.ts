import { afterEach, describe, expect, it } from 'vitest';
import {
  type FhirPackage,
  type PackageEntry,
  PackageError,
  PackageSet,
} from '../conformance/packages/index.ts';
import type { Resource } from '../json/types.ts';
import type { Connections } from '../storage/connections.ts';
import { TxContext } from './context.ts';
import { expand } from './expand.ts';
import { objectsOf } from './json.ts';
import { TxParameters } from './parameters.ts';
import { createTerminologyProvider } from './provider.ts';
import { TerminologyService } from './service.ts';
import { Sources } from './sources.ts';

const SYSTEM = 'http://example.org/colours';
const reads: string[] = [];

/** A package of these resources, as loadPackage would give it. */
function packageOf(name: string, version: string, resources: readonly object[]): FhirPackage {
  const files = new Map(resources.map((resource, i) => [`package/${i}.json`, resource as Resource]));
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    manifest: { name, version, fhirVersions: ['4.0.1'], dependencies: new Map() },
    path: name,
    entries: [...files].map(
      ([file, resource]): PackageEntry => ({
        file,
        resourceType: resource.resourceType,
        id: text(resource['id']),
        url: text(resource['url']),
        version: text(resource['version']),
        type: text(resource['content']),
        kind: '',
        derivation: '',
        example: false,
      }),
    ),
    read(entry) {
      reads.push(`${name} ${entry.file}`);
      const resource = files.get(entry.file) as Resource;
      if (resource['broken'] === true) throw new PackageError(`${name}: ${entry.file} is not JSON`);
      return structuredClone(resource);
    },
    examples: () => [],
  };
}

const colours = (version: string, ...codes: string[]) => ({
  resourceType: 'CodeSystem',
  url: SYSTEM,
  version,
  status: 'active',
  content: 'complete',
  caseSensitive: true,
  valueSet: 'http://example.org/ValueSet/all-colours',
  concept: codes.map((code) => ({ code, display: code.toUpperCase() })),
});
const valueSet = (url: string, version: string, include: object, more: object = {}) => ({
  resourceType: 'ValueSet',
  url,
  version,
  status: 'active',
  compose: { include: [include] },
  ...more,
});

const service = new TerminologyService({} as Connections, { bytes: 20_000 });
const sourcesOf = (...packages: FhirPackage[]) =>
  new Sources({ service, packages: new PackageSet([packages]) });
afterEach(() => {
  reads.length = 0;
});

async function codes(sources: Sources, url: string): Promise<string> {
  const found = await sources.valueSet(url);
  if (found === undefined) return 'unknown';
  const { expansion } = await expand(
    new TxContext(sources, new TxParameters([], undefined, false)),
    found.resource,
  );
  return objectsOf((expansion as { contains?: never }).contains)
    .map(({ code }) => code)
    .join(' ');
}

describe('terminology of packages (R4 references.html#canonical)', () => {
  const one = packageOf('a', '1.0.0', [
    colours('1.0.0', 'red'),
    valueSet('http://example.org/vs', '1.0.0', { system: SYSTEM, version: '1.0.0' }),
  ]);
  const two = packageOf('b', '1.0.0', [
    colours('2.0.0', 'red', 'green'),
    valueSet('http://example.org/vs', '2.0.0', { system: SYSTEM }),
    { resourceType: 'ConceptMap', url: 'http://example.org/map', version: '3', status: 'active' },
  ]);

  it('finds value sets, code systems and concept maps by url and url|version, the newest without one', async () => {
    const sources = sourcesOf(one, two);
    expect(await codes(sources, 'http://example.org/vs')).toBe('red green');
    expect(await codes(sources, 'http://example.org/vs|1.0.0')).toBe('red');
    expect(await codes(sources, 'http://example.org/vs|9')).toBe('unknown');
    expect((await sources.codeSystem(SYSTEM, '1.0.0'))?.info.version).toBe('1.0.0');
    expect(await sources.versions(SYSTEM)).toEqual(['1.0.0', '2.0.0']);
    expect((await sources.conceptMap('http://example.org/map'))?.version).toBe('3');
    const maps = await sources.conceptMaps();
    expect(maps.some(({ resource }) => resource['url'] === 'http://example.org/map')).toBe(true);
  });

  it('takes an earlier layer’s before a newer one of a later layer', async () => {
    const sources = new Sources({ service, packages: new PackageSet([[one], [two]]) });
    expect((await sources.codeSystem(SYSTEM, undefined))?.info.version).toBe('1.0.0');
    expect((await sources.codeSystem(SYSTEM, '2.0.0'))?.info.version).toBe('2.0.0');
    expect(await codes(sources, 'http://example.org/vs')).toBe('red');
  });

  it('comes after what is sent with the request and before what is built in', async () => {
    const gender = 'http://hl7.org/fhir/administrative-gender';
    const packages = new PackageSet([
      packageOf('c', '1', [{ ...colours('0.1', 'x'), url: gender }, colours('9', 'x')]),
    ]);
    const extra = [colours('1', 'sent')] as unknown as Resource[];
    const sources = new Sources({ service, packages, extra });
    expect((await sources.codeSystem(gender, undefined))?.info.version).toBe('0.1');
    expect((await sources.codeSystem(gender, '4.0.1'))?.info.size).toBe(4);
    expect((await sources.codeSystem(SYSTEM, undefined))?.info.version).toBe('1');
  });

  it('adds supplements by name, language packs unasked, and expands CodeSystem.valueSet (R4 codesystem.html)', async () => {
    const supplement = {
      resourceType: 'CodeSystem',
      url: 'http://example.org/colours-more',
      version: '1',
      status: 'active',
      content: 'supplement',
      supplements: SYSTEM,
      concept: [{ code: 'red', designation: [{ value: 'scarlet' }] }],
    };
    const sources = sourcesOf(two, packageOf('s', '1', [supplement]));
    const plain = await sources.codeSystem(SYSTEM, undefined);
    expect((await plain?.locate('red'))?.designation).toEqual([]);
    const named = await sources.codeSystem(SYSTEM, undefined, new Set([supplement.url]));
    expect((await named?.locate('red'))?.designation).toHaveLength(1);
    expect(await codes(sources, 'http://example.org/ValueSet/all-colours')).toBe('red green');
  });

  it('reads a file once for many questions', async () => {
    const packages = new PackageSet([packageOf('d', '1', [colours('5', 'blue')])]);
    for (let i = 0; i < 3; i++) {
      const found = await new Sources({ service, packages }).codeSystem(SYSTEM, undefined);
      expect(await found?.locate('blue')).toBeDefined();
    }
    expect(reads).toEqual(['d package/0.json']);
  });

  it('opens the packages only when nothing before them answers', async () => {
    let opened = 0;
    const packages = async () => {
      opened++;
      return new PackageSet([one]);
    };
    const extra = [valueSet('http://example.org/sent', '1', { system: SYSTEM })] as unknown as Resource[];
    const sources = new Sources({ service, packages, extra });
    await sources.valueSet('http://example.org/sent');
    expect(opened).toBe(0);
    await Promise.all([sources.codeSystem(SYSTEM, undefined), sources.valueSet('http://example.org/vs')]);
    expect(opened).toBe(1);
  });

  it('are judged for validation in the version that a Coding names (R4 Coding.version)', async () => {
    const set = 'http://example.org/ValueSet';
    const provider = createTerminologyProvider(service, undefined, {
      packages: new PackageSet([
        packageOf('p', '1', [
          colours('1.0.0', 'red', 'mauve'),
          colours('2.0.0', 'red', 'blue'),
          valueSet(`${set}/all`, '1', { system: SYSTEM }),
          valueSet(`${set}/pinned`, '1', { system: SYSTEM, version: '1.0.0' }),
          valueSet(`${set}/listed`, '1', { system: SYSTEM, concept: [{ code: 'red' }] }),
        ]),
      ]),
    });
    const ask = async (code: string, version?: string, name?: string) => {
      const url = name === undefined ? undefined : `${set}/${name}`;
      const verdict = await provider.validateCode(SYSTEM, code, undefined, url, version);
      return `${verdict.result}${verdict.unknownVersion ? ' version' : ''}`;
    };
    expect(await ask('mauve')).toBe('false');
    expect(await ask('mauve', '1.0.0')).toBe('true');
    expect(await ask('blue', '1.0.0')).toBe('false');
    expect(await ask('red', '3.0.0')).toBe('unknown version');
    expect(await ask('mauve', undefined, 'all')).toBe('false');
    expect(await ask('mauve', '1.0.0', 'all')).toBe('true');
    expect(await ask('mauve', '2.0.0', 'all')).toBe('false');
    expect(await ask('green', '3.0.0', 'all')).toBe('unknown version');
    expect(await ask('red', '3.0.0', 'all')).toBe('true');
    expect(await ask('red', '2.0.0', 'pinned')).toBe('true');
    expect(await ask('blue', '2.0.0', 'pinned')).toBe('false');
    expect(await ask('red', '3.0.0', 'listed')).toBe('true');
    expect(await ask('blue', '3.0.0', 'listed')).toBe('false');
  });

  it('refuses a file that is broken or too large, and names it', async () => {
    const large = colours('1', ...Array.from({ length: 2000 }, (_, i) => `colour-${i}`));
    const broken = { ...colours('1', 'x'), url: 'http://example.org/broken', broken: true };
    const packages = new PackageSet([packageOf('big', '2', [large, broken])]);
    const sources = new Sources({ service, packages });
    await expect(sources.codeSystem(SYSTEM, undefined)).rejects.toThrow(
      /package\/0.json of the package big#2/,
    );
    await expect(
      new Sources({ service, packages: new PackageSet([]) }).codeSystem(SYSTEM, undefined),
    ).resolves.toBe(undefined);
    await expect(sources.codeSystem('http://example.org/broken', undefined)).rejects.toThrow(
      /1.json is not JSON/,
    );
    const provider = createTerminologyProvider(service, undefined, {
      packages: new PackageSet([packageOf('big', '2', [large])]),
    });
    expect(await provider.validateCode(SYSTEM, 'colour-1')).toMatchObject({ result: 'unknown' });
  });
});
