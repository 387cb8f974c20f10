import { canUsePasskeys, loginOptions } from '../accounts/passkeys.ts';
import { newTotpSeed, totpUri } from '../accounts/totp.ts';
import type { Page } from '../pages/layout.ts';
import { secondFactorPage } from '../pages/second-factor.ts';
import { totpPage } from '../pages/totp.ts';
import type { Visit } from '../sessions/visit.ts';

interface Options {
  readonly wrong?: boolean;
  readonly formTargets?: readonly string[] | undefined;
  /** A seed that was shown before. */
  readonly seed?: string | undefined;
}

/**
 * The page for the step that a login lacks.
 * @param request handle of the authorization request that waits
 * @returns undefined when no step is open: then it has to begin anew
 */
export async function unfinishedPage(
  visit: Visit,
  request: string | undefined,
  { wrong = false, formTargets, seed }: Options = {},
): Promise<Page | undefined> {
  const { unfinished, services, tenant, browser } = visit;
  if (unfinished === undefined) return undefined;
  const { account, session } = unfinished;
  // A password that was typed long ago is no part of a login now.
  if (session.pending === undefined || session.authenticated + 15 * 60_000 < Date.now()) return undefined;
  if (session.pending === 'second-factor') {
    const passkeys = canUsePasskeys(services) ? await services.accounts.passkeys(tenant, account.id) : [];
    return secondFactorPage(visit, {
      request,
      wrong,
      formTargets,
      passkeyOptions:
        passkeys.length > 0 ? await loginOptions(services, tenant, browser, passkeys) : undefined,
    });
  }
  return await enrolPage(visit, 'login/enrol', request, { wrong, formTargets, seed });
}

/** The page that sets up one-time passwords for who is logging in or logged in. */
export async function enrolPage(
  visit: Visit,
  action: 'login/enrol' | 'manage/totp',
  request: string | undefined,
  { wrong = false, formTargets, seed = undefined }: Options,
): Promise<Page> {
  const account = (visit.login ?? visit.unfinished)?.account;
  if (account === undefined) throw new Error('Nobody is logging in');
  const known = seed ?? (await newTotpSeed());
  return totpPage(visit, {
    seed: known,
    uri: await totpUri(`Vesta ${visit.tenant.name}`, account.login, known),
    sealed: visit.services.secrets.seal(seedPurpose(visit, account.id), known).toString('base64url'),
    action,
    request,
    wrong,
    formTargets,
  });
}

/** The seed that a form brings back; undefined when it is not one that was shown to this person in this browser. */
export function openSeed(visit: Visit, sealed: string): string | undefined {
  const account = (visit.login ?? visit.unfinished)?.account;
  if (account === undefined) return undefined;
  try {
    return visit.services.secrets.open(seedPurpose(visit, account.id), Buffer.from(sealed, 'base64url'));
  } catch {
    return undefined;
  }
}

const seedPurpose = ({ tenant, browser }: Visit, accountId: string): string =>
  `totp-enrolment/${tenant.id}/${accountId}/${browser}`;
