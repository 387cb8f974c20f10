import type { HiddenElements } from '../scope.ts';

/** The roles of a tenant's people and clients. */
export const ROLES = [
  'super_admin',
  'org_admin',
  'attending',
  'specialist',
  'nurse',
  'medical_assistant',
  'practice_manager',
  'front_desk',
  'scheduler',
  'billing',
  'patient',
  'caregiver',
  'researcher',
  'national',
  'api_consumer',
  'agent',
] as const;
export type Role = (typeof ROLES)[number];

/** One line of a role's table. */
export interface PolicyRule {
  /** Resource types, or `*` for all. */
  readonly types: readonly string[] | '*';
  /** Not these, where `types` is `*`. */
  readonly except?: readonly string[];
  /**
   * What they may do with them: letters of `cruds` as in SMART scopes (r with vread and history of the instance, s with the
   * other histories), and `o` for operations that change how the server works ($reindex, packages).
   */
  readonly may: string;
  /** Only resources that this search finds. */
  readonly search?: string;
}

/** What people of a role may do: a table that is read as it stands. What no rule names is not allowed. */
export interface RolePolicy {
  readonly role: Role;
  /** What the role is for. */
  readonly title: string;
  /** Whether only the records of the person's own patients are seen: oneself, or those one cares for. */
  readonly ownPatients: boolean;
  /** Resources with one of these labels (`system|code` in meta.security) do not exist for the role. */
  readonly hiddenLabels: readonly string[];
  /** Elements that do not exist for the role, by type; see access/hidden-elements.ts. */
  readonly hiddenElements: HiddenElements;
  /** Whether restricted records may be opened in an emergency, with a reason (access/break-glass.ts). */
  readonly breakGlass: boolean;
  readonly rules: readonly PolicyRule[];
}
