import type { Request, Response } from 'express';
import { compact } from '../compact.ts';
import { bearerOf, tenantOf } from '../endpoint.ts';
import { bearerError, OAuthError } from '../oauth-error.ts';
import { parseScopes } from '../scopes/parse.ts';
import type { AuthServices } from '../services.ts';
import { urlsOf } from '../urls.ts';
import type { AccessToken } from './access-token.ts';
import { launchUrl } from './launch-url.ts';
import type { LaunchContext } from './launches.ts';

const ID = /^[A-Za-z0-9\-.]{1,64}$/;
const MAX_CONTEXT = 20;
/** Characters of what a card hands to the app that it links to. */
const MAX_APP_CONTEXT = 20_000;

/**
 * POST {issuer}/launch: an EHR makes the `launch` value for an app that it is about to open. The bearer is a person with
 * `user/` scopes, and then the launch is for that person alone, or a service with `system/` scopes, and then it is for
 * whoever logs in and may see the patient. The resources in context are ones that the bearer may read.
 *
 * Body (JSON): `patient` and `encounter` (ids), `need_patient_banner`, `intent`, `appContext` (of a link of CDS Hooks),
 * `fhirContext`, `client_id` (only this app may use it). Answer 201: `launch`, `iss` and, when the app is known and has a launch_uri, `launch_url` to open.
 * @throws OAuthError
 */
export async function launchEndpoint(
  services: AuthServices,
  request: Request,
  response: Response,
): Promise<object> {
  const tenant = tenantOf(response);
  const bearer = bearerOf(request);
  if (bearer === undefined) throw bearerError();
  const token = await services.verifier.verify(tenant, bearer);
  if (token === undefined) throw bearerError('invalid_token', 'The access token is not valid');
  const needed = token.role === undefined ? 'system' : 'user';
  if (!parseScopes(token.scopes).resources.some(({ context }) => context === needed)) {
    throw bearerError(
      'insufficient_scope',
      'A launch is made by a person with user/ scopes or a service with system/ scopes',
    );
  }
  const context = contextOf(request.body, token);
  for (const reference of referencesOf(context)) {
    if (!(await services.mayRead(tenant, token, reference))) {
      throw new OAuthError('access_denied', `${reference} is not there or may not be read`, 403);
    }
  }
  const client =
    context.clientId === undefined ? undefined : await services.clients.find(tenant, context.clientId);
  if (context.clientId !== undefined && client === undefined) {
    throw new OAuthError('invalid_request', 'There is no client with this client_id');
  }
  const launch = await services.launches.createLaunch(tenant, context);
  const iss = urlsOf(services.settings.baseUrl, tenant).fhir;
  response.status(201);
  return compact({ launch, iss, launch_url: client?.launchUri && launchUrl(client.launchUri, iss, launch) });
}

function referencesOf({ patient, encounter, fhirContext }: LaunchContext): string[] {
  return [
    ...(patient === undefined ? [] : [`Patient/${patient}`]),
    ...(encounter === undefined ? [] : [`Encounter/${encounter}`]),
    ...(fhirContext ?? []).flatMap(({ reference }) => (typeof reference === 'string' ? [reference] : [])),
  ];
}

function contextOf(body: unknown, token: AccessToken): LaunchContext {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw malformed('The body must be JSON');
  const given = body as Readonly<Record<string, unknown>>;
  const id = (name: string): string | undefined => {
    const value = given[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || !ID.test(value)) throw malformed(`${name} must be the id of a resource`);
    return value;
  };
  const text = (name: string, most = 255): string | undefined => {
    const value = given[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value === '' || value.length > most)
      throw malformed(`${name} must be a text`);
    return value;
  };
  const banner = given['need_patient_banner'];
  if (banner !== undefined && typeof banner !== 'boolean') {
    throw malformed('need_patient_banner must be true or false');
  }
  return compact({
    patient: id('patient'),
    encounter: id('encounter'),
    needPatientBanner: banner,
    intent: text('intent'),
    appContext: text('appContext', MAX_APP_CONTEXT),
    fhirContext: fhirContextOf(given['fhirContext']),
    accountId: token.role === undefined ? undefined : token.subject,
    clientId: text('client_id'),
  });
}

const REFERENCE = /^[A-Z][A-Za-z]{1,63}\/[A-Za-z0-9\-.]{1,64}$/;

/** SMART App Launch 2.2, "fhirContext": references relative to the FHIR base, canonicals or identifiers, with a role. */
function fhirContextOf(value: unknown): LaunchContext['fhirContext'] {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length > MAX_CONTEXT)
    throw malformed('fhirContext must be a short list');
  return value.map((one: unknown) => {
    const { reference, canonical, identifier, type, role } = (one ?? {}) as Readonly<Record<string, unknown>>;
    if (reference === undefined && canonical === undefined && identifier === undefined) {
      throw malformed('Every entry of fhirContext has a reference, canonical or identifier');
    }
    if (reference !== undefined && (typeof reference !== 'string' || !REFERENCE.test(reference))) {
      throw malformed('reference of fhirContext must be relative, e.g. ImagingStudy/123');
    }
    return compact({ reference, canonical, identifier, type, role });
  });
}

const malformed = (description: string): OAuthError => new OAuthError('invalid_request', description);
