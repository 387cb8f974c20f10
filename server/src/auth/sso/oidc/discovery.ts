import { Lru } from '../../../collections/lru.ts';
import { JwkSets } from '../../clients/jwk-sets.ts';
import { type FetchedText, fetchPublic } from '../../clients/public-fetch.ts';
import { SsoError } from '../proved-identity.ts';
import type { OidcProvider } from '../provider.ts';

/** What is used of a provider's metadata (OpenID Connect Discovery 1.0, section 3). */
export interface ProviderMetadata {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  readonly userinfoEndpoint?: string;
  /** Whether its answers always say who answers (RFC 9207, section 3). */
  readonly sendsIssuer: boolean;
}

/** How long metadata is used, in milliseconds, and how soon a failed fetch is tried again. */
const LIFE = 3600_000;
const RETRY_AFTER = 5000;
const MAX_PROVIDERS = 200;
const TIMEOUT = 5000;
const MAX_BYTES = 262_144;

interface Entry {
  readonly metadata: Promise<ProviderMetadata>;
  until: number;
}

/** What an HTTP request to a provider may add. */
type RequestOptions = Pick<Parameters<typeof fetchPublic>[1], 'headers' | 'form'>;

/** The OpenID Connect providers of all tenants, as they describe themselves. */
export class OidcProviders {
  readonly #allowHttp: boolean;
  readonly #metadata = new Lru<string, Entry>(MAX_PROVIDERS);
  /** Key sets of providers in public and in private networks: what one may fetch is not the other's. */
  readonly #keys: Readonly<Record<'public' | 'private', JwkSets>>;

  /** @param options allowPrivateAddresses: whether http and private addresses are allowed for all, for tests */
  constructor(options: { readonly allowPrivateAddresses: boolean }) {
    this.#allowHttp = options.allowPrivateAddresses;
    this.#keys = { public: new JwkSets(options), private: new JwkSets(options) };
  }

  /**
   * The provider's metadata, whose `issuer` is exactly the one that it was asked for by.
   * @throws SsoError, FetchError
   */
  metadata(provider: OidcProvider): Promise<ProviderMetadata> {
    const key = `${provider.privateNetwork} ${provider.issuer}`;
    const known = this.#metadata.get(key);
    if (known !== undefined && known.until > Date.now()) return known.metadata;
    const metadata = this.#discover(provider);
    const entry: Entry = { metadata, until: Date.now() + LIFE };
    this.#metadata.set(key, entry);
    metadata.catch(() => {
      entry.until = Date.now() + RETRY_AFTER;
    });
    return metadata;
  }

  /** The provider's keys. @param again because one is missing @throws FetchError */
  async keySet(provider: OidcProvider, again: boolean) {
    const { jwksUri } = await this.metadata(provider);
    const sets = this.#keys[provider.privateNetwork ? 'private' : 'public'];
    return await sets.get(jwksUri, again, provider.privateNetwork || this.#allowHttp);
  }

  /** A request to an address of the provider's. @throws FetchError */
  fetch(provider: OidcProvider, url: string, options: RequestOptions = {}): Promise<FetchedText> {
    return fetchPublic(url, {
      ...options,
      allowPrivate: provider.privateNetwork || this.#allowHttp,
      allowHttp: this.#allowHttp,
      timeout: TIMEOUT,
      maxBytes: MAX_BYTES,
    });
  }

  async #discover(provider: OidcProvider): Promise<ProviderMetadata> {
    const url = `${provider.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const { text } = await this.fetch(provider, url);
    return readMetadata(text, provider.issuer, this.#allowHttp);
  }
}

/**
 * @param text of the document
 * @throws SsoError when it is another issuer's, or not what is needed
 */
export function readMetadata(text: string, issuer: string, allowHttp: boolean): ProviderMetadata {
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new SsoError('the discovery document is not JSON');
  }
  if (found?.['issuer'] !== issuer) throw new SsoError('the discovery document is of another issuer');
  const endpoint = (name: string): string => {
    const value = found[name];
    const protocol = typeof value === 'string' && URL.canParse(value) ? new URL(value).protocol : undefined;
    if (protocol !== 'https:' && !(allowHttp && protocol === 'http:')) {
      throw new SsoError(`${name} of the discovery document is no https URL`);
    }
    return value as string;
  };
  return {
    authorizationEndpoint: endpoint('authorization_endpoint'),
    tokenEndpoint: endpoint('token_endpoint'),
    jwksUri: endpoint('jwks_uri'),
    ...(found['userinfo_endpoint'] === undefined ? {} : { userinfoEndpoint: endpoint('userinfo_endpoint') }),
    sendsIssuer: found['authorization_response_iss_parameter_supported'] === true,
  };
}

/** What a provider answered in JSON. @throws SsoError when it is no object */
export function jsonObject(text: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SsoError(`${what} is not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SsoError(`${what} is no object`);
  return value as Record<string, unknown>;
}
