import { openScope } from '../../access/scope.ts';
import type { NewVersion } from '../../storage/rows.ts';
import type { CriteriaMatch } from './criteria.ts';
import { type Target, targetsOf } from './integrity.ts';
import { type Plan, type Planning, planWrite } from './plan.ts';
import type { WriteRequest, WrittenVersion } from './write-request.ts';

/**
 * The plan of a request that tells of the others (`WriteRequest.describe`), once those are planned. Its references to
 * what they delete bind nothing: such a version is in the history only.
 */
export function planDescription(
  planning: Planning,
  request: WriteRequest,
  target: CriteriaMatch,
  plans: readonly Plan[],
): Plan {
  const told = plans.filter(
    ({ request, version }) => version !== undefined && request.describe === undefined,
  );
  const resource = request.describe?.(told.map(writtenOf));
  if (resource === undefined) {
    const { id } = target;
    const { type } = request;
    const base = { status: 200, type, id, version: 0, lastUpdated: planning.now };
    return { request, outcome: { ...base, content: '', issues: [] } };
  }
  const deleted = new Set(
    told.flatMap(({ version, outcome }) => (version?.deleted ? [`${outcome.type}/${outcome.id}`] : [])),
  );
  const literal: Target[] = targetsOf(planning.context, resource, request.at);
  planning.literal.set(
    request,
    literal.filter(({ target }) => !deleted.has(target)),
  );
  const whole: WriteRequest = { ...request, resource };
  const within: Planning = {
    ...planning,
    // What the server adds of itself needs no right of the asker's.
    scope: request.resource === undefined ? openScope(planning.context.tenant) : planning.scope,
    literal: new Map([[whole, planning.literal.get(request) ?? []]]),
  };
  return { ...planWrite(within, whole, target), request, patched: resource };
}

function writtenOf({ request, version, outcome }: Plan): WrittenVersion {
  const { version: number } = version as NewVersion;
  return {
    kind: request.kind,
    type: outcome.type,
    id: outcome.id,
    version: number,
    isNew: outcome.status === 201,
  };
}
