import type { JwkSet } from '../auth/clients/client.ts';
import { jwkSetProblem } from '../auth/clients/jwk-sets.ts';
import { parseScopes } from '../auth/scopes/index.ts';
import { isWebUrl } from './hooks/fields.ts';
import { OWN } from './terms.ts';

/** An EHR whose JWTs a tenant's services accept (CDS Hooks 2.0, Trusting CDS Clients). */
export interface CdsClientRegistration {
  /** `iss`, compared exactly. */
  readonly issuer: string;
  readonly name: string;
  /** URL of its JWK set; one of jku and jwks is there. */
  readonly jku?: string;
  readonly jwks?: JwkSet;
  /** Bases of its FHIR servers, without trailing slash: what it has not prefetched is fetched from these only. */
  readonly fhirServers?: readonly string[];
  /** Its keys and FHIR servers may be at private addresses, the FHIR servers without TLS. */
  readonly privateNetwork?: boolean;
}

/** A provider of CDS services that a tenant asks (CDS Hooks 2.0, Trusting CDS Services). */
export interface CdsProviderRegistration {
  /** Part of the ids of its services: a-z, 0-9, hyphens. */
  readonly id: string;
  readonly name: string;
  /** Base of discovery, without `/cds-services` and without trailing slash. */
  readonly url: string;
  /** SMART scopes, separated by spaces, of the access token that its services get; absent: none. */
  readonly scopes?: string;
  /** Its services may be at a private address, and without TLS. */
  readonly privateNetwork?: boolean;
}

/** Why something is not registered: told to who registers it. */
export class RegistrationError extends Error {}

/** @throws RegistrationError */
export function checkClient(client: CdsClientRegistration): CdsClientRegistration {
  if (!/^[\x21-\x7e]{1,1000}$/.test(client.issuer)) throw new RegistrationError('The issuer is no URI');
  if ((client.jku === undefined) === (client.jwks === undefined))
    throw new RegistrationError('Either the URL of a JWK set or a JWK set is needed');
  if (client.jku !== undefined && !isWebUrl(client.jku))
    throw new RegistrationError('The URL of the JWK set is no URL');
  const problem = client.jwks === undefined ? undefined : jwkSetProblem(client.jwks);
  if (problem !== undefined) throw new RegistrationError(problem);
  const { fhirServers } = client;
  if (fhirServers?.some((url) => !isWebUrl(url)))
    throw new RegistrationError('The URL of a FHIR server is no URL');
  if (fhirServers === undefined) return client;
  return { ...client, fhirServers: fhirServers.map((url) => url.replace(/\/+$/, '')) };
}

/** Whether a provider may have this id. */
export const isProviderId = (id: string): boolean => /^[a-z0-9][a-z0-9-]{0,62}$/.test(id);

/** @throws RegistrationError */
export function checkProvider(provider: CdsProviderRegistration): CdsProviderRegistration {
  const { id, scopes } = provider;
  if (!isProviderId(id) || id === OWN)
    throw new RegistrationError(`The id "${id}" is not made of a-z, 0-9 and hyphens, or is taken`);
  const url = provider.url.replace(/\/+$/, '').replace(/\/cds-services$/, '');
  if (!isWebUrl(url)) throw new RegistrationError('The URL of the services is no URL');
  if (scopes !== undefined) {
    const { resources, context, unknown } = parseScopes(scopes);
    const isReading = resources.every(
      (one) =>
        one.context === 'patient' && one.permissions.every((letter) => letter === 'r' || letter === 's'),
    );
    if (resources.length === 0 || context.length + unknown.length > 0 || !isReading)
      throw new RegistrationError(
        'Scopes of CDS services are patient scopes that read, such as patient/Condition.rs',
      );
  }
  return { ...provider, url };
}
