import { type CompartmentRef, compartmentsOf, type Grant, type Interaction, type Reach } from './scope.ts';

/** What two sets of grants both allow: of each two the part that is in both. */
export function intersectGrants(a: readonly Grant[], b: readonly Grant[]): Grant[] {
  return merged(a.flatMap((left) => b.map((right) => both(left, right)).filter((one) => one !== undefined)));
}

function both(a: Grant, b: Grant): Grant | undefined {
  const types = common<string>(a.types, b.types);
  const interactions = common<Interaction>(a.interactions, b.interactions);
  if (types.length === 0 || interactions.length === 0) return undefined;
  const compartments = commonCompartments(compartmentsOf(a), compartmentsOf(b));
  if (compartments?.length === 0) return undefined;
  const search = [...new Set([a.search, b.search].filter((one) => one !== undefined))].join('&');
  const hiddenLabels = [...new Set([...(a.hiddenLabels ?? []), ...(b.hiddenLabels ?? [])])];
  const except = [...(a.except ?? []), ...(b.except ?? [])];
  const reach = narrowerReach(a.reach, b.reach);
  return {
    types,
    interactions,
    ...(compartments === undefined ? {} : { compartments }),
    ...(compartments === undefined || reach === undefined ? {} : { reach }),
    ...(search === '' ? {} : { search }),
    ...(hiddenLabels.length === 0 ? {} : { hiddenLabels }),
    ...(except.length === 0 ? {} : { except }),
  };
}

function common<T>(a: readonly T[] | '*', b: readonly T[] | '*'): readonly T[] | '*' {
  if (a === '*') return b;
  return b === '*' ? a : a.filter((one) => b.includes(one));
}

/** A resource in two compartments counts as in both only where the same compartment is named twice. */
function commonCompartments(
  a: readonly CompartmentRef[] | undefined,
  b: readonly CompartmentRef[] | undefined,
): readonly CompartmentRef[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.filter((one) => b.some((other) => other.type === one.type && other.id === one.id));
}

/** Membership is the narrowest of the ways to belong to a compartment. */
function narrowerReach(a: Reach | undefined, b: Reach | undefined): Reach | undefined {
  if (a === undefined) return b;
  if (b === undefined || a === b) return a;
  return 'member';
}

/** Grants that differ in their types only as one. */
export function merged(grants: readonly Grant[]): Grant[] {
  const byRest = new Map<string, Grant>();
  for (const grant of grants) {
    const { types, ...rest } = grant;
    const key = JSON.stringify(rest);
    const known = byRest.get(key);
    if (known === undefined) byRest.set(key, grant);
    else if (known.types !== '*')
      byRest.set(key, { ...known, types: types === '*' ? '*' : [...new Set([...known.types, ...types])] });
  }
  return [...byRest.values()];
}
