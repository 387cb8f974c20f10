import type { Outgoing } from './exchange.ts';
import { body, FHIR_PATHS, JSON_TYPE, TYPES } from './hostile-common.ts';
import { parameters } from './hostile-search.ts';
import { hostileValue, Members, mutate, type Node, nodeOf, STRINGS } from './hostile-values.ts';
import type { Random } from './random.ts';
import { definitions, randomResource, SEEDED } from './random-resource.ts';

export function resourceRequest(base: string, random: Random): Outgoing {
  const type = random.chance(0.5) ? random.pick(definitions.resourceTypes) : random.pick(TYPES);
  const resource = randomResource(random, type);
  const put = random.chance(0.4);
  const id = `z${random.below(40)}`;
  if (put) resource.list.push(['id', id]);
  const node = random.chance(0.12) ? resource : mutate(resource, random);
  return {
    method: put ? 'PUT' : 'POST',
    path: `${base}/${type}${put ? `/${id}` : ''}${random.chance(0.1) ? `?${parameters(random, type)}` : ''}`,
    headers: JSON_TYPE,
    body: body(node, random),
  };
}

export function bundleRequest(base: string, random: Random): Outgoing {
  const count = random.weighted([
    [10, () => random.below(6)],
    [1, () => 300],
  ]);
  const uuid = (i: number) => `urn:uuid:0c3151bd-1cbf-4d64-b04d-${String(i % 1000).padStart(12, '0')}`;
  const entry = (i: number): unknown => {
    const type = random.pick(TYPES);
    const method = random.pick(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD']);
    const url = random.weighted<string>([
      [6, () => (method === 'POST' ? type : `${type}/z${random.below(20)}`)],
      [2, () => `${type}?${parameters(random, type)}`],
      [1, () => random.pick(STRINGS)],
      [
        1,
        () =>
          random.pick([
            'http://other.example/fhir/Patient/1',
            '/Patient/a',
            'Patient/../x',
            'Bundle',
            '$everything',
            '_search',
            'metadata',
            '',
            'Patient/a/_history/1',
            uuid(i),
          ]),
      ],
    ]);
    return {
      ...(random.chance(0.6)
        ? {
            fullUrl: random.chance(0.8)
              ? uuid(i)
              : random.pick([uuid(0), 'http://a/b', 'x', ...STRINGS.slice(0, 10)]),
          }
        : {}),
      ...(random.chance(method === 'POST' || method === 'PUT' ? 0.9 : 0.1)
        ? {
            resource: new Members([
              ...randomResource(random, random.chance(0.9) ? type : 'Bundle').list,
              ...(method === 'PUT' ? ([['id', url.split('/').at(-1) as string]] as [string, Node][]) : []),
              ...(random.chance(0.2)
                ? ([['subject', nodeOf({ reference: uuid(i + 1) })]] as [string, Node][])
                : []),
            ]),
          }
        : {}),
      request: {
        method: random.chance(0.95) ? method : random.pick(['get', 'TRACE', '', 'CONNECT']),
        url,
        ...(random.chance(0.1)
          ? { ifNoneExist: random.chance(0.5) ? parameters(random, type) : random.pick(STRINGS) }
          : {}),
        ...(random.chance(0.1) ? { ifMatch: random.pick(['W/"1"', 'W/"0"', '1', '*', 'W/"x']) } : {}),
        ...(random.chance(0.05) ? { ifModifiedSince: random.pick(['2020-01-01T00:00:00Z', 'x']) } : {}),
        ...(random.chance(0.05) ? { ifNoneMatch: random.pick(['*', 'W/"1"', 'x']) } : {}),
      },
    };
  };
  const bundle = nodeOf({
    resourceType: 'Bundle',
    type: random.pick(['transaction', 'batch', 'transaction', 'batch', 'history', 'searchset', 'x']),
    entry: random.times(count, entry),
  });
  return {
    method: 'POST',
    path: base,
    headers: JSON_TYPE,
    body: body(random.chance(0.5) ? bundle : mutate(bundle, random), random),
  };
}

const PATHS = [
  '/name',
  '/name/0',
  '/name/-',
  '/name/0/given/0',
  '/nothing/x',
  '',
  '/',
  '/~',
  '/~2',
  '/a~1b',
  '/__proto__/polluted',
  '/constructor/prototype',
  '/id',
  '/resourceType',
  '/meta',
  '/name/99999999999',
  '/name/01',
  '/name/1e1',
  'name',
  '/name/0/family',
  '/birthDate',
];

export function patchRequest(base: string, random: Random): Outgoing {
  const path = `${base}/Patient/${random.pick(SEEDED)}`;
  if (random.chance(0.5)) {
    const operation = (): unknown => ({
      op: random.pick(['add', 'remove', 'replace', 'move', 'copy', 'test', 'x', '__proto__']),
      path: random.pick(PATHS),
      ...(random.chance(0.7) ? { value: random.chance(0.5) ? hostileValue(random) : { family: 'X' } } : {}),
      ...(random.chance(0.4) ? { from: random.pick(PATHS) } : {}),
    });
    const patch = nodeOf(random.times(random.chance(0.05) ? 3000 : 1 + random.below(4), operation));
    return {
      method: 'PATCH',
      path,
      headers: { 'Content-Type': 'application/json-patch+json' },
      body: body(random.chance(0.7) ? patch : mutate(patch, random), random),
    };
  }
  const part = (): unknown => ({
    name: random.chance(0.95) ? 'operation' : 'x',
    part: [
      { name: 'type', valueCode: random.pick(['add', 'insert', 'delete', 'replace', 'move', 'x']) },
      { name: 'path', valueString: random.pick(FHIR_PATHS) },
      ...(random.chance(0.7)
        ? [
            {
              name: 'name',
              valueString: random.pick(['name', 'birthDate', '__proto__', 'id', 'x', 'resourceType', '']),
            },
          ]
        : []),
      ...(random.chance(0.7)
        ? [
            random.chance(0.7)
              ? { name: 'value', valueHumanName: { family: 'X' } }
              : { name: 'value', valueString: hostileValue(random) },
          ]
        : []),
      ...(random.chance(0.4)
        ? [{ name: 'index', valueInteger: random.pick([0, -1, 99999999, 2147483647]) }]
        : []),
      ...(random.chance(0.2)
        ? [
            { name: 'source', valueInteger: random.pick([0, 5, -1]) },
            { name: 'destination', valueInteger: random.pick([0, 5, -1]) },
          ]
        : []),
    ],
  });
  const patch = nodeOf({
    resourceType: 'Parameters',
    parameter: random.times(random.chance(0.03) ? 500 : 1 + random.below(3), part),
  });
  return {
    method: 'PATCH',
    path,
    headers: JSON_TYPE,
    body: body(random.chance(0.7) ? patch : mutate(patch, random), random),
  };
}

export function searchParameterRequest(base: string, random: Random): Outgoing {
  const code = random.pick([
    'custom',
    'custom2',
    '_id',
    'name',
    'a b',
    '__proto__',
    'x'.repeat(500),
    'constructor',
  ]);
  const resource = nodeOf({
    resourceType: 'SearchParameter',
    url: `http://example.org/sp/${random.below(5)}`,
    name: 'X',
    status: random.pick(['active', 'draft', 'retired']),
    description: 'x',
    code,
    base: random.pick([['Patient'], ['Patient', 'Observation'], ['Resource'], ['Nothing'], []]),
    type: random.pick([
      'string',
      'token',
      'date',
      'number',
      'quantity',
      'reference',
      'uri',
      'composite',
      'special',
    ]),
    expression: random.chance(0.4)
      ? random.pick([
          'Patient.name.family',
          'Patient.birthDate',
          'Patient.extension',
          'Observation.value',
          'Resource.id',
        ])
      : random.pick([...FHIR_PATHS, ...STRINGS]),
    ...(random.chance(0.2)
      ? { component: [{ definition: random.pick(STRINGS), expression: random.pick(FHIR_PATHS) }] }
      : {}),
    ...(random.chance(0.2) ? { target: [random.pick(['Patient', 'Nothing'])] } : {}),
  });
  return {
    method: 'POST',
    path: `${base}/SearchParameter`,
    headers: JSON_TYPE,
    body: body(random.chance(0.6) ? resource : mutate(resource, random), random),
  };
}
