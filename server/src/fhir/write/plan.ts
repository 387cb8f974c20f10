import type { Labeller } from '../../access/labels/labeller.ts';
import { type AccessScope, grantsFor } from '../../access/scope.ts';
import { parseJson } from '../../json/parse.ts';
import type { Resource } from '../../json/types.ts';
import { withoutStaleNarrative } from '../../narrative/index.ts';
import type { Hash64 } from '../../search/hash.ts';
import type { FieldCipher } from '../../security/fields/cipher.ts';
import { maskFields } from '../../security/fields/fields.ts';
import { hashToText, type LockedRow, type NewVersion, PATCH, POST, PUT } from '../../storage/rows.ts';
import { fhirError, type Issue } from '../outcome.ts';
import type { TenantContext } from '../tenant-context.ts';
import { assertGoverned } from './access-hooks.ts';
import type { CriteriaMatch } from './criteria.ts';
import { addReferrerTokens, type Target, targetsOf } from './integrity.ts';
import { bodyAt, checkStructure, makeDeletion, makeVersion } from './prepare.ts';
import type { WriteOutcome, WriteRequest } from './write-request.ts';

/** What became of one request inside the transaction, before it is known that the commit succeeds. */
export interface Plan {
  readonly request: WriteRequest;
  readonly version?: NewVersion;
  /** What a patch made: it can be validated now only. */
  readonly patched?: Resource;
  readonly outcome: Omit<WriteOutcome, 'content'> & { content?: string };
}

/** What a transaction knows when it plans its writes. */
export interface Planning {
  readonly scope: AccessScope;
  readonly context: TenantContext;
  /** The locked rows of resources that are there, by hash. */
  readonly current: ReadonlyMap<string, LockedRow>;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Literal references of each body; those of patched resources are added. */
  readonly literal: Map<WriteRequest, Target[]>;
  /** Of the tenant's fields, where some are stored encrypted. */
  readonly cipher: FieldCipher | undefined;
  /** Puts security labels on a resource, where the tenant has that done. */
  readonly label?: Labeller | undefined;
  nextRowId(): Hash64;
}

/**
 * Makes the version that a request writes, or says why there is none.
 * @throws FhirError when the current state does not allow it (If-Match, a patch of what is not there), or the patched
 *   resource is wrong
 */
export function planWrite(planning: Planning, request: WriteRequest, target: CriteriaMatch): Plan {
  const { scope, context, current, now, literal, cipher } = planning;
  const { type } = request;
  const { id } = target;
  const refHash = context.keys.reference(`${type}/${id}`);
  const row = target.fresh ? undefined : current.get(hashToText(refHash));
  const exists = row !== undefined && !row.deleted;
  if (target.keep) {
    // A conditional create that found the resource: nothing is written (R4 http.html#ccreate).
    return {
      request,
      outcome: {
        status: 200,
        type,
        id,
        version: target.version as number,
        lastUpdated: target.lastUpdated as number,
        content: target.content as string,
        issues: [],
      },
    };
  }
  if (request.ifMatch !== undefined && (!exists || row.version !== request.ifMatch)) {
    throw fhirError(
      412,
      'conflict',
      exists
        ? `${type}/${id} is at version ${row.version}, not ${request.ifMatch > 0 ? request.ifMatch : 'the one named by If-Match'}`
        : `${type}/${id} does not exist, so it has no version to match`,
      'http.if-match',
    );
  }
  const position = {
    rid: row?.rid ?? planning.nextRowId(),
    refHash,
    id,
    version: (row?.version ?? 0) + 1,
    lastUpdated: Math.max(now, (row?.lastUpdated ?? 0) + 1),
  };
  if (request.kind === 'delete') {
    // Deleting what is not there is no error (R4 http.html#delete).
    if (!exists) {
      const base = { type, id, version: row?.version ?? 0, lastUpdated: row?.lastUpdated ?? now };
      return { request, outcome: { ...base, status: 204, content: '', issues: [] } };
    }
    assertGoverned(scope, context, request, id, row, undefined);
    const version = makeDeletion(position, type);
    return {
      request,
      version,
      outcome: {
        status: 204,
        type,
        id,
        version: version.version,
        lastUpdated: version.lastUpdated,
        content: '',
        issues: [],
      },
    };
  }
  let resource = request.resource as Resource;
  if (request.kind === 'patch') {
    if (row === undefined) throw fhirError(404, 'not-found', `${type}/${id} does not exist`, 'http.path');
    if (row.deleted) throw fhirError(410, 'deleted', `${type}/${id} was deleted`, 'http.path');
    const stored = parseJson(row.content) as Resource;
    resource = (request.patch as (current: Resource) => Resource)(stored);
    // A narrative of the server's own says what was true before the patch.
    if (context.policy.narrative) {
      const { definitions, fields } = context;
      const shownOf = (shown: Resource) => maskFields(shown, fields);
      resource = withoutStaleNarrative(stored, resource, definitions, undefined, shownOf);
    }
    if (resource.resourceType !== type || resource['id'] !== id) {
      throw fhirError(
        422,
        'business-rule',
        'A patch must not change the type or id of a resource',
        `${type}.id`,
      );
    }
    checkStructure(context, resource, bodyAt(request));
    literal.set(request, targetsOf(context, resource, request.at));
  }
  if (!exists && grantsFor(scope, type, 'create').length === 0) {
    throw fhirError(403, 'forbidden', `Creating a ${type} is not allowed here`, 'http.path');
  }
  assertGoverned(scope, context, request, id, row, resource);
  resource = planning.label?.(resource) ?? resource;
  const method = request.kind === 'create' ? POST : request.kind === 'patch' ? PATCH : PUT;
  const version = makeVersion(context, { ...position, method }, resource, cipher);
  addReferrerTokens(context, version, literal.get(request) ?? []);
  return {
    request,
    version,
    ...(request.kind === 'patch' ? { patched: resource } : {}),
    outcome: {
      status: exists ? 200 : 201,
      type,
      id,
      version: version.version,
      lastUpdated: version.lastUpdated,
      content: version.content,
      issues: [],
    },
  };
}

/** Whether what the same transaction writes would refer to what it deletes. */
export function assertNotReferredToByPlans(
  plans: readonly Plan[],
  typeAndId: string,
  literal: ReadonlyMap<WriteRequest, Target[]>,
): void {
  for (const plan of plans) {
    if (plan.version === undefined || plan.version.deleted) continue;
    const use = literal.get(plan.request)?.find(({ target }) => target === typeAndId);
    if (use !== undefined) {
      const from = `${plan.request.type}/${plan.outcome.id}`;
      throw fhirError(
        409,
        'conflict',
        `${typeAndId} cannot be deleted: ${from} refers to it`,
        use.expression,
      );
    }
  }
}

export function nothingDeleted(request: WriteRequest): Plan {
  return {
    request,
    outcome: {
      status: 204,
      type: request.type,
      id: '',
      version: 0,
      lastUpdated: 0,
      content: '',
      issues: [],
      deletedCount: 0,
    },
  };
}

/** @param notes what validation had to say of the request's resource without refusing it */
export function outcomeOf(
  request: WriteRequest,
  own: readonly Plan[],
  notes: readonly Issue[],
): WriteOutcome {
  const planned = own[0]!.outcome as WriteOutcome;
  const outcome = notes.length === 0 ? planned : { ...planned, issues: [...planned.issues, ...notes] };
  if (request.kind !== 'delete' || request.criteria === undefined) return outcome;
  return { ...outcome, deletedCount: own.filter((plan) => plan.version !== undefined).length };
}
