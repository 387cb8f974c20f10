import { isCommon } from './common-passwords.ts';

/** Why a password is refused. */
export type PasswordFault = 'too-short' | 'too-long' | 'too-common' | 'breached';

/** Longest password in code points; OWASP ASVS 5.0, 6.2.9 asks for 64 at least. */
export const LONGEST_PASSWORD = 128;

/** Tells whether a password is known from a breach; see breach-range.ts. */
export interface BreachList {
  /** False also when the list cannot be asked. */
  includes(password: string): Promise<boolean>;
}

export interface PasswordRules {
  /** Code points. */
  readonly minimumLength: number;
  readonly breaches?: BreachList;
}

/**
 * Checks a password that is about to be set: its length and whether it is known. Any sign is allowed and none demanded
 * (NIST SP 800-63B-4, 3.1.1.2).
 * @param expected login, name and so on, which must not be most of the password
 * @returns undefined when it may be used
 */
export async function passwordFault(
  password: string,
  expected: readonly string[],
  { minimumLength, breaches }: PasswordRules,
): Promise<PasswordFault | undefined> {
  const length = [...password.normalize('NFKC')].length;
  if (length < minimumLength) return 'too-short';
  if (length > LONGEST_PASSWORD) return 'too-long';
  if (isCommon(password, expected)) return 'too-common';
  return (await breaches?.includes(password)) === true ? 'breached' : undefined;
}
