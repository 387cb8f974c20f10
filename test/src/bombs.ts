import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Outgoing } from './exchange.ts';

/** A request made to exhaust the server, and the statuses that may answer it. */
export interface Bomb {
  readonly name: string;
  readonly outgoing: Outgoing;
  readonly expected: readonly number[];
}

const FHIR = { 'Content-Type': 'application/fhir+json' };
const REFUSED = [400, 404, 412, 413, 422];
const ANY = [200, 201, ...REFUSED];

/** Requests that are small for the client and would be dear for a server that trusts it. @param base path of the tenant */
export function bombs(base: string): Bomb[] {
  const post = (
    name: string,
    path: string,
    body: unknown,
    expected: readonly number[] = REFUSED,
    headers = {},
  ): Bomb => ({
    name,
    expected,
    outgoing: {
      method: 'POST',
      path: `${base}${path}`,
      headers: { ...FHIR, ...headers },
      body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
    },
  });
  const patient = (more: object) => ({ resourceType: 'Patient', ...more });
  return [
    ...packed(post),
    post('100,000 arrays inside one another', '/Patient', '['.repeat(100_000)),
    post('100,000 objects inside one another', '/Patient', '{"a":'.repeat(100_000)),
    post(
      '65 levels',
      '/Patient',
      `{"resourceType":"Patient","extension":${'[{"extension":'.repeat(65)}[]${'}]'.repeat(65)}}`,
    ),
    post('a million numbers', '/Patient', `{"resourceType":"Patient","name":[${'0,'.repeat(1_000_000)}0]}`),
    post(
      'a million empty objects',
      '/Patient',
      `{"resourceType":"Patient","name":[${'{},'.repeat(1_000_000)}{}]}`,
    ),
    post(
      '100,000 different properties',
      '/Patient',
      `{${Array.from({ length: 100_000 }, (_, i) => `"k${i}":1`).join(',')}}`,
    ),
    post(
      'a string of 3 MB (R4 datatypes.html#string: 1 MB)',
      '/Patient',
      patient({ name: [{ family: 'x'.repeat(3e6) }] }),
    ),
    post('a name of 3 MB', '/Patient', `{"resourceType":"Patient","${'x'.repeat(3e6)}":1}`),
    post(
      'a number of a million digits',
      '/Patient',
      `{"resourceType":"Patient","multipleBirthInteger":${'9'.repeat(1e6)}}`,
    ),
    post('a million escapes', '/Patient', `{"resourceType":"Patient","id":"${'\\u0041'.repeat(600_000)}"}`),
    post(
      '20,000 open narrative tags',
      '/Patient',
      patient({
        text: {
          status: 'generated',
          div: `<div xmlns="http://www.w3.org/1999/xhtml">${'<p>'.repeat(20_000)}`,
        },
      }),
    ),
    post(
      '20,000 nested narrative tags',
      '/Patient',
      patient({
        text: {
          status: 'generated',
          div: `<div xmlns="http://www.w3.org/1999/xhtml">${'<span>'.repeat(20_000)}${'</span>'.repeat(20_000)}</div>`,
        },
      }),
      ANY,
    ),
    post(
      'a narrative of entities',
      '/Patient',
      patient({
        text: {
          status: 'generated',
          div: `<!DOCTYPE x [<!ENTITY a "${'b'.repeat(1000)}">]><div xmlns="http://www.w3.org/1999/xhtml">${'&a;'.repeat(100_000)}</div>`,
        },
      }),
    ),
    post(
      '3000 contained resources that point at each other',
      '/Patient',
      patient({
        contained: Array.from({ length: 3000 }, (_, i) => ({
          resourceType: 'Patient',
          id: `c${i}`,
          link: [{ other: { reference: `#c${(i + 1) % 3000}` }, type: 'seealso' }],
        })),
        link: [{ other: { reference: '#c0' }, type: 'seealso' }],
      }),
      ANY,
    ),
    post(
      '30,000 names',
      '/Patient',
      patient({ name: Array.from({ length: 30_000 }, (_, i) => ({ family: `name ${i}` })) }),
      ANY,
    ),
    ...xml(post),
    ...bundles(post),
    ...searches(base),
    ...fhirPaths(base, post),
    ...patches(base),
  ];
}

type Post = (
  name: string,
  path: string,
  body: unknown,
  expected?: readonly number[],
  headers?: Record<string, string>,
) => Bomb;

function packed(post: Post): Bomb[] {
  // Concatenated gzip members are one gzip file (RFC 1952 2.2): 1 GB that takes 1 MB.
  const member = gzipSync(Buffer.alloc(16_777_216, 0x20), { level: 9 });
  const gzip = Buffer.concat(Array.from({ length: 64 }, () => member));
  return [
    post('1 GB in gzip', '/Patient', gzip, [413], { 'Content-Encoding': 'gzip' }),
    post(
      '200 MB in brotli',
      '/Patient',
      brotliCompressSync(Buffer.alloc(200_000_000, 0x20), { params: { 1: 1 } }),
      [413],
      { 'Content-Encoding': 'br' },
    ),
    post('gzip that is none', '/Patient', '{}', [400], { 'Content-Encoding': 'gzip' }),
    post('gzip cut off', '/Patient', gzipSync('{"resourceType":"Patient"}').subarray(0, 20), [400], {
      'Content-Encoding': 'gzip',
    }),
    post(
      'gzip followed by garbage',
      '/Patient',
      Buffer.concat([gzipSync('{"resourceType":"Patient"}'), Buffer.from('garbage')]),
      [201, 400],
      { 'Content-Encoding': 'gzip' },
    ),
    post('gzip in gzip', '/Patient', gzipSync(gzipSync('{"resourceType":"Patient"}')), [400], {
      'Content-Encoding': 'gzip',
    }),
    post('deflate that is raw', '/Patient', Buffer.from([0x4b, 0x4c, 0x4a, 0x06, 0x00]), [400], {
      'Content-Encoding': 'deflate',
    }),
    post('two codings', '/Patient', '{}', [415], { 'Content-Encoding': 'gzip, br' }),
  ];
}

function xml(post: Post): Bomb[] {
  const headers = { 'Content-Type': 'application/fhir+xml' };
  const patient = (content: string) => `<Patient xmlns="http://hl7.org/fhir">${content}</Patient>`;
  const entities = Array.from(
    { length: 20 },
    (_, i) => `<!ENTITY e${i + 1} "&e${i};&e${i};&e${i};&e${i};">`,
  ).join('');
  const refused = [...REFUSED, 415];
  return [
    post(
      'XML: entities that multiply',
      '/Patient',
      `<!DOCTYPE Patient [<!ENTITY e0 "x">${entities}]>${patient('<language value="&e20;"/>')}`,
      refused,
      headers,
    ),
    post(
      'XML: an entity of a file',
      '/Patient',
      `<!DOCTYPE Patient [<!ENTITY e SYSTEM "file:///etc/passwd">]>${patient('<language value="&e;"/>')}`,
      refused,
      headers,
    ),
    post('XML: 100,000 open elements', '/Patient', patient('<name>'.repeat(100_000)), refused, headers),
    post(
      'XML: 50,000 nested extensions',
      '/Patient',
      patient('<extension url="x">'.repeat(50_000) + '</extension>'.repeat(50_000)),
      refused,
      headers,
    ),
    post(
      'XML: 50,000 attributes',
      '/Patient',
      `<Patient xmlns="http://hl7.org/fhir" ${Array.from({ length: 50_000 }, (_, i) => `a${i}="x"`).join(' ')}/>`,
      refused,
      headers,
    ),
    post('XML: cut off', '/Patient', '<Patient xmlns="http://hl7.org/fhir"><name', refused, headers),
  ];
}

function bundles(post: Post): Bomb[] {
  const bundle = (type: string, entry: readonly object[]) => ({ resourceType: 'Bundle', type, entry });
  const uuid = (i: number) => `urn:uuid:0c3151bd-1cbf-4d64-b04d-${String(i).padStart(12, '0')}`;
  const times = (count: number, make: (i: number) => object) =>
    Array.from({ length: count }, (_, i) => make(i));
  const nested = (depth: number): object =>
    depth === 0
      ? { resourceType: 'Bundle', type: 'batch' }
      : bundle('batch', [{ request: { method: 'POST', url: '' }, resource: nested(depth - 1) }]);
  return [
    post(
      '20,000 empty entries',
      '',
      bundle(
        'transaction',
        times(20_000, () => ({})),
      ),
    ),
    post(
      'a batch of 10,000 wrong URLs',
      '',
      bundle(
        'batch',
        times(10_000, () => ({ request: { method: 'GET', url: '%' } })),
      ),
      ANY,
    ),
    post(
      'a batch of 2000 searches',
      '',
      bundle(
        'batch',
        times(2000, () => ({ request: { method: 'GET', url: 'Patient?name=a&_include=*' } })),
      ),
      ANY,
    ),
    post(
      'a ring of references in a transaction',
      '',
      bundle(
        'transaction',
        times(500, (i) => ({
          fullUrl: uuid(i),
          resource: {
            resourceType: 'Patient',
            link: [{ other: { reference: uuid((i + 1) % 500) }, type: 'seealso' }],
          },
          request: { method: 'POST', url: 'Patient' },
        })),
      ),
      ANY,
    ),
    post(
      'the same fullUrl 2000 times',
      '',
      bundle(
        'transaction',
        times(2000, () => ({
          fullUrl: uuid(0),
          resource: { resourceType: 'Patient' },
          request: { method: 'POST', url: 'Patient' },
        })),
      ),
    ),
    post(
      '2000 conditional references',
      '',
      bundle(
        'transaction',
        times(2000, (i) => ({
          fullUrl: uuid(i),
          resource: {
            resourceType: 'Patient',
            link: [{ other: { reference: `Patient?identifier=http://s|${i}` }, type: 'seealso' }],
          },
          request: { method: 'POST', url: 'Patient' },
        })),
      ),
    ),
    post(
      '1000 conditional deletes of everything',
      '',
      bundle(
        'transaction',
        times(1000, () => ({ request: { method: 'DELETE', url: 'Basic?code=x' } })),
      ),
      ANY,
    ),
    post('20 bundles inside one another', '', nested(14), ANY),
    post(
      'other hosts',
      '',
      bundle(
        'transaction',
        times(100, (i) => ({
          resource: { resourceType: 'Patient' },
          request: { method: 'POST', url: `http://other${i}.example/fhir/Patient` },
        })),
      ),
    ),
    post(
      'a narrative with 20,000 links',
      '',
      bundle('transaction', [
        {
          fullUrl: uuid(0),
          resource: {
            resourceType: 'Patient',
            text: {
              status: 'generated',
              div: `<div xmlns="http://www.w3.org/1999/xhtml">${`<a href="${uuid(0)}">x</a>`.repeat(20_000)}</div>`,
            },
          },
          request: { method: 'POST', url: 'Patient' },
        },
      ]),
      ANY,
    ),
  ];
}

function searches(base: string): Bomb[] {
  const search = (name: string, type: string, body: string, expected = ANY): Bomb => ({
    name: `search: ${name}`,
    expected,
    outgoing: {
      method: 'POST',
      path: `${base}/${type}/_search`,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body,
    },
  });
  return [
    search('a million commas', 'Patient', `name=${'a,'.repeat(1_000_000)}`),
    search(
      '100,000 tokens',
      'Patient',
      `identifier=${Array.from({ length: 100_000 }, (_, i) => `http://s|${i}`).join(',')}`,
    ),
    search('100,000 ids', 'Patient', `_id=${Array.from({ length: 100_000 }, (_, i) => `i${i}`).join(',')}`),
    search('20,000 parameters', 'Patient', 'name=a&'.repeat(20_000)),
    search('200,000 unknown parameters', 'Patient', 'nothing=a&'.repeat(200_000)),
    search('5000 sort keys', 'Patient', `_sort=${'name,'.repeat(5000)}`),
    search('5000 includes', 'Patient', '_include=*&'.repeat(5000)),
    search(
      'includes that iterate',
      'Patient',
      '_include:iterate=*&_revinclude:iterate=*&_include:iterate=Patient:link',
    ),
    search('a chain of 500', 'Patient', `${'link:Patient.'.repeat(500)}name=a`),
    search('_has 200 deep', 'Patient', `${'_has:Patient:link:'.repeat(200)}name=a`),
    search(
      'a chain without types',
      'Provenance',
      'target.subject.organization.partof.endpoint.organization.name=a',
    ),
    search('10,000 wildcards', 'Patient', `name:contains=${'%'.repeat(100)}${'_'.repeat(10_000)}`),
    search('a string of 1 MB', 'Patient', `name=${'a'.repeat(1e6)}`),
    search('_filter 2000 deep', 'Patient', `_filter=${'('.repeat(2000)}name eq a${')'.repeat(2000)}`),
    search('_filter of 20,000 tests', 'Patient', `_filter=${'name eq a or '.repeat(20_000)}name eq a`),
    search('_content of 50,000 words', 'Patient', `_content=${'word OR '.repeat(50_000)}word`),
    search(
      'units of units',
      'Observation',
      `value-quantity=5|http://unitsofmeasure.org|${'(m/'.repeat(5000)}s${')'.repeat(5000)}`,
    ),
    search('elements', 'Patient', `_elements=${'name,'.repeat(100_000)}`),
    search('100,000 broken escapes', 'Patient', `name=${'%zz'.repeat(100_000)}`),
    search('quantities beyond doubles', 'Observation', `value-quantity=gt${'9'.repeat(100_000)}`),
  ];
}

const EVIL_PATHS: readonly (readonly [string, string])[] = [
  ['a regular expression that backtracks', "Patient.name.where(family.matches('^(a+)+$'))"],
  ['replaceMatches that backtracks', "Patient.name.family.replaceMatches('(a|aa)+$', 'b')"],
  ['repeat without end', 'Patient.name.where(1.repeat($this + 1).exists())'],
  ['repeat of growing strings', "Patient.name.family.repeat($this & 'a')"],
  ['repeat of itself', 'Patient.repeat($this)'],
  [
    'descendants of descendants',
    'Patient.descendants().descendants().descendants().descendants().descendants().descendants()',
  ],
  ['doubling', `Patient.name${'.combine(Patient.name).select($this | $this)'.repeat(40)}`],
  ['a product of collections', `Patient.descendants()${'.select(%resource.descendants())'.repeat(8)}`],
  ['a string that doubles', `Patient.name.family${'.select($this & $this & $this & $this)'.repeat(30)}`],
  ['20,000 names', `Patient${'.name'.repeat(20_000)}`],
  ['20,000 parentheses', `${'('.repeat(20_000)}Patient${')'.repeat(20_000)}`],
  ['20,000 unary minuses', `${'-'.repeat(20_000)}1`],
  ['20,000 ands', `Patient.name${' and true'.repeat(20_000)}`],
  ['an index beyond all', 'Patient.name[99999999999999999999]'],
  ['a string of 1 MB', `'${'a'.repeat(1e6)}'`],
];

function fhirPaths(base: string, post: Post): Bomb[] {
  const name = [{ family: `${'a'.repeat(60)}!` }];
  return EVIL_PATHS.flatMap(([what, expression], i): Bomb[] => [
    post(
      `SearchParameter: ${what}`,
      '/SearchParameter',
      {
        resourceType: 'SearchParameter',
        url: `http://example.org/evil/${i}`,
        name: 'Evil',
        status: 'active',
        description: 'x',
        code: `evil-${i}`,
        base: ['Patient'],
        type: 'string',
        expression,
      },
      ANY,
    ),
    post(`and a Patient for it: ${what}`, '/Patient', { resourceType: 'Patient', name }, ANY),
    {
      name: `FHIRPath Patch: ${what}`,
      expected: ANY,
      outgoing: {
        method: 'PATCH',
        path: `${base}/Patient/evil`,
        headers: FHIR,
        body: JSON.stringify({
          resourceType: 'Parameters',
          parameter: [
            {
              name: 'operation',
              part: [
                { name: 'type', valueCode: 'delete' },
                { name: 'path', valueString: expression },
              ],
            },
          ],
        }),
      },
    },
  ]);
}

function patches(base: string): Bomb[] {
  const patch = (name: string, operations: readonly object[], expected = REFUSED): Bomb => ({
    name: `JSON Patch: ${name}`,
    expected,
    outgoing: {
      method: 'PATCH',
      path: `${base}/Patient/evil`,
      headers: { 'Content-Type': 'application/json-patch+json' },
      body: JSON.stringify(operations),
    },
  });
  return [
    patch(
      'copies that double',
      Array.from({ length: 60 }, () => ({ op: 'copy', from: '/name', path: '/name/0/extension' })),
    ),
    patch('copies that double side by side', [
      { op: 'add', path: '/extension', value: [{ url: 'http://x', extension: [] }] },
      ...Array.from({ length: 60 }, () => ({
        op: 'copy',
        from: '/extension/0',
        path: '/extension/0/extension/-',
      })),
    ]),
    patch(
      '30,000 tests',
      Array.from({ length: 30_000 }, () => ({ op: 'test', path: '/id', value: 'evil' })),
      ANY,
    ),
    patch(
      '30,000 inserts at the front',
      Array.from({ length: 30_000 }, () => ({ op: 'add', path: '/name/0', value: { family: 'x' } })),
      ANY,
    ),
    patch('a move into itself', [{ op: 'move', from: '/name', path: '/name/0/extension' }]),
    patch('a pointer of 1 MB', [{ op: 'remove', path: '/a'.repeat(500_000) }]),
  ];
}
