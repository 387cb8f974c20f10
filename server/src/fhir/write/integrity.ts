import type { Resource } from '../../json/types.ts';
import { type Hash64, xorHash } from '../../search/hash.ts';
import { HashSet64 } from '../../search/index/hash-set.ts';
import { compartmentParam, REFERS_TO } from '../../search/index-model.ts';
import { hashToText, type NewVersion } from '../../storage/rows.ts';
import type { Transaction } from '../../storage/transaction.ts';
import { FhirError, type Issue } from '../outcome.ts';
import { literalTargets } from '../references/literal-targets.ts';
import type { TenantContext } from '../tenant-context.ts';

/**
 * Referential integrity (CapabilityStatement.rest.resource.referencePolicy `enforced`): a literal reference must point
 * to a resource of the tenant, and what is referred to cannot be deleted.
 *
 * A writer holds a shared lock on every target that it does not write itself and then looks whether it exists; a
 * deleter holds the exclusive lock and then looks for referrers. Whoever comes second sees what the first has done.
 */

/** A bundle with more outside targets than this takes one lock for all of them, which only deletions wait for. */
const LOCKS_EACH = 500;

export interface Target {
  /** `Type/id`. */
  readonly target: string;
  readonly hash: Hash64;
  /** FHIRPath of the reference. */
  readonly expression: string;
}

/**
 * The literal references of a resource to resources of this tenant.
 * @param hashes the hashes of targets met before: a bundle refers to the same few many times
 */
export function targetsOf(
  context: TenantContext,
  resource: Resource,
  at: string,
  hashes: Map<string, Hash64> = new Map(),
): Target[] {
  return literalTargets(resource, context.definitions, context.baseUrl).map(({ target, expression }) => {
    let hash = hashes.get(target);
    if (hash === undefined) {
      hash = context.keys.reference(target);
      hashes.set(target, hash);
    }
    return {
      target,
      hash,
      expression: at === '' ? expression : `${at}.resource${expression.slice(resource.resourceType.length)}`,
    };
  });
}

const known = new HashSet64();

/**
 * Adds the tokens by which a deletion finds who refers to its target: one for each distinct target that has no
 * compartment token yet.
 */
export function addReferrerTokens(
  context: TenantContext,
  version: NewVersion,
  targets: readonly Target[],
): void {
  if (targets.length === 0) return;
  const { keys, definitions } = context;
  const { tokens } = version.index;
  known.clear();
  for (const token of tokens) known.add(token);
  for (const { target, hash } of targets) {
    const type = target.slice(0, target.indexOf('/'));
    // Not new means that the resource is in the target's compartment, or that the target was dealt with already.
    const compartment = definitions.compartments.has(type) ? keys.salt(compartmentParam(type)) : undefined;
    if (compartment !== undefined && !known.add(xorHash(compartment, hash))) continue;
    const token = xorHash(keys.salt(REFERS_TO), hash);
    if (known.add(token)) tokens.push(token);
  }
}

function coarseKey(context: TenantContext): Hash64 {
  return context.keys.reference('lock/references');
}

/** Holds off deletions of the targets until the transaction ends. */
export async function lockTargets(
  context: TenantContext,
  transaction: Transaction,
  targets: readonly Hash64[],
): Promise<void> {
  if (targets.length === 0) return;
  await transaction.lockShared(targets.length > LOCKS_EACH ? [coarseKey(context)] : targets);
}

/** Holds off new references to what is to be deleted until the transaction ends. */
export async function lockForDeletion(
  context: TenantContext,
  transaction: Transaction,
  refHashes: readonly Hash64[],
): Promise<void> {
  if (refHashes.length > 0) await transaction.lockExclusive([coarseKey(context), ...refHashes]);
}

/**
 * The targets that do not exist, as issues.
 * @param targets all literal references outside the transaction, locked by {@link lockTargets}
 */
export async function missingTargets(
  transaction: Transaction,
  targets: readonly Target[],
): Promise<(Issue & { target: string })[]> {
  if (targets.length === 0) return [];
  const distinct = new Map(targets.map((target) => [target.target, target.hash]));
  const existing = await transaction.existing([...distinct.values()]);
  const texts = new Map([...distinct].map(([target, hash]) => [target, hashToText(hash)]));
  return targets
    .filter(({ target }) => !existing.has(texts.get(target) as string))
    .map(({ target, expression }) => ({
      severity: 'error',
      code: 'not-found',
      diagnostics: `The reference to ${target} points to nothing: there is no such resource here`,
      expression,
      target,
    }));
}

/**
 * Refuses a deletion while others refer to the resource.
 * @param leaving `Type/id` hashes (bigint text) of what the same transaction deletes or rewrites: they do not count
 * @throws FhirError 409 with some of the referrers as reasons
 */
export async function assertUnreferenced(
  context: TenantContext,
  transaction: Transaction,
  typeAndId: string,
  leaving: ReadonlySet<string>,
): Promise<void> {
  const type = typeAndId.slice(0, typeAndId.indexOf('/'));
  const own = hashToText(context.keys.reference(typeAndId));
  const tokens = [context.keys.referenceToken(REFERS_TO, typeAndId)];
  if (context.definitions.compartments.has(type))
    tokens.push(context.keys.referenceToken(compartmentParam(type), typeAndId));
  const carriers = await transaction.carriersOf(tokens, leaving.size + 6);
  const referrers = carriers.filter(({ refHash }) => refHash !== own && !leaving.has(refHash));
  if (referrers.length === 0) return;
  throw new FhirError(409, {
    severity: 'error',
    code: 'conflict',
    diagnostics: `${typeAndId} cannot be deleted: other resources refer to it`,
    expression: type,
    reasons: referrers.slice(0, 5).map((referrer) => `${referrer.type}/${referrer.id}`),
  });
}

/** One error for all missing targets, so that a client sees every broken reference at once. */
export function missingTargetsError(issues: readonly Issue[]): FhirError {
  return new FhirError(
    422,
    issues.slice(0, 50).map(({ severity, code, diagnostics, expression }) => ({
      severity,
      code,
      diagnostics,
      ...(expression === undefined ? {} : { expression }),
    })),
  );
}
