import { describe, expect, test } from 'vitest';
import { estimatedRows, planSearch, singleToken } from './index.ts';
import { contextOf, database, definitions, keys, parse, TENANT, useSearchDatabase } from './test-search.ts';

useSearchDatabase();

const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  token: [
    '=a',
    '=s|A,|b,s|',
    ':not=a',
    ':text=a',
    ':missing=true',
    ':of-type=s|c|v',
    ':in=http://vs',
    ':below=s|1',
  ],
  string: ['=a', ':exact=A,b', ':contains=a%25', ':missing=false', '=\u{10ffff}'],
  date: ['=2020', '=ap2020-01', '=ne2020', '=ge2020,lt2019-01', ':missing=true'],
  number: ['=5', '=ap5', '=ne5,sa6', '=eb1e2'],
  quantity: ['=5', '=ne5|http://unitsofmeasure.org|mg', '=le5||mg,ge6|x|y', '=sa5', ':missing=true'],
  reference: ['=a', '=http://x/a,urn:uuid:1', ':identifier=s|v', ':missing=false'],
  uri: ['=http://x/y', ':below=http://x', ':above=http://x/y'],
};

describe('every search parameter of R4', () => {
  test('gives SQL that PostgreSQL runs, with every modifier, and in every order that there is', async () => {
    const problems: string[] = [];
    const unsorted = new Set<string>();
    for (const type of definitions.resourceTypes) {
      for (const param of definitions.search(type).params.values()) {
        // Those of all resources are alike in every type.
        if (param.code.startsWith('_') && (type !== 'Patient' || /^_(text|content|query)$/.test(param.code)))
          continue;
        const queries = (SAMPLES[param.type] ?? [])
          .filter((sample) => !(param.code === '_id' && !/^=a$|missing/.test(sample)))
          .filter((sample) => !(param.code === '_lastUpdated' && sample.startsWith(':not')))
          .map((sample) => `${type}?${param.code}${sample}`);
        if (param.type === 'composite') {
          const parts = param.components.map((component) => {
            const part = definitions.search(type).params.get(component.code)?.type;
            return part === 'number' || part === 'quantity'
              ? '5'
              : part === 'date'
                ? '2020'
                : part === 'reference'
                  ? 'Patient/1'
                  : 'a';
          });
          queries.push(`${type}?${param.code}=${parts.join('$')}`);
        } else if (param.type !== 'special') queries.push(`${type}?_sort=-${param.code}`);
        for (const query of queries) {
          try {
            await database.query(TENANT, planSearch(parse(query), contextOf()).page!);
          } catch (error) {
            if (query.includes('_sort') && /cannot be sorted/.test(String(error)))
              unsorted.add(`${type}.${param.code}`);
            else problems.push(`${query}: ${String(error)}`);
          }
        }
      }
    }
    expect(problems.slice(0, 20)).toEqual([]);
    // Expressions that are no plain paths.
    expect(unsorted.size).toBeLessThan(5);
  }, 120_000);
});

describe('plans', () => {
  test('the planner estimates the rows (_total=estimate)', async () => {
    const plan = planSearch(parse('Patient?gender=male&name=x&_count=0'), contextOf());
    expect(plan.page).toBeUndefined();
    expect(estimatedRows(await database.query(TENANT, plan.estimate))).toBeGreaterThanOrEqual(1);
  });

  test('statements are prepared where the shape pins the plan', () => {
    const prepare = (query: string) => planSearch(parse(query), contextOf()).page!;
    expect(prepare('Patient?_id=p1').prepare).toBe('generic');
    expect(prepare('Observation?patient=p1&code=x&_sort=-date').prepare).toBe('generic');
    expect(prepare('Patient?identifier=http://mrn|1').prepare).toBe('generic');
    expect(prepare('Patient?identifier=http://mrn|1').name).toBe(
      prepare('Patient?identifier=http://mrn|2').name,
    );
    expect(prepare('Observation?code=x').prepare).toBe('custom');
    expect(prepare('Observation?code=x').name).toBeUndefined();
  });

  test('one patient with token filters uses the index of the patient', async () => {
    const plan = planSearch(parse('Observation?patient=p1&code=29463-7&_sort=-date'), contextOf());
    expect(plan.page!.text).toContain('= any(r.tokens)');
    expect(plan.reason).toMatch(/one patient/);
  });

  test('a code with its quantity is one range of the index (R4 search.html#combining)', () => {
    const prepare = (query: string) => planSearch(parse(query), contextOf());
    for (const code of ['29463-7', 'http://loinc.org|29463-7']) {
      const plan = prepare(`Observation?code=${code}&value-quantity=gt70`);
      expect(plan.reason).toMatch(/keyed by that code/);
      expect(plan.page!.prepare).toBe('generic');
    }
    // A canonical unit, a code without a system and other criteria need the ordinary conditions.
    const ucum = 'Observation?code=29463-7&value-quantity=gt70|http://unitsofmeasure.org|kg';
    expect(prepare(ucum).reason).not.toMatch(/keyed by that code/);
    expect(prepare('Observation?code=|29463-7&value-quantity=gt70').reason).not.toMatch(/keyed by that code/);
    expect(prepare('Observation?code=29463-7&value-quantity=gt70&status=final').page!.prepare).toBe('custom');
  });

  test('values never become part of the text', () => {
    const hostile = "x'); drop table store.resource; --";
    for (const query of [`family=${hostile}`, `identifier=${hostile}`, `_content=dropx`, `_id=${hostile}`]) {
      const plan = planSearch(parse(`Patient?${query}`), contextOf());
      expect(plan.page!.text).not.toMatch(/drop/);
    }
  });

  test('_explain shows query, plan, reason and SQL as JSON', () => {
    const explained = planSearch(
      parse(
        'Observation?patient.name=x&location:missing=true&_include=*'.replace('&location:missing=true', ''),
      ),
      contextOf(),
    ).explain();
    const text = JSON.stringify(explained);
    expect(text).toContain('Observation.patient');
    expect(text).toContain('reason');
    expect(JSON.parse(text)).toEqual(explained);
  });

  test('singleToken is there for one token and an open scope only', () => {
    expect(singleToken(parse('Patient?identifier=http://mrn|1'), contextOf())).toEqual(
      keys.systemCode(definitions.search('Patient').params.get('identifier')!.key, 'http://mrn', '1'),
    );
    expect(singleToken(parse('Patient?identifier=a,b'), contextOf())).toBeUndefined();
    expect(singleToken(parse('Patient?identifier=a&gender=male'), contextOf())).toBeUndefined();
    expect(singleToken(parse('Patient?name=x'), contextOf())).toBeUndefined();
  });
});
