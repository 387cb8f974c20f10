import { describe, expect, test } from 'vitest';
import { one, refused } from './test-parse.ts';

describe('R4 search_filter.html', () => {
  const tree = (filter: string) => one(`Patient?_filter=${encodeURIComponent(filter)}`);

  test('and binds closer than or, not closer than and; parentheses', () => {
    expect(tree('gender eq male or active eq true and name co x')).toMatchObject({
      kind: 'or',
      of: [{ kind: 'token' }, { kind: 'and', of: [{ kind: 'token' }, { kind: 'string' }] }],
    });
    expect(tree('not (gender eq male) and active eq true')).toMatchObject({
      kind: 'and',
      of: [{ kind: 'not' }, {}],
    });
    expect(tree('(gender eq male or active eq true) and name co x')).toMatchObject({
      kind: 'and',
      of: [{ kind: 'or' }, {}],
    });
  });

  test('strings in quotes keep blanks and brackets', () => {
    expect(tree('name eq "a \\"b\\" (c]"')).toMatchObject({
      kind: 'string',
      texts: ['a "b" (c]'],
      match: 'equals',
    });
  });

  test('paths with filters in brackets', () => {
    expect(tree('organization[active eq true].name eq "x"')).toMatchObject({
      kind: 'chain',
      branches: [
        { type: 'Organization', criteria: { kind: 'and', of: [{ kind: 'token' }, { kind: 'string' }] } },
      ],
    });
  });

  test('syntax errors say where', () => {
    for (const filter of [
      '',
      'name',
      'name eq',
      'name is x',
      'name eq "x',
      '(name eq x',
      'name eq x)',
      'name eq x or',
      'name[a eq b] eq x',
    ]) {
      const error = refused(`Patient?_filter=${encodeURIComponent(filter)}`);
      expect(error.issues[0]?.expression).toBe('http.query._filter');
    }
  });

  test('operators that do not go with a parameter are refused', () => {
    refused('Patient?_filter=name gt x');
    refused('Patient?_filter=birthdate co 19');
    refused('Patient?_filter=gender re male');
  });

  test('deep nesting is refused, not followed', () => {
    const filter = `${'('.repeat(5000)}gender eq male${')'.repeat(5000)}`;
    expect(refused(`Patient?_filter=${filter}`).issues[0]?.code).toBe('too-costly');
  });
});
