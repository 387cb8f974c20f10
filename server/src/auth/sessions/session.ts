import type { Tenant } from '../../access/scope.ts';

/** What a login still lacks: the second factor, or one to be set up because the tenant demands it. */
export type PendingStep = 'second-factor' | 'enrol';

/** The session of an identity provider that a login began at. */
export interface ProviderSession {
  /** Id of the provider. */
  readonly provider: string;
  /** What the provider calls it: `sid` of OpenID Connect, SessionIndex of SAML. */
  readonly session?: string | undefined;
}

/** A person's login in a browser. Times are epoch milliseconds. */
export interface Session {
  /** UUID; not what the cookie holds. */
  readonly id: string;
  readonly accountId: string;
  readonly created: number;
  readonly lastSeen: number;
  readonly expires: number;
  /** When the person proved who they are. */
  readonly authenticated: number;
  /** How: RFC 8176 values such as `pwd`, `otp`, `hwk`, `mfa`. */
  readonly methods: readonly string[];
  /** With this it is no login yet. */
  readonly pending?: PendingStep;
  /** Id of the identity provider that it began at. */
  readonly provider?: string;
  readonly address?: string;
  readonly userAgent?: string;
}

export interface NewSession {
  readonly accountId: string;
  readonly expires: number;
  readonly methods: readonly string[];
  readonly pending?: PendingStep | undefined;
  readonly from?: ProviderSession | undefined;
  /** When the person proved who they are, in epoch milliseconds; now by default. */
  readonly authenticated?: number | undefined;
  readonly address?: string | undefined;
  readonly userAgent?: string | undefined;
}

/** The sessions of tenants. Storage: storage/auth/sessions.ts. */
export interface SessionStore {
  /** @returns the cookie's value, of which only the hash is kept */
  create(tenant: Tenant, session: NewSession): Promise<{ id: string; token: string }>;
  /** The session of a cookie, pending ones too, unless it has ended. */
  findByToken(tenant: Tenant, token: string): Promise<Session | undefined>;
  /** Complete sessions that are alive, last used first. */
  ofAccount(tenant: Tenant, accountId: string): Promise<Session[]>;
  /** Notes that a session is in use. */
  seen(tenant: Tenant, session: Session): Promise<void>;
  /**
   * Gives a session another cookie value after the person proved more, or proved themselves again: what was known before
   * is worth nothing then (session fixation).
   * @param from where the new proof comes from; null for one of this server, undefined when that stays as it was
   * @param authenticated when it was proved, in epoch milliseconds; now by default
   */
  renew(
    tenant: Tenant,
    id: string,
    methods: readonly string[],
    pending: PendingStep | undefined,
    from?: ProviderSession | null,
    authenticated?: number,
  ): Promise<string>;
  /**
   * Ends one session of an account, or all but one, with what apps hold by them (offline access excepted).
   * @returns how many
   */
  end(tenant: Tenant, accountId: string, which: { id: string } | { except?: string }): Promise<number>;
}
