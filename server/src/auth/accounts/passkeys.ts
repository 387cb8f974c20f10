import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import type { Tenant } from '../../access/scope.ts';
import type { Account, Passkey } from './account.ts';
import type { PeopleServices } from './people.ts';

/** How long a challenge is good, in milliseconds. */
const CHALLENGE_LIFE = 10 * 60_000;

type ChallengeUse = 'register' | 'log-in';

/**
 * A challenge that needs no row until it is used: random bytes, its end and a proof that this server made it for this
 * browser and use.
 */
function newChallenge(services: PeopleServices, tenant: Tenant, browser: string, use: ChallengeUse): string {
  const body = Buffer.alloc(24);
  randomBytes(16).copy(body);
  body.writeBigUInt64BE(BigInt(Date.now() + CHALLENGE_LIFE), 16);
  return Buffer.concat([body, proofOf(services, tenant, browser, use, body)]).toString('base64url');
}

const proofOf = (
  { secrets }: PeopleServices,
  tenant: Tenant,
  browser: string,
  use: ChallengeUse,
  body: Buffer,
) => secrets.derive('passkey-challenge', [tenant.id, use, browser, body.toString('hex')].join('/'));

/** Whether a challenge is this server's, for this browser and use, in time; it is good once. */
async function useChallenge(
  services: PeopleServices,
  tenant: Tenant,
  browser: string,
  use: ChallengeUse,
  challenge: string,
): Promise<boolean> {
  const bytes = Buffer.from(challenge, 'base64url');
  if (bytes.length !== 56) return false;
  const body = bytes.subarray(0, 24);
  if (!timingSafeEqual(bytes.subarray(24), proofOf(services, tenant, browser, use, body))) return false;
  const expires = Number(body.readBigUInt64BE(16));
  if (expires < Date.now()) return false;
  return await services.accounts.useOnce(tenant, 'passkey-challenge', challenge, expires);
}

const rpId = ({ settings }: PeopleServices): string => new URL(settings.baseUrl).hostname;
const origin = ({ settings }: PeopleServices): string => new URL(settings.baseUrl).origin;

/** WebAuthn knows no relying party with an IP address (section 5.1.2). */
export const canUsePasskeys = (services: PeopleServices): boolean =>
  !/^(\d+\.\d+\.\d+\.\d+|\[.*\])$/.test(rpId(services));

/** What a browser needs to make a passkey, as JSON (PublicKeyCredentialCreationOptionsJSON). */
export async function registrationOptions(
  services: PeopleServices,
  tenant: Tenant,
  account: Account,
  browser: string,
): Promise<string> {
  const { generateRegistrationOptions } = await import('@simplewebauthn/server');
  const known = await services.accounts.passkeys(tenant, account.id);
  const options = await generateRegistrationOptions({
    rpName: `Vesta ${tenant.name}`,
    rpID: rpId(services),
    userID: new TextEncoder().encode(account.id),
    userName: account.login,
    userDisplayName: account.name,
    challenge: new Uint8Array(Buffer.from(newChallenge(services, tenant, browser, 'register'), 'base64url')),
    attestationType: 'none',
    excludeCredentials: known.map(({ id, transports }) => ({ id, transports: [...transports] })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  });
  return JSON.stringify(options);
}

/**
 * Adds the passkey that a browser made.
 * @param response RegistrationResponseJSON
 * @returns false when it is not what was asked for
 */
export async function registerPasskey(
  services: PeopleServices,
  tenant: Tenant,
  account: Account,
  browser: string,
  response: string,
  name: string,
): Promise<boolean> {
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server');
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: JSON.parse(response) as RegistrationResponseJSON,
      expectedChallenge: (challenge) => useChallenge(services, tenant, browser, 'register', challenge),
      expectedOrigin: origin(services),
      expectedRPID: rpId(services),
      requireUserVerification: true,
    });
    if (!verified || registrationInfo === undefined) return false;
    const { credential, credentialDeviceType, credentialBackedUp } = registrationInfo;
    return await services.accounts.addPasskey(tenant, {
      id: credential.id,
      accountId: account.id,
      publicKey: Buffer.from(credential.publicKey),
      counter: credential.counter,
      transports: credential.transports ?? [],
      deviceType: credentialDeviceType,
      backedUp: credentialBackedUp,
      name: name.trim().slice(0, 80) || 'Passkey',
    });
  } catch (error) {
    return refused(error);
  }
}

/**
 * What a browser needs to prove a passkey, as JSON (PublicKeyCredentialRequestOptionsJSON).
 * @param passkeys those of an account that is known already; without them the browser offers all that it has
 */
export async function loginOptions(
  services: PeopleServices,
  tenant: Tenant,
  browser: string,
  passkeys: readonly Passkey[] = [],
): Promise<string> {
  const { generateAuthenticationOptions } = await import('@simplewebauthn/server');
  const options = await generateAuthenticationOptions({
    rpID: rpId(services),
    challenge: new Uint8Array(Buffer.from(newChallenge(services, tenant, browser, 'log-in'), 'base64url')),
    userVerification: 'required',
    allowCredentials: passkeys.map(({ id, transports }) => ({ id, transports: [...transports] })),
  });
  return JSON.stringify(options);
}

/**
 * The account whose passkey has answered a challenge.
 * @param response AuthenticationResponseJSON
 * @returns undefined when the answer is wrong, or its account is not active
 */
export async function authenticateByPasskey(
  services: PeopleServices,
  tenant: Tenant,
  browser: string,
  response: string,
): Promise<Account | undefined> {
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server');
  try {
    const answer = JSON.parse(response) as AuthenticationResponseJSON;
    const passkey = await services.accounts.findPasskey(tenant, String(answer.id).slice(0, 1400));
    if (passkey === undefined) return undefined;
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: answer,
      expectedChallenge: (challenge) => useChallenge(services, tenant, browser, 'log-in', challenge),
      expectedOrigin: origin(services),
      expectedRPID: rpId(services),
      requireUserVerification: true,
      credential: {
        id: passkey.id,
        publicKey: new Uint8Array(passkey.publicKey),
        counter: passkey.counter,
        transports: [...passkey.transports],
      },
    });
    if (!verified) return undefined;
    await services.accounts.notePasskeyUse(tenant, passkey.id, authenticationInfo.newCounter);
    const account = await services.accounts.find(tenant, passkey.accountId);
    return account?.state === 'active' ? account : undefined;
  } catch (error) {
    return refused(error) || undefined;
  }
}

/** The library throws plain errors for whatever is wrong with an answer; what our own storage throws has a status or code. */
function refused(error: unknown): false {
  const { status, code } = error as { status?: unknown; code?: unknown };
  if (typeof status === 'number' || (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code))) throw error;
  return false;
}
