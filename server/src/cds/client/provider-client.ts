import type { Tenant } from '../../access/scope.ts';
import { FetchError, fetchPublic, type PublicFetchOptions } from '../../auth/clients/public-fetch.ts';
import { Lru } from '../../collections/lru.ts';
import { FhirError } from '../../fhir/outcome.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonValue } from '../../json/types.ts';
import { parseDiscovery } from '../hooks/discovery.ts';
import { type CheckedResponse, parseResponse } from '../hooks/response.ts';
import type { CdsFeedback, CdsRequest, CdsServiceDescription } from '../hooks/types.ts';
import type { CdsProviderRegistration } from '../registrations.ts';
import type { Time } from '../time.ts';
import type { Breakers } from './breaker.ts';

/** A provider or service that cannot be had at the moment. */
export class UnavailableError extends Error {
  readonly reason: 'circuit-open' | 'failure' | 'missing-data';

  constructor(reason: UnavailableError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface ProviderClientOptions {
  readonly allowPrivate: boolean;
  readonly time: Time;
  readonly breakers: Breakers;
  /** The JWT of a call; undefined where the server has no keys. @param audience the URL that is called */
  sign(tenant: Tenant, audience: string | string[]): Promise<string | undefined>;
}

type SendOptions = Pick<PublicFetchOptions, 'json' | 'anySuccess'> & {
  /** `aud` of the JWT; the URL by default. */
  readonly audience?: string | string[];
};

/** How long what a provider says of its services is used, in milliseconds. */
const DISCOVERED = 300_000;
const MAX_PROVIDERS = 500;
const MAX_BYTES = 2_000_000;
/** Milliseconds for feedback, which nobody waits for with a patient before them. */
const FEEDBACK_TIME = 5000;

/** Calls the CDS services of others by HTTP (CDS Hooks 2.0). Each call costs its own answer only. */
export class ProviderClient {
  readonly #options: ProviderClientOptions;
  readonly #discovered = new Lru<string, { services: readonly CdsServiceDescription[]; at: number }>(
    MAX_PROVIDERS,
  );

  constructor(options: ProviderClientOptions) {
    this.#options = options;
  }

  /**
   * The services of a provider; for some minutes those that it named last.
   * @throws UnavailableError
   */
  async discover(
    tenant: Tenant,
    provider: CdsProviderRegistration,
    timeout: number,
  ): Promise<readonly CdsServiceDescription[]> {
    const url = `${provider.url}/cds-services`;
    const key = `${tenant.id} ${provider.id} ${url}`;
    const known = this.#discovered.get(key);
    if (known !== undefined && known.at + DISCOVERED > performance.now()) return known.services;
    try {
      const services = await this.#guarded(`${tenant.id} ${provider.id}`, async () =>
        parseDiscovery(await this.#exchange(tenant, provider, url, timeout)),
      );
      this.#discovered.set(key, { services, at: performance.now() });
      return services;
    } catch (error) {
      // What it offered before it offers still, as far as anybody knows.
      if (error instanceof UnavailableError && known !== undefined) return known.services;
      throw error;
    }
  }

  /** @throws UnavailableError */
  async call(
    tenant: Tenant,
    provider: CdsProviderRegistration,
    { id, title }: CdsServiceDescription,
    request: CdsRequest,
    timeout: number,
  ): Promise<CheckedResponse> {
    const url = urlOf(provider, id);
    return await this.#guarded(`${tenant.id} ${provider.id}/${id}`, async () =>
      parseResponse(
        await this.#exchange(tenant, provider, url, timeout, JSON.stringify(request)),
        title ?? provider.name,
      ),
    );
  }

  /** Sends feedback to the service that made the cards. @throws UnavailableError */
  async sendFeedback(
    tenant: Tenant,
    provider: CdsProviderRegistration,
    id: string,
    feedback: readonly CdsFeedback[],
  ): Promise<void> {
    const service = urlOf(provider, id);
    const url = `${service}/feedback`;
    try {
      await this.#send(tenant, provider, url, FEEDBACK_TIME, {
        json: JSON.stringify({ feedback }),
        // The specification leaves open which of the two URLs is meant, and what a service answers.
        audience: [url, service],
        anySuccess: true,
      });
    } catch (error) {
      throw error instanceof FetchError ? new UnavailableError('failure', error.message) : error;
    }
  }

  isOpen(tenant: Tenant, provider: CdsProviderRegistration, id: string): boolean {
    return this.#options.breakers.isOpen(`${tenant.id} ${provider.id}/${id}`);
  }

  async #guarded<T>(key: string, work: () => Promise<T>): Promise<T> {
    const { breakers } = this.#options;
    if (!breakers.enter(key))
      throw new UnavailableError('circuit-open', 'It has failed before and is left alone');
    try {
      const result = await work();
      breakers.succeeded(key);
      return result;
    } catch (error) {
      // An answer that is none of CDS Hooks is a failure too.
      if (!(error instanceof FetchError || error instanceof FhirError)) {
        breakers.undecided(key);
        throw error;
      }
      // CDS Hooks 2.0, HTTP Status Codes: the service works, and cannot do without data that it has not got.
      if (error instanceof FetchError && error.status === 412) {
        breakers.succeeded(key);
        throw new UnavailableError('missing-data', error.message);
      }
      breakers.failed(key);
      throw new UnavailableError('failure', error.message);
    }
  }

  async #exchange(
    tenant: Tenant,
    provider: CdsProviderRegistration,
    url: string,
    timeout: number,
    json?: string,
  ): Promise<JsonValue> {
    return parseJson(await this.#send(tenant, provider, url, timeout, json === undefined ? {} : { json }));
  }

  async #send(
    tenant: Tenant,
    { privateNetwork }: CdsProviderRegistration,
    url: string,
    timeout: number,
    { audience = url, ...options }: SendOptions,
  ): Promise<string> {
    const jwt = await this.#options.sign(tenant, audience);
    const { text } = await fetchPublic(url, {
      allowPrivate: this.#options.allowPrivate || privateNetwork === true,
      timeout: this.#options.time.limit(timeout),
      maxBytes: MAX_BYTES,
      ...(jwt === undefined ? {} : { headers: { Authorization: `Bearer ${jwt}` } }),
      ...options,
    });
    return text;
  }
}

const urlOf = ({ url }: CdsProviderRegistration, id: string): string =>
  `${url}/cds-services/${encodeURIComponent(id)}`;

/** Whether an id is a part of a URL's path: dots alone lead elsewhere. */
export const isServiceId = (id: string): boolean => !/^\.{0,2}$/.test(id);
