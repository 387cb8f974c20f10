import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openCache } from './cache.ts';
import { readPacked, writePacked } from './packed.ts';

const directory = mkdtempSync(join(tmpdir(), 'vesta-cache-test-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('packed files', () => {
  const file = join(directory, 'a.bin');
  it('give back what was written, piece by piece', () => {
    writePacked(file, 'stamp', {
      one: new Map<string, unknown>([
        ['a', [1, 'ä€😀']],
        ['b', { c: null }],
      ]),
      two: new Map(),
    });
    const sections = readPacked(file, 'stamp');
    expect(sections?.get('one')?.names).toEqual(['a', 'b']);
    expect(sections?.get('one')?.read('a')).toEqual([1, 'ä€😀']);
    expect(sections?.get('one')?.read('b')).toEqual({ c: null });
    expect(sections?.get('one')?.read('c')).toBeUndefined();
    expect(sections?.get('two')?.names).toEqual([]);
    expect(readdirSync(directory)).toEqual(['a.bin']);
  });

  it('are not read when absent, of another stamp, cut or changed', () => {
    const bytes = readFileSync(file);
    expect(readPacked(join(directory, 'none.bin'), 'stamp')).toBeUndefined();
    expect(readPacked(file, 'other')).toBeUndefined();
    for (const length of [0, 5, bytes.length - 1]) {
      writeFileSync(file, bytes.subarray(0, length));
      expect(readPacked(file, 'stamp')).toBeUndefined();
    }
    const changed = Buffer.from(bytes);
    changed[changed.length - 2] = (changed.at(-2) as number) ^ 1;
    writeFileSync(file, changed);
    expect(readPacked(file, 'stamp')).toBeUndefined();
  });
});

describe('the cache', () => {
  it('is made when absent and made again when damaged', () => {
    const cacheDir = join(directory, 'deep', 'cache');
    expect(openCache('terminology', { cacheDir }).get('valueSets')?.names.length).toBeGreaterThan(1000);
    const [name] = readdirSync(cacheDir);
    writeFileSync(join(cacheDir, name as string), 'damaged');
    expect(openCache('terminology', { cacheDir }).get('codeSystems')?.names.length).toBeGreaterThan(1000);
    expect(readdirSync(cacheDir)).toEqual([name]);
  }, 60_000);

  it('says so when nowhere can be written', () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    expect(() => openCache('terminology', { cacheDir: join(file, 'below') })).toThrow('can be written');
  });
});
