import { type ParsedScopes, parseScopes } from '../auth/scopes/index.ts';
import type { Route } from '../fhir/route.ts';
import {
  type AccessFacts,
  accessScopeOf,
  roleGrants,
  scopeGrants,
  type TokenClaims,
} from './access-scope-of.ts';
import { hiddenPaths } from './hidden-elements.ts';
import { policyOf } from './policies/index.ts';
import { bearsOn, compartmentsOf, type Grant, grantsFor, type Interaction, isOpenGrant } from './scope.ts';

/** Why a request is allowed or not. */
export interface Explanation {
  readonly allowed: 'all' | 'some' | 'none';
  /** Lines for people. */
  readonly reasons: readonly string[];
}

/**
 * Says why a token may carry out a request, and on what.
 * @param route what the request asks for; of an interaction over all types each type is looked at by itself
 */
export function explainRequest(token: TokenClaims, route: Route, facts: AccessFacts = {}): Explanation {
  const reasons: string[] = [];
  const scopes = parseScopes(token.scopes);
  for (const one of scopes.unknown) reasons.push(`The scope '${one}' is not known and gives nothing.`);
  if (needsPatient(scopes) && token.patient === undefined)
    reasons.push('Patient scopes give nothing: no patient was chosen at the launch.');
  const { interaction, type } = route;
  if (interaction === 'capabilities' || interaction === 'batch' || interaction === 'transaction') {
    return {
      allowed: 'all',
      reasons: [
        ...reasons,
        `${interaction} itself is open to all; each of its entries is looked at by itself.`,
      ],
    };
  }
  const asked: Interaction = interaction === 'operation' ? 'read' : interaction;
  if (interaction === 'operation')
    reasons.push(`${route.operation} works with what may be read and searched, so reading is looked at.`);
  if (type === undefined) {
    reasons.push(`${asked} over all types finds of each type what may be seen of it.`);
    const scope = accessScopeOf(token, { id: 0, name: '' }, facts);
    const some = scope.grants.some(
      (grant) => grant.interactions === '*' || grant.interactions.includes(asked),
    );
    return { allowed: some ? 'some' : 'none', reasons };
  }
  const scoped = scopeGrants(scopes, token.patient).filter((grant) => bearsOn(grant, type, asked));
  reasons.push(
    scoped.length === 0
      ? `No scope allows ${asked} of ${type}.`
      : `The scopes allow ${asked} of ${type}${narrowing(scoped)}.`,
  );
  for (const role of [token.role, ...(token.actor === undefined ? [] : ['agent'])].filter(
    (one) => one !== undefined,
  )) {
    const policy = policyOf(role, facts.overrides);
    if (policy === undefined) {
      reasons.push(`There is no role ${role}: it may do nothing.`);
      continue;
    }
    const own = roleGrants(policy, undefined).filter((grant) => bearsOn(grant, type, asked));
    reasons.push(
      own.length === 0
        ? `The role ${role} (${policy.title}) may not ${asked} ${type}.`
        : `The role ${role} may ${asked} ${type}${policy.ownPatients ? ', in the records of own patients only' : ''}${narrowing(own)}.`,
    );
    const hidden = hiddenPaths(policy.hiddenElements, type).map(({ names }) => names.join('.'));
    if (own.length > 0 && hidden.length > 0)
      reasons.push(`Of ${type} these elements are hidden: ${hidden.join(', ')}.`);
  }
  const scope = accessScopeOf(token, { id: 0, name: '' }, facts);
  const grants = grantsFor(scope, type, asked);
  const allowed = grants.length === 0 ? 'none' : grants.some(isOpenGrant) ? 'all' : 'some';
  reasons.push(
    allowed === 'none'
      ? `Together: denied with 403.`
      : `Together: allowed${allowed === 'all' ? ` for every ${type}` : narrowing(grants)}.`,
  );
  return { allowed, reasons };
}

const needsPatient = ({ resources }: ParsedScopes): boolean =>
  resources.some(({ context }) => context === 'patient');

function narrowing(grants: readonly Grant[]): string {
  if (grants.some(isOpenGrant)) return '';
  return ` where ${grants.map(conditions).join('; or where ')}`;
}

function conditions(grant: Grant): string {
  const compartments = compartmentsOf(grant)?.map(({ type, id }) => `${type}/${id}`);
  const belongs = {
    member: 'it is in the record of',
    referred: 'it is referred to from the record of',
    about: 'it is in or about the record of',
  };
  const parts = [
    ...(compartments === undefined
      ? []
      : [`${belongs[grant.reach ?? 'member']} ${compartments.join(' or ')}`]),
    ...(grant.search === undefined ? [] : [`a search ${decodeURIComponent(grant.search)} finds it`]),
    ...(grant.hiddenLabels === undefined || grant.hiddenLabels.length === 0
      ? []
      : [`it has none of the labels ${grant.hiddenLabels.map((label) => label.split('|')[1]).join(', ')}`]),
    ...(grant.except === undefined ? [] : ['no consent denies it']),
  ];
  return parts.join(' and ');
}
