import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadDefinitions } from '../../conformance/definitions.ts';
import { FhirError } from '../../fhir/outcome.ts';
import { escapeValue, splitEscaped, unescapeValue } from './escape.ts';
import { lockKeys, parseSearch } from './parse.ts';
import type { Criteria, ParsedSearch, SearchContext } from './types.ts';
import { decimalRange } from './values.ts';

const definitions = loadDefinitions();
const context: SearchContext = {
  definitions,
  strict: true,
  baseUrl: 'http://localhost/fhir/demo',
  now: Date.UTC(2024, 0, 1),
};

function parse(query: string, more: Partial<SearchContext> = {}): ParsedSearch {
  const [type = '', text = ''] = query.split(/\?(.*)/s);
  const parameters = [...new URLSearchParams(text)];
  return parseSearch(type === '' ? undefined : type, parameters, { ...context, ...more });
}

function one(query: string): Criteria {
  const { criteria } = parse(query);
  expect(criteria).toHaveLength(1);
  return criteria[0]!;
}

function refused(query: string, more: Partial<SearchContext> = {}): FhirError {
  try {
    parse(query, more);
  } catch (error) {
    expect(error).toBeInstanceOf(FhirError);
    expect((error as FhirError).status).toBe(400);
    return error as FhirError;
  }
  throw new Error(`${query} was not refused`);
}

describe('R4 search.html#escaping', () => {
  test('"\\," "\\$" "\\|" and "\\\\" are literal', () => {
    expect(unescapeValue('a\\,b\\$c\\|d\\\\e\\x')).toBe('a,b$c|d\\e\\x');
    expect(one('Patient?name=a\\,b,c')).toMatchObject({ texts: ['a,b', 'c'] });
    expect(one('Patient?identifier=http://x|a\\|b')).toMatchObject({
      values: [{ system: 'http://x', code: 'a|b' }],
    });
  });

  test('any list of texts comes back after escaping, joining, splitting and unescaping', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string(), { minLength: 1 }),
        fc.constantFrom(',', '$', '|'),
        (texts, separator) => {
          const joined = texts.map(escapeValue).join(separator);
          expect(splitEscaped(joined, separator as ',').map(unescapeValue)).toEqual(texts);
        },
      ),
    );
  });
});

describe('R4 search.html#number', () => {
  test('the precision of the value is the interval that equals (table of the section)', () => {
    expect(decimalRange('100')).toEqual({ value: 100, low: 99.5, high: 100.5 });
    expect(decimalRange('100.00')).toEqual({ value: 100, low: 99.995, high: 100.005 });
    expect(decimalRange('1e2')).toEqual({ value: 100, low: 95, high: 105 });
    expect(decimalRange('1.0e2')).toEqual({ value: 100, low: 95, high: 105 });
    expect(decimalRange('1.00e2')).toEqual({ value: 100, low: 99.5, high: 100.5 });
    expect(decimalRange('-5.40')).toEqual({ value: -5.4, low: -5.405, high: -5.395 });
    expect(decimalRange('5.4e-3')).toEqual({ value: 0.0054, low: 0.00535, high: 0.00545 });
  });

  test('what is not a number is undefined', () => {
    for (const text of [
      '',
      '.',
      '+',
      'e2',
      '1e',
      '1e9999',
      'NaN',
      'Infinity',
      '0x10',
      '1_000',
      '9'.repeat(101),
    ]) {
      expect(decimalRange(text), text).toBeUndefined();
    }
  });

  test('the interval holds the value and is as wide as one unit of the last digit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -99999, max: 99999 }),
        fc.integer({ min: 0, max: 4 }),
        (digits, places) => {
          const text = (digits / 10 ** places).toFixed(places);
          const range = decimalRange(text)!;
          expect(range.value).toBe(Number(text));
          expect(range.high - range.low).toBeCloseTo(10 ** -places, 8);
          expect(range.low).toBeLessThan(range.value);
          expect(range.high).toBeGreaterThan(range.value);
        },
      ),
    );
  });

  test('prefixes; ap is within 10 %', () => {
    expect(one('RiskAssessment?probability=gt0.8')).toMatchObject({ tests: [{ prefix: 'gt', value: 0.8 }] });
    expect(one('RiskAssessment?probability=ap50')).toMatchObject({
      tests: [{ prefix: 'ap', low: 45, high: 55 }],
    });
    expect(refused('RiskAssessment?probability=xx5').issues[0]?.expression).toBe('http.query.probability');
  });
});

describe('R4 search.html#date', () => {
  test('a date is the interval that it names', () => {
    expect(one('Patient?birthdate=1980-05')).toMatchObject({
      tests: [{ prefix: 'eq', low: Date.UTC(1980, 4, 1), high: Date.UTC(1980, 5, 1) - 1 }],
    });
  });

  test('a "+" that was not encoded arrives as a blank', () => {
    expect(one('Observation?date=ge2020-01-01T00:00:00+01:00')).toMatchObject({
      tests: [{ prefix: 'ge', low: Date.UTC(2019, 11, 31, 23) }],
    });
  });

  test('ap reaches a tenth of the distance to now', () => {
    expect(one('Patient?birthdate=ap2014')).toMatchObject({
      tests: [
        { low: Date.UTC(2014, 0, 1) - Math.round((Date.UTC(2024, 0, 1) - Date.UTC(2015, 0, 1) + 1) / 10) },
      ],
    });
  });

  test('what is not a date is refused, also under lenient handling', () => {
    for (const value of ['2013-13', '2013-02-30', 'yesterday', '', 'gt', '2013-01-01T10', 'xx2013']) {
      expect(refused(`Patient?birthdate=${value}`, { strict: false }).issues[0]?.expression).toBe(
        'http.query.birthdate',
      );
    }
  });
});

describe('R4 search.html#token', () => {
  test('the four forms', () => {
    expect(one('Patient?identifier=a,s|a,|a,s|')).toMatchObject({
      values: [{ code: 'a' }, { system: 's', code: 'a' }, { system: '', code: 'a' }, { system: 's' }],
    });
  });

  test('empty values and too many parts are refused', () => {
    refused('Patient?identifier=');
    refused('Patient?identifier=|');
    refused('Patient?identifier=a,,b');
    refused('Patient?identifier=a|b|c');
  });

  test(':of-type takes system|code|value', () => {
    expect(one('Patient?identifier:of-type=s|MR|1')).toMatchObject({
      values: [{ system: 's', code: 'MR', value: '1' }],
    });
    refused('Patient?identifier:of-type=MR|1');
  });

  test(':in names a value set that must be known; the message names it', () => {
    expect(refused('Condition?code:in=http://vs').issues[0]?.diagnostics).toContain('http://vs');
  });

  test(':below needs a system and takes what terminology says', () => {
    refused('Condition?code:below=1');
    const terminology = { codesIn: () => [], descendants: () => ['2', '3'], ancestors: () => [] };
    const { criteria } = parse('Condition?code:below=s|1', { terminology });
    expect(criteria[0]).toMatchObject({ values: [{ code: '1' }, { code: '2' }, { code: '3' }] });
  });

  test('an expansion over the limit is refused as too costly', () => {
    const terminology = { codesIn: () => [], descendants: () => ['2', '3'], ancestors: () => [] };
    const error = refused('Condition?code:below=s|1', { terminology, limits: { expansion: 2 } });
    expect(error.issues[0]?.code).toBe('too-costly');
  });
});

describe('R4 search.html#quantity', () => {
  test('number, number|system|code, number||code', () => {
    expect(one('Observation?value-quantity=5.4')).toMatchObject({ tests: [{ value: 5.4 }] });
    expect(one('Observation?value-quantity=le5.4|http://unitsofmeasure.org|mg')).toMatchObject({
      tests: [{ prefix: 'le', system: 'http://unitsofmeasure.org', code: 'mg' }],
    });
    expect(one('Observation?value-quantity=5.4||mg')).toMatchObject({ tests: [{ system: '', code: 'mg' }] });
    refused('Observation?value-quantity=5.4|mg');
    refused('Observation?value-quantity=5.4|http://unitsofmeasure.org|');
  });
});

describe('R4 search.html#reference', () => {
  test('id, Type/id, versions, absolute URLs below the base and elsewhere, urns', () => {
    const values = (query: string) => (one(query) as Criteria & { kind: 'reference' }).values;
    expect(values('Observation?subject=1')).toEqual([{ kind: 'local', id: '1' }]);
    expect(values('Observation?subject:Patient=1')).toEqual([{ kind: 'local', type: 'Patient', id: '1' }]);
    expect(values('Observation?subject=Patient/1/_history/2')).toEqual([
      { kind: 'local', type: 'Patient', id: '1', version: '2' },
    ]);
    expect(values('Observation?subject=http://localhost/fhir/demo/Patient/1')).toEqual([
      { kind: 'local', type: 'Patient', id: '1' },
    ]);
    expect(values('Observation?subject=http://localhost/fhir/demo2/Patient/1')).toEqual([
      { kind: 'url', url: 'http://localhost/fhir/demo2/Patient/1' },
    ]);
    expect(values('Observation?subject=urn:uuid:1')).toEqual([{ kind: 'url', url: 'urn:uuid:1' }]);
  });

  test('what is no reference, and a type that the parameter does not have, are refused', () => {
    refused('Observation?subject=Nothing/1');
    refused('Observation?subject=a b');
    refused('Observation?subject:Patient=Group/1');
    refused('Observation?subject:Claim=1');
  });
});

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

describe('any input', () => {
  const names = fc.oneof(
    fc.constantFrom(
      ...[
        'name',
        'birthdate',
        '_filter',
        '_sort',
        '_include',
        '_has:Observation:patient:code',
        '_text',
        '_content',
      ],
      ...[
        'organization.partof.name',
        'identifier:of-type',
        '_id',
        '_list',
        '_type',
        'general-practitioner',
        '_lastUpdated',
      ],
      ...['link:below', '_count', '_elements', 'gender:not-in', 'near', '_cursor', 'organization:identifier'],
    ),
    fc.string(),
    fc.string({ unit: fc.constantFrom(...'abc:._-|$,') }),
  );
  const values = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'a1|,$\\.-:"()[] /TZ+e') }),
    fc
      .array(
        fc.constantFrom(
          'name',
          'gender',
          'eq',
          'co',
          'and',
          'or',
          'not',
          '(',
          ')',
          '[',
          ']',
          '"x"',
          'true',
          '.',
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join(' ')),
  );

  test('the parser throws nothing but FhirError 400', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Patient', 'Observation', 'Location', undefined),
        fc.array(fc.tuple(names, values), { maxLength: 4 }),
        fc.boolean(),
        (type, parameters, strict) => {
          try {
            parseSearch(type, parameters, { ...context, strict });
          } catch (error) {
            expect(error).toBeInstanceOf(FhirError);
            expect((error as FhirError).status).toBe(400);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});
