import { patchShown, tellsHidden } from '../../access/hidden-elements.ts';
import {
  type AccessScope,
  grantsFor,
  type Interaction,
  isOpenScope,
  isUnrestricted,
} from '../../access/scope.ts';
import { RESOURCE_TYPES } from '../../conformance/resource-types.ts';
import { parseJson } from '../../json/parse.ts';
import type { Resource } from '../../json/types.ts';
import type { Hash64 } from '../../search/hash.ts';
import { hashToText, type LockedRow, type NewVersion } from '../../storage/rows.ts';
import type { Transaction } from '../../storage/transaction.ts';
import { type FhirError, fhirError } from '../outcome.ts';
import { visibleStatement } from '../search/conditional-search.ts';
import type { TenantContext } from '../tenant-context.ts';
import { missingTargetsError, type Target, targetsOf } from './integrity.ts';
import { placed } from './prepare.ts';
import type { WriteRequest } from './write-request.ts';

const INTERACTION: Record<WriteRequest['kind'], Interaction> = {
  create: 'create',
  update: 'update',
  patch: 'patch',
  delete: 'delete',
};

/**
 * Refuses writes of types for which the scope has no grant at all, patches of what the scope cannot read (their tests
 * would tell of it), and bodies that say something where elements are hidden from the asker.
 * @throws FhirError 403
 */
export function assertGranted(scope: AccessScope, requests: readonly WriteRequest[]): void {
  for (const request of requests) {
    const { type, kind, resource, at, describe } = request;
    // What the server itself adds to tell of a write needs no grant.
    if (describe !== undefined && resource === undefined) continue;
    const granted =
      grantsFor(scope, type, INTERACTION[kind]).length > 0 &&
      (kind !== 'patch' || grantsFor(scope, type, 'read').length > 0);
    if (!granted)
      throw fhirError(403, 'forbidden', `To ${kind} a ${type} is not allowed here`, at || 'http.path');
    if (resource !== undefined && scope.hidden !== undefined && tellsHidden(resource, scope.hidden))
      throw hiddenElement(type, at);
  }
}

function hiddenElement(type: string, at: string): FhirError {
  return fhirError(403, 'forbidden', `This ${type} has elements that may not be written here`, at || type);
}

/**
 * A patch as the scope may make it: it sees the elements that the asker sees, and leaves the others as they are.
 * @throws FhirError 403 from the patch when it would change a hidden element
 */
export function guardedPatch(
  { hidden }: AccessScope,
  patch: (current: Resource) => Resource,
): (current: Resource) => Resource {
  if (hidden === undefined) return patch;
  return (current) => {
    const patched = patchShown(current, hidden, patch);
    if (patched === undefined) throw hiddenElement(current.resourceType, '');
    return patched;
  };
}

/**
 * Targets (`Type/id`) of new references that the scope did not see before each transaction wrote. Afterwards it cannot be
 * told: what a record refers to is visible to who may see the record, and now it refers to them.
 */
const unseenTargets = new WeakMap<Transaction, ReadonlySet<string>>();

/** The interactions under which a resource must be visible for a write to change it. */
function needed(kind: WriteRequest['kind']): Interaction[] {
  return kind === 'patch' ? ['patch', 'read'] : [INTERACTION[kind]];
}

/**
 * Under a narrowed scope, what is to be changed must lie within it before the change: to others it does not exist, and
 * they are told what they would be told if it did not.
 * @throws FhirError 403, 404 or 412
 */
export async function assertScopeOfCurrent(
  transaction: Transaction,
  scope: AccessScope,
  context: TenantContext,
  requests: readonly WriteRequest[],
  current: Iterable<LockedRow>,
): Promise<void> {
  if (isOpenScope(scope)) return;
  const rows = [...current];
  const isNarrowed = (request: WriteRequest) =>
    needed(request.kind).some((one) => !isUnrestricted(scope, request.type, one));
  const seesAll = readsAll(scope);
  if (scope.hidden === undefined && seesAll && !requests.some(isNarrowed)) return;
  const byName = new Map(rows.map((row) => [`${row.type}/${row.id}`, row]));
  const seen = new VisibleRows(transaction, scope, context);
  const live = rows.filter((row) => !row.deleted).map(({ type, refHash }) => ({ type, hash: refHash }));
  for (const interaction of new Set(requests.flatMap(({ kind }) => needed(kind))))
    await seen.load(interaction, live);
  const named = new Set(requests.map(({ type, id }) => `${type}/${id}`));
  for (const request of requests) {
    const { type, kind, id, at } = request;
    const own =
      id === undefined
        ? []
        : [byName.get(`${type}/${id}`)].filter((row): row is LockedRow => row !== undefined);
    if (isNarrowed(request)) {
      // Without a grant for all, a deletion of what is not there is not told from one of what is kept back.
      if (kind === 'delete' && id !== undefined && own.length === 0) throw placed(absent(scope, request), at);
      for (const row of own) {
        if (row.deleted) throw placed(absent(scope, request), at);
        for (const interaction of needed(kind)) {
          if (!(await seen.has(interaction, row.type, row.refHash))) throw placed(absent(scope, request), at);
        }
      }
      const found = rows.filter((row) => !named.has(`${row.type}/${row.id}`));
      await assertFoundMayChange(seen, request, found);
    }
    const [row] = own;
    if (kind === 'update' && scope.hidden !== undefined && row !== undefined && !row.deleted) {
      // A body cannot carry what its writer does not see: it would be lost.
      if (tellsHidden(parseJson(row.content) as Resource, scope.hidden))
        throw placed(hiddenElement(type, at), at);
    }
  }
  if (!seesAll) unseenTargets.set(transaction, await unseenBy(seen, context, requests, rows));
}

/** Whether a scope may read everything, so that no reference can lead to what it must not know of. */
function readsAll(scope: AccessScope): boolean {
  return RESOURCE_TYPES.every((type) => isUnrestricted(scope, type, 'read'));
}

/** The targets of references that requests add, as far as they cannot be seen now. */
async function unseenBy(
  seen: VisibleRows,
  context: TenantContext,
  requests: readonly WriteRequest[],
  rows: readonly LockedRow[],
): Promise<Set<string>> {
  const added = new Map<string, { type: string; hash: Hash64 }>();
  for (const { type, id, resource, patch } of requests) {
    const own = rows.filter(
      (row) => row.type === type && !row.deleted && (id === undefined || row.id === id),
    );
    const old = own.map((row) => parseJson(row.content) as Resource);
    const made = resource === undefined ? old.flatMap((current) => patchedBy(patch, current)) : [resource];
    const kept = new Set(
      old.flatMap((current) => targetsOf(context, current, '').map(({ target }) => target)),
    );
    for (const { target, hash } of made.flatMap((one) => targetsOf(context, one, ''))) {
      if (!kept.has(target)) added.set(target, { type: target.slice(0, target.indexOf('/')), hash });
    }
  }
  const unseen = new Set<string>();
  await seen.load('read', [...added.values()]);
  for (const [target, { type, hash }] of added) {
    const known = (await seen.has('read', type, hash)) || (await seen.has('search-type', type, hash));
    if (!known) unseen.add(target);
  }
  return unseen;
}

/** What a patch makes; nothing where it fails: then the plan of the write says why. */
function patchedBy(patch: WriteRequest['patch'], current: Resource): Resource[] {
  if (patch === undefined) return [];
  try {
    return [patch(current)];
  } catch {
    return [];
  }
}

/** What criteria found may be seen, so it is said that it must not be changed. @throws FhirError 403 */
async function assertFoundMayChange(
  seen: VisibleRows,
  { type, kind, criteria, id, at }: WriteRequest,
  rows: readonly LockedRow[],
): Promise<void> {
  if (criteria === undefined || id !== undefined || kind === 'create') return;
  for (const row of rows) {
    if (row.type !== type || row.deleted) continue;
    for (const interaction of needed(kind)) {
      if (await seen.has(interaction, type, row.refHash)) continue;
      throw placed(fhirError(403, 'forbidden', `To ${kind} this ${type} is not allowed here`, type), at);
    }
  }
}

/** The error of a write to what does not exist for the scope. */
function absent(scope: AccessScope, { type, kind, id, ifMatch }: WriteRequest): FhirError {
  if (ifMatch !== undefined)
    return fhirError(
      412,
      'conflict',
      `${type}/${id} does not exist, so it has no version to match`,
      'http.if-match',
    );
  if (kind !== 'update') return fhirError(404, 'not-found', `${type}/${id} does not exist`, 'http.path');
  if (grantsFor(scope, type, 'create').length === 0)
    return fhirError(403, 'forbidden', `Creating a ${type} is not allowed here`, 'http.path');
  return fhirError(403, 'forbidden', `To update this ${type} is not allowed here`, type);
}

/**
 * Under a narrowed scope, what is written must lie within it: the database is asked, by the conditions that searches
 * use, inside the transaction. A new reference to what the scope may not see is one to nothing.
 * @throws FhirError 403, 422
 */
export async function assertScopeOfWrites(
  transaction: Transaction,
  scope: AccessScope,
  context: TenantContext,
  requests: readonly WriteRequest[],
  versions: readonly NewVersion[],
): Promise<void> {
  if (isOpenScope(scope)) return;
  const seesAll = readsAll(scope);
  const narrowed = requests.filter(({ type, kind }) => !isUnrestricted(scope, type, INTERACTION[kind]));
  if (seesAll && narrowed.length === 0) return;
  await transaction.flush();
  const seen = new VisibleRows(transaction, scope, context);
  const written = versions.filter((version) => !version.deleted);
  const resources = written.map((version) => parseJson(version.content) as Resource);
  const made = written.map(({ refHash }, i) => ({
    type: (resources[i] as Resource).resourceType,
    hash: refHash,
  }));
  for (const kind of new Set(narrowed.map((request) => request.kind)))
    await seen.load(INTERACTION[kind], made);
  for (const [type, kind] of new Map(
    narrowed.map(({ type, kind }) => [`${type} ${kind}`, [type, kind] as const]),
  ).values()) {
    for (const [i, version] of written.entries()) {
      const created = version.method === 1 ? 'create' : version.method === 4 ? 'patch' : 'update';
      if (resources[i]?.resourceType !== type || created !== kind) continue;
      if (await seen.has(INTERACTION[kind], type, version.refHash)) continue;
      throw fhirError(403, 'forbidden', `To ${kind} this ${type} is not allowed here`, type);
    }
  }
  if (!seesAll) assertTargetsSeen(transaction, context, written, resources);
}

/** @throws FhirError 422 as for references to what does not exist */
function assertTargetsSeen(
  transaction: Transaction,
  context: TenantContext,
  versions: readonly NewVersion[],
  resources: readonly Resource[],
): void {
  const unseen = unseenTargets.get(transaction);
  if (unseen === undefined || unseen.size === 0) return;
  const own = new Set(versions.map(({ refHash }) => hashToText(refHash)));
  const lost: Target[] = resources
    .flatMap((resource) => targetsOf(context, resource, ''))
    .filter(({ target, hash }) => unseen.has(target) && !own.has(hashToText(hash)));
  if (lost.length === 0) return;
  throw missingTargetsError(
    lost.map(({ target, expression }) => ({
      severity: 'error',
      code: 'not-found',
      diagnostics: `The reference to ${target} points to nothing: there is no such resource here`,
      expression,
    })),
  );
}

/** Asks the database which rows a scope allows, each question once. */
class VisibleRows {
  readonly #transaction: Transaction;
  readonly #scope: AccessScope;
  readonly #context: TenantContext;
  readonly #known = new Map<string, boolean>();

  constructor(transaction: Transaction, scope: AccessScope, context: TenantContext) {
    this.#transaction = transaction;
    this.#scope = scope;
    this.#context = context;
  }

  /** Looks many up with one statement for each interaction and type. */
  async load(interaction: Interaction, rows: readonly { type: string; hash: Hash64 }[]): Promise<void> {
    for (const [type, own] of Map.groupBy(rows, (row) => row.type)) {
      if (isUnrestricted(this.#scope, type, interaction)) continue;
      if (grantsFor(this.#scope, type, interaction).length === 0) continue;
      const hashes = own.map(({ hash }) => hash);
      const found = await this.#transaction.query(
        visibleStatement(this.#scope, this.#context, type, interaction, hashes),
      );
      const visible = new Set(found.map((row) => row[0] as string));
      for (const hash of hashes) {
        const text = hashToText(hash);
        this.#known.set(`${interaction} ${text}`, visible.has(text));
      }
    }
  }

  async has(interaction: Interaction, type: string, hash: Hash64): Promise<boolean> {
    if (isUnrestricted(this.#scope, type, interaction)) return true;
    if (grantsFor(this.#scope, type, interaction).length === 0) return false;
    const key = `${interaction} ${hashToText(hash)}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      const rows = await this.#transaction.query(
        visibleStatement(this.#scope, this.#context, type, interaction, [hash]),
      );
      known = rows.length > 0;
      this.#known.set(key, known);
    }
    return known;
  }
}
