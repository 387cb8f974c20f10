import { loadDefinitions } from '../../conformance/definitions.ts';
import { escapeValue } from '../../search/query/escape.ts';
import { BREAK_GLASS_CATEGORY } from '../policies/labels.ts';
import type { Grant, RowRule } from '../scope.ts';
import type { ConsentRule, Provision } from './consent.ts';
import { type ConsentRequest, holds, takesWidely, UNDENIED } from './decide.ts';

/** The consents that bear on a request. */
export interface ConsentRules {
  readonly rules: readonly ConsentRule[];
  readonly request: ConsentRequest;
}

/** Grants without what consents deny: of several consents of a patient each may deny. A patient's own access is free. */
export function withConsents(grants: readonly Grant[], { rules, request }: ConsentRules): Grant[] {
  const except = rules
    .filter(({ patient }) => !request.actors.includes(`Patient/${patient}`))
    .map((rule) => deniedBy(rule, request))
    .filter((rule) => rule !== undefined);
  if (except.length === 0) return [...grants];
  return grants.map((grant) => ({ ...grant, except: [...(grant.except ?? []), ...except] }));
}

/** What consents do not deny: what there is of the rules and of who has acted by them, for those whose role it is. */
const ABOUT_ACCESS: RowRule = {
  kind: 'any',
  of: [
    { kind: 'row', types: [...UNDENIED] },
    {
      kind: 'row',
      types: ['Communication'],
      search: String(new URLSearchParams({ category: BREAK_GLASS_CATEGORY })),
    },
  ],
};

/**
 * The resources that a consent denies to a request, as a rule that SQL decides: what {@link decide} says of each.
 * @returns undefined where it denies nothing
 */
export function deniedBy(rule: ConsentRule, request: ConsentRequest): RowRule | undefined {
  if (!holds(rule.root, request)) return undefined;
  const denied = deniedIn(rule.root, request);
  if (denied === undefined) return undefined;
  const compartment = { type: 'Patient', id: rule.patient };
  return {
    kind: 'all',
    of: [{ kind: 'row', compartment }, { kind: 'not', of: ABOUT_ACCESS }, ...met(rule.root), denied],
  };
}

/** Within what meets a provision: what is denied. Undefined for nothing. */
function deniedIn(provision: Provision, request: ConsentRequest): RowRule | undefined {
  const inner = provision.provisions
    .filter((one) => holds(one, request))
    .map((one) => ({ met: met(one), denied: deniedIn(one, request) }));
  const any: RowRule[] = inner.flatMap(({ met: conditions, denied }) =>
    denied === undefined ? [] : [{ kind: 'all' as const, of: [...conditions, denied] }],
  );
  if (provision.type === 'deny') {
    const excepted = inner.map(({ met: conditions }): RowRule => ({ kind: 'all', of: conditions }));
    any.push({ kind: 'not', of: { kind: 'any', of: excepted } });
  }
  return any.length === 0 ? undefined : { kind: 'any', of: any };
}

/** The conditions of a provision about the resource. */
function met(provision: Provision): RowRule[] {
  const { labels, codes, types, classes = [], dataPeriod, data } = provision;
  const conditions: RowRule[] = [];
  const any = (of: readonly RowRule[]) => conditions.push({ kind: 'any', of });
  if (labels !== undefined) conditions.push(row({ _security: labels }));
  if (codes !== undefined) any(['code', 'type', 'vaccine-code'].map((name) => row({ [name]: codes })));
  if (types !== undefined) {
    any([{ kind: 'row', types: types.filter(isType) }, ...classes.map(classRule)]);
  }
  if (dataPeriod !== undefined) any(dated(dataPeriod.low, dataPeriod.high));
  if (data !== undefined) {
    any(
      data.map(({ meaning, reference }): RowRule => {
        const [type = '', id = ''] = reference.split('/');
        if (meaning === 'instance') return { kind: 'row', types: [type], search: `_id=${id}` };
        return takesWidely(provision) ? { kind: 'row' } : { kind: 'any', of: [] };
      }),
    );
  }
  return conditions;
}

const isType = (type: string): boolean => loadDefinitions().resourceTypes.includes(type);

function classRule(token: string): RowRule {
  const [system = '', code = ''] = splitToken(token);
  return system === 'urn:ietf:rfc:3986' ? row({ _profile: [code] }, true) : row({ type: [token] });
}

function row(search: Readonly<Record<string, readonly string[]>>, plain = false): RowRule {
  const parameters = Object.entries(search).map(([name, values]): [string, string] => [
    name,
    values.map((value) => (plain ? escapeValue(value) : tokenText(value))).join(','),
  ]);
  return { kind: 'row', search: String(new URLSearchParams(parameters)) };
}

function splitToken(token: string): [string, string] {
  const bar = token.indexOf('|');
  return [token.slice(0, bar), token.slice(bar + 1)];
}

function tokenText(token: string): string {
  const [system, code] = splitToken(token);
  return `${escapeValue(system)}|${escapeValue(code)}`;
}

/** What is of a time, by the primary date of each type. */
function dated(low: number, high: number): RowRule[] {
  const definitions = loadDefinitions();
  const byParam = Map.groupBy(definitions.resourceTypes, (type) => definitions.search(type).primaryDate);
  return [...byParam].flatMap(([param, types]): RowRule[] => {
    if (param === undefined) return [];
    const bounds: [string, string][] = [];
    if (Number.isFinite(low)) bounds.push([param, `ge${new Date(low).toISOString()}`]);
    if (Number.isFinite(high)) bounds.push([param, `le${new Date(high).toISOString()}`]);
    const search = bounds.length === 0 ? `${param}:missing=false` : String(new URLSearchParams(bounds));
    return [{ kind: 'row', types, search }];
  });
}
