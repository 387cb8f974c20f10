import type { Interaction } from '../../access/scope.ts';
import type { Permission } from './scope.ts';

/**
 * The interactions that a permission is for (SMART App Launch 2.2, "Scopes for requesting FHIR Resources"): the history
 * of an instance goes with reading it, those of a type and of all with searching.
 */
export const INTERACTIONS: Readonly<Record<Permission, readonly Interaction[]>> = {
  c: ['create'],
  r: ['read', 'vread', 'history-instance'],
  u: ['update', 'patch'],
  d: ['delete'],
  s: ['search-type', 'search-system', 'history-type', 'history-system'],
};

/** The interactions of several permissions. */
export function interactionsOf(permissions: readonly Permission[]): Interaction[] {
  return permissions.flatMap((one) => INTERACTIONS[one]);
}
