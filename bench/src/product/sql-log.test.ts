import { expect, it } from 'vitest';
import { isSearchWork, parseLog } from './sql-log.ts';

const LOG = `bench-log|vesta-search|12|LOG:  execute <unnamed>: select 1
\tfrom tenant.resource where id = $1
bench-log|vesta-read|13|LOG:  execute read: select content from tenant.resource
bench-log|vesta-search|12|DETAIL:  Parameters: $1 = 'it''s, $2 = ''no''', $2 = NULL, $3 = '{1,2}'
2026-11-21 08:43:12 UTC [5] LOG:  something else
bench-log|vesta-read|13|DETAIL:  parameters: $1 = '7'
bench-log|vesta-write|14|LOG:  statement: commit
`;

it('reads statements, their names and parameters from the log, also where sessions alternate', () => {
  expect(parseLog(LOG)).toEqual([
    {
      application: 'vesta-search',
      name: undefined,
      text: 'select 1\nfrom tenant.resource where id = $1',
      values: ["it's, $2 = 'no'", null, '{1,2}'],
    },
    { application: 'vesta-read', name: 'read', text: 'select content from tenant.resource', values: ['7'] },
    { application: 'vesta-write', name: undefined, text: 'commit', values: [] },
  ]);
});

it('counts only reading of resources and their index as work of a search', () => {
  const work = (text: string) =>
    isSearchWork({ application: 'vesta-search', name: undefined, text, values: [] });
  expect(work('with a as (select 1 from tenant.index_date) select * from a')).toBe(true);
  expect(work('(select 1 from tenant.resource) union all select 2')).toBe(true);
  expect(work('explain (format json) select 1 from tenant.resource')).toBe(false);
  expect(work("select set_config('app.tenant', '1', false)")).toBe(false);
  expect(work('select state from store.job')).toBe(false);
});
