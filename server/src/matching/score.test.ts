import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fhirError } from '../fhir/outcome.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { blocksOf } from './blocks.ts';
import { isOneSlip, swappedDayAndMonth } from './compare.ts';
import { findMatches } from './find.ts';
import { jaroWinkler, nicknamesOf, plainName, soundex } from './names.ts';
import { personOf } from './person.ts';
import { score } from './score.ts';

/* R4 patient-operation-match.html: graded matches; the model is that of Fellegi and Sunter (1969). */

const patient = (more: JsonObject = {}): Resource => ({
  resourceType: 'Patient',
  name: [{ family: 'Keller', given: ['Elizabeth', 'Ann'] }],
  birthDate: '1961-04-09',
  gender: 'female',
  telecom: [{ system: 'phone', value: '+49 (0)30 1234567' }],
  address: [{ line: ['Hauptstraße 5'], city: 'Berlin', postalCode: '10115' }],
  ...more,
});
const number = (value: string): JsonObject => ({ identifier: [{ system: 'http://example.org/nhi', value }] });
const compare = (a: Resource, b: Resource) => score(personOf(a), personOf(b));
const level = (a: Resource, b: Resource, feature: string) =>
  compare(a, b).evidence.find((one) => one.feature === feature)?.level;

describe('names', () => {
  test('Jaro-Winkler gives the published values of well-known pairs', () => {
    // Winkler 1990, and the tables of Christen, Data Matching (2012).
    expect(jaroWinkler('martha', 'marhta')).toBeCloseTo(0.961, 3);
    expect(jaroWinkler('dwayne', 'duane')).toBeCloseTo(0.84, 2);
    expect(jaroWinkler('dixon', 'dicksonx')).toBeCloseTo(0.813, 3);
    expect(jaroWinkler('abc', 'xyz')).toBe(0);
  });

  test('Soundex gives the codes of the National Archives’ examples', () => {
    for (const [name, code] of [
      ['Washington', 'w252'],
      ['Lee', 'l000'],
      ['Gutierrez', 'g362'],
      ['Pfister', 'p236'],
      ['Jackson', 'j250'],
      ['Tymczak', 't522'],
      ['Ashcraft', 'a261'],
    ])
      expect(soundex(name as string), name).toBe(code);
    expect(soundex('محمد')).toBe('');
  });

  test('accents, case, hyphens and titles do not count; other scripts stay', () => {
    expect(plainName('Dr. María-José O’Brien')).toBe('maria jose o brien');
    expect(plainName('Łukasz Straße')).toBe('lukasz strasse');
    expect(plainName('محمد')).toBe('محمد');
  });

  test('nicknames go both ways', () => {
    expect(nicknamesOf('Bob')).toContain('robert');
    expect(nicknamesOf('robert')).toContain('bob');
    expect(nicknamesOf('xerxes')).toEqual([]);
  });
});

describe('grades', () => {
  test('the same in everything is certain; with a number and birth date too, though the name is written otherwise', () => {
    expect(compare(patient(), patient()).grade).toBe('certain');
    const other = patient({ name: [{ family: 'Kéller', given: ['Liz'] }], telecom: [], address: [] });
    expect(compare(patient(number('AB-123 456')), { ...other, ...number('ab123456') }).grade).toBe('certain');
  });

  test('name, birth date and sex alone are probable, not certain: there may be two of that name', () => {
    const bare = patient({ telecom: [], address: [] });
    expect(compare(bare, patient())).toMatchObject({ grade: 'probable' });
  });

  test('one thing that speaks against it takes certainty away', () => {
    expect(compare(patient(), patient({ gender: 'male' })).grade).not.toBe('certain');
    expect(compare(patient(number('111111')), patient(number('999999'))).grade).not.toBe('certain');
    expect(
      compare(patient(number('111111')), patient({ ...number('111111'), birthDate: '1990-12-24' })).grade,
    ).not.toBe('certain');
  });

  test('a number alone, with another name and birth date, is nobody (a number that was mistyped)', () => {
    const other = patient({
      name: [{ family: 'Oyelaran', given: ['Tunde'] }],
      birthDate: '1990-12-24',
      gender: 'male',
      telecom: [],
      address: [],
    });
    expect(compare(patient(number('1')), { ...other, ...number('1') }).grade).toBe('certainly-not');
  });

  test.each<[string, JsonObject, string, string]>([
    ['day and month changed places', { birthDate: '1961-09-04' }, 'birthDate', 'transposed'],
    ['a day beside', { birthDate: '1961-04-10' }, 'birthDate', 'near'],
    ['a slip in the year', { birthDate: '1916-04-09' }, 'birthDate', 'near'],
    ['only the year known', { birthDate: '1961' }, 'birthDate', 'partial'],
    ['a nickname', { name: [{ family: 'Keller', given: ['Betty'] }] }, 'given', 'nickname'],
    ['the middle name', { name: [{ family: 'Keller', given: ['Ann'] }] }, 'given', 'nickname'],
    ['an initial', { name: [{ family: 'Keller', given: ['E'] }] }, 'given', 'initial'],
    [
      'a slip in the family name',
      { name: [{ family: 'Kelelr', given: ['Elizabeth'] }] },
      'family',
      'similar',
    ],
    ['a double name', { name: [{ family: 'Keller-Wagner', given: ['Elizabeth'] }] }, 'family', 'similar'],
    [
      'names in the wrong fields',
      { name: [{ family: 'Elizabeth', given: ['Keller'] }] },
      'family',
      'swapped',
    ],
    ['given names in one field', { name: [{ family: 'Keller', given: ['Elizabeth Ann'] }] }, 'given', 'same'],
    ['a number without its system', { identifier: [{ value: 'AB 123' }] }, 'identifier', 'unnamed'],
    ['only a text', { name: [{ text: 'Keller, Elizabeth' }] }, 'family', 'same'],
    [
      'a former name',
      { name: [{ family: 'Wagner' }, { family: 'Keller', given: ['Elizabeth'] }] },
      'family',
      'same',
    ],
    [
      'the phone written otherwise',
      { telecom: [{ system: 'phone', value: '030/123 45 67' }] },
      'phone',
      'same',
    ],
  ])('%s is found, and worth something', (_, more, feature, wanted) => {
    const known = patient(feature === 'identifier' ? number('ab-123') : {});
    expect(level(known, patient(more), feature)).toBe(wanted);
    expect(['certain', 'probable']).toContain(compare(known, patient(more)).grade);
  });

  test('umlauts that were written out are the same name with a slip', () => {
    const named = (family: string, given: string) => patient({ name: [{ family, given: [given] }] });
    expect(level(named('Müller', 'Jörg'), named('Mueller', 'Joerg'), 'family')).toBe('similar');
    expect(level(named('Müller', 'Jörg'), named('Mueller', 'Joerg'), 'given')).toBe('similar');
  });

  test('a family of one household are different people', () => {
    const child = patient({
      name: [{ family: 'Keller', given: ['Jonas'] }],
      birthDate: '1995-01-30',
      gender: 'male',
    });
    expect(['certainly-not', 'possible']).toContain(compare(patient(), child).grade);
    const twin = patient({ name: [{ family: 'Keller', given: ['Margarethe'] }] });
    expect(compare(patient(), twin).grade).not.toBe('certain');
    // What one twin is called may be what the other's name is short for, or they share the first of their names.
    for (const [one, other] of [
      [['Anna'], ['Hannah']],
      [
        ['Muhammad', 'Ali'],
        ['Muhammad', 'Bilal'],
      ],
      [['Maria Elena'], ['Maria', 'Isabel']],
    ] as const) {
      const [first, second] = [one, other].map((given) =>
        patient({ name: [{ family: 'Keller', given: [...given] }] }),
      );
      expect(compare(first as Resource, second as Resource).grade).toBe('probable');
      expect(compare(first as Resource, first as Resource).grade).toBe('certain');
    }
  });

  test('temporary names and old numbers say nothing', () => {
    const unknown: Resource = {
      resourceType: 'Patient',
      name: [{ use: 'temp', family: 'Unknown patient' }],
      identifier: [{ system: 's', value: '1', use: 'old' }],
    };
    expect(compare(unknown, unknown).evidence).toEqual([]);
    expect(blocksOf(unknown).filter((block) => block[0]?.[0] !== 'identifier')).toEqual([]);
  });
});

test('a telephone number is looked for as others may have written it', () => {
  const blocks = blocksOf(patient({ telecom: [{ system: 'phone', value: '(555) 201-3344' }] }));
  const phone = blocks.find(([first]) => first?.[0] === 'phone')?.[0]?.[1].split(',');
  expect(phone).toEqual(expect.arrayContaining(['(555) 201-3344', '+15552013344', '+1 555-201-3344']));
});

test('what the asker may not search by is passed over; where nothing may be, it is told', async () => {
  const known = patient({ id: 'known' });
  const refusing = (names: readonly string[], status: number) => ({
    search: async (_type: string, query: readonly (readonly [string, string])[]) => {
      if (query.some(([name]) => names.includes(name)))
        throw fhirError(status, status === 403 ? 'forbidden' : 'not-supported', 'no');
      return [known];
    },
  });
  for (const status of [400, 403]) {
    const found = await findMatches(refusing(['identifier', 'phone'], status), patient(number('1')));
    expect(found.map(({ patient: one }) => one['id'])).toEqual(['known']);
    const all = refusing(['identifier', 'phone', 'birthdate', 'family'], status);
    await expect(findMatches(all, patient())).rejects.toMatchObject({ status });
  }
});

describe('properties', () => {
  const text = fc.constantFrom('Anna', 'Ana', 'Hanna', 'Ali', 'Bob', 'Robert', 'O’Neill', 'Ünal', 'x', '李');
  const date = fc
    .date({ min: new Date('1930-01-01'), max: new Date('2020-12-31'), noInvalidDate: true })
    .map((one) => one.toISOString().slice(0, 10));
  const anyPatient = fc.record(
    {
      resourceType: fc.constant('Patient'),
      name: fc.array(fc.record({ family: text, given: fc.array(text, { minLength: 1, maxLength: 2 }) }), {
        minLength: 1,
        maxLength: 2,
      }),
      birthDate: date,
      gender: fc.constantFrom('male', 'female', 'unknown'),
      identifier: fc.array(fc.record({ system: fc.constantFrom('a', 'b'), value: fc.string() })),
      telecom: fc.array(fc.record({ system: fc.constantFrom('phone', 'email'), value: fc.string() })),
    },
    { requiredKeys: ['resourceType', 'name'] },
  ) as fc.Arbitrary<Resource>;

  test('it does not matter which of two is asked for; a score lies between 0 and 1', () => {
    fc.assert(
      fc.property(anyPatient, anyPatient, (a, b) => {
        const [left, right] = [compare(a, b), compare(b, a)];
        expect(right.score).toBe(left.score);
        expect(right.grade).toBe(left.grade);
        expect(left.score).toBeGreaterThan(0);
        expect(left.score).toBeLessThan(1);
      }),
    );
  });

  test('nothing is more like a record than itself', () => {
    fc.assert(
      fc.property(anyPatient, anyPatient, (a, b) => {
        const sum = (one: ReturnType<typeof compare>) =>
          one.evidence.reduce((total, { bits }) => total + bits, 0);
        const shared = new Set(compare(a, b).evidence.map(({ feature }) => feature));
        const own = compare(a, a).evidence.filter(({ feature }) => shared.has(feature));
        expect(own.reduce((total, { bits }) => total + bits, 0)).toBeGreaterThanOrEqual(
          sum(compare(a, b)) - 1e-9,
        );
      }),
    );
  });

  test('Jaro-Winkler is symmetric, 1 only for the same', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const value = jaroWinkler(a, b);
        expect(jaroWinkler(b, a)).toBeCloseTo(value, 10);
        expect(value === 1).toBe(a === b);
      }),
    );
  });

  test('a slip is one letter more, less or other, or two that changed places', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-e]{3,8}$/),
        fc.nat(),
        fc.constantFrom('x', 'y'),
        (word, at, letter) => {
          const i = at % word.length;
          expect(isOneSlip(word, word.slice(0, i) + letter + word.slice(i))).toBe(true);
          expect(isOneSlip(word, word.slice(0, i) + word.slice(i + 1))).toBe(true);
          expect(isOneSlip(word, word.slice(0, i) + letter + word.slice(i + 1))).toBe(true);
          expect(isOneSlip(word, word)).toBe(false);
          expect(isOneSlip(word, `xy${word}`)).toBe(false);
        },
      ),
    );
    expect(swappedDayAndMonth('1970-02-13')).toBeUndefined();
    expect(swappedDayAndMonth('1970-02-05')).toBe('1970-05-02');
  });
});
