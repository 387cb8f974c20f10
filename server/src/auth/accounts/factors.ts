import type { Visit } from '../sessions/visit.ts';
import type { Account } from './account.ts';
import { newRecoveryCodes, recoveryCodeHash } from './recovery-codes.ts';
import { totpStep } from './totp.ts';

/**
 * Sets up one-time passwords when the first of them is right.
 * @returns false when it is wrong: then nothing changes
 */
export async function newFactor(
  { services, tenant, origin }: Visit,
  account: Account,
  seed: string,
  code: string,
): Promise<boolean> {
  const step = await totpStep(seed, code);
  if (step === undefined) return false;
  await services.accounts.setFactors(tenant, account.id, { totp: seed });
  await services.accounts.useTotpStep(tenant, account.id, step);
  services.onEvent?.(tenant, { kind: 'second-factor-changed', accountId: account.id, ...origin });
  return true;
}

/** Makes new recovery codes in place of all that there were. @returns the codes, to be shown once */
export async function newRecovery({ services, tenant }: Visit, account: Account): Promise<string[]> {
  const codes = newRecoveryCodes();
  await services.accounts.setRecoveryCodes(
    tenant,
    account.id,
    codes.map((code) => recoveryCodeHash(account.id, code) as Buffer),
  );
  return codes;
}
