import type { Tenant } from '../../access/scope.ts';

/** `invited`: has not set a password yet; `disabled`: may not log in. */
export type AccountState = 'invited' | 'active' | 'disabled';

/** A person who logs in. */
export interface Account {
  /** UUID */
  readonly id: string;
  readonly tenantId: number;
  /** What the person types; compared without regard to case. */
  readonly login: string;
  readonly name: string;
  readonly email?: string;
  /** A role of access/policies. */
  readonly role: string;
  /** Relative to the tenant's base: `Practitioner/1`, `PractitionerRole/1`, `Patient/1` or `RelatedPerson/1`. */
  readonly fhirUser?: string;
  /** BCP 47. */
  readonly language?: string;
  readonly state: AccountState;
  /** Whether a password is set that the account may log in by. */
  readonly hasPassword: boolean;
  /** False when an identity provider that the account is linked with wants to be the only way in. */
  readonly localLogins: boolean;
  /** Whether one-time passwords (TOTP) are set up. */
  readonly hasTotp: boolean;
  /** How many passkeys the account has. */
  readonly passkeys: number;
  /** Epoch milliseconds. */
  readonly created: number;
  readonly lastLogin?: number;
}

export interface NewAccount {
  readonly login: string;
  readonly name: string;
  readonly email?: string;
  readonly role: string;
  readonly fhirUser?: string;
  readonly language?: string;
  /** PHC text of password-hash.ts; without it the account is `invited`. */
  readonly passwordHash?: string;
}

/** Second factors that an account keeps sealed. */
export interface SealedFactors {
  /** Seed of one-time passwords, base32. */
  readonly totp?: string;
}

/** A passkey as it is stored (WebAuthn, section 4: public key credential). */
export interface Passkey {
  /** Credential id, base64url. */
  readonly id: string;
  readonly accountId: string;
  /** COSE key. */
  readonly publicKey: Buffer;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly deviceType?: string;
  readonly backedUp: boolean;
  /** What its owner calls it. */
  readonly name: string;
  /** Epoch milliseconds. */
  readonly created: number;
  readonly lastUsed?: number;
}

/** What is sent out once and comes back once. */
export type AccountTokenKind = 'invitation' | 'reset' | 'passkey-challenge';

/** The accounts of tenants. Storage: storage/auth/accounts.ts. */
export interface AccountStore {
  find(tenant: Tenant, id: string): Promise<Account | undefined>;
  /** Regardless of case. */
  findByLogin(tenant: Tenant, login: string): Promise<Account | undefined>;
  /** All accounts of an address, regardless of case. */
  findByEmail(tenant: Tenant, email: string): Promise<Account[]>;
  /** All accounts by login. */
  list(tenant: Tenant): Promise<Account[]>;
  /** @returns undefined when the login is taken */
  create(tenant: Tenant, account: NewAccount): Promise<Account | undefined>;
  /** The password's hash; undefined when there is none. */
  passwordHash(tenant: Tenant, id: string): Promise<string | undefined>;
  /** Sets the password; an invited account becomes active by it. */
  setPasswordHash(tenant: Tenant, id: string, hash: string): Promise<void>;
  setState(tenant: Tenant, id: string, state: AccountState): Promise<void>;
  setLanguage(tenant: Tenant, id: string, language: string): Promise<void>;
  noteLogin(tenant: Tenant, id: string): Promise<void>;
  factors(tenant: Tenant, id: string): Promise<SealedFactors>;
  setFactors(tenant: Tenant, id: string, factors: SealedFactors): Promise<void>;
  /** @returns false when a one-time password of this time step or a later one was used before */
  useTotpStep(tenant: Tenant, id: string, step: number): Promise<boolean>;
  /** Replaces all recovery codes by these hashes. */
  setRecoveryCodes(tenant: Tenant, id: string, hashes: readonly Buffer[]): Promise<void>;
  /** @returns false when there is no such code or it was used */
  useRecoveryCode(tenant: Tenant, id: string, hash: Buffer): Promise<boolean>;
  /** How many recovery codes are left. */
  recoveryCodesLeft(tenant: Tenant, id: string): Promise<number>;
  passkeys(tenant: Tenant, accountId: string): Promise<Passkey[]>;
  findPasskey(tenant: Tenant, credentialId: string): Promise<Passkey | undefined>;
  /** @returns false when the credential is known already */
  addPasskey(tenant: Tenant, passkey: Omit<Passkey, 'created' | 'lastUsed'>): Promise<boolean>;
  notePasskeyUse(tenant: Tenant, credentialId: string, counter: number): Promise<void>;
  removePasskey(tenant: Tenant, accountId: string, credentialId: string): Promise<void>;
  /** Keeps the hash of a token until `expires` (epoch milliseconds); an account has one token of a kind at a time. */
  addToken(
    tenant: Tenant,
    kind: AccountTokenKind,
    token: string,
    accountId: string,
    expires: number,
  ): Promise<void>;
  /** The account of a token that is alive, without using it. */
  peekToken(tenant: Tenant, kind: AccountTokenKind, token: string): Promise<string | undefined>;
  /** As {@link peekToken}, and ends the token. */
  takeToken(tenant: Tenant, kind: AccountTokenKind, token: string): Promise<string | undefined>;
  /** Notes that a token that was never stored (a signed challenge) is used. @returns false when it was before */
  useOnce(tenant: Tenant, kind: AccountTokenKind, token: string, expires: number): Promise<boolean>;
}
