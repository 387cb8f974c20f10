import { SsoError } from '../proved-identity.ts';
import {
  ASSERTION,
  attribute,
  children,
  descendants,
  only,
  PROTOCOL,
  SIGNATURE,
  textOf,
  type XmlElement,
} from './xml.ts';

/** Algorithms of signatures and digests: RSA with SHA-256 or better. SHA-1 is broken. */
const SIGNATURE_ALGORITHMS = [
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
  'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1',
];
const DIGESTS = ['http://www.w3.org/2001/04/xmlenc#sha256', 'http://www.w3.org/2001/04/xmlenc#sha512'];
const CANONICALIZATIONS = [
  'http://www.w3.org/2001/10/xml-exc-c14n#',
  'http://www.w3.org/2001/10/xml-exc-c14n#WithComments',
];
/** SAML core, 5.4.4. */
const TRANSFORMS = [...CANONICALIZATIONS, `${SIGNATURE}enveloped-signature`];

const SUCCESS = 'urn:oasis:names:tc:SAML:2.0:status:Success';

/** What a response must fit. */
export interface ExpectedResponse {
  /** Entity id of the identity provider. */
  readonly entityId: string;
  /** Address of the assertion consumer service. */
  readonly acs: string;
  /** ID of the AuthnRequest. */
  readonly requestId: string;
}

/**
 * Checks the shape of a Response (SAML core, 3.2.2 and 3.3.3) before its signature is: one assertion in all, whose place
 * and whose signature's place are where they belong, so that there is nothing to be confused with (signature wrapping).
 * What it says counts for nothing yet.
 * @throws SsoError
 */
export function checkResponse(response: XmlElement, expected: ExpectedResponse): void {
  if (response.localName !== 'Response' || response.namespaceURI !== PROTOCOL) {
    throw new SsoError('this is no SAML response');
  }
  if (attribute(response, 'Version') !== '2.0') throw new SsoError('the response is not of SAML 2.0');
  const status = only(only(response, PROTOCOL, 'Status'), PROTOCOL, 'StatusCode');
  if (attribute(status, 'Value') !== SUCCESS) {
    const inner = children(status, PROTOCOL, 'StatusCode')[0];
    const code = attribute(inner ?? status, 'Value') ?? '';
    throw new SsoError(`the provider answers ${/[A-Za-z]{1,60}$/.exec(code)?.[0] ?? 'an error'}`);
  }
  const destination = attribute(response, 'Destination');
  if (destination !== undefined && destination !== expected.acs)
    throw new SsoError('the response is for another address');
  if (attribute(response, 'InResponseTo') !== expected.requestId) {
    throw new SsoError('the response is to another request');
  }
  for (const issuer of children(response, ASSERTION, 'Issuer')) {
    if (textOf(issuer) !== expected.entityId) throw new SsoError('the response is of another provider');
  }
  const all = descendants(response);
  const named = (name: string) => all.filter(({ localName }) => localName === name);
  if (named('EncryptedAssertion').length > 0) throw new SsoError('the assertion is encrypted');
  const assertion = only(response, ASSERTION, 'Assertion');
  if (named('Assertion').length !== 1 || named('Response').length !== 1) {
    throw new SsoError('there is more than one assertion');
  }
  const ids = all.flatMap((each) => ['ID', 'Id', 'id'].flatMap((name) => attribute(each, name) ?? []));
  if (new Set(ids).size !== ids.length) throw new SsoError('two elements have the same ID');
  for (const signature of named('Signature')) {
    const parent = signature.parentNode as XmlElement;
    if (signature.namespaceURI !== SIGNATURE || (parent !== response && parent !== assertion)) {
      throw new SsoError('a signature stands where it does not belong');
    }
    checkSignature(signature, parent);
  }
  if (children(assertion, SIGNATURE, 'Signature').length !== 1)
    throw new SsoError('the assertion is not signed');
}

/** Checks which algorithms a signature uses and that it is of the element that it stands in (SAML core, 5.4). */
function checkSignature(signature: XmlElement, parent: XmlElement): void {
  const info = only(signature, SIGNATURE, 'SignedInfo');
  const reference = only(info, SIGNATURE, 'Reference');
  const id = attribute(parent, 'ID');
  if (id === undefined || attribute(reference, 'URI') !== `#${id}`) {
    throw new SsoError('a signature is of another element');
  }
  const allowed = (element: XmlElement, name: string, algorithms: readonly string[]) => {
    if (!algorithms.includes(attribute(only(element, SIGNATURE, name), 'Algorithm') ?? '')) {
      throw new SsoError(`${name} of a signature is not allowed`);
    }
  };
  allowed(info, 'SignatureMethod', SIGNATURE_ALGORITHMS);
  allowed(info, 'CanonicalizationMethod', CANONICALIZATIONS);
  allowed(reference, 'DigestMethod', DIGESTS);
  const transforms = children(only(reference, SIGNATURE, 'Transforms'), SIGNATURE, 'Transform');
  if (transforms.some((each) => !TRANSFORMS.includes(attribute(each, 'Algorithm') ?? ''))) {
    throw new SsoError('Transform of a signature is not allowed');
  }
}
