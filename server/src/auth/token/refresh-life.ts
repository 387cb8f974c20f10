import type { AuthSettings } from '../settings.ts';
import { type AuthGrant, hasScope } from './grant.ts';

/**
 * When a refresh token that is issued now ends (epoch milliseconds): offline_access is renewed by use, online_access
 * ends a fixed time after the person authorized it.
 * @returns undefined when the grant gives none
 */
export function refreshExpires(
  grant: Pick<AuthGrant, 'scopes' | 'created'>,
  settings: Pick<AuthSettings, 'offlineSeconds' | 'onlineSeconds'>,
  now: number,
): number | undefined {
  if (hasScope(grant.scopes, 'offline_access')) return now + settings.offlineSeconds * 1000;
  if (hasScope(grant.scopes, 'online_access')) return grant.created + settings.onlineSeconds * 1000;
  return undefined;
}
