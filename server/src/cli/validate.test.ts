import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { hasUsCore, profile, usCorePath } from '../validation/profiles/test-support.ts';
import { UsageError } from './command.ts';
import { validate } from './validate.ts';

const directory = mkdtempSync(join(tmpdir(), 'vesta-validate-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const good = join(directory, 'good.json');
const lines = join(directory, 'lines.ndjson');
writeFileSync(good, '{"resourceType":"Patient","active":true}');
writeFileSync(lines, '{"resourceType":"Patient"}\n{"resourceType":"Patient","gender":"x"}\nnothing\n');

async function run(...args: string[]): Promise<{ code: number; output: string }> {
  let output = '';
  vi.spyOn(console, 'log').mockImplementation((line: string) => {
    output += `${line}\n`;
  });
  vi.spyOn(console, 'error').mockImplementation(() => {});
  return { code: await validate.run(args), output };
}

describe('vesta validate', () => {
  it('ends with 0 for valid files, 1 where there is an error', async () => {
    expect(await run(good)).toEqual({
      code: 0,
      output: `${good}: valid\n1 resources, 0 errors, 0 warnings, 0 notes\n`,
    });
    const { code, output } = await run(lines);
    expect(code).toBe(1);
    expect(output).toContain(`${lines}:2: 1 error`);
    expect(output).toContain('Patient.gender');
    expect(output).toContain(`${lines}:3: 1 error`);
  });
  it('writes an OperationOutcome for each resource as JSON', async () => {
    const { output } = await run(directory, '--format', 'json');
    const results = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(results.map(({ outcome }) => outcome.issue[0].severity)).toEqual([
      'information',
      'information',
      'error',
      'error',
    ]);
    expect(results[2].outcome.issue[0].expression).toEqual(['Patient.gender']);
  });
  it('writes SARIF 2.1.0 with places', async () => {
    const { runs, version } = JSON.parse((await run(lines, '--format', 'sarif')).output);
    expect(version).toBe('2.1.0');
    expect(runs[0].results[0].locations[0].physicalLocation.region.startLine).toBe(2);
    expect(runs[0].tool.driver.rules.map(({ id }: { id: string }) => id)).toContain('code-invalid');
  });
  it.skipIf(!hasUsCore)('validates against a profile of a package', async () => {
    const url = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient';
    const { code, output } = await run(good, '--package', usCorePath('6.1.0'), '--profile', url);
    expect(code).toBe(1);
    expect(output).toContain('identifier is required');
    expect(output).toContain(`${url}|6.1.0`);
  });
  it('reads XML (xml.html)', async () => {
    const file = join(directory, 'xml', 'patient.xml');
    mkdirSync(join(directory, 'xml'));
    const xml = (content: string): void =>
      writeFileSync(file, `<Patient xmlns="http://hl7.org/fhir">${content}</Patient>`);
    xml('<active value="true"/><gender value="male"/>');
    expect((await run(join(directory, 'xml'))).code).toBe(0);
    for (const wrong of [
      '<gender value="x"/>',
      '<gnder value="male"/>',
      '<gender value="male" unit="x"/>',
      '<gender value="male">text</gender>',
      '<gender value="male"/><active value="true"/>',
      '<gender xmlns="http://e.org" value="male"/>',
      '<gender value="male">',
    ]) {
      xml(wrong);
      expect((await run(file)).code, wrong).toBe(1);
    }
    writeFileSync(file, '<!DOCTYPE p [<!ENTITY e "x">]><Patient xmlns="http://hl7.org/fhir"/>');
    expect((await run(file)).output).toContain('1 error');
  });
  it('says what is wrong with the JSON (json.html, RFC 8259)', async () => {
    const file = join(directory, 'wrong', 'p.json');
    mkdirSync(join(directory, 'wrong'));
    for (const wrong of [
      '{"resourceType":"Patient","active":true,}',
      '{"resourceType":"Patient","active":true,"active":true}',
      '{"resourceType":"Patient" // comment\n}',
      '{"resourceType":"Patient","active":tru}',
      '{"resourceType":"Patient"} {}',
      '{"resourceType":"Patient","active":NaN}',
      "{'resourceType':'Patient'}",
      '[]',
      '{"active":true}',
      '',
    ]) {
      writeFileSync(file, wrong);
      expect((await run(file)).code, wrong).toBe(1);
    }
    writeFileSync(
      file,
      Buffer.concat([
        Buffer.from('{"resourceType":"Patient","language":"'),
        Buffer.of(0xff),
        Buffer.from('"}'),
      ]),
    );
    expect((await run(file)).output).toContain('not UTF-8');
    writeFileSync(file, '\ufeff{"active":true,"resourceType":"Patient"}');
    expect((await run(file)).code).toBe(0);
  });
  it('takes definitions that are in no package', async () => {
    const url = 'http://example.org/StructureDefinition/named';
    const folder = join(directory, 'definitions');
    mkdirSync(folder);
    const structure = profile('Patient', [{ path: 'Patient.name', min: 1 }], { url });
    writeFileSync(join(folder, 'named.json'), JSON.stringify(structure));
    const { code, output } = await run(good, '--definitions', folder, '--profile', url);
    expect(code).toBe(1);
    expect(output).toContain('name is required');
    await expect(run(good, '--definitions', join(directory, 'none'))).rejects.toThrow(UsageError);
  });

  it('asks of all resources what the guides named ask (implementationguide.html#ImplementationGuide.global)', async () => {
    const folder = join(directory, 'guide');
    mkdirSync(folder);
    const url = 'http://example.org/StructureDefinition/named';
    const write = (name: string, resource: object): void =>
      writeFileSync(join(folder, name), JSON.stringify(resource));
    write('guide.json', {
      resourceType: 'ImplementationGuide',
      url: 'http://example.org/ImplementationGuide/g',
      global: [{ type: 'Patient', profile: url }],
    });
    write('profile.json', profile('Patient', [{ path: 'Patient.name', min: 1 }], { url }));
    const nameless = join(directory, 'nameless.json');
    writeFileSync(nameless, JSON.stringify({ resourceType: 'Patient', active: true }));
    expect((await run(nameless)).code).toBe(0);
    expect((await run(nameless, '--definitions', folder)).code).toBe(1);
  });
  it('refuses what it does not know', async () => {
    await expect(run(good, '--format', 'xml')).rejects.toThrow(UsageError);
    await expect(run(good, '--unknown-extensions', 'no')).rejects.toThrow(UsageError);
    await expect(run(good, '--package', 'no.such#1')).rejects.toThrow('There is no package');
  });
});
