import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../config/config.ts';

test('each test and file that docs/security.md names is there', () => {
  const text = readFileSync(join(ROOT, 'docs', 'security.md'), 'utf8');
  const named = [...text.matchAll(/(?<![\w/])([\w-]+(?:\/[\w-]+)+(?:\.test)?\.ts)\b/g)].map(([name]) => name);
  expect(named.length).toBeGreaterThan(100);
  const place = (name: string) =>
    name.startsWith('test/')
      ? join('server', name)
      : name.startsWith('suite/')
        ? join('test', 'src', name.slice('suite/'.length))
        : join('server', 'src', name);
  expect([...new Set(named)].filter((name) => !existsSync(join(ROOT, place(name))))).toEqual([]);
});

test('each line of the ASVS tables has a state', () => {
  const text = readFileSync(join(ROOT, 'docs', 'security.md'), 'utf8');
  const lines = text.split('\n').filter((line) => /^\| \d+\.\d+\.\d+/.test(line));
  expect(lines.length).toBeGreaterThan(130);
  const without = lines.filter((line) => !/\| (yes|part|no|operator|n\/a)\b[^|]*\|$/.test(line));
  expect(without).toEqual([]);
});
