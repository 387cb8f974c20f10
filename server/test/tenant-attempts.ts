import { entry, type HeaderMap } from './harness.ts';
import { type Named, observation, SYSTEM } from './tenant-twins.ts';

/** A request of somebody in the tenant `south`. */
export interface Tried {
  readonly method?: string;
  readonly path: string;
  readonly body?: object | string;
  readonly headers?: HeaderMap;
}

/** All that is tried, by name, for what is named. */
export const everywhere: [string, (named: Named) => Tried][] = [];
const attempt = (name: string, tried: (named: Named) => Tried) => everywhere.push([name, tried]);

/* Paths and history */
for (const type of ['Patient', 'Binary', 'Group', 'ValueSet', 'StructureDefinition']) {
  attempt(`read ${type}`, ({ id }) => ({ path: `${type}/${id}` }));
}
for (const path of [
  '_history',
  '_history/1',
  'Observation',
  '*',
  '$everything',
  '$meta',
  '$disclosures',
  '$graph',
]) {
  attempt(`Patient/[id]/${path}`, ({ id }) => ({ path: `Patient/${id}/${path}` }));
}
attempt('HEAD', ({ id }) => ({ method: 'HEAD', path: `Patient/${id}` }));
attempt('Binary as it is', ({ id }) => ({ path: `Binary/${id}`, headers: { Accept: 'text/plain' } }));
attempt('history of the type since ever', ({ id }) => ({
  path: `Patient/_history?_since=2000-01-01&_id=${id}`,
}));

/* Search parameters, chains, includes */
export const searches: ((named: Named) => string)[] = [
  ({ id }) => `Patient?_id=${id}`,
  ({ id }) => `?_type=Patient,Observation&_id=${id}`,
  ({ value }) => `Patient?identifier=${SYSTEM}|${value}`,
  ({ value }) => `Patient?identifier=${value}`,
  ({ value }) => `Patient?_tag=${SYSTEM}|${value}`,
  ({ value }) => `Patient?_profile=http://example.org/StructureDefinition/${value}`,
  ({ id }) => `Patient?_list=${id}`,
  ({ id, base }) => `Patient?_list=${base}/List/${id}`,
  ({ id }) => `Patient?_in=Group/${id}`,
  ({ id }) => `Patient?_filter=${encodeURIComponent(`id eq ${id}`)}`,
  ({ value }) => `Patient?_content=${value}`,
  ({ id }) => `Observation?subject=${id}`,
  ({ id }) => `Observation?subject=Patient/${id}`,
  ({ id, base }) => `Observation?subject=${encodeURIComponent(`${base}/Patient/${id}`)}`,
  ({ id, base }) => `Observation?patient=${encodeURIComponent(`${base}/Patient/${id}/_history/1`)}`,
  ({ value }) => `Observation?subject:identifier=${SYSTEM}|${value}`,
  ({ value }) => `Observation?subject:Patient.identifier=${SYSTEM}|${value}`,
  ({ id }) => `Observation?subject:Patient.organization=Organization/${id}`,
  ({ id }) => `Observation?subject:Patient._id=${id}`,
  ({ value }) => `Patient?_has:Observation:subject:code=${SYSTEM}|${value}`,
  ({ id }) => `Organization?_has:Patient:organization:_id=${id}`,
  ({ id }) => `Practitioner?_has:Patient:general-practitioner:_has:Observation:subject:_id=${id}`,
  ({ id }) => `Observation?_id=${id}&_include=Observation:subject&_include:iterate=Patient:*`,
  ({ id }) => `Patient?_id=${id}&_revinclude=Observation:subject&_revinclude=*:*`,
  ({ value }) => `Observation?code:in=http://example.org/vs/${value}`,
  ({ value }) => `Observation?code:not-in=http://example.org/vs/${value}`,
  ({ value }) => `Observation?code:below=http://example.org/cs/${value}|a`,
  ({ value }) => `Observation?code-value-string=${SYSTEM}|${value}$x`,
  ({ id }) => `Group?member=Patient/${id}`,
  ({ id }) => `List?item=Patient/${id}`,
  ({ value }) => `ValueSet?url=http://example.org/vs/${value}`,
  ({ value }) => `ValueSet?reference=http://example.org/cs/${value}`,
];
for (const search of searches) {
  attempt(search({ id: '[id]', base: '[base]', value: '[value]' }), (named) => ({ path: search(named) }));
}
for (const mode of ['_summary=count', '_total=accurate', '_elements=id', '_explain=true', '_count=0']) {
  attempt(`search with ${mode}`, ({ value }) => ({ path: `Patient?identifier=${SYSTEM}|${value}&${mode}` }));
}
attempt('POST _search', ({ value }) => ({
  method: 'POST',
  path: 'Patient/_search',
  body: `identifier=${SYSTEM}|${value}`,
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
}));

/* References in bodies */
const references: [string, (named: Named) => object][] = [
  ['relative', ({ id }) => ({ reference: `Patient/${id}` })],
  ['versioned', ({ id }) => ({ reference: `Patient/${id}/_history/1` })],
  ['absolute', ({ id, base }) => ({ reference: `${base}/Patient/${id}` })],
  ['upwards', ({ id, base }) => ({ reference: `../${base.split('/').at(-1)}/Patient/${id}` })],
  ['logical', ({ value }) => ({ identifier: { system: SYSTEM, value }, type: 'Patient' })],
];
for (const [kind, reference] of references) {
  attempt(`create with a reference that is ${kind}`, (named) => ({
    method: 'POST',
    path: 'Observation',
    body: observation(reference(named)),
  }));
  attempt(`transaction with a reference that is ${kind}`, (named) =>
    transaction(entry('POST', 'Observation', observation(reference(named)))),
  );
  attempt(`Group with a member that is ${kind}`, (named) => ({
    method: 'POST',
    path: 'Group',
    body: { resourceType: 'Group', type: 'person', actual: true, member: [{ entity: reference(named) }] },
  }));
  attempt(`List with an item that is ${kind}`, (named) => ({
    method: 'POST',
    path: 'List',
    body: { resourceType: 'List', status: 'current', mode: 'working', entry: [{ item: reference(named) }] },
  }));
  attempt(`JSON Patch that puts in a reference that is ${kind}`, (named) => ({
    method: 'PATCH',
    path: 'Observation/twin',
    body: JSON.stringify([
      { op: 'test', path: '/status', value: 'final' },
      { op: 'add', path: '/performer', value: [reference(named)] },
      // The patch is refused in the end: what matters is how.
      { op: 'test', path: '/status', value: 'amended' },
    ]),
    headers: { 'Content-Type': 'application/json-patch+json' },
  }));
  attempt(`FHIRPath Patch that puts in a reference that is ${kind}`, (named) => ({
    method: 'PATCH',
    // Each has its own: the patch is carried out where the reference may be.
    path: `Observation/canvas-${named.id}`,
    body: {
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'operation',
          part: [
            { name: 'type', valueCode: 'replace' },
            { name: 'path', valueString: 'Observation.subject' },
            { name: 'value', valueReference: reference(named) },
          ],
        },
      ],
    },
  }));
}
function transaction(...entries: object[]): Tried {
  return { method: 'POST', path: '', body: { resourceType: 'Bundle', type: 'transaction', entry: entries } };
}
attempt('conditional reference', ({ value }) =>
  transaction(
    entry('POST', 'Observation', observation({ reference: `Patient?identifier=${SYSTEM}|${value}` })),
  ),
);
attempt('attachment of a Binary', ({ id, base }) => ({
  method: 'POST',
  path: 'DocumentReference',
  body: {
    resourceType: 'DocumentReference',
    status: 'current',
    content: [{ attachment: { url: `${base}/Binary/${id}` } }],
  },
}));

/* Bundle entries and conditional interactions */
for (const url of [
  ({ id }: Named) => `Patient/${id}`,
  ({ id, base }: Named) => `${base}/Patient/${id}`,
  ({ id, base }: Named) => `/fhir/${base.split('/').at(-1)}/Patient/${id}`,
  ({ id, base }: Named) => `../${base.split('/').at(-1)}/Patient/${id}`,
  ({ value }: Named) => `Patient?identifier=${SYSTEM}|${value}`,
]) {
  const name = url({ id: '[id]', base: '[base]', value: '[value]' });
  for (const type of ['batch', 'transaction']) {
    attempt(`${type} that reads ${name}`, (named) => ({
      ...transaction(entry('GET', url(named))),
      body: { resourceType: 'Bundle', type, entry: [entry('GET', url(named))] },
    }));
  }
  attempt(`transaction that deletes ${name}`, (named) => transaction(entry('DELETE', url(named))));
  attempt(`transaction that patches ${name}`, (named) =>
    transaction(
      entry('PATCH', url(named), {
        resourceType: 'Binary',
        contentType: 'application/json-patch+json',
        data: Buffer.from('[{"op":"remove","path":"/name"}]').toString('base64'),
      }),
    ),
  );
  attempt(`transaction that updates ${name} in a version`, (named) =>
    transaction(entry('PUT', url(named), { resourceType: 'Patient' }, { ifMatch: 'W/"1"' })),
  );
}
attempt('update in a version', ({ id }) => ({
  method: 'PUT',
  path: `Patient/${id}`,
  body: { resourceType: 'Patient', id },
  headers: { 'If-Match': 'W/"1"' },
}));
attempt('patch', ({ id }) => ({
  method: 'PATCH',
  path: `Patient/${id}`,
  body: '[{"op":"remove","path":"/name"}]',
  headers: { 'Content-Type': 'application/json-patch+json' },
}));
attempt('conditional patch', ({ value }) => ({
  method: 'PATCH',
  path: `Patient?identifier=${SYSTEM}|${value}`,
  body: '[{"op":"remove","path":"/name"}]',
  headers: { 'Content-Type': 'application/json-patch+json' },
}));
attempt('delete', ({ id }) => ({ method: 'DELETE', path: `Patient/${id}` }));
attempt('conditional delete', ({ value }) => ({
  method: 'DELETE',
  path: `Patient?identifier=${SYSTEM}|${value}`,
}));

/* Operations */
const parameters = (...parameter: object[]) => ({ resourceType: 'Parameters', parameter });
const operation = (path: string, ...parameter: object[]): Tried => ({
  method: 'POST',
  path,
  body: parameters(...parameter),
});
attempt('$everything of an Encounter', ({ id }) => ({ path: `Encounter/${id}/$everything` }));
attempt('$lastn', ({ id }) => ({ path: `Observation/$lastn?patient=Patient/${id}&category=${SYSTEM}|cat` }));
attempt('$docref', ({ id }) => ({ path: `DocumentReference/$docref?patient=${id}` }));
attempt('$meta-add', ({ id }) =>
  operation(`Patient/${id}/$meta-add`, { name: 'meta', valueMeta: { tag: [{ code: 'x' }] } }),
);
attempt('$validate of what is stored', ({ id }) => ({
  method: 'POST',
  path: `Patient/${id}/$validate`,
  body: parameters(),
}));
attempt('$validate with a profile', ({ value }) =>
  operation(
    'Patient/$validate',
    { name: 'resource', resource: { resourceType: 'Patient' } },
    { name: 'profile', valueUri: `http://example.org/StructureDefinition/${value}` },
  ),
);
attempt('$validate with a binding and a reference', ({ id, base }) =>
  operation('Observation/$validate', {
    name: 'resource',
    resource: observation({ reference: `${base}/Patient/${id}` }),
  }),
);
attempt('$fhirpath that resolves', ({ id }) =>
  operation(
    '$fhirpath',
    { name: 'expression', valueString: 'Observation.subject.resolve().name.family' },
    { name: 'resource', resource: observation({ reference: `Patient/${id}` }) },
  ),
);
attempt('$fhirpath that resolves an absolute reference', ({ id, base }) =>
  operation(
    '$fhirpath',
    { name: 'expression', valueString: 'Observation.subject.resolve().name.family' },
    { name: 'resource', resource: observation({ reference: `${base}/Patient/${id}` }) },
  ),
);
attempt('$fhirpath that asks terminology', ({ value }) =>
  operation(
    '$fhirpath',
    { name: 'expression', valueString: `'a'.memberOf('http://example.org/vs/${value}')` },
    { name: 'resource', resource: { resourceType: 'Patient' } },
  ),
);
attempt('$snapshot', ({ value }) => ({
  path: `StructureDefinition/$snapshot?url=http://example.org/StructureDefinition/${value}`,
}));
attempt('$expand by URL', ({ value }) => ({ path: `ValueSet/$expand?url=http://example.org/vs/${value}` }));
attempt('$expand by id', ({ id }) => ({ path: `ValueSet/${id}/$expand` }));
attempt('$expand of a value set of its own over the other code system', ({ value }) =>
  operation('ValueSet/$expand', {
    name: 'valueSet',
    resource: {
      resourceType: 'ValueSet',
      status: 'active',
      compose: { include: [{ system: `http://example.org/cs/${value}` }] },
    },
  }),
);
attempt('tx-resource that includes the other value set', ({ value }) =>
  operation(
    'ValueSet/$expand',
    { name: 'url', valueUri: 'http://example.org/vs/sent' },
    {
      name: 'tx-resource',
      resource: {
        resourceType: 'ValueSet',
        url: 'http://example.org/vs/sent',
        status: 'active',
        compose: { include: [{ valueSet: [`http://example.org/vs/${value}`] }] },
      },
    },
  ),
);
attempt('$validate-code', ({ value }) => ({
  path: `ValueSet/$validate-code?url=http://example.org/vs/${value}&system=http://example.org/cs/${value}&code=a`,
}));
attempt('$lookup', ({ value }) => ({
  path: `CodeSystem/$lookup?system=http://example.org/cs/${value}&code=a`,
}));
attempt('$subsumes', ({ value }) => ({
  path: `CodeSystem/$subsumes?system=http://example.org/cs/${value}&codeA=a&codeB=b`,
}));
attempt('$translate by URL', ({ value }) => ({
  path: `ConceptMap/$translate?url=http://example.org/cm/${value}&system=http://example.org/cs/${value}&code=a`,
}));
attempt('$translate by id', ({ id, value }) => ({
  path: `ConceptMap/${id}/$translate?system=http://example.org/cs/${value}&code=a`,
}));

/* Headers that might be taken for a tenant, or for what a resource is asked for */
const HEADERS = [
  'Host',
  'X-Forwarded-Host',
  'X-Forwarded-Prefix',
  'X-Original-URL',
  'X-Rewrite-URL',
  'X-Tenant',
  'X-Tenant-Id',
  'Forwarded',
  'Referer',
  'Content-Location',
];
for (const header of HEADERS.slice(1)) {
  attempt(`header ${header}`, ({ id, base }) => ({
    path: `Patient/${id}`,
    headers: { [header]: header === 'Forwarded' ? `host="${base}"` : `${base}/Patient/${id}` },
  }));
}
attempt('If-None-Match', ({ id }) => ({ path: `Patient/${id}`, headers: { 'If-None-Match': 'W/"1"' } }));
attempt('X-Provenance', ({ id, base }) => ({
  method: 'POST',
  path: 'Observation',
  body: observation({ reference: 'Patient/twin' }),
  headers: {
    'X-Provenance': JSON.stringify({
      resourceType: 'Provenance',
      recorded: '2026-01-01T00:00:00Z',
      agent: [{ who: { reference: `${base}/Practitioner/${id}` } }],
    }),
  },
}));
