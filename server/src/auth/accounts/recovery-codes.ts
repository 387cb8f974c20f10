import { createHash, randomInt } from 'node:crypto';

/** No I, L, O, U, 0 or 1: they are taken for each other. */
const SIGNS = 'ABCDEFGHJKMNPQRSTVWXYZ23456789';
const COUNT = 10;
const LENGTH = 12;

/** Ten new recovery codes of 58 bits, as `ABCD-EFGH-JKMN`. Each stands in for the second factor once. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: COUNT }, () =>
    Array.from(
      { length: LENGTH },
      (_, at) => `${at > 0 && at % 4 === 0 ? '-' : ''}${SIGNS[randomInt(SIGNS.length)]}`,
    ).join(''),
  );
}

/** What is stored of a code; case, spaces and hyphens do not matter. @returns undefined for what cannot be one */
export function recoveryCodeHash(accountId: string, code: string): Buffer | undefined {
  const plain = code.toUpperCase().replace(/[\s-]/g, '');
  if (plain.length !== LENGTH || [...plain].some((sign) => !SIGNS.includes(sign))) return undefined;
  return createHash('sha256').update(`${accountId}/${plain}`).digest();
}
