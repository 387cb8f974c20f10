import { labelsAllow } from './row-labels.ts';
import { type CompartmentRef, compartmentsOf, type Grant } from './scope.ts';

/**
 * The compartments that decide, with labels, about a read by id: so that the statement that reads the resource can tell
 * whether it is in them, and no other has to be asked.
 * @param grants those that bear on reading the type
 * @returns undefined where something else bears on it: a search, an exception, or what refers to a member
 */
export function readCompartments(grants: readonly Grant[]): CompartmentRef[] | undefined {
  const found: CompartmentRef[] = [];
  for (const grant of grants) {
    const { search, except = [], reach } = grant;
    if (search !== undefined || except.length > 0 || reach === 'referred') return undefined;
    found.push(...(compartmentsOf(grant) ?? []));
  }
  return found.length === 0 ? undefined : found;
}

/** Whether a resource that grants with these compartments do not allow is not allowed by them in another way either. */
export function areMembersOnly(grants: readonly Grant[]): boolean {
  return grants.every(({ reach }) => reach === undefined || reach === 'member');
}

/**
 * Whether grants that {@link readCompartments} has compartments of allow a resource because it is a member. The same as
 * their condition in SQL (search/plan/scope.ts).
 * @param resource its content as JSON text
 * @param isMember whether the index has it in a compartment
 */
export function membershipAllows(
  grants: readonly Grant[],
  resource: { readonly type: string; readonly id: string; readonly content: string },
  isMember: (compartment: CompartmentRef) => boolean,
): boolean {
  const { type, id, content } = resource;
  return grants.some((grant) => {
    const compartments = compartmentsOf(grant);
    // The resource that a compartment is named after is in it (R4 compartmentdefinition.html).
    const within =
      compartments === undefined ||
      compartments.some((one) => (one.type === type && one.id === id) || isMember(one));
    return within && labelsAllow([grant], content);
  });
}
