/** What happens about logins; audit/ and detection make of it what they need. Holds no secret. */
export interface AuthEvent {
  readonly kind:
    | 'login'
    | 'login-failed'
    | 'login-throttled'
    | 'second-factor-failed'
    | 'logout'
    | 'session-ended'
    | 'password-changed'
    | 'password-reset-asked'
    | 'second-factor-changed'
    | 'authorized'
    | 'authorization-denied'
    | 'app-revoked'
    | 'account-provisioned'
    | 'account-linked'
    | 'role-changed';
  readonly accountId?: string | undefined;
  /** What was typed, for failures of logins that there are none of. */
  readonly login?: string | undefined;
  readonly clientId?: string | undefined;
  readonly scopes?: string | undefined;
  readonly patient?: string | undefined;
  /** Id of the identity provider concerned. */
  readonly provider?: string | undefined;
  /** Why an answer of the provider was not accepted, or what the role is now. */
  readonly reason?: string | undefined;
  readonly address?: string | undefined;
  readonly userAgent?: string | undefined;
}

/** Where a request comes from. */
export interface Origin {
  readonly address: string;
  readonly userAgent?: string | undefined;
}
