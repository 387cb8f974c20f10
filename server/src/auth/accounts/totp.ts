/** RFC 6238 with the values that authenticator apps know: SHA-1, six digits, 30 seconds. */
export const PERIOD = 30;

/** A new seed of 160 bits, base32. */
export async function newTotpSeed(): Promise<string> {
  const { generateSecret } = await import('otplib');
  return generateSecret({ length: 20 });
}

/** What an authenticator app takes the seed from: `otpauth://totp/...`. */
export async function totpUri(issuer: string, login: string, seed: string): Promise<string> {
  const { generateURI } = await import('otplib');
  return generateURI({ issuer, label: login, secret: seed });
}

/**
 * The time step that a one-time password is of. The step before and the one after count too (RFC 6238, section 5.2).
 * @param now epoch milliseconds
 * @returns undefined for a wrong one
 */
export async function totpStep(seed: string, code: string, now = Date.now()): Promise<number | undefined> {
  const digits = code.replace(/[\s-]/g, '');
  if (!/^\d{6}$/.test(digits)) return undefined;
  const { verify } = await import('otplib');
  const epoch = Math.floor(now / 1000);
  const result = await verify({ secret: seed, token: digits, epoch, epochTolerance: PERIOD });
  return result.valid ? Math.floor(epoch / PERIOD) + result.delta : undefined;
}
