import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { UsageError } from './command.ts';
import { policy } from './policy.ts';

/* Issue 5, section 2: `vesta policy explain` says why something is allowed or not. */

async function run(...args: string[]): Promise<{ code: number; out: string }> {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  const code = await policy.run(args);
  return { code, out: lines.join('\n') };
}

afterEach(() => vi.restoreAllMocks());

const explain = (role: string, request: string, ...more: string[]) =>
  run('explain', '--role', role, '--request', request, ...more);

describe('vesta policy', () => {
  test('says which of scope and role denies', async () => {
    const role = await explain('scheduler', 'GET DocumentReference');
    expect(role.code).toBe(1);
    expect(role.out).toMatch(/scheduler .* may not search-type DocumentReference/);
    const scope = await explain('attending', 'DELETE Patient/1', '--scope', 'user/*.rs');
    expect(scope.code).toBe(1);
    expect(scope.out).toMatch(/No scope allows delete of Patient/);
  });

  test('says what an allowed request is narrowed to', async () => {
    const { code, out } = await explain(
      'nurse',
      'GET Observation?code=x',
      '--scope',
      'patient/Observation.rs?category=laboratory',
      '--patient',
      'p1',
    );
    expect(code).toBe(0);
    expect(out).toMatch(/in the record of Patient\/p1 and a search category=laboratory finds it/);
    expect((await explain('nurse', 'GET Observation', '--scope', 'patient/*.rs')).out).toMatch(
      /no patient was chosen/,
    );
    expect((await explain('billing', 'GET Patient/1')).out).toMatch(/hidden: .*photo/);
  });

  test('a policy of the tenant stands in place of the default one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'policy-'));
    try {
      const file = join(directory, 'scheduler.json');
      const { out } = await run('show', 'scheduler', '--json');
      const resource = JSON.parse(out) as { parameter: object[] };
      const part = [
        { name: 'type', valueString: 'DocumentReference' },
        { name: 'may', valueString: 'rs' },
      ];
      writeFileSync(
        file,
        JSON.stringify({ ...resource, parameter: [...resource.parameter, { name: 'rule', part }] }),
      );
      expect((await explain('scheduler', 'GET DocumentReference', '--policy', file)).code).toBe(0);
      writeFileSync(file, JSON.stringify({ ...resource, parameter: [] }));
      await expect(explain('scheduler', 'GET Patient', '--policy', file)).rejects.toThrow(UsageError);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('wrong command lines are told', async () => {
    await expect(run('explain', '--request', 'GET Patient')).rejects.toThrow(/--role/);
    await expect(explain('nurse', 'Patient')).rejects.toThrow(/--request/);
    await expect(explain('nurse', 'GET Doctor')).rejects.toThrow(/Doctor/);
    await expect(run('show', 'king')).rejects.toThrow(/no role/);
    await expect(run('sing')).rejects.toThrow(UsageError);
    expect((await run('list')).out).toMatch(/researcher/);
  });
});
