import { expect } from 'vitest';
import type { Case } from './access-cases.ts';
import { RESOURCES } from './access-data.ts';
import { entriesOf, type Matrix, type Reply, SHARE } from './access-matrix.ts';
import { shownThoughHidden } from './access-naive.ts';
import type { JsonObject } from './naive-values.ts';

/** Writes that leave the resource as it was. */
export async function writes(matrix: Matrix, one: Case, at: number): Promise<void> {
  const { token } = one;
  for (const [i, resource] of RESOURCES.entries()) {
    if ((i + at) % (9 * SHARE) !== 0) continue;
    const json = resource as unknown as JsonObject;
    const { resourceType: type, id } = resource;
    const url = `${type}/${id}`;
    const mayUpdate = matrix.access.may(token, 'update', json);
    const hidden = shownThoughHidden(token, json).length > 0;
    const update = await matrix.send(one, 'PUT', url, resource);
    matrix.note('update', mayUpdate && !hidden);
    // References that the asker cannot see may stay where they are.
    matrix.differ(one, `update ${url}`, mayUpdate && !hidden, update.status === 200);
    if (!mayUpdate) matrix.differ(one, `update ${url}`, 403, update.status);

    const patch = await matrix.send(one, 'PATCH', url, [{ op: 'test', path: '/id', value: id }], {
      contentType: 'application/json-patch+json',
    });
    const mayPatch = matrix.access.may(token, 'patch', json) && matrix.access.may(token, 'read', json);
    matrix.note('patch', mayPatch);
    const status = mayPatch
      ? 200
      : matrix.access.mayType(token, 'patch', type) && matrix.access.mayType(token, 'read', type)
        ? 404
        : 403;
    matrix.differ(one, `patch ${url}`, status, patch.status);
    matrix.checkHidden(one, `patch ${url}`, patch.status === 200 ? [patch.body] : []);

    if (!matrix.access.may(token, 'delete', json)) {
      const remove = await matrix.send(one, 'DELETE', url);
      matrix.differ(
        one,
        `delete ${url}`,
        matrix.access.mayType(token, 'delete', type) ? 404 : 403,
        remove.status,
      );
      const conditional = await matrix.send(one, 'DELETE', `${type}?_id=${id}`);
      const found =
        matrix.access.mayType(token, 'search-type', type) && matrix.access.may(token, 'search-type', json);
      const expected = !matrix.access.mayType(token, 'delete', type) ? 403 : found ? 403 : [200, 204];
      const ok = Array.isArray(expected)
        ? expected.includes(conditional.status)
        : conditional.status === expected;
      matrix.differ(one, `conditional delete of ${url}: ${conditional.status}`, true, ok);
      matrix.note('delete', false);
    }

    // A conditional create finds what may be found, and says nothing of the rest.
    if (matrix.access.mayType(token, 'create', type) && !hidden) {
      const { id: _id, ...fresh } = resource;
      const create = await matrix.send(one, 'POST', type, fresh, {
        header: (name: string) => (name === 'if-none-exist' ? `_id=${id}` : undefined),
      });
      const finds = matrix.access.may(token, 'search-type', json);
      if (finds) matrix.differ(one, `conditional create like ${url}`, 200, create.status);
      else matrix.differ(one, `conditional create like ${url} finds nothing`, false, create.status === 200);
      matrix.note('conditional create', finds);
      if (create.status === 201) {
        const made = String(create.headers['Location']).split('/').slice(-4, -2).join('/');
        const cleared = await matrix.server.send(matrix.tenant, 'DELETE', made);
        expect(cleared.status).toBe(204);
      }
    }
  }
  await clearProvenances(matrix, one);
  const still = await matrix.server.send(matrix.tenant, 'GET', '?_summary=count');
  if (still.body['total'] !== RESOURCES.length)
    matrix.wrong.push(`${one.name}: ${still.body['total']} resources are left`);
}

/** What an agent has written is told by a Provenance, which would be in the way of the cases to come. */
async function clearProvenances(matrix: Matrix, one: Case): Promise<void> {
  const all = await matrix.server.send(matrix.tenant, 'GET', 'Provenance?_count=1000&_elements=id');
  const ids = entriesOf(all as unknown as Reply).map((entry) =>
    String((entry['resource'] as JsonObject)['id']),
  );
  const made = ids.filter((id) => !RESOURCES.some((resource) => resource.id === id));
  if (one.scope.agent !== true) matrix.differ(one, 'Provenances of an agent', 0, made.length);
  for (const id of made)
    expect((await matrix.server.send(matrix.tenant, 'DELETE', `Provenance/${id}`)).status).toBe(204);
}
