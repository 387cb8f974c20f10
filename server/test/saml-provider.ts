import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { SignedXml } from 'xml-crypto';

export const ENTITY = 'https://idp.example.org/saml?x=1&y=2';

const ASSERTION_NS = 'urn:oasis:names:tc:SAML:2.0:assertion';
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature';
export const SHA256 = {
  signature: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  digest: 'http://www.w3.org/2001/04/xmlenc#sha256',
};
export const SHA1 = {
  signature: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
  digest: 'http://www.w3.org/2000/09/xmldsig#sha1',
};

export interface KeyPair {
  readonly key: string;
  readonly certificate: string;
}

/** Whether certificates can be made here: without openssl the tests that need some are skipped. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** A key with a certificate that it has signed itself. */
export function newKeyPair(bits = 2048): KeyPair {
  const folder = mkdtempSync(join(tmpdir(), 'vesta-saml-'));
  try {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        `rsa:${bits}`,
        '-nodes',
        '-subj',
        '/CN=idp',
        '-days',
        '30',
        '-keyout',
        key,
        '-out',
        certificate,
      ],
      { stdio: 'ignore' },
    );
    return { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The XML of an AuthnRequest that came by HTTP-Redirect. */
export const requestXml = (url: URL): string =>
  inflateRawSync(Buffer.from(url.searchParams.get('SAMLRequest') as string, 'base64')).toString();

const attributeOf = (xml: string, name: string): string =>
  new RegExp(`\\b${name}="([^"]*)"`).exec(xml)?.[1] ?? '';

/** What tests make wrong of an assertion; undefined leaves the right thing. */
export interface AssertionParts {
  readonly id?: string;
  readonly issuer?: string;
  readonly nameId?: string;
  readonly format?: string;
  readonly recipient?: string | null;
  readonly inResponseTo?: string | null;
  readonly audience?: string | null;
  readonly method?: string;
  /** Seconds from now. */
  readonly notBefore?: number;
  readonly notOnOrAfter?: number;
  readonly confirmedUntil?: number | null;
  readonly authenticated?: number;
  readonly sessionEnds?: number;
  readonly context?: string;
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
  /** Put into Conditions. */
  readonly condition?: string;
}

const time = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
const escaped = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
const optional = (name: string, value: string | null): string =>
  value === null ? '' : ` ${name}="${escaped(value)}"`;

/** An unsigned assertion that answers a request. */
export function assertionXml(request: string, entityId: string, parts: AssertionParts): string {
  const acs = attributeOf(request, 'AssertionConsumerServiceURL');
  const requestId = attributeOf(request, 'ID');
  const id = parts.id ?? `_${randomUUID()}`;
  const { recipient = acs, inResponseTo = requestId, audience = entityId, confirmedUntil = 300 } = parts;
  const attributes = Object.entries(parts.attributes ?? {}).map(
    ([name, values]) =>
      `<saml:Attribute Name="${escaped(name)}">${values.map((each) => `<saml:AttributeValue>${escaped(each)}</saml:AttributeValue>`).join('')}</saml:Attribute>`,
  );
  return `<saml:Assertion xmlns:saml="${ASSERTION_NS}" ID="${id}" Version="2.0" IssueInstant="${time(0)}"><saml:Issuer>${escaped(parts.issuer ?? ENTITY)}</saml:Issuer><saml:Subject><saml:NameID Format="${parts.format ?? 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'}">${escaped(parts.nameId ?? 'someone')}</saml:NameID><saml:SubjectConfirmation Method="${parts.method ?? 'urn:oasis:names:tc:SAML:2.0:cm:bearer'}"><saml:SubjectConfirmationData${optional('Recipient', recipient)}${optional('InResponseTo', inResponseTo)}${optional('NotOnOrAfter', confirmedUntil === null ? null : time(confirmedUntil))}/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="${time(parts.notBefore ?? -30)}" NotOnOrAfter="${time(parts.notOnOrAfter ?? 300)}">${audience === null ? '' : `<saml:AudienceRestriction><saml:Audience>${escaped(audience)}</saml:Audience></saml:AudienceRestriction>`}${parts.condition ?? ''}</saml:Conditions><saml:AuthnStatement AuthnInstant="${time(parts.authenticated ?? 0)}" SessionIndex="session-${id}"${optional('SessionNotOnOrAfter', parts.sessionEnds === undefined ? null : time(parts.sessionEnds))}><saml:AuthnContext><saml:AuthnContextClassRef>${parts.context ?? 'urn:oasis:names:tc:SAML:2.0:ac:classes:Password'}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>${attributes.join('')}</saml:AttributeStatement></saml:Assertion>`;
}

/** Signs the element of a name, with the signature after its Issuer (SAML core, 5.4). */
export function sign(
  xml: string,
  element: 'Assertion' | 'Response',
  { key }: KeyPair,
  algorithms = SHA256,
): string {
  const signed = new SignedXml({
    privateKey: key,
    signatureAlgorithm: algorithms.signature as never,
    canonicalizationAlgorithm: EXCLUSIVE,
  });
  const xpath = `//*[local-name(.)='${element}']`;
  signed.addReference({
    xpath,
    transforms: [ENVELOPED, EXCLUSIVE],
    digestAlgorithm: algorithms.digest as never,
  });
  signed.computeSignature(xml, {
    location: { reference: `${xpath}/*[local-name(.)='Issuer']`, action: 'after' },
  });
  return signed.getSignedXml();
}

/** A response that holds an assertion. */
export function responseXml(
  request: string,
  assertion: string,
  {
    inResponseTo = attributeOf(request, 'ID'),
    destination = attributeOf(request, 'AssertionConsumerServiceURL'),
    issuer = ENTITY,
    status = 'urn:oasis:names:tc:SAML:2.0:status:Success',
  } = {},
): string {
  return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_${randomUUID()}" Version="2.0" IssueInstant="${time(0)}" Destination="${destination}" InResponseTo="${inResponseTo}"><saml:Issuer xmlns:saml="${ASSERTION_NS}">${escaped(issuer)}</saml:Issuer><samlp:Status><samlp:StatusCode Value="${status}"/></samlp:Status>${assertion}</samlp:Response>`;
}
