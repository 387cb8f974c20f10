import { gzipSync } from 'node:zlib';
import type { Outgoing } from './exchange.ts';
import { body, JSON_TYPE } from './hostile-common.ts';
import { encode, parameters } from './hostile-search.ts';
import { hostileValue, mutate, nodeOf, print, STRINGS } from './hostile-values.ts';
import type { Random } from './random.ts';
import { randomResource, SEEDED } from './random-resource.ts';

export function pathRequest(base: string, random: Random): Outgoing {
  const segment = (): string =>
    random.weighted<string>([
      [
        5,
        () =>
          random.pick([
            'Patient',
            'a',
            '_history',
            '1',
            '_search',
            '$everything',
            '$meta',
            '$lastn',
            '$reindex',
            '$validate',
            '*',
            'metadata',
            '_async',
            'Observation',
            '$nothing',
            '0',
            '-1',
            '99999999999',
          ]),
      ],
      [3, () => encodeURIComponent(random.pick(STRINGS).toWellFormed()).slice(0, 9000)],
      [
        1,
        () =>
          random.pick([
            '%',
            '%zz',
            '%00',
            '%2e%2e',
            '..',
            '.',
            '',
            '%2f',
            ';',
            'Patient;x=1',
            '%c0%ae',
            '\u0001',
            'a b',
            'é',
            '\u00ff',
            '"<>',
          ]),
      ],
    ]);
  const root = random.pick([
    base,
    base,
    base,
    base,
    '/fhir',
    '/fhir/',
    '/fhir/nothing',
    '/fhir/%00',
    '/fhir/..',
    '',
    '/health',
    '/metrics',
    '//fhir',
    '/FHIR/north',
  ]);
  const path =
    [root, ...random.times(random.below(6), segment)].join('/') +
    (random.chance(0.2) ? `?${parameters(random, 'Patient')}` : '') +
    (random.chance(0.02) ? '?' + 'x'.repeat(random.pick([20_000, 60_000])) : '');
  const method = random.pick([
    'GET',
    'GET',
    'GET',
    'HEAD',
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'OPTIONS',
    'TRACE',
    'PROPFIND',
    'PURGE',
    'MERGE',
    'QUERY',
  ]);
  // A DELETE with no more than a type and unknown criteria must not empty the tenant; the id's of the seed are needed.
  return {
    method,
    path: path === '' ? '/' : path,
    headers: random.chance(0.3) ? JSON_TYPE : {},
    ...(method === 'POST' || method === 'PUT' || method === 'PATCH'
      ? { body: random.chance(0.5) ? '{}' : print(hostileValue(random)) }
      : {}),
  };
}

const HEADER_VALUES: Readonly<Record<string, readonly string[]>> = {
  'If-Match': ['W/"1"', '"1"', 'W/"', '*', 'W/"99999999999999999999"', 'W/"-1"', 'W/"1", W/"2"', '', '1'],
  'If-None-Match': ['W/"1"', '*', 'x', 'W/"1", "2"', ','],
  'If-Modified-Since': [
    'Sat, 29 Feb 2020 10:00:00 GMT',
    '2020-02-29',
    'x',
    '0',
    'Sat, 99 Feb 99999 10:00:00 GMT',
  ],
  'If-None-Exist': [
    'name=x',
    '?',
    '&&&',
    'name=%',
    '_has:x',
    'Patient?name=x',
    '_count=0',
    '_filter=(((',
    '%00',
    'a'.repeat(5000),
  ],
  Prefer: [
    'return=minimal',
    'return=x',
    'respond-async',
    'handling=strict, return=OperationOutcome',
    ';;;=,',
    'return="',
    'respond-async, respond-async',
  ],
  Accept: [
    'application/fhir+json',
    'application/fhir+xml',
    'text/html',
    '*/*;q=0',
    'a/b;q=NaN',
    ';',
    'application/fhir+json;fhirVersion=5.0',
    ','.repeat(2000),
    'x'.repeat(5000),
  ],
  'Accept-Encoding': ['br', 'gzip;q=0', '*', 'x', 'identity;q=0', 'gzip;q=99999999999'],
  'Content-Type': [
    'application/fhir+json',
    'application/json',
    'application/fhir+xml',
    'text/plain',
    'application/json; charset=utf-16',
    '',
    ';',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json-patch+json',
    '__proto__',
    'application/octet-stream',
  ],
  'Content-Encoding': ['gzip', 'br', 'deflate', 'identity', 'x', 'gzip, gzip', 'GZIP', ''],
  Host: ['x', '', 'localhost:99999', 'a b', '[::1', 'evil.example'],
  traceparent: [
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '00-0-0-0',
    'ff-' + '0'.repeat(32),
    'x'.repeat(3000),
    '',
  ],
  tracestate: ['a=b', ','.repeat(600)],
  'X-Request-Id': ['1', '<script>', 'x'.repeat(500)],
  'X-Forwarded-For': ['1.1.1.1', 'x'],
  'X-HTTP-Method-Override': ['DELETE'],
  'Content-Length': ['5', '0', '999999'],
  Expect: ['100-continue', 'x'],
  Range: ['bytes=0-1'],
  Cookie: ['a=b', '='.repeat(3000)],
  Authorization: ['Bearer x', 'Basic !!!'],
  Upgrade: ['websocket'],
  'Transfer-Encoding': ['gzip', 'chunked, gzip'],
  'Access-Control-Request-Headers': ['x-a, x-b', 'x'.repeat(3000)],
  'X-Provenance': ['{"resourceType":"Provenance"}', '{', '[]', '__proto__', '{"resourceType":"Patient"}'],
};

export function headerRequest(base: string, random: Random): Outgoing {
  const headers: Record<string, string> = { ...JSON_TYPE };
  for (let i = 1 + random.below(3); i > 0; i--) {
    const name = random.pick(Object.keys(HEADER_VALUES));
    headers[name] = random.chance(0.85)
      ? random.pick(HEADER_VALUES[name]!)
      : random.pick(STRINGS).replace(/[^\x20-\x7e\x80-\xff]/g, '');
  }
  if (random.chance(0.03)) for (let i = 0; i < 300; i++) headers[`X-H${i}`] = 'v';
  const method = random.pick(['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'PATCH']);
  const withBody = method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';
  const text = print(randomResource(random, 'Patient'));
  const encoded = headers['Content-Encoding'] === 'gzip' && random.chance(0.5) ? gzipSync(text) : text;
  const whole = withBody ? encoded : undefined;
  // Node's client takes framing for its own business: with these it would send something else, or wait.
  for (const framing of ['Content-Length', 'Transfer-Encoding', 'Expect', 'Upgrade'])
    if (headers[framing] !== undefined && (framing !== 'Upgrade' || withBody)) delete headers[framing];
  return {
    method,
    path: `${base}/${random.pick(['Patient', `Patient/${random.pick(SEEDED)}`, 'Binary', 'Binary/z1', 'Observation', 'Patient/_search', ''])}`.replace(
      /\/$/,
      '',
    ),
    headers,
    ...(whole === undefined ? {} : { body: whole }),
  };
}

export function operationRequest(base: string, random: Random): Outgoing {
  const seeded = random.pick(SEEDED);
  const path = random.pick([
    `Patient/${seeded}/$everything`,
    'Patient/$everything',
    'Observation/$lastn',
    '$meta',
    `Patient/${seeded}/$meta-add`,
    `Patient/${seeded}/$meta-delete`,
    `Patient/${seeded}/$meta`,
    'Patient/$validate',
    '$validate',
    `Patient/${seeded}/$validate`,
    '$nothing',
    'Encounter/z1/$everything',
    'Patient/$meta',
    `Patient/${seeded}/_history/1/$meta`,
    '$reindex',
  ]);
  const query = random.chance(0.5)
    ? `?${random.pick(['start', 'end', '_since', '_type', '_count', 'max', 'mode', 'profile', 'patient', 'category', 'code', 'type', 'url'])}=${encode(random, random.pick(STRINGS))}&${parameters(random, 'Observation')}`
    : '';
  const get = random.chance(0.5);
  const parametersBody = nodeOf({
    resourceType: 'Parameters',
    parameter: random.times(random.below(4), () => ({
      name: random.pick(['meta', 'resource', 'mode', 'start', 'max', 'type', 'x', '__proto__']),
      ...(random.chance(0.5)
        ? { resource: randomResource(random) }
        : random.chance(0.5)
          ? { valueMeta: { tag: [{ system: 'http://s', code: 'x' }], profile: [random.pick(STRINGS)] } }
          : { valueString: random.pick(STRINGS) }),
    })),
  });
  return {
    method: get ? 'GET' : 'POST',
    path: `${base}/${path}${query}`,
    headers: JSON_TYPE,
    ...(get
      ? {}
      : { body: body(random.chance(0.5) ? parametersBody : mutate(parametersBody, random), random) }),
  };
}
