import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewConcept } from '../../storage/terminology/write-concepts.ts';
import { csvRecords, csvSystem } from './csv.ts';
import { icd10cmSystem } from './icd10cm.ts';
import { LoadError, type LoadedSystem } from './loaded-system.ts';
import { SourceFile } from './source.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'vesta-load-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): SourceFile {
  const path = join(directory, name);
  writeFileSync(path, content);
  return new SourceFile(path);
}

async function conceptsOf(system: LoadedSystem): Promise<NewConcept[]> {
  const concepts: NewConcept[] = [];
  for await (const concept of system.concepts()) concepts.push(concept);
  return concepts;
}

/** `code:display>parents` of each concept, in order of its place. */
function shown(concepts: readonly NewConcept[]): string[] {
  return [...concepts]
    .sort((a, b) => a.place - b.place)
    .map(
      ({ concept }) =>
        `${concept.code}:${concept.display ?? ''}${concept.parents.map((one) => `>${one}`).join('')}`,
    );
}

async function* pieces(text: string, size: number): AsyncIterable<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

describe('CSV (RFC 4180)', () => {
  it('reads back whatever is written, in pieces of any size', async () => {
    const field = fc
      .string({ unit: fc.constantFrom('a', 'é', ',', '"', '\n', ' ', ';'), maxLength: 6 })
      .map((text) => `x${text}`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 9 }),
        async (rows, size) => {
          const header = ['h1', 'h2', 'h3'];
          const text = [header, ...rows]
            .map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(','))
            .join('\r\n');
          const read: string[][] = [];
          for await (const record of csvRecords(pieces(text, size))) read.push(record);
          expect(read).toEqual([header, ...rows]);
        },
      ),
    );
  });

  it('makes a code system of it, parents first, with properties and designations', async () => {
    const text =
      'code;display;parent;colour;display:de;inactive\nb;Bee;a;yellow;Biene;\na;Animal;;;;\nc;"Cat; small";a|b;;;true\n';
    const system = await csvSystem(file('animals.csv', text));
    const concepts = await conceptsOf(system);
    expect(shown(concepts)).toEqual(['a:Animal', 'b:Bee>a', 'c:Cat; small>a>b']);
    const bee = concepts.find(({ concept }) => concept.code === 'b');
    expect(bee?.concept.property).toEqual([{ code: 'colour', valueString: 'yellow' }]);
    expect(bee?.concept.designation).toEqual([{ language: 'de', value: 'Biene' }]);
    expect(system.properties.map(({ code }) => code)).toEqual(['colour', 'inactive']);
    expect(concepts.find(({ concept }) => concept.code === 'c')?.ancestorPlaces).toHaveLength(2);
  });

  it('takes columns of any name as properties', async () => {
    const system = await csvSystem(file('odd.csv', 'code,constructor,toString\na,x,y\n'));
    expect(system.properties.map(({ code }) => code)).toEqual(['constructor', 'toString']);
  });

  it.each([
    ['code,display\na,A\na,B\n', 'The code "a" is there twice'],
    ['name,display\nx,y\n', 'no column "code"'],
    ['code,parent\na,b\n', 'no code of the file'],
    ['code\n"a', 'ends within a quoted field'],
    ['', 'empty'],
  ])('refuses %j', async (text, message) => {
    await expect(csvSystem(file('bad.csv', text))).rejects.toThrow(message);
  });
});

describe('ICD-10-CM as the CDC publishes it', () => {
  const order = [
    '00001 A00     0 Cholera                                                      Cholera',
    '00002 A000    1 Cholera due to Vibrio cholerae 01, biovar cholerae            Cholera due to Vibrio cholerae 01, biovar cholerae',
    '00003 A0100   1 Typhoid fever, unspecified                                   Typhoid fever, unspecified, in full',
    '',
  ].join('\r\n');

  it('reads the order file, packed too', async () => {
    const concepts = await conceptsOf(await icd10cmSystem(file('order.txt', order)));
    expect(shown(concepts)).toEqual([
      'A00:Cholera',
      'A00.0:Cholera due to Vibrio cholerae 01, biovar cholerae>A00',
      'A01.00:Typhoid fever, unspecified, in full',
    ]);
    expect(concepts[1]?.concept.property).toContainEqual({ code: 'billable', valueBoolean: true });
    const packed = await icd10cmSystem(file('order.txt.gz', gzipSync(order))).catch(
      (error: unknown) => error,
    );
    expect(shown(await conceptsOf(packed as LoadedSystem))).toEqual(shown(concepts));
  });

  const xml = `<?xml version="1.0"?><!-- a > comment --><ICD10CM.tabular><version>2026</version>
    <chapter><name>19</name><desc>Injury &amp; poisoning (S00-T88)</desc>
      <section id="S00-S09"><desc>Head</desc>
        <diag><name>S00</name><desc>Superficial injury</desc>
          <sevenChrDef><extension char="A">initial encounter</extension><extension char="D">subsequent encounter</extension></sevenChrDef>
          <diag><name>S00.0</name><desc>Scalp</desc><inclusionTerm><note>Scalp injury</note></inclusionTerm></diag>
        </diag></section>
      <section id="T07"><desc>Multiple</desc><diag><name>T07</name><desc>Unspecified multiple injuries</desc></diag></section>
    </chapter></ICD10CM.tabular>`;

  it('reads the tabular list with chapters, blocks and 7th characters', async () => {
    const concepts = await conceptsOf(await icd10cmSystem(file('tabular.xml', xml)));
    expect(shown(concepts)).toEqual([
      '19:Injury & poisoning (S00-T88)',
      'S00-S09:Head>19',
      'S00:Superficial injury>S00-S09',
      'S00.0:Scalp>S00',
      'S00.0XXA:Scalp, initial encounter>S00.0',
      'S00.0XXD:Scalp, subsequent encounter>S00.0',
      'T07:Unspecified multiple injuries>19',
    ]);
    expect(concepts[3]?.concept.designation).toEqual([{ language: 'en', value: 'Scalp injury' }]);
    const some = await icd10cmSystem(file('again.xml', xml), file('codes.txt', 'S00\nS000XXA\n'));
    expect(shown(await conceptsOf(some)).filter((line) => line.includes('XX'))).toHaveLength(1);
  });

  it('refuses other files, entities and broken XML', async () => {
    await expect(icd10cmSystem(file('other.txt', 'hello'))).rejects.toThrow(LoadError);
    for (const bad of ['<!DOCTYPE a [<!ENTITY x "y">]><a/>', '<a><b></a>', '<a>&x;<b/></a>', '<a>']) {
      const system = await icd10cmSystem(file('bad.xml', bad));
      await expect(conceptsOf(system)).rejects.toThrow(LoadError);
    }
  });
});
