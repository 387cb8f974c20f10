import type { Tenant } from '../../access/scope.ts';

/** What a person has authorized: the end of the authorize endpoint's work. */
export interface AuthorizedRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  /** Of PKCE, method S256 (RFC 7636). */
  readonly codeChallenge: string;
  /** Granted, separated by spaces. */
  readonly scopes: string;
  readonly accountId: string;
  readonly role: string;
  /** Relative to the tenant's base: `Practitioner/1`. */
  readonly fhirUser?: string;
  /** Id of the patient in context. */
  readonly patient?: string;
  readonly encounter?: string;
  readonly needPatientBanner?: boolean;
  readonly intent?: string;
  /** CDS Hooks 2.0, Link: what the card has said that opened the app; in the token response as it is. */
  readonly appContext?: string;
  /** SMART App Launch 2.2, `fhirContext`: further resources in context. */
  readonly fhirContext?: readonly Readonly<Record<string, unknown>>[];
  readonly nonce?: string;
  readonly purposeOfUse?: string;
  /** `id` of the row in account_session (not the cookie's value). */
  readonly sessionId: string;
  /** When the person proved who they are: epoch seconds; now, if absent. */
  readonly authTime?: number;
}

/** Makes authorization codes. */
export interface CodeIssuer {
  /**
   * Records the grant and makes the code that the client exchanges for its tokens, once and within a minute
   * (RFC 6749, section 4.1.2).
   * @returns the code, URL-safe
   */
  issueCode(tenant: Tenant, request: AuthorizedRequest): Promise<string>;
}
