/** What the token response says beside the tokens, as it was when the person authorized. */
export interface GrantContext {
  readonly nonce?: string;
  readonly needPatientBanner?: boolean;
  readonly intent?: string;
  /** CDS Hooks 2.0, Link: what the card has said that opened the app; in the token response as it is. */
  readonly appContext?: string;
  readonly fhirContext?: readonly Readonly<Record<string, unknown>>[];
  /** When the person proved who they are: epoch seconds. */
  readonly authTime?: number;
}

/** What was authorized, and by whom: the root of codes and tokens. */
export interface AuthGrant {
  /** UUID */
  readonly id: string;
  readonly clientId: string;
  /** Absent when a client was authorized for itself. */
  readonly accountId?: string;
  readonly sessionId?: string;
  /** Separated by spaces. */
  readonly scopes: string;
  readonly role?: string;
  /** Relative to the tenant's base. */
  readonly fhirUser?: string;
  readonly patient?: string;
  readonly encounter?: string;
  readonly purposeOfUse?: string;
  readonly context: GrantContext;
  /** Epoch milliseconds. */
  readonly created: number;
  readonly revoked: boolean;
}

/** Whether a scope is among scopes that are separated by spaces. */
export const hasScope = (scopes: string, scope: string): boolean => scopes.split(' ').includes(scope);
