import { randomBytes } from 'node:crypto';
import type { SAML } from '@node-saml/node-saml';
import { compact } from '../../compact.ts';
import type { PendingLogin } from '../pending.ts';
import { type ProvedIdentity, SsoError } from '../proved-identity.ts';
import type { SamlProvider } from '../provider.ts';
import { readAssertion } from './assertion.ts';
import { checkResponse } from './response.ts';
import { parseSecureXml } from './xml.ts';

/** Where this service provider is for one provider. */
export interface ServiceProviderUrls {
  /** Address of the metadata, which is the entity id too. */
  readonly metadata: string;
  /** Assertion consumer service. */
  readonly acs: string;
}

/** Longest response in characters of base64. */
export const MAX_RESPONSE = 200_000;

/** An ID as xs:ID has it: no digit comes first. */
export const newRequestId = (): string => `_${randomBytes(20).toString('hex')}`;

async function library(
  provider: SamlProvider,
  urls: ServiceProviderUrls,
  more: { privateKey?: string | undefined; requestId?: string; fresh?: boolean } = {},
): Promise<SAML> {
  const { SAML: Saml, ValidateInResponseTo } = await import('@node-saml/node-saml');
  const { privateKey, requestId, fresh = false } = more;
  return new Saml({
    entryPoint: provider.ssoUrl,
    issuer: urls.metadata,
    callbackUrl: urls.acs,
    audience: urls.metadata,
    idpIssuer: provider.entityId,
    idpCert: [...provider.certificates],
    identifierFormat: provider.nameIdFormat ?? null,
    wantAssertionsSigned: true,
    wantAuthnResponseSigned: false,
    acceptedClockSkewMs: 60_000,
    // Requests are known to all processes by the database, which is asked before.
    validateInResponseTo: ValidateInResponseTo.never,
    disableRequestedAuthnContext: provider.mfa.acr.length === 0,
    authnContext: [...provider.mfa.acr],
    forceAuthn: fresh,
    signatureAlgorithm: 'sha256',
    digestAlgorithm: 'sha256',
    ...(requestId === undefined ? {} : { generateUniqueId: () => requestId }),
    ...(privateKey === undefined ? {} : { privateKey }),
  });
}

/**
 * The address that the person is sent to (SAML bindings, 3.4), signed when there is a key.
 * @param relayState comes back with the response
 */
export async function authnRequestUrl(
  provider: SamlProvider,
  urls: ServiceProviderUrls,
  request: { readonly requestId: string; readonly relayState: string; readonly fresh: boolean },
  privateKey: string | undefined,
): Promise<string> {
  const saml = await library(provider, urls, { ...request, privateKey });
  return await saml.getAuthorizeUrlAsync(request.relayState, undefined, {});
}

/** The metadata that the provider registers this service provider by (SAML metadata, 2.4.4). */
export async function serviceProviderMetadata(
  provider: SamlProvider,
  urls: ServiceProviderUrls,
  privateKey: string | undefined,
): Promise<string> {
  const { signingCertificate } = provider;
  const saml = await library(provider, urls, {
    requestId: `_${Buffer.from(urls.metadata).toString('hex').slice(-60)}`,
    privateKey: signingCertificate === undefined ? undefined : privateKey,
  });
  return saml.generateServiceProviderMetadata(null, signingCertificate ?? null);
}

/**
 * Checks a response of HTTP-POST, and says who has logged in (SAML profiles, 4.1.4). Only what the assertion's own
 * signature covers is read.
 * @param encoded SAMLResponse
 * @param pending what was asked
 * @returns also the assertion's ID, which is good once, and until when it has to be remembered (epoch milliseconds)
 * @throws SsoError
 */
export async function proveByResponse(
  provider: SamlProvider,
  urls: ServiceProviderUrls,
  encoded: string,
  pending: PendingLogin,
  now = Date.now(),
): Promise<{ proved: ProvedIdentity; assertionId: string; expires: number }> {
  if (encoded.length > MAX_RESPONSE || !/^[A-Za-z0-9+/=\s]+$/.test(encoded)) {
    throw new SsoError('the response is no base64 or too long');
  }
  const expected = {
    entityId: provider.entityId,
    acs: urls.acs,
    requestId: pending.requestId as string,
    audience: urls.metadata,
  };
  checkResponse(await parseSecureXml(Buffer.from(encoded, 'base64').toString('utf8')), expected);
  const signed = await signedAssertion(provider, urls, encoded);
  const assertion = readAssertion(await parseSecureXml(signed), expected, now);
  const { fresh, started } = pending;
  if (fresh && assertion.authenticated < started - 60_000) {
    throw new SsoError('the provider has not asked for proof anew');
  }
  return {
    proved: compact({
      subject: `${provider.entityId} ${subjectOf(provider, assertion)}`,
      claims: assertion.attributes,
      emailVerified: false,
      authenticated: fresh ? now : assertion.authenticated,
      acr: assertion.context,
      amr: [],
      session: assertion.session,
    }),
    assertionId: assertion.id,
    expires: assertion.expires,
  };
}

/** The XML that the signature of the assertion covers, in its canonical form. @throws SsoError */
async function signedAssertion(
  provider: SamlProvider,
  urls: ServiceProviderUrls,
  encoded: string,
): Promise<string> {
  const saml = await library(provider, urls);
  try {
    const { profile } = await saml.validatePostResponseAsync({ SAMLResponse: encoded });
    const xml = profile?.getAssertionXml?.();
    if (xml !== undefined) return xml;
  } catch {
    // Said below; the library's messages quote the document.
  }
  throw new SsoError('the signature, the audience or the times of the assertion are wrong');
}

function subjectOf(
  { subjectAttribute }: SamlProvider,
  { nameId, attributes }: ReturnType<typeof readAssertion>,
): string {
  if (subjectAttribute !== undefined) {
    const values = attributes[subjectAttribute] ?? [];
    const [value] = values;
    if (values.length !== 1 || value === undefined || value === '' || value.length > 500) {
      throw new SsoError('the assertion has not one value of the attribute that names the person');
    }
    return value;
  }
  if (nameId === undefined) throw new SsoError('the assertion has no usable NameID');
  // Another one at each login: it names nobody.
  if (nameId.isTransient) throw new SsoError('the NameID is transient');
  return nameId.value;
}
