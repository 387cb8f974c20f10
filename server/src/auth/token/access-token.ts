import type { Tenant } from '../../access/scope.ts';

/** What a verified access token says. */
export interface AccessToken {
  /** `jti` */
  readonly id: string;
  /** What was authorized: revoking it ends all tokens of it. */
  readonly grantId: string;
  readonly clientId: string;
  /** Account id; the client's id for system tokens. */
  readonly subject: string;
  /** `Practitioner/1`, relative to the tenant's base. */
  readonly fhirUser?: string;
  /** Name of a role of access/policies; absent for system tokens. */
  readonly role?: string;
  /** Separated by spaces, exactly what was granted. */
  readonly scopes: string;
  /** Id of the launch context's patient. */
  readonly patient?: string;
  /** Id of the launch context's encounter. */
  readonly encounter?: string;
  /** v3 ActReason code; TREAT by default for users. */
  readonly purposeOfUse?: string;
  /** Who acts for the subject (RFC 8693, section 4.1). */
  readonly actor?: { readonly clientId: string };
  /** Epoch seconds. */
  readonly issued: number;
  /** Epoch seconds. */
  readonly expires: number;
}

export interface TokenVerifier {
  /**
   * What the bearer of a request presents: signature, issuer, audience, time and revocation are checked, by memory when
   * the same token was checked before.
   * @returns undefined for anything but a token of this tenant that is alive
   * @throws FhirError 503 when the database is away and no fresh answer is known
   */
  verify(tenant: Tenant, bearer: string): Promise<AccessToken | undefined>;
  /**
   * As {@link TokenVerifier.verify}, for a token that needs neither the database nor a signature checked: most requests
   * come with one, and wait for nothing.
   * @returns undefined for any other, which verify decides about
   */
  remembered(tenant: Tenant, bearer: string): AccessToken | undefined;
}
