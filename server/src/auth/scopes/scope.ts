/** On whose behalf a resource scope is: one patient's record, what a user may see, what a client may see. */
export type ScopeContext = 'patient' | 'user' | 'system';

/** The letters of a v2 scope in their order. */
export const PERMISSIONS = ['c', 'r', 'u', 'd', 's'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** A scope for resources (SMART App Launch 2.2, "Scopes for requesting FHIR Resources"). */
export interface ResourceScope {
  readonly context: ScopeContext;
  /** A resource type, or `*`. */
  readonly type: string;
  /** In the order of {@link PERMISSIONS}, each once, at least one. */
  readonly permissions: readonly Permission[];
  /** Search parameters that narrow it, decoded, in the order given; with none it is for all resources of the type. */
  readonly search: readonly (readonly [name: string, value: string])[];
  /** 1 for `.read`, `.write` and `.*`: it is written back as it was asked for. */
  readonly version: 1 | 2;
}

/** The scopes besides those for resources that SMART App Launch 2.2 and OpenID Connect define. */
export const CONTEXT_SCOPES = [
  'launch',
  'launch/patient',
  'launch/encounter',
  'openid',
  'fhirUser',
  'profile',
  'offline_access',
  'online_access',
] as const;
export type ContextScope = (typeof CONTEXT_SCOPES)[number];

/** A scope parameter, read. */
export interface ParsedScopes {
  readonly resources: readonly ResourceScope[];
  readonly context: readonly ContextScope[];
  /** What is no scope of this server, as it was written. */
  readonly unknown: readonly string[];
}
