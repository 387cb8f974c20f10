import { describe, expect, test } from 'vitest';
import { lockKeys } from './parse.ts';
import { one, parse, refused } from './test-parse.ts';
import type { Criteria } from './types.ts';

describe('R4 search.html#modifiers', () => {
  test('a modifier of the specification that does not go with the type is always refused', () => {
    for (const query of [
      'Patient?birthdate:exact=1980',
      'Patient?name:below=x',
      'Patient?gender:contains=m',
      'Observation?value-quantity:not=1',
      'Observation?code-value-quantity:missing=true',
    ]) {
      expect(refused(query, { strict: false }).issues[0]?.code).toMatch(/not-supported|value/);
    }
  });

  test('an unknown modifier is an unknown parameter', () => {
    expect(parse('Patient?name:fuzzy=x', { strict: false }).ignored).toHaveLength(1);
    refused('Patient?name:fuzzy=x');
  });

  test(':missing takes true or false', () => {
    expect(one('Patient?name:missing=true')).toMatchObject({ kind: 'missing', missing: true });
    refused('Patient?name:missing=yes');
  });

  test(':not turns the criterion round', () => {
    expect(one('Patient?gender:not=male')).toMatchObject({ kind: 'not', of: { kind: 'token' } });
  });
});

describe('R4 search.html#combining', () => {
  test('repeated parameters are joined by AND, commas by OR', () => {
    const { criteria } = parse('Patient?given=a,b&given=c');
    expect(criteria).toMatchObject([{ texts: ['a', 'b'] }, { texts: ['c'] }]);
  });

  test('composites have one value for each component', () => {
    expect(one('Observation?code-value-quantity=http://loinc.org|1$ge5')).toMatchObject({
      values: [
        [
          { type: 'token', value: { code: '1' } },
          { type: 'quantity', test: { prefix: 'ge' } },
        ],
      ],
    });
    refused('Observation?code-value-quantity=1');
    refused('Observation?code-value-quantity=1$2$3');
  });
});

describe('R4 search.html#chaining', () => {
  test('with a type there is one branch, without one for each type that has the rest', () => {
    expect(one('Observation?subject:Patient.name=x')).toMatchObject({ branches: [{ type: 'Patient' }] });
    const { branches } = one('Observation?subject.name=x') as Criteria & { kind: 'chain' };
    expect(branches.map((branch) => branch.type).sort()).toEqual(['Location', 'Patient']);
  });

  test('chains that lead nowhere are unknown parameters', () => {
    refused('Observation?subject.nothing=x');
    refused('Observation?code.name=x');
    refused('Observation?subject:Nothing.name=x');
    expect(parse('Observation?subject.nothing=x', { strict: false }).ignored).toHaveLength(1);
  });

  test('depth and breadth are bounded, and the parameter is named', () => {
    const deep = 'Organization?partof.partof.partof.partof.partof.partof.partof.name=x';
    expect(refused(deep).issues[0]).toMatchObject({
      code: 'too-costly',
      expression: expect.stringContaining('partof'),
    });
    const wide = refused('Provenance?target.subject.subject.subject.name=x', { limits: { criteria: 100 } });
    expect(wide.issues[0]?.code).toBe('too-costly');
  });
});

describe('R4 search.html#has', () => {
  test('nested', () => {
    expect(one('Practitioner?_has:Encounter:participant:_has:Condition:encounter:code=1')).toMatchObject({
      kind: 'has',
      param: { code: 'participant' },
      criteria: { kind: 'has', param: { code: 'encounter' }, criteria: { kind: 'token' } },
    });
  });

  test('malformed, or pointing elsewhere', () => {
    refused('Patient?_has=x');
    refused('Patient?_has:Observation=x');
    refused('Patient?_has:Observation:code:status=x');
    refused('Patient?_has:Nothing:patient:code=x');
    refused('Organization?_has:Observation:patient:code=x');
  });
});

describe('R4 search.html#control', () => {
  test('_count is bounded by the server; 0 asks for the count', () => {
    expect(parse('Patient?_count=999999').count).toBe(1000);
    expect(parse('Patient?_count=0').count).toBe(0);
    expect(parse('Patient').count).toBe(50);
    refused('Patient?_count=-1');
    refused('Patient?_count=1&_count=2');
  });

  test('_sort, _total, _summary, _elements, _contained', () => {
    const parsed = parse(
      'Patient?_sort=-birthdate,family&_total=accurate&_summary=text&_elements=name,id&_contained=both',
    );
    expect(parsed.sort.map(({ code, descending }) => [code, descending])).toEqual([
      ['birthdate', true],
      ['family', false],
    ]);
    expect(parsed).toMatchObject({
      total: 'accurate',
      summary: 'text',
      elements: ['name', 'id'],
      contained: 'both',
    });
    for (const query of [
      '_total=some',
      '_summary=x',
      '_elements=a b',
      '_contained=1',
      '_sort=',
      '_containedType=x',
      '_explain=1',
    ]) {
      refused(`Patient?${query}`);
    }
  });

  test('_include and _revinclude with types, wildcards and :iterate', () => {
    const { includes } = parse(
      'Observation?_include=Observation:subject:Patient&_include:iterate=Patient:*&_revinclude:recurse=Provenance:target&_include=*',
    );
    expect(
      includes.map(({ reverse, iterate, source, target }) => [reverse, iterate, source, target]),
    ).toEqual([
      [false, false, 'Observation', 'Patient'],
      [false, true, 'Patient', undefined],
      [true, true, 'Provenance', undefined],
      [false, false, '*', undefined],
    ]);
    for (const value of [
      'Observation',
      'Observation:code',
      'Nothing:x',
      'Observation:subject:Nothing',
      'Observation:a:b:c',
    ]) {
      refused(`Observation?_include=${value}`);
    }
  });

  test('_type names the types of a search over several', () => {
    expect(parse('?_type=Patient,Group').types).toEqual(['Patient', 'Group']);
    expect(parse('?_id=1').types).toBeUndefined();
    refused('?_type=Nothing');
    refused('Patient?_type=Group');
    refused('?_type=Patient,Group&family=x');
  });
});

describe('R4 search.html#errors', () => {
  test('an unknown parameter is refused under strict handling, and the message lists what is known', () => {
    const error = refused('Patient?nothing=1');
    expect(error.issues[0]).toMatchObject({ severity: 'error', expression: 'http.query.nothing' });
    expect(error.issues[0]?.diagnostics).toContain('birthdate');
  });

  test('under lenient handling it is left out of what was applied, with a warning', () => {
    const parsed = parse('Patient?nothing=1&name=x&_sort=nothing', { strict: false });
    expect(parsed.applied).toEqual([['name', 'x']]);
    expect(parsed.ignored.map((issue) => [issue.severity, issue.expression])).toEqual([
      ['warning', 'http.query.nothing'],
      ['warning', 'http.query._sort'],
    ]);
  });

  test('limits are named', () => {
    expect(refused('Patient?name=a&name=b', { limits: { parameters: 1 } }).issues[0]?.code).toBe(
      'too-costly',
    );
    expect(refused('Patient?name=a,b', { limits: { values: 1 } }).issues[0]?.code).toBe('too-costly');
    expect(refused('Patient?name=abc', { limits: { valueLength: 2 } }).issues[0]?.code).toBe('too-long');
  });
});

describe('fingerprints and lock keys', () => {
  test('a fingerprint is of what is found and its order, not of the page or the format', () => {
    const print = (query: string) => parse(query).fingerprint;
    expect(print('Patient?name=a&_count=5&_format=json')).toBe(print('Patient?name=a'));
    expect(print('Patient?name=a&gender=male')).toBe(print('Patient?gender=male&name=a'));
    expect(print('Patient?name=a')).not.toBe(print('Patient?name=b'));
    expect(print('Patient?name=a&_sort=name')).not.toBe(print('Patient?name=a'));
  });

  test('lock keys are one for each criterion, whatever their order', () => {
    const keys = lockKeys(parse('Patient?identifier=b,a&name=x&_count=1'));
    expect(keys).toEqual(['Patient?identifier=a,b', 'Patient?name=x']);
    expect(lockKeys(parse('Patient?name=x&identifier=a,b'))).toEqual(keys);
  });
});
