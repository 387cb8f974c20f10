import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/database.ts';
import { withOwner } from '../storage/prepare.ts';
import { ensureTenant } from '../storage/tenants.ts';
import { UsageError } from './command.ts';
import { terminology } from './terminology.ts';

let database: TestDatabase;
let directory: string;
beforeAll(async () => {
  database = await createTestDatabase();
  directory = mkdtempSync(join(tmpdir(), 'vesta-cli-'));
  await withOwner(database.ownerUrl, (client) => ensureTenant(client, 'demo'));
  vi.stubEnv('DATABASE_URL', database.ownerUrl);
  // Vitest has a BASE_URL of its own, which would be taken for the server's.
  vi.stubEnv('BASE_URL', undefined);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
  await database?.drop();
});

/** Runs the command. @returns its exit code and what it printed */
async function run(...args: string[]): Promise<[number, string]> {
  const printed: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
  try {
    return [await terminology.run(args), printed.join('\n')];
  } finally {
    log.mockRestore();
  }
}

describe('vesta terminology (issue 4, section 3)', () => {
  const system = ['--system', 'http://example.org/cs', '--version', '1'];

  it('loads, lists and removes code systems of a tenant and of all', async () => {
    const file = join(directory, 'codes.csv');
    writeFileSync(file, 'code,display\na,A\nb,B\n');
    expect(await run('list')).toEqual([0, 'No code systems are loaded']);
    expect((await run('load', file, '--format', 'csv', ...system))[1]).toMatch(
      /^http:\/\/example\.org\/cs\|1: 2 codes/,
    );
    await run('load', file, '--format', 'csv', ...system, '--shared');
    const [, listed] = await run('list');
    expect(listed.split('\n').map((line) => line.slice(0, 8).trim())).toEqual(['(shared)', 'demo']);
    expect(await run('remove', ...system)).toEqual([0, 'Removed: 1']);
    expect((await run('remove', ...system))[0]).toBe(1);
    const resource = join(directory, 'cs.json');
    const content = {
      resourceType: 'CodeSystem',
      url: 'http://example.org/cs',
      content: 'complete',
      concept: [{ code: 'c' }],
    };
    writeFileSync(resource, JSON.stringify(content));
    expect((await run('load', resource, '--format', 'fhir', ...system))[1]).toContain('1 codes');
  });

  it('says what is wrong with a command line or a file', async () => {
    await expect(run('load', 'x', '--format', 'xls', ...system)).rejects.toThrow(UsageError);
    await expect(run('load', 'x', '--format', 'csv')).rejects.toThrow('--system is missing');
    await expect(run('load', '--format', 'csv', ...system)).rejects.toThrow('The file is missing');
    await expect(run('load', 'x', '--format', 'csv', ...system, '--tenant', 'nobody')).rejects.toThrow(
      'There is no tenant "nobody"',
    );
    await expect(run('load', join(directory, 'none.csv'), '--format', 'csv', ...system)).rejects.toThrow(
      'ENOENT',
    );
  });
});
