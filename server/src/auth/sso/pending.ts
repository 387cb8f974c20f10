import type { ProvedIdentity } from './proved-identity.ts';

/** What a login at an identity provider is for: an app that waits, a confirmation, or the person's own page. */
export interface LoginPurpose {
  /** Handle of the authorization request that goes on after it. */
  readonly request?: string;
  /** Page below /manage that needs a new proof of who is logged in. */
  readonly confirm?: string;
}

/** A login that the person has gone to a provider for. Kept sealed until it comes back. */
export interface PendingLogin extends LoginPurpose {
  /** Epoch milliseconds. */
  readonly started: number;
  /** Whether the provider has to ask for proof anew. */
  readonly fresh: boolean;
  /** OpenID Connect: what ties the id_token to this login, and the verifier of PKCE (RFC 7636). */
  readonly nonce?: string;
  readonly codeVerifier?: string;
  /** SAML: ID of the AuthnRequest. */
  readonly requestId?: string;
  /** SAML: what the response has proved, until the browser comes for it. */
  readonly proved?: ProvedIdentity;
}
