import type { SearchParamModel } from '../../server/src/conformance/model.ts';
import type { Outgoing } from './exchange.ts';
import { JSON_TYPE, TYPES } from './hostile-common.ts';
import { print, STRINGS } from './hostile-values.ts';
import type { Random } from './random.ts';
import { definitions, randomResource, SEEDED } from './random-resource.ts';

const MODIFIERS = [
  'missing',
  'exact',
  'contains',
  'not',
  'text',
  'in',
  'not-in',
  'above',
  'below',
  'of-type',
  'identifier',
  'iterate',
  'Patient',
  'Nothing',
  '',
  'a:b',
  '__proto__',
];

const PREFIXES = ['', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap', 'xx', 'gtgt'];

const CONTROL = [
  '_count',
  '_sort',
  '_include',
  '_revinclude',
  '_include:iterate',
  '_summary',
  '_elements',
  '_total',
  '_contained',
  '_containedType',
  '_type',
  '_filter',
  '_content',
  '_text',
  '_list',
  '_lastUpdated',
  '_id',
  '_tag',
  '_profile',
  '_security',
  '_source',
  '_query',
  '_format',
  '_pretty',
  '_explain',
  '_cursor',
  '_since',
  '_at',
  '_has',
  '_id:missing',
  'near',
  '_score',
  '__proto__',
  'constructor',
];

/** A parameter's value: of its type, or anything. */
function parameterValue(random: Random, parameter: SearchParamModel | undefined): string {
  if (random.chance(0.12)) return random.pick(STRINGS);
  const one = (): string => {
    switch (parameter?.type) {
      case 'date':
        return (
          random.pick(PREFIXES) +
          random.pick([
            '2020',
            '2020-02',
            '2020-02-29T10:00',
            '9999',
            '0001',
            '2020-02-30',
            '2020-01-01T00:00:00Z',
            ...STRINGS.slice(60, 80),
          ])
        );
      case 'number':
        return (
          random.pick(PREFIXES) +
          random.pick(['1', '1.50', '1e3', '1e400', '-0', '9'.repeat(400), '1e-400', '1e2147483648'])
        );
      case 'quantity':
        return (
          random.pick(PREFIXES) +
          random.pick([
            '5|http://unitsofmeasure.org|g',
            '5||mg',
            '5',
            '1e999|http://unitsofmeasure.org|kg',
            '5|http://unitsofmeasure.org|10*400',
            '1|http://unitsofmeasure.org|[degF]',
            '1|http://unitsofmeasure.org|' + 'm.'.repeat(500) + 'm',
            '1|http://unitsofmeasure.org|' + '('.repeat(200),
          ])
        );
      case 'token':
        return random.pick([
          'a',
          'http://s|a',
          '|a',
          'http://s|',
          'http://s|a|b',
          'true',
          'http://hl7.org/fhir/ValueSet/observation-status',
          '|',
          '\\|',
        ]);
      case 'reference':
        return random.pick([
          `Patient/${random.pick(SEEDED)}`,
          'a',
          'Nothing/1',
          'http://x/fhir/Patient/1',
          'Patient/a/_history/1',
          '#a',
          'http://s|v',
          'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0',
        ]);
      case 'composite':
        return random.pick(['a$b', 'http://l|1$gt5', '$', 'a$', '$$$', 'a\\$b$c', '1$2$3$4']);
      case 'special':
        return random.pick([
          '48.2|16.37|10|km',
          '91|181|1|m',
          '0|0|1e999|km',
          '||',
          'NaN|NaN|NaN|km',
          '48.2|16.37|-1',
          '90|0|99999999|km',
        ]);
      default:
        return random.pick(['ann', 'Ánna', 'http://a.org/x', '*', 'a b']);
    }
  };
  return random.chance(0.05)
    ? random.times(random.pick([10, 500]), one).join(',')
    : random.times(1 + random.below(3), one).join(',');
}

function controlValue(random: Random, name: string, type: string): string {
  if (random.chance(0.15)) return random.pick(STRINGS);
  const code = () => random.pick([...definitions.search(type).params.keys()]);
  switch (name) {
    case '_count':
      return random.pick(['0', '1', '-1', '99999999999', '1e3', '1.5', ' 5', '5,5']);
    case '_sort':
      return random
        .times(
          1 + random.below(8),
          () =>
            random.pick(['', '-', '--']) +
            random.pick([code(), '_id', '_lastUpdated', '_score', 'nothing', '']),
        )
        .join(',');
    case '_include':
    case '_revinclude':
    case '_include:iterate':
      return random.pick([
        `${type}:${code()}`,
        '*',
        `${type}:*`,
        `${type}:${code()}:Patient`,
        `${type}:${code()}:Nothing`,
        'Observation:patient',
        'Nothing:x',
        ':',
        '::',
        'a:b:c:d',
        `${type}:__proto__`,
      ]);
    case '_filter':
      return filterText(random, code);
    case '_has':
      return random.pick(['x', 'Observation:patient:code=a']);
    case '_type':
      return random.pick([
        'Patient,Observation',
        'Nothing',
        ',',
        'Patient,',
        [...definitions.resourceTypes].join(','),
      ]);
    case '_elements':
      return random.pick(['id', 'name,birthDate', '__proto__', 'name.given', ',', 'Patient.name']);
    case '_format':
      return random.pick([
        'json',
        'xml',
        'application/fhir+json',
        'text/turtle',
        'application/fhir json;q=2',
        '*/*',
      ]);
    case '_content':
    case '_text':
      return random.pick([
        'anna',
        '"',
        '"a b" OR c',
        'NOT',
        'a AND (',
        '-',
        '* *',
        'a & b | !c',
        ':*',
        "a'b",
      ]);
    case '_cursor':
      return random.pick(['x', 'AAAA', 'A'.repeat(2000), '..', 'eyJhIjoxfQ.x', '%00']);
    case '_list':
      return random.pick(['a', '$current-problems', 'List/a', 'z1']);
    case '_query':
      return random.pick(['x', 'everything']);
    default:
      return random.pick([
        'true',
        'false',
        'count',
        'data',
        'text',
        'none',
        'accurate',
        'both',
        'container',
        '2020',
        'gt2020',
        'a',
        'http://s|a',
        ...STRINGS.slice(0, 20),
      ]);
  }
}

function filterText(random: Random, code: () => string): string {
  const test = (): string =>
    `${random.pick([code(), 'nothing', 'subject.name', 'subject:Patient.name', 'name[use eq x].family', '_id'])} ${random.pick(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'pr', 'in', 'ni', 're', 'ss', 'xx'])} ${random.pick(['a', '"a b"', 'true', '5', '2020', '"', '"\\', '(', 'http://s|a', '"' + 'x'.repeat(500) + '"'])}`;
  return random.pick([
    test(),
    `${test()} and ${test()} or not (${test()})`,
    '('.repeat(random.pick([5, 39, 41, 2000])),
    'not '.repeat(300) + test(),
    '',
    'and',
    '(('.repeat(20) + test() + '))'.repeat(20),
    random.times(random.pick([20, 200]), test).join(' or '),
    'a'.repeat(3000),
    `${test()} and`,
    'subject['.repeat(100),
  ]);
}

/** Query parameters for a type, encoded. */
export function parameters(random: Random, type: string): string {
  const model = definitions.search(type);
  const codes = [...model.params.keys()];
  const one = (): string => {
    if (random.chance(0.3)) {
      const name = random.pick(CONTROL);
      return `${name}=${encode(random, controlValue(random, name, type))}`;
    }
    const code = random.pick(codes);
    const parameter = model.params.get(code);
    const name = random.weighted<string>([
      [14, () => code],
      [3, () => `${code}:${random.pick(MODIFIERS)}`],
      [
        2,
        () =>
          `${code}${random.chance(0.5) ? ':Patient' : ''}.${random.pick(['name', 'general-practitioner.name', '_id', 'nothing', '', '_has:Observation:patient:code', 'organization.partof.partof.partof.name'])}`,
      ],
      [
        2,
        () =>
          `_has:${random.pick(['Observation', 'Nothing', 'Encounter'])}:${random.pick(['patient', 'subject', 'nothing'])}:${random.pick(['code', '_id', '_has:Provenance:target:agent', 'date', ''])}`,
      ],
      [0.5, () => random.pick(STRINGS)],
      [0.5, () => `${code}.`.repeat(random.pick([3, 30, 300]))],
      [0.3, () => `_has:Observation:patient:`.repeat(random.pick([3, 30]))],
    ]);
    return `${random.chance(0.3) ? encode(random, name) : encodeURI(wellFormed(name))}=${encode(random, parameterValue(random, parameter))}`;
  };
  return random.times(random.chance(0.03) ? 200 : 1 + random.below(2), one).join('&');
}

const wellFormed = (text: string): string => text.toWellFormed().replace(/[&=#?]/g, '');

export function encode(random: Random, text: string): string {
  const encoded = encodeURIComponent(text.toWellFormed());
  if (random.chance(0.97)) return encoded;
  return random.pick([
    '%',
    '%zz',
    '%e2%82',
    '%ff',
    '%00',
    '+%2B+',
    encoded + '%',
    encoded.replaceAll('%', '%25'),
  ]);
}

export function searchRequest(base: string, random: Random): Outgoing {
  const type = random.chance(0.4) ? random.pick(definitions.resourceTypes) : random.pick(TYPES);
  const query = parameters(random, type);
  const headers: Record<string, string> = random.chance(0.3) ? { Prefer: 'handling=strict' } : {};
  return random.weighted<Outgoing>([
    [8, () => ({ method: 'GET', path: `${base}/${type}?${query}`, headers })],
    [
      2,
      () => ({
        method: 'POST',
        path: `${base}/${type}/_search`,
        headers: { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' },
        body: query,
      }),
    ],
    [1, () => ({ method: 'GET', path: `${base}?${query}`, headers })],
    [
      1,
      () => ({
        method: 'GET',
        path: `${base}/Patient/${random.pick(SEEDED)}/${random.pick(['*', type])}?${query}`,
        headers,
      }),
    ],
    [
      1,
      () => ({
        method: 'GET',
        path: `${base}/${random.pick(['_history', `${type}/_history`, `Patient/${random.pick(SEEDED)}/_history`])}?${query}`,
        headers,
      }),
    ],
    [
      1,
      () => ({
        method: random.pick(['PUT', 'DELETE', 'PATCH']),
        path: `${base}/${type}?${query}`,
        headers: { ...JSON_TYPE, ...headers },
        body: print(randomResource(random, type)),
      }),
    ],
  ]);
}
