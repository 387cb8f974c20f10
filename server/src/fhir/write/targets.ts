import { fhirError } from '../outcome.ts';
import type { CriteriaMatch } from './criteria.ts';
import { placed } from './prepare.ts';
import type { WriteRequest } from './write-request.ts';

/** R4 http.html#ccreate, #cond-update, #cdelete, #patch: what the number of matches means for each interaction. */
export function conditionalTargets(
  request: WriteRequest,
  matches: readonly CriteriaMatch[],
  freshId: () => string,
): CriteriaMatch[] {
  const several = () =>
    fhirError(
      412,
      'multiple-matches',
      `The criteria '${request.criteria}' match more than one ${request.type}`,
      'http.query',
    );
  switch (request.kind) {
    case 'create':
      if (matches.length > 1) throw placed(several(), request.at);
      return matches.length === 1 ? [{ ...matches[0]!, keep: true }] : [{ id: freshId(), fresh: true }];
    case 'update': {
      if (matches.length > 1) throw placed(several(), request.at);
      const bodyId = request.resource?.['id'] as string | undefined;
      if (matches.length === 0)
        return bodyId === undefined ? [{ id: freshId(), fresh: true }] : [{ id: bodyId }];
      if (bodyId !== undefined && bodyId !== matches[0]!.id) {
        const message = `The criteria match ${request.type}/${matches[0]!.id}, but the body's id is ${bodyId}`;
        throw placed(fhirError(400, 'value', message, `${request.type}.id`), request.at);
      }
      return [{ id: matches[0]!.id }];
    }
    case 'patch':
      if (matches.length > 1) throw placed(several(), request.at);
      if (matches.length === 0) {
        throw placed(
          fhirError(404, 'not-found', `No ${request.type} matches '${request.criteria}'`, 'http.query'),
          request.at,
        );
      }
      return [{ id: matches[0]!.id }];
    case 'delete':
      return matches.map(({ id }) => ({ id }));
  }
}

/** A transaction must not write the same resource twice (R4 http.html#trules). */
export function assertDistinct(
  requests: readonly WriteRequest[],
  targets: ReadonlyMap<WriteRequest, CriteriaMatch[]>,
): void {
  const seen = new Map<string, WriteRequest>();
  for (const request of requests) {
    for (const target of targets.get(request) ?? []) {
      if (target.fresh || target.keep) continue;
      const key = `${request.type}/${target.id}`;
      const other = seen.get(key);
      if (other !== undefined) {
        throw fhirError(
          400,
          'duplicate',
          `${key} is written twice, by ${other.at} and ${request.at}: a transaction may change a resource once`,
          request.at,
        );
      }
      seen.set(key, request);
    }
  }
}
