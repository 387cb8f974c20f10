import { X509Certificate } from 'node:crypto';
import { ROLES } from '../../access/policies/index.ts';
import { isObject } from '../../json/objects.ts';
import { compact } from '../compact.ts';

/** How a client proves itself at a provider's token endpoint (OpenID Connect Core, section 9). */
export const CLIENT_AUTHENTICATION = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
] as const;
export type ClientAuthentication = (typeof CLIENT_AUTHENTICATION)[number];

/** One line of the role mapping: who has this value of this claim (OpenID Connect) or attribute (SAML) has the role. */
export interface RoleRule {
  /** Name of the claim or attribute; a path with dots leads into objects: `realm_access.roles`. */
  readonly claim: string;
  /** Compared exactly; `*` is any value. */
  readonly value: string;
  /** A role of access/policies. */
  readonly role: string;
}

/** Which claims or attributes say what about a person. */
export interface ClaimNames {
  /** Becomes the login of a new account. */
  readonly login: string;
  readonly name: string;
  readonly email: string;
  /** A reference such as `Practitioner/1`, relative or below the tenant's FHIR base. */
  readonly fhirUser?: string;
  /** An identifier of the person's Practitioner. */
  readonly practitioner?: { readonly claim: string; readonly system: string };
}

interface ProviderRules {
  /** Part of its addresses: `a-z`, `0-9` and hyphens. */
  readonly id: string;
  /** What people see on the login page. */
  readonly name: string;
  /** The first that fits counts; who fits none is refused. */
  readonly roles: readonly RoleRule[];
  readonly claims: ClaimNames;
  /** Whether an invited account is linked to who comes with its verified e-mail address. */
  readonly linkByEmail: boolean;
  /** Whether the provider has verified every e-mail address that it gives, without saying so each time. */
  readonly trustEmail: boolean;
  /** Whether an account is made for who has none. */
  readonly createAccounts: boolean;
  /** Whether linked accounts may also log in here, by password or passkey. */
  readonly localLogins: boolean;
  /** What tells that the provider has checked a second factor that counts here: `acr` or AuthnContextClassRef, `amr`. */
  readonly mfa: { readonly acr: readonly string[]; readonly amr: readonly string[] };
}

export interface OidcProvider extends ProviderRules {
  readonly kind: 'oidc';
  /** Compared exactly with what discovery and tokens say. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientAuthentication: ClientAuthentication;
  /** Separated by spaces. */
  readonly scope: string;
  /** Whether claims are also asked of the UserInfo endpoint. */
  readonly userinfo: boolean;
  /** Whether its addresses may lie in a private network. */
  readonly privateNetwork: boolean;
}

export interface SamlProvider extends ProviderRules {
  readonly kind: 'saml';
  readonly entityId: string;
  /** Of its SingleSignOnService with the HTTP-Redirect binding. */
  readonly ssoUrl: string;
  /** PEM; assertions are signed by the key of one of them. */
  readonly certificates: readonly string[];
  /** Format that is asked for; what comes is another matter. */
  readonly nameIdFormat?: string;
  /** Attribute that names the person for good, where the NameID does not. */
  readonly subjectAttribute?: string;
  /** PEM of the certificate whose key signs authentication requests; without it they are not signed. */
  readonly signingCertificate?: string;
}

/** An identity provider of a tenant: its people log in there. */
export type IdentityProvider = OidcProvider | SamlProvider;

/** What is wrong with the description of a provider; names the member. */
export class ProviderError extends Error {}

/** Roles that no catch-all gives. */
const EXPLICIT_ROLES = ['super_admin', 'org_admin'];
/** RSA keys below this are not safe (NIST SP 800-131A). */
const LEAST_RSA_BITS = 2048;

const DEFAULT_CLAIMS = {
  oidc: { login: 'preferred_username', name: 'name', email: 'email' },
  saml: {
    login: 'urn:oid:1.3.6.1.4.1.5923.1.1.1.6',
    name: 'urn:oid:2.16.840.1.113730.3.1.241',
    email: 'urn:oid:0.9.2342.19200300.100.1.3',
  },
} as const;

/**
 * Checks the description of a provider, with defaults for what it leaves out.
 * @param value members as in {@link IdentityProvider}
 * @param allowHttp whether http is allowed for loopback addresses: for tests and development
 * @throws ProviderError
 */
export function checkProvider(value: unknown, { allowHttp = false } = {}): IdentityProvider {
  if (!isObject(value as never)) throw new ProviderError('An identity provider is an object');
  const members = value as Readonly<Record<string, unknown>>;
  const { kind } = members;
  if (kind !== 'oidc' && kind !== 'saml') throw new ProviderError('kind must be oidc or saml');
  const known = kind === 'oidc' ? [...COMMON, ...OIDC] : [...COMMON, ...SAML];
  const unknown = Object.keys(members).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new ProviderError(`${kind} providers have no ${unknown}`);
  const id = text(members, 'id');
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(id)) {
    throw new ProviderError('id must be 1 to 63 of a-z, 0-9 and hyphens');
  }
  const rules: ProviderRules = {
    id,
    name: text(members, 'name', 100),
    roles: rolesOf(members['roles']),
    claims: claimsOf(members['claims'], kind),
    linkByEmail: flag(members, 'linkByEmail', false),
    trustEmail: flag(members, 'trustEmail', false),
    createAccounts: flag(members, 'createAccounts', false),
    localLogins: flag(members, 'localLogins', true),
    mfa: mfaOf(members['mfa']),
  };
  return kind === 'oidc' ? oidcProvider(rules, members, allowHttp) : samlProvider(rules, members, allowHttp);
}

const COMMON = [
  'kind',
  'id',
  'name',
  'roles',
  'claims',
  'linkByEmail',
  'trustEmail',
  'createAccounts',
  'localLogins',
  'mfa',
];
const OIDC = ['issuer', 'clientId', 'clientAuthentication', 'scope', 'userinfo', 'privateNetwork'];
const SAML = ['entityId', 'ssoUrl', 'certificates', 'nameIdFormat', 'subjectAttribute', 'signingCertificate'];

type Members = Readonly<Record<string, unknown>>;

function oidcProvider(rules: ProviderRules, members: Members, allowHttp: boolean): OidcProvider {
  const issuer = webAddress(members, 'issuer', allowHttp);
  if (/[?#]/.test(issuer)) throw new ProviderError('issuer must have neither query nor fragment');
  const clientAuthentication = members['clientAuthentication'] ?? 'client_secret_basic';
  if (!CLIENT_AUTHENTICATION.includes(clientAuthentication as ClientAuthentication)) {
    throw new ProviderError(`clientAuthentication must be ${CLIENT_AUTHENTICATION.join(', ')}`);
  }
  const scope = members['scope'] === undefined ? 'openid profile email' : text(members, 'scope', 1000);
  if (!scope.split(' ').includes('openid')) throw new ProviderError('scope must hold openid');
  return {
    kind: 'oidc',
    ...rules,
    issuer,
    clientId: text(members, 'clientId', 500),
    clientAuthentication: clientAuthentication as ClientAuthentication,
    scope,
    userinfo: flag(members, 'userinfo', false),
    privateNetwork: flag(members, 'privateNetwork', false),
  };
}

function samlProvider(rules: ProviderRules, members: Members, allowHttp: boolean): SamlProvider {
  const certificates = members['certificates'];
  if (!Array.isArray(certificates) || certificates.length === 0 || certificates.length > 10) {
    throw new ProviderError('certificates must be 1 to 10 texts in PEM');
  }
  const optional = (name: string, longest: number) =>
    members[name] === undefined ? undefined : text(members, name, longest);
  const signing = optional('signingCertificate', 20_000);
  return compact({
    kind: 'saml' as const,
    ...rules,
    entityId: text(members, 'entityId', 1024),
    ssoUrl: webAddress(members, 'ssoUrl', allowHttp),
    certificates: certificates.map((each) => certificateOf(each, 'certificates')),
    nameIdFormat: optional('nameIdFormat', 200),
    subjectAttribute: optional('subjectAttribute', 500),
    signingCertificate: signing === undefined ? undefined : certificateOf(signing, 'signingCertificate'),
  });
}

function text(members: Members, name: string, longest = 200): string {
  const value = members[name];
  if (typeof value !== 'string' || value.trim() === '' || value.length > longest) {
    throw new ProviderError(`${name} must be a text of 1 to ${longest} characters`);
  }
  return value;
}

function flag(members: Members, name: string, fallback: boolean): boolean {
  const value = members[name] ?? fallback;
  if (typeof value !== 'boolean') throw new ProviderError(`${name} must be true or false`);
  return value;
}

function webAddress(members: Members, name: string, allowHttp: boolean): string {
  const value = text(members, name, 1000);
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url?.hostname ?? '');
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && allowHttp && isLoopback)) {
    throw new ProviderError(`${name} must begin with https://`);
  }
  if (url.username !== '' || url.password !== '')
    throw new ProviderError(`${name} must not hold credentials`);
  return value;
}

function rolesOf(value: unknown): RoleRule[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 200) {
    throw new ProviderError('roles must be a list of 1 to 200 objects with claim, value and role');
  }
  return value.map((each, at) => {
    const { claim, value: expected, role } = (each ?? {}) as Record<string, unknown>;
    const place = `roles[${at}]`;
    if (typeof claim !== 'string' || claim === '') throw new ProviderError(`${place}.claim must be a text`);
    if (typeof expected !== 'string' || expected === '')
      throw new ProviderError(`${place}.value must be a text`);
    if (!(ROLES as readonly unknown[]).includes(role)) {
      throw new ProviderError(`${place}.role must be one of ${ROLES.join(', ')}`);
    }
    if (expected === '*' && EXPLICIT_ROLES.includes(role as string)) {
      throw new ProviderError(`${place}: ${role} needs a value, not *`);
    }
    return { claim, value: expected, role: role as string };
  });
}

function claimsOf(value: unknown, kind: 'oidc' | 'saml'): ClaimNames {
  const given = (value ?? {}) as Record<string, unknown>;
  const unknown = Object.keys(given).find(
    (name) => !['login', 'name', 'email', 'fhirUser', 'practitioner'].includes(name),
  );
  if (typeof given !== 'object' || unknown !== undefined) {
    throw new ProviderError('claims may have login, name, email, fhirUser and practitioner');
  }
  const name = (member: 'login' | 'name' | 'email') =>
    given[member] === undefined ? DEFAULT_CLAIMS[kind][member] : text(given, member, 500);
  const practitioner = given['practitioner'] as Record<string, unknown> | undefined;
  if (practitioner !== undefined && given['fhirUser'] !== undefined) {
    throw new ProviderError('claims has either fhirUser or practitioner');
  }
  return compact({
    login: name('login'),
    name: name('name'),
    email: name('email'),
    fhirUser: given['fhirUser'] === undefined ? undefined : text(given, 'fhirUser', 500),
    practitioner:
      practitioner === undefined
        ? undefined
        : { claim: text(practitioner, 'claim', 500), system: text(practitioner, 'system', 500) },
  });
}

function mfaOf(value: unknown): ProviderRules['mfa'] {
  const given = (value ?? {}) as Record<string, unknown>;
  const list = (name: string): string[] => {
    const texts = given[name] ?? [];
    if (
      !Array.isArray(texts) ||
      texts.length > 20 ||
      texts.some((each) => typeof each !== 'string' || each === '')
    ) {
      throw new ProviderError(`mfa.${name} must be a list of texts`);
    }
    return texts as string[];
  };
  return { acr: list('acr'), amr: list('amr') };
}

/** The certificate in PEM. @throws ProviderError when it is none, or its key is not RSA of 2048 bits or more */
function certificateOf(value: unknown, place: string): string {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(String(value));
  } catch {
    throw new ProviderError(`${place}: this is no certificate in PEM`);
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  if (asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) < LEAST_RSA_BITS) {
    throw new ProviderError(`${place}: the key must be RSA of at least ${LEAST_RSA_BITS} bits`);
  }
  return certificate.toString();
}
