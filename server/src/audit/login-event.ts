import type { AuthEvent } from '../auth/accounts/events.ts';
import type { AuditInput, Outcome } from './entry.ts';
import type { KindName } from './kinds.ts';

/** What each event of the authorization server is in the audit log. */
const EVENTS: Readonly<Record<AuthEvent['kind'], readonly [kind: KindName, outcome: Outcome]>> = {
  login: ['login', 0],
  'login-failed': ['login', 4],
  'login-throttled': ['login', 4],
  'second-factor-failed': ['login', 4],
  logout: ['logout', 0],
  'session-ended': ['logout', 0],
  'password-changed': ['account-changed', 0],
  'password-reset-asked': ['account-changed', 0],
  'second-factor-changed': ['account-changed', 0],
  authorized: ['authorization', 0],
  'authorization-denied': ['authorization', 4],
  'app-revoked': ['token-revoked', 0],
  'account-provisioned': ['account-changed', 0],
  'account-linked': ['account-changed', 0],
  'role-changed': ['account-changed', 0],
};

/** What people have done about their logins, as an event of the audit log. */
export function loginEvent(event: AuthEvent): AuditInput {
  const { accountId, login, clientId, patient, address, scopes, userAgent, provider, reason } = event;
  const [kind, outcome] = EVENTS[event.kind];
  return {
    kind,
    outcome,
    ...(accountId === undefined ? {} : { agent: accountId }),
    ...(login === undefined ? {} : { login }),
    ...(clientId === undefined ? {} : { client: clientId }),
    ...(patient === undefined ? {} : { patients: [patient] }),
    ...(address === undefined ? {} : { address }),
    detail: {
      event: event.kind,
      ...(scopes === undefined ? {} : { scopes }),
      ...(userAgent === undefined ? {} : { userAgent }),
      ...(provider === undefined ? {} : { provider }),
      ...(reason === undefined ? {} : { reason }),
    },
  };
}
