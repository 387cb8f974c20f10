import { describe, expect, it } from 'vitest';
import { check, core, patient } from './test-support.ts';

const uuid = (n: number): string => `urn:uuid:c757873d-ec9a-4326-a141-55600000000${n}`;
const base = 'http://example.org/fhir/';
const entry = (fullUrl: string | undefined, resource: object, more: object = {}) => ({
  ...(fullUrl === undefined ? {} : { fullUrl }),
  resource,
  ...more,
});
const bundle = (type: string, entries: object[], more: object = {}) => ({
  resourceType: 'Bundle',
  type,
  ...(entries.length > 0 ? { entry: entries } : {}),
  ...more,
});
const composition = (more: object = {}) => ({
  resourceType: 'Composition',
  status: 'final',
  type: { text: 't' },
  date: '2020',
  title: 't',
  author: [{ reference: uuid(2) }],
  ...more,
});
const author = entry(uuid(2), { resourceType: 'Practitioner', id: 'a' });
const document = (entries: object[], more: object = {}) =>
  bundle('document', entries, {
    identifier: { system: 'urn:ietf:rfc:3986', value: 'urn:oid:1.2' },
    timestamp: '2020-01-01T00:00:00Z',
    ...more,
  });
const header = {
  resourceType: 'MessageHeader',
  eventUri: 'http://example.org/e',
  source: { endpoint: 'http://example.org/s' },
};
const request = { method: 'POST', url: 'Patient' };

describe('documents (documents.html)', () => {
  it.each<[string, object, string[]]>([
    ['complete', document([entry(uuid(1), composition()), author]), []],
    [
      'the first entry is no Composition (bdl-11)',
      document([entry(uuid(1), patient({ id: 'p' }))]),
      ['error invariant Bundle bdl-11'],
    ],
    ['without entries', document([]), ['error invalid Bundle', 'error invariant Bundle bdl-11']],
    [
      'without identifier (bdl-9)',
      bundle('document', [entry(uuid(1), composition()), author], { timestamp: '2020-01-01T00:00:00Z' }),
      ['error invariant Bundle bdl-9'],
    ],
    [
      'without timestamp (bdl-10)',
      document([entry(uuid(1), composition()), author], { timestamp: undefined }),
      ['error invariant Bundle bdl-10'],
    ],
    [
      'a relative reference is resolved by the base of the fullUrl (bundle.html#references)',
      document([
        entry(`${base}Composition/c`, composition({ id: 'c', author: [{ reference: 'Practitioner/a' }] })),
        entry(`${base}Practitioner/a`, { resourceType: 'Practitioner', id: 'a' }),
      ]),
      [],
    ],
    [
      'a subject that is not in the document',
      document([entry(uuid(1), composition({ subject: { reference: 'http://e.org/Patient/1' } })), author]),
      ['error not-found Bundle.entry[0].resource.subject'],
    ],
    [
      'a section entry that is not in the document',
      document([
        entry(uuid(1), composition({ section: [{ title: 's', entry: [{ reference: 'Condition/1' }] }] })),
        author,
      ]),
      ['error not-found Bundle.entry[0].resource.section[0].entry[0]'],
    ],
    [
      'an entry that nothing leads to',
      document([entry(uuid(1), composition()), author, entry(uuid(3), patient({ id: 'p' }))]),
      ['error invalid Bundle.entry[2]'],
    ],
    [
      'an entry that refers to one that is reached',
      document([
        entry(uuid(1), composition()),
        author,
        entry(uuid(3), {
          resourceType: 'Provenance',
          target: [{ reference: uuid(2) }],
          recorded: '2020-01-01T00:00:00Z',
          agent: [{ who: { display: 'x' } }],
        }),
      ]),
      [],
    ],
  ])('%s', (_, resource, expected) => expect(check(resource, core)).toEqual(expected));
});

describe('messages (messaging.html)', () => {
  it.each<[string, object, string[]]>([
    ['a header alone', bundle('message', [entry(uuid(1), header)]), []],
    [
      'its content',
      bundle('message', [entry(uuid(1), { ...header, focus: [{ reference: uuid(2) }] }), author]),
      [],
    ],
    [
      'content that is not there',
      bundle('message', [entry(uuid(1), { ...header, focus: [{ reference: 'Patient/1' }] })]),
      ['error not-found Bundle.entry[0].resource.focus[0]'],
    ],
    [
      'the first entry is no MessageHeader (bdl-12)',
      bundle('message', [entry(uuid(1), patient({ id: 'p' }))]),
      ['error invariant Bundle bdl-12'],
    ],
  ])('%s', (_, resource, expected) => expect(check(resource, core)).toEqual(expected));
});

describe('entries by the type of Bundle (bundle.html)', () => {
  it.each<[string, object, string[]]>([
    ['a transaction', bundle('transaction', [entry(uuid(1), patient({}), { request })]), []],
    [
      'a transaction without fullUrl',
      bundle('transaction', [entry(undefined, patient({}), { request })]),
      [],
    ],
    [
      'a transaction without request (bdl-3)',
      bundle('transaction', [entry(uuid(1), patient({}))]),
      ['error invariant Bundle bdl-3'],
    ],
    [
      'a request where none belongs (bdl-3)',
      bundle('collection', [entry(uuid(1), patient({}), { request })]),
      ['error invariant Bundle bdl-3'],
    ],
    [
      'a request without method and url',
      bundle('batch', [entry(uuid(1), patient({}), { request: { ifMatch: 'x' } })]),
      ['error required Bundle.entry[0].request', 'error required Bundle.entry[0].request'],
    ],
    [
      'a response without status',
      bundle('batch-response', [{ response: { location: 'Patient/1' } }]),
      ['error required Bundle.entry[0].response'],
    ],
    ['a batch response', bundle('batch-response', [{ response: { status: '201' } }]), []],
    [
      'a batch response without response (bdl-4)',
      bundle('batch-response', [entry(uuid(1), patient({}))]),
      ['error invariant Bundle bdl-4'],
    ],
    [
      'search details where none belong (bdl-2)',
      bundle('collection', [entry(uuid(1), patient({}), { search: { mode: 'match' } })]),
      ['error invariant Bundle bdl-2'],
    ],
    [
      'a total where none belongs (bdl-1)',
      bundle('collection', [entry(uuid(1), patient({}))], { total: 1 }),
      ['error invariant Bundle bdl-1'],
    ],
    [
      'a search set with an outcome, which has no fullUrl',
      bundle('searchset', [
        entry(
          undefined,
          {
            resourceType: 'OperationOutcome',
            issue: [{ severity: 'warning', code: 'processing', diagnostics: 'x' }],
          },
          { search: { mode: 'outcome' } },
        ),
      ]),
      [],
    ],
    [
      'two versions in a history have one fullUrl (bdl-7)',
      bundle(
        'history',
        ['1', '2'].map((versionId) =>
          entry(`${base}Patient/p`, patient({ id: 'p', meta: { versionId } }), {
            request: { method: 'PUT', url: 'Patient/p' },
            response: { status: '200' },
          }),
        ),
      ),
      [],
    ],
    [
      'the same resource twice (bdl-7)',
      bundle('collection', [entry(uuid(1), patient({})), entry(uuid(1), patient({}))]),
      ['error invariant Bundle bdl-7'],
    ],
    [
      'a fullUrl with a version (bdl-8)',
      bundle('collection', [entry(`${base}Patient/p/_history/1`, patient({}))]),
      ['error invariant Bundle.entry[0] bdl-8'],
    ],
    [
      'an entry without content (bdl-5)',
      bundle('collection', [{ fullUrl: uuid(1) }]),
      ['error invariant Bundle.entry[0] bdl-5'],
    ],
    [
      'a fullUrl that says another id',
      bundle('collection', [entry(`${base}Patient/q`, patient({ id: 'p' }))]),
      ['error invalid Bundle.entry[0]'],
    ],
    [
      'a fullUrl that says another type',
      bundle('collection', [entry(`${base}Group/p`, patient({ id: 'p' }))]),
      ['error invalid Bundle.entry[0]'],
    ],
    [
      'a fullUrl with a wrong UUID',
      bundle('collection', [entry('urn:uuid:123', patient({}))]),
      ['error value Bundle.entry[0].fullUrl'],
    ],
    [
      'a reference inside to nowhere',
      bundle('transaction', [
        entry(uuid(1), patient({ managingOrganization: { reference: uuid(9) } }), { request }),
      ]),
      ['error not-found Bundle.entry[0].resource.managingOrganization'],
    ],
    [
      'a reference inside to an entry of the wrong type',
      bundle('collection', [
        entry(uuid(1), patient({ managingOrganization: { reference: uuid(2) } })),
        author,
      ]),
      ['error structure Bundle.entry[0].resource.managingOrganization'],
    ],
    [
      'what is wrong in an entry is told with its place',
      bundle('collection', [entry(uuid(1), patient({ gender: 'x' }))]),
      ['error code-invalid Bundle.entry[0].resource.gender'],
    ],
  ])('%s', (_, resource, expected) => expect(check(resource, core)).toEqual(expected));
});

describe('results of a search (bundle.html#Bundle.entry.search.mode)', () => {
  const found = (resource: object, mode: string, url = `${base}Patient?name=x`) =>
    bundle('searchset', [entry(`${base}Patient/p`, resource, { search: { mode } })], {
      link: [{ relation: 'self', url }],
    });
  const group = { resourceType: 'Group', id: 'p', type: 'person', actual: true };
  const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'invalid' }] };
  const place = 'Bundle.entry[0]';
  it.each<[string, object, string[]]>([
    ['a match', found(patient({ id: 'p' }), 'match'), []],
    ['a match without id', found(patient({}), 'match'), [`error invalid ${place}.resource`]],
    [
      'a match of another type',
      found(group, 'match'),
      [`error invalid ${place}`, `error invalid ${place}.resource`],
    ],
    ['an outcome that is none', found(patient({ id: 'p' }), 'outcome'), [`error invalid ${place}.resource`]],
    ['an outcome', bundle('searchset', [{ resource: outcome, search: { mode: 'outcome' } }]), []],
    ['matches of an operation', found(patient({ id: 'p' }), 'match', `${base}Group/1/$everything`), []],
  ])('%s', (_, resource, expected) => expect(check(resource, core)).toEqual(expected));
});

describe('references to versions (bundle.html#references)', () => {
  const version = (versionId: string) =>
    entry(`${base}Practitioner/a`, { resourceType: 'Practitioner', id: 'a', meta: { versionId } });
  const by = (...references: string[]) =>
    document([
      entry(`${base}Composition/c`, {
        ...composition({ author: references.map((reference) => ({ reference })) }),
        id: 'c',
      }),
      version('1'),
      version('2'),
    ]);
  const both = ['Practitioner/a/_history/1', 'Practitioner/a/_history/2'];
  const place = 'Bundle.entry[0].resource.author[2]';
  it.each<[string, object, string[]]>([
    ['of the document', by(...both), []],
    ['of none', by(...both, 'Practitioner/a/_history/3'), [`error not-found ${place}`]],
    ['that do not say which', by(...both, 'Practitioner/a'), [`error multiple-matches ${place}`]],
  ])('%s', (_, resource, expected) => expect(check(resource, core)).toEqual(expected));
});

describe('relative references (bundle.html#references)', () => {
  const by = (fullUrl: string) =>
    document([
      entry(fullUrl, { ...composition({ author: [{ reference: 'Practitioner/a' }] }), id: 'c' }),
      entry(`${base}Practitioner/a`, { resourceType: 'Practitioner', id: 'a' }),
    ]);
  it.each<[string, object, string[]]>([
    ['by the base of the fullUrl', by(`${base}Composition/c`), []],
    ['from a urn', by(uuid(1)), ['error not-found Bundle.entry[0].resource.author[0]']],
  ])('%s', (_, resource, expected) => expect(check(resource, core)).toEqual(expected));
});

describe('conditional references (http.html#trules)', () => {
  const by = (reference: string) => patient({ managingOrganization: { reference } });
  const inside = (reference: string) => bundle('transaction', [entry(uuid(1), by(reference), { request })]);
  const place = 'managingOrganization';
  it.each<[string, object, string[]]>([
    ['in a transaction', inside('Organization?identifier=a|1&active=true'), []],
    [
      'that search for nothing',
      inside('Organization?a=1&?=='),
      [`error value Bundle.entry[0].resource.${place}`],
    ],
    ['anywhere else', by('Organization?identifier=1'), [`error value Patient.${place}`]],
  ])('%s', (_, resource, expected) => expect(check(resource, core)).toEqual(expected));
});
