import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { UsageError } from './command.ts';
import { fhirpath } from './fhirpath.ts';

let folder: string;
let out: string[];
let errors: string[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vesta-fhirpath-'));
  writeFileSync(
    join(folder, 'patient.json'),
    '\ufeff{"resourceType":"Patient","name":[{"given":["Peter","James"]}],"extension":[{"url":"u","valueDecimal":1.50}]}',
  );
  writeFileSync(
    join(folder, 'patient.xml'),
    '<?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir"><name><given value="Ann"/></name></Patient>',
  );
  writeFileSync(join(folder, 'broken.xml'), '<Patient xmlns="http://hl7.org/fhir"><nonsense/></Patient>');
  writeFileSync(join(folder, 'list.json'), '[1]');
});

beforeEach(() => {
  out = [];
  errors = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void out.push(text));
  vi.spyOn(console, 'error').mockImplementation((text: string) => void errors.push(text));
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => rmSync(folder, { recursive: true }));

const run = (expression: string, file?: string, ...options: string[]) =>
  fhirpath.run([expression, ...(file === undefined ? [] : [join(folder, file)]), ...options]);

describe('vesta fhirpath', () => {
  it('prints one result a line, of JSON and XML files and of nothing', async () => {
    expect(
      await run(
        "name.given.trace('given') | extension.value | name.take(1).select(given.count())",
        'patient.json',
      ),
    ).toBe(0);
    expect(out).toEqual(['Peter', 'James', '1.50', '2']);
    expect(errors).toEqual(['given: Peter | James']);
    out = [];
    await run('name.given', 'patient.xml');
    await run('1.10 + 1');
    expect(out).toEqual(['Ann', '2.10']);
  });

  it('prints JSON with types and paths, for each context', async () => {
    await run('given.first()', 'patient.json', '--json', '--context', 'name');
    expect(JSON.parse(out[0] as string)).toEqual([
      { context: 'Patient.name[0]', type: 'string', path: 'Patient.name[0].given[0]', value: 'Peter' },
    ]);
  });

  it('knows the profiles and value sets of R4 (R4 fhirpath.html#functions), and checks elements by type', async () => {
    const bodyWeight = 'http://hl7.org/fhir/StructureDefinition/bodyweight';
    expect(await run(`conformsTo('${bodyWeight}')`, 'patient.json')).toBe(0);
    expect(out).toEqual(['false']);
    out = [];
    expect(await run("conformsTo('http://example.org/none')", 'patient.json')).toBe(1);
    expect(errors).toEqual([expect.stringContaining('http://example.org/none')]);
    expect(await run('name.giben', 'patient.json')).toBe(1);
    expect(await run('name.giben', 'patient.json', '--lenient')).toBe(0);
    expect(out).toEqual([]);
  });

  it('ends with 1 and the reason when the expression or the resource is wrong', async () => {
    expect(await run('name.(', 'patient.json')).toBe(1);
    expect(await run('name', 'broken.xml')).toBe(1);
    expect(errors).toEqual([
      expect.stringContaining('line 1'),
      expect.stringContaining('no element nonsense'),
    ]);
    expect(await run("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'.matches('^(a+)+\\\\1$')", undefined)).toBe(
      1,
    );
    expect(await run('1.repeatAll($this)', undefined, '--timeout', '1')).toBe(1);
    expect(errors.slice(2)).toEqual([
      expect.stringContaining('takes too long'),
      expect.stringMatching(/more than|too/),
    ]);
    await expect(run('name', 'list.json')).rejects.toThrow('no resource');
    await expect(run('name', 'missing.json')).rejects.toThrow('cannot be read');
    await expect(fhirpath.run([])).rejects.toThrow(UsageError);
  });
});
