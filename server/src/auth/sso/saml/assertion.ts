import { compact } from '../../compact.ts';
import { SsoError } from '../proved-identity.ts';
import type { ExpectedResponse } from './response.ts';
import { ASSERTION, attribute, children, instant, only, textOf, type XmlElement } from './xml.ts';

const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';
const TRANSIENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';

/** What clocks may differ by, in milliseconds. */
export const SKEW = 60_000;

export interface ExpectedAssertion extends ExpectedResponse {
  /** Entity id of this service provider. */
  readonly audience: string;
}

/** What a signed assertion says. Times are epoch milliseconds. */
export interface ReadAssertion {
  readonly id: string;
  /** After this it is refused anyway. */
  readonly expires: number;
  readonly nameId?: { readonly value: string; readonly isTransient: boolean };
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  readonly authenticated: number;
  /** AuthnContextClassRef */
  readonly context?: string;
  readonly session?: string;
}

/**
 * Reads an assertion whose signature was checked: subject confirmation, conditions and statements (SAML core, 2.3 to 2.7;
 * SAML profiles, 4.1.4.3).
 * @param assertion root of what was signed
 * @param now epoch milliseconds
 * @throws SsoError
 */
export function readAssertion(
  assertion: XmlElement,
  expected: ExpectedAssertion,
  now = Date.now(),
): ReadAssertion {
  if (assertion.localName !== 'Assertion' || assertion.namespaceURI !== ASSERTION) {
    throw new SsoError('what was signed is no assertion');
  }
  const id = attribute(assertion, 'ID');
  if (id === undefined || id === '') throw new SsoError('the assertion has no ID');
  if (textOf(only(assertion, ASSERTION, 'Issuer')) !== expected.entityId) {
    throw new SsoError('the assertion is of another provider');
  }
  const subject = only(assertion, ASSERTION, 'Subject');
  const confirmed = children(subject, ASSERTION, 'SubjectConfirmation').flatMap((each) => {
    const end = confirmedUntil(each, expected, now);
    return end === undefined ? [] : [end];
  });
  if (confirmed.length === 0)
    throw new SsoError('the assertion is not for this request and address at this time');
  const end = conditionsEnd(only(assertion, ASSERTION, 'Conditions'), expected.audience, now);
  const statements = children(assertion, ASSERTION, 'AuthnStatement');
  const statement = statements[0];
  if (statement === undefined) throw new SsoError('the assertion does not say that somebody has logged in');
  const authenticated = instant(statement, 'AuthnInstant');
  if (authenticated === undefined || authenticated > now + SKEW)
    throw new SsoError('AuthnInstant is missing or lies ahead');
  if (statements.some((each) => (instant(each, 'SessionNotOnOrAfter') ?? Infinity) <= now - SKEW)) {
    throw new SsoError("the provider's session has ended");
  }
  const context = children(statement, ASSERTION, 'AuthnContext').flatMap((each) =>
    children(each, ASSERTION, 'AuthnContextClassRef'),
  )[0];
  const name = children(subject, ASSERTION, 'NameID')[0];
  return compact({
    id,
    expires: Math.min(end, ...confirmed) + 2 * SKEW,
    nameId:
      name === undefined || textOf(name) === '' || textOf(name).length > 500
        ? undefined
        : { value: textOf(name), isTransient: attribute(name, 'Format') === TRANSIENT },
    attributes: attributesOf(assertion),
    authenticated: Math.min(now, authenticated),
    context: context === undefined ? undefined : textOf(context),
    session: attribute(statement, 'SessionIndex')?.slice(0, 500) || undefined,
  });
}

/** Until when a confirmation holds; undefined when it is not for here and now. */
function confirmedUntil(
  confirmation: XmlElement,
  { acs, requestId }: ExpectedResponse,
  now: number,
): number | undefined {
  if (attribute(confirmation, 'Method') !== BEARER) return undefined;
  const data = children(confirmation, ASSERTION, 'SubjectConfirmationData')[0];
  if (data === undefined) return undefined;
  const end = instant(data, 'NotOnOrAfter');
  const isHere = attribute(data, 'Recipient') === acs && attribute(data, 'InResponseTo') === requestId;
  if (!isHere || end === undefined || end <= now - SKEW) return undefined;
  return (instant(data, 'NotBefore') ?? 0) > now + SKEW ? undefined : end;
}

/** Until when the conditions hold. @throws SsoError when they do not */
function conditionsEnd(conditions: XmlElement, audience: string, now: number): number {
  const end = instant(conditions, 'NotOnOrAfter') ?? now + SKEW;
  if (end <= now - SKEW) throw new SsoError('the assertion has expired');
  if ((instant(conditions, 'NotBefore') ?? 0) > now + SKEW)
    throw new SsoError('the assertion is not valid yet');
  const restrictions = children(conditions, ASSERTION, 'AudienceRestriction');
  const isForUs = (restriction: XmlElement) =>
    children(restriction, ASSERTION, 'Audience').some((each) => textOf(each) === audience);
  if (restrictions.length === 0 || !restrictions.every(isForUs)) {
    throw new SsoError('the assertion is for another service');
  }
  // A condition that is not understood makes the assertion worth nothing (SAML core, 2.5.1.1).
  const known = ['AudienceRestriction', 'OneTimeUse', 'ProxyRestriction'];
  if (
    children(conditions).some((each) => each.namespaceURI !== ASSERTION || !known.includes(each.localName))
  ) {
    throw new SsoError('the assertion has a condition that is not known');
  }
  return end;
}

function attributesOf(assertion: XmlElement): Record<string, string[]> {
  const found = new Map<string, string[]>();
  for (const statement of children(assertion, ASSERTION, 'AttributeStatement')) {
    for (const each of children(statement, ASSERTION, 'Attribute')) {
      const name = attribute(each, 'Name');
      if (name === undefined) continue;
      const values = children(each, ASSERTION, 'AttributeValue').map(textOf);
      found.set(name, [...(found.get(name) ?? []), ...values]);
    }
  }
  return Object.fromEntries(found);
}
