import fc from 'fast-check';

/*
 * Domains and data types of the random resources: small domains, so that searches find something, and the edges that
 * matter for search (missing elements, partial dates, open periods, decimals with precision, units, accents, codings
 * without a system, references of every kind, values that are absent with a reason).
 */

export const BASE = 'http://localhost:8080/fhir/demo';
export const IDS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'] as const;
/** Those that are referred to: few, so that many resources refer to one. */
export const TARGETS = ['1', '2', '3', '4', '5'] as const;
export const SYSTEMS = ['http://s1', 'http://s2'] as const;
export const CODES = ['a', 'b', 'c', 'A', 'p|q'] as const;
export const TEXTS = [
  'Anna',
  'anna',
  'Ánna',
  'ANN',
  'Annabel Müller',
  'Müller',
  'muller',
  'van  der Berg',
  'Berg',
  'élan vital',
  'Zoë, Ann',
  'a$b',
  '100%',
  'under_score',
  'Ελένη',
  'Straße',
] as const;
export const DATES = [
  '2019',
  '2020',
  '2020-02',
  '2020-03',
  '2020-02-29',
  '2020-02-28',
  '2020-03-01',
  '2019-12-31',
  '2021-01-01',
] as const;
export const TIMES = [
  '2020-02-29T10:00:00Z',
  '2020-02-29T23:30:00-02:00',
  '2020-03-01T01:30:00Z',
  '2020-02-29T10:00:00.123Z',
  '2019-12-31T23:59:59+00:00',
  '2020-01-01T00:00:00+01:00',
] as const;
export const DECIMALS = [
  '0.5',
  '1',
  '1.00',
  '5',
  '5.4',
  '5.40',
  '5.44',
  '100',
  '-1',
  '5000',
  '0.005',
] as const;
export const URIS = [
  'http://a.org/vs',
  'http://a.org/vs/one',
  'http://a.org/vs/one/two',
  'http://b.org/',
  'urn:oid:1.2.3',
  'http://a.org',
] as const;
export const IDENTIFIERS = ['N1', 'n1', 'N2', 'N|3'] as const;

export type Arb<T = unknown> = fc.Arbitrary<T>;
export const of = <T>(values: readonly T[]): Arb<T> => fc.constantFrom(...values);
export const some = <T>(arb: Arb<T>, maxLength = 2): Arb<T[]> => fc.array(arb, { minLength: 1, maxLength });
/** All properties are optional, present in most cases. */
export const object = (model: Record<string, Arb>): Arb =>
  fc
    .record(
      Object.fromEntries(
        Object.entries(model).map(([name, arb]) => [name, fc.option(arb, { nil: undefined, freq: 3 })]),
      ),
    )
    .filter((one) => Object.values(one).some((value) => value !== undefined));
export const choice = (...options: Record<string, Arb>[]): Arb<Record<string, unknown>> =>
  fc.oneof(fc.constant({}), ...options.map((option) => fc.record(option)));

/** A number that JSON.stringify writes with these digits. */
export const rawNumber = (JSON as unknown as { rawJSON(digits: string): unknown }).rawJSON;

export const number = of(DECIMALS).map((text) => rawNumber(text));
export const text = of(TEXTS);
export const code = of(CODES);
export const coding = object({ system: of(SYSTEMS), code, display: text });
export const concept = object({ coding: some(coding), text });
export const absent = (reason = 'unknown') => ({
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: reason }],
});
export const date = of(DATES);
export const dateTime = fc.oneof(of(DATES), of(TIMES));
export const instant = of(TIMES);
/** Open at either end, or in order (invariant per-1). */
export const period = of([
  ['2019', '2020'],
  ['2020-02-28', '2020-03-01'],
  ['2020-02-29', '2020-02-29'],
  ['2020-02-29T10:00:00Z', '2020-03-01T01:30:00Z'],
  ['2019-12-31', '2020-01-01T00:00:00+01:00'],
  ['2020-02', undefined],
  ['2020-02-29T10:00:00Z', undefined],
  [undefined, '2020-02'],
  [undefined, '2019-12-31T23:59:59+00:00'],
  [undefined, undefined],
]).map(([start, end]) => (start === undefined && end === undefined ? absent() : { start, end }));

const unit = fc.oneof(
  of([
    { unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' },
    { unit: 'gram', system: 'http://unitsofmeasure.org', code: 'g' },
  ]),
  of([
    { system: 'http://unitsofmeasure.org', code: 'kg' },
    { unit: 'mg' },
    { unit: 'mg', system: 'http://units', code: 'x' },
    {},
  ]),
);
export const quantity = fc
  .tuple(
    fc.record({ value: number }),
    unit,
    fc.option(of(['<', '<=', '>', '>=']), { nil: undefined, freq: 4 }),
  )
  .map(([value, units, comparator]) => ({
    ...value,
    ...units,
    ...(comparator === undefined ? {} : { comparator }),
  }));
export const simpleQuantity = fc
  .tuple(fc.record({ value: number }), unit)
  .map(([value, units]) => ({ ...value, ...units }));
/** Both ends in one unit, in order. */
export const range = fc
  .tuple(
    of([
      [1, 5],
      [5, 5],
      [undefined, 5.4],
      [5, undefined],
      [0.5, 100],
    ]),
    unit,
  )
  .map(([[low, high], units]) => ({
    ...(low === undefined ? {} : { low: { value: low, ...units } }),
    ...(high === undefined ? {} : { high: { value: high, ...units } }),
  }));
export const sampled = unit.map((units) => ({
  origin: { value: 0, ...units },
  period: 1,
  dimensions: 1,
  data: '1 5 5.4',
}));

export const identifier = object({ system: of(SYSTEMS), value: of(IDENTIFIERS), type: concept });
const literal = (types: readonly string[]): Arb<string> =>
  fc.tuple(of(types), of(TARGETS), fc.nat(11)).map(([type, id, form]) => {
    const local = `${type}/${id}`;
    if (form === 0) return `${BASE}/${local}`;
    if (form === 1) return `http://other.org/fhir/${local}`;
    if (form === 2) return `${local}/_history/2`;
    if (form === 3) return `http://other.org/fhir/${local}/_history/2`;
    return local;
  });
export const reference = (...types: string[]): Arb =>
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ reference: literal(types) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        reference: of(['#c1', '#c2', 'urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7']),
      }),
    },
    { weight: 2, arbitrary: fc.record({ type: of(types), identifier, display: text }) },
    { weight: 1, arbitrary: fc.record({ display: text }) },
    { weight: 1, arbitrary: fc.constant({ ...absent() }) },
  );
export const name = fc
  .tuple(object({ family: text, given: some(text), prefix: some(text), text }), fc.nat(12))
  .map(([one, form]) =>
    form === 0
      ? { ...(one as object), given: [null, 'Anna'], _given: [absent(), null] }
      : form === 1
        ? { _family: absent(), text: 'Berg' }
        : one,
  );
export const address = object({
  line: some(text),
  city: text,
  state: text,
  postalCode: text,
  country: text,
  use: of(['home', 'work']),
});
export const telecom = object({
  system: of(['phone', 'email']),
  value: of(['555', 'Ann@x.org', 'ann@x.org']),
  use: of(['home', 'work']),
});
export const useContext = choice(
  { valueCodeableConcept: concept },
  { valueQuantity: simpleQuantity },
  { valueRange: range },
).chain((value) => fc.record({ code: coding }).map((one) => ({ ...one, ...value })));
export const timing = object({ event: some(dateTime) });
