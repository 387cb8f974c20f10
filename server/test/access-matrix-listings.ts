import type { Case } from './access-cases.ts';
import { PATIENTS, RESOURCES } from './access-data.ts';
import { ALL_TYPES, byReference, entriesOf, listed, type Matrix, type Reply } from './access-matrix.ts';
import type { JsonObject } from './naive-values.ts';

/** Answers that list resources of several types. */
export async function listings(matrix: Matrix, one: Case): Promise<void> {
  await severalTypes(matrix, one);
  await compartments(matrix, one);
  await includes(matrix, one);
  await histories(matrix, one);
  await batch(matrix, one);
  await explained(matrix, one);
}

/** Several types, with pages that are followed to the end. */
async function severalTypes(matrix: Matrix, one: Case): Promise<void> {
  const types = ['Observation', 'Patient', 'Practitioner', 'Provenance'];
  const mayAny = types.some((type) => matrix.access.mayType(one.token, 'search-type', type));
  const found: string[] = [];
  let target: string | undefined = `?_type=${types.join(',')}&_count=7`;
  for (let pages = 0; target !== undefined && pages < 30; pages++) {
    const answer: Reply = await matrix.send(one, 'GET', target);
    matrix.differ(one, 'system search', mayAny ? 200 : 403, answer.status);
    if (answer.status !== 200) break;
    found.push(...listed(answer));
    const next = ((answer.body['link'] ?? []) as JsonObject[]).find(({ relation }) => relation === 'next');
    target = next === undefined ? undefined : `?${String(next['url']).split('?')[1]}`;
    if (target !== undefined && pages === 0) {
      // The link of this page in the hands of somebody who may see nothing.
      const stolen = await matrix.server.send(matrix.tenant, 'GET', target, undefined, {
        scope: { tenant: matrix.tenant, subject: 'thief', grants: [{ types: ['Slot'], interactions: '*' }] },
      });
      matrix.requests++;
      matrix.differ(one, 'a paging link under another scope', 403, stolen.status);
    }
  }
  if (mayAny) matrix.differ(one, 'system search', matrix.expectedMatches(one, types), found.sort());
  matrix.note('system search', mayAny);
}

/** Everything in a patient's compartment, by search and by $everything. */
async function compartments(matrix: Matrix, one: Case): Promise<void> {
  for (const patient of PATIENTS) {
    const compartment = await matrix.send(one, 'GET', `Patient/${patient}/Observation?_count=1000`);
    const inside = matrix
      .expectedMatches(one, ['Observation'])
      .filter((reference) => reference.includes(`/${patient}-`));
    if (compartment.status === 200)
      matrix.differ(one, `Patient/${patient}/Observation`, inside, listed(compartment).sort());
    const all = await matrix.send(one, 'GET', `Patient/${patient}/$everything`);
    const may = matrix.mayRead(one, `Patient/${patient}`);
    matrix.note('$everything', may);
    if (!may) {
      matrix.differ(
        one,
        `Patient/${patient}/$everything`,
        matrix.access.mayType(one.token, 'read', 'Patient') ? 404 : 403,
        all.status,
      );
      continue;
    }
    const seen = listed(all);
    const missing = inside.filter((reference) => !seen.includes(reference));
    matrix.differ(one, `Patient/${patient}/$everything lacks`, [], missing);
    const extra = seen.filter(
      (reference) => !matrix.access.may(one.token, 'search-type', byReference.get(reference) as JsonObject),
    );
    matrix.differ(one, `Patient/${patient}/$everything shows`, [], extra);
    matrix.checkHiddenEntries(one, '$everything', all);
  }
}

/** Includes bring what may be read only. */
async function includes(matrix: Matrix, one: Case): Promise<void> {
  for (const [query, type] of [
    [
      'Observation?_include=Observation:subject&_include=Observation:performer&_revinclude=Provenance:target&_count=1000',
      'Observation',
    ],
    ['Encounter?_include=*&_count=1000', 'Encounter'],
    [
      'Patient?_revinclude=Observation:subject&_revinclude=Encounter:subject&_include:iterate=*&_count=1000',
      'Patient',
    ],
  ] as const) {
    const answer = await matrix.send(one, 'GET', query);
    if (!matrix.access.mayType(one.token, 'search-type', type)) {
      matrix.differ(one, query, 403, answer.status);
      continue;
    }
    if (answer.status === 400) continue;
    matrix.differ(one, query, 200, answer.status);
    const included = listed(answer, 'include');
    matrix.differ(
      one,
      `${query}: included`,
      [],
      included.filter((reference) => !matrix.mayRead(one, reference)),
    );
    matrix.note('include', included.length > 0);
    if (type === 'Observation' && one.scope.hidden === undefined) {
      const matches = listed(answer, 'match');
      const wanted = RESOURCES.filter(
        ({ resourceType, target: targets }) =>
          resourceType === 'Provenance' &&
          (targets as { reference: string }[]).some(({ reference }) => matches.includes(reference)),
      )
        .map(({ id }) => `Provenance/${id}`)
        .filter((reference) => matrix.mayRead(one, reference));
      matrix.differ(
        one,
        `${query}: Provenance`,
        wanted.sort(),
        included.filter((r) => r.startsWith('Provenance/')).sort(),
      );
    }
    matrix.checkHiddenEntries(one, query, answer);
  }
}

/** Histories of types and of all. */
async function histories(matrix: Matrix, one: Case): Promise<void> {
  const anySearch = ALL_TYPES.some((type) => matrix.access.mayType(one.token, 'search-type', type));
  for (const [path, of] of [
    ['Observation/_history', ['Observation']],
    ['_history', ALL_TYPES],
  ] as const) {
    const interaction = path === '_history' ? 'history-system' : 'history-type';
    const answer = await matrix.send(one, 'GET', `${path}?_count=1000`);
    const may = of.some((type) => matrix.access.mayType(one.token, interaction, type));
    matrix.note(interaction, may);
    if (may !== (answer.status === 200) && !(answer.status === 200 && anySearch))
      matrix.differ(one, path, may, answer.status);
    if (answer.status !== 200) continue;
    const expected = RESOURCES.filter(
      (resource) =>
        of.includes(resource.resourceType as never) &&
        matrix.access.may(one.token, interaction, resource as unknown as JsonObject),
    ).map((resource) => `${resource.resourceType}/${resource.id}`);
    matrix.differ(one, path, expected.sort(), [...new Set(listed(answer))].sort());
  }
}

/** A batch is its entries; what one asks later is asked with the same rights. */
async function batch(matrix: Matrix, one: Case): Promise<void> {
  const urls = ['Patient/p1', 'Patient/p3', 'Observation/p1-very', 'Practitioner/d4', 'Binary/p2-bin'];
  const batch = await matrix.send(one, 'POST', '', {
    resourceType: 'Bundle',
    type: 'batch',
    entry: urls.map((url) => ({ request: { method: 'GET', url } })),
  });
  matrix.differ(
    one,
    'batch',
    urls.map((url) =>
      matrix.mayRead(one, url)
        ? '200'
        : matrix.access.mayType(one.token, 'read', url.split('/')[0] as string)
          ? '404'
          : '403',
    ),
    entriesOf(batch).map((entry) => String((entry['response'] as JsonObject)['status']).slice(0, 3)),
  );
}

/** A plan tells of all data: it is for who runs the server, with all rights. */
async function explained(matrix: Matrix, one: Case): Promise<void> {
  const explain = await matrix.send(one, 'GET', 'Observation?_explain=true');
  const mayExplain = one.token.role === 'super_admin' && one.token.scopes === 'user/*.cruds';
  matrix.differ(one, '_explain', mayExplain ? 200 : 403, explain.status);
  matrix.note('_explain', mayExplain);
}
