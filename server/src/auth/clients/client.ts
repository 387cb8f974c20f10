import type { Tenant } from '../../access/scope.ts';

/** How a client proves itself at the token endpoint: not at all, by a secret, or by a key (SMART App Launch 2.2). */
export type ClientKind = 'public' | 'confidential-symmetric' | 'confidential-asymmetric';

/** `grant_type`s that a client may be registered for. */
export type GrantType =
  | 'authorization_code'
  | 'refresh_token'
  | 'client_credentials'
  | 'urn:ietf:params:oauth:grant-type:token-exchange';

/** A JSON Web Key as it is registered (RFC 7517): public members only. */
export interface PublicJwk {
  readonly kty: string;
  readonly kid?: string;
  readonly use?: string;
  readonly alg?: string;
  readonly key_ops?: readonly string[];
  readonly [member: string]: unknown;
}

export interface JwkSet {
  readonly keys: readonly PublicJwk[];
}

/** An app or service that may ask for tokens, in the terms of RFC 7591. */
export interface Client {
  /** `client_id` */
  readonly id: string;
  /** Shown to people on the consent page. */
  readonly name: string;
  readonly kind: ClientKind;
  /** Compared exactly, character by character. */
  readonly redirectUris: readonly string[];
  /** Where an EHR opens the app. */
  readonly launchUri?: string;
  /** What it may ask for, separated by spaces. */
  readonly scopes: string;
  readonly grantTypes: readonly GrantType[];
  readonly jwks?: JwkSet;
  readonly jwksUri?: string;
  readonly logoUri?: string;
  /** The app's home page. */
  readonly clientUri?: string;
  readonly policyUri?: string;
  readonly tosUri?: string;
  readonly contacts?: readonly string[];
  /** A part of the EHR: whoever is logged in and opens it from there is not asked for consent. Never by registration. */
  readonly trusted?: boolean;
  /** Epoch milliseconds. */
  readonly created: number;
}

/** A client that is about to be registered, with the secret that only its hash is kept of. */
export interface NewClient extends Omit<Client, 'created'> {
  readonly secret?: string;
}

/** The clients of tenants. Storage: storage/auth/clients.ts. */
export interface ClientStore {
  /** The client of this id, unless it is disabled; undefined if there is none. */
  find(tenant: Tenant, id: string): Promise<Client | undefined>;
  /** SHA-256 of the client's secret; undefined if it has none. */
  secretHash(tenant: Tenant, id: string): Promise<Buffer | undefined>;
  /** All clients by name. */
  list(tenant: Tenant): Promise<Client[]>;
  /** @returns false when there is a client of this id already */
  create(tenant: Tenant, client: NewClient): Promise<boolean>;
  /** Removes a client and revokes all that was granted to it. @returns false when there is none */
  delete(tenant: Tenant, id: string): Promise<boolean>;
}
