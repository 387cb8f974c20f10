import type { Client } from '../clients/client.ts';
import { errorPage } from '../pages/message.ts';
import { patientPage } from '../pages/patient.ts';
import { formValue, formValues, type Outcome, queryValue } from '../pages/routes.ts';
import { fill } from '../pages/strings/index.ts';
import { parseScopes } from '../scopes/index.ts';
import type { Login, Visit } from '../sessions/visit.ts';
import type { AuthorizedRequest } from '../token/codes.ts';
import { urlsOf } from '../urls.ts';
import { tickedScopes } from './choices.ts';
import { authorizedRequest, consentStep, type Flow, mayRemember, nextStep } from './flow.ts';
import {
  AuthorizationError,
  type AuthorizationErrorCode,
  type AuthorizationRequest,
  answerUri,
  formTargetOf,
  type Parameters,
  readAddress,
  readRequest,
  stateOf,
  UntrustedRequestError,
} from './request.ts';

/**
 * GET and POST /authorize (RFC 6749, 3.1; SMART App Launch 2.2, 2.0.5): takes the request of an app. What is wrong with
 * app or address is shown; all else is told to the app. A right request goes on at /authorize/step, by GET, so that the
 * browser's cookies come along whoever sent the form.
 */
export async function authorize(visit: Visit): Promise<Outcome> {
  const { services, tenant, request } = visit;
  const parameters = (request.method === 'POST' ? (request.body ?? {}) : request.query) as Parameters;
  let trusted: { client: Client; redirectUri: string } | undefined;
  try {
    trusted = await trustedAddress(visit, parameters);
    const { client, redirectUri } = trusted;
    const { fhir } = urlsOf(services.settings.baseUrl, tenant);
    const read = readRequest(parameters, client, redirectUri, fhir, Date.now());
    if (
      parseScopes(read.request.scope).context.length + parseScopes(read.request.scope).resources.length ===
      0
    ) {
      throw new AuthorizationError('invalid_scope', 'None of the scopes is known');
    }
    const launch =
      read.launch === undefined ? undefined : await services.launches.takeLaunch(tenant, read.launch);
    if (read.launch !== undefined && launch === undefined) {
      throw new AuthorizationError('invalid_request', 'The launch is unknown, was used or is too old');
    }
    if (launch?.clientId !== undefined && launch.clientId !== client.id) {
      throw new AuthorizationError('invalid_request', 'The launch was made for another client');
    }
    const full: AuthorizationRequest = launch === undefined ? read.request : { ...read.request, launch };
    const handle = await services.requests.add(tenant, full);
    return { redirect: stepPath(visit, handle) };
  } catch (error) {
    if (error instanceof UntrustedRequestError) return untrustedPage(visit, error);
    if (error instanceof AuthorizationError && trusted !== undefined) {
      return {
        redirect: errorAnswer(visit, trusted.redirectUri, stateOf(parameters), error.error, error.message),
      };
    }
    throw error;
  }
}

/** @throws UntrustedRequestError unless the client is known and the address is, sign by sign, one of its own */
async function trustedAddress(
  visit: Visit,
  parameters: Parameters,
): Promise<{ client: Client; redirectUri: string }> {
  const { clientId, redirectUri } = readAddress(parameters);
  const client = await visit.services.clients.find(visit.tenant, clientId);
  if (client === undefined) throw new UntrustedRequestError('client');
  if (!client.redirectUris.includes(redirectUri) || !URL.canParse(redirectUri)) {
    throw new UntrustedRequestError('redirect');
  }
  return { client, redirectUri };
}

function untrustedPage(visit: Visit, { kind, message }: UntrustedRequestError): Outcome {
  const { strings } = visit;
  const text = {
    client: strings.errorClient,
    redirect: strings.errorRedirect,
    request: fill(strings.errorRequest, { detail: message }),
  }[kind];
  return errorPage(visit, text, 400);
}

export const stepPath = ({ path }: Visit, handle: string): string =>
  `${path}/authorize/step?request=${encodeURIComponent(handle)}`;

const errorAnswer = (
  visit: Visit,
  redirectUri: string,
  state: string | undefined,
  error: AuthorizationErrorCode,
  description: string,
): string =>
  answerUri(redirectUri, visit.base, state, {
    error,
    error_description: description.replace(/[^\x20-\x7e]|["\\]/g, '?'),
  });

/** The request of a handle in this browser, with its client; undefined when either is gone. */
export async function flowOf(visit: Visit, handle: string | undefined): Promise<Flow | undefined> {
  if (handle === undefined) return undefined;
  const { services, tenant, browser } = visit;
  const request = await services.requests.find(tenant, handle, browser);
  if (request === undefined) return undefined;
  const client = await services.clients.find(tenant, request.clientId);
  // A client may have lost its address since.
  if (client === undefined || !client.redirectUris.includes(request.redirectUri)) return undefined;
  return { visit, handle, request, client };
}

const gone = (visit: Visit): Outcome => errorPage(visit, visit.strings.errorExpired, 400);

/** Carries out work on a request; errors for the app end it. */
async function within(
  visit: Visit,
  handle: string | undefined,
  work: (flow: Flow) => Promise<Outcome>,
): Promise<Outcome> {
  const flow = await flowOf(visit, handle);
  if (flow === undefined) return gone(visit);
  try {
    return await work(flow);
  } catch (error) {
    if (!(error instanceof AuthorizationError)) throw error;
    return await refuse(flow, error.error, error.message);
  }
}

async function refuse(flow: Flow, error: AuthorizationErrorCode, description: string): Promise<Outcome> {
  const { visit, handle, request } = flow;
  const { services, tenant } = visit;
  if (!(await services.requests.remove(tenant, handle))) return gone(visit);
  services.onEvent?.(tenant, {
    kind: 'authorization-denied',
    accountId: visit.login?.account.id,
    clientId: request.clientId,
    ...visit.origin,
  });
  return { redirect: errorAnswer(visit, request.redirectUri, request.state, error, description) };
}

/** GET /authorize/step: what comes next for a request. */
export async function step(visit: Visit): Promise<Outcome> {
  return await within(visit, queryValue(visit, 'request'), async (flow) => {
    const search = queryValue(visit, 'search')?.slice(0, 100);
    const next = await nextStep(flow, search === undefined ? {} : { search });
    if (next.kind === 'page') return next.page;
    if (next.kind === 'authorized') return await complete(flow, next.authorized);
    return consentStep({ ...flow, request: next.request }, visit.login as Login, next.choices);
  });
}

/** Ends a request with its code. It is taken away first: however often it is sent, there is one code. */
async function complete(flow: Flow, authorized: AuthorizedRequest): Promise<Outcome> {
  const { visit, handle, request } = flow;
  const { services, tenant } = visit;
  if (!(await services.requests.remove(tenant, handle))) return gone(visit);
  const code = await services.codes.issueCode(tenant, authorized);
  services.onEvent?.(tenant, {
    kind: 'authorized',
    accountId: authorized.accountId,
    clientId: authorized.clientId,
    scopes: authorized.scopes,
    patient: authorized.patient,
    ...visit.origin,
  });
  return { redirect: answerUri(request.redirectUri, visit.base, request.state, { code }) };
}

/** POST /authorize/patient: the person has chosen. */
export async function choosePatient(visit: Visit): Promise<Outcome> {
  return await within(visit, formValue(visit, 'request'), async (flow) => {
    const { services, tenant, login } = visit;
    const { handle, request, client } = flow;
    const id = formValue(visit, 'patient');
    if (login === undefined || id === undefined || request.launch?.patient !== undefined) {
      return { redirect: stepPath(visit, handle) };
    }
    const found = /^[A-Za-z0-9\-.]{1,64}$/.test(id)
      ? await services.patients.findPatient(tenant, login.account, id)
      : undefined;
    if (found === undefined) {
      const patients = await services.patients.searchPatients(tenant, login.account, '');
      return patientPage(visit, {
        app: client.name,
        request: handle,
        text: '',
        patients,
        wrong: true,
        formTargets: [formTargetOf(request.redirectUri)],
      });
    }
    const { encounter: _encounter, ...rest } = request;
    await services.requests.update(tenant, handle, {
      ...rest,
      patient: { id: found.id, name: found.name },
      chosenBy: login.account.id,
    });
    return { redirect: stepPath(visit, handle) };
  });
}

/** POST /authorize/encounter: the person has chosen a visit of the patient, or none. */
export async function chooseEncounter(visit: Visit): Promise<Outcome> {
  return await within(visit, formValue(visit, 'request'), async (flow) => {
    const { services, tenant, login } = visit;
    const { handle, request } = flow;
    const chosen = (visit.request.body as Record<string, unknown>)['encounter'];
    if (login === undefined || request.patient === undefined || request.chosenBy !== login.account.id) {
      return { redirect: stepPath(visit, handle) };
    }
    const known = (await services.patients.listEncounters?.(tenant, login.account, request.patient.id)) ?? [];
    if (chosen === '' || known.some(({ id }) => id === chosen)) {
      await services.requests.update(tenant, handle, { ...request, encounter: chosen as string });
    }
    return { redirect: stepPath(visit, handle) };
  });
}

/** POST /authorize/consent: the person allows what is ticked, or refuses. */
export async function consent(visit: Visit): Promise<Outcome> {
  return await within(visit, formValue(visit, 'request'), async (flow) => {
    const { services, tenant, login } = visit;
    if (formValue(visit, 'decision') !== 'allow') {
      return await refuse(flow, 'access_denied', 'The person has refused');
    }
    if (login === undefined) return { redirect: stepPath(visit, flow.handle) };
    // Whatever is still open is asked first; a form that was sent without a consent page skips nothing.
    const asked = { ...flow, request: { ...flow.request, prompt: [...flow.request.prompt, 'consent'] } };
    const next = await nextStep(asked);
    // Another page of this browser may have chosen another patient than the one that was shown.
    if (next.kind !== 'consent' || next.request.patient?.id !== formValue(visit, 'patient')) {
      return { redirect: stepPath(visit, flow.handle) };
    }
    const { choices, request } = next;
    const ticked = new Set(formValues(visit, 'scope'));
    const scopes = tickedScopes(choices, ticked);
    if (scopes === '') return consentStep({ ...flow, request }, login, choices, ticked, true);
    if (formValue(visit, 'remember') === 'yes' && mayRemember(flow)) {
      await services.consents.remember(
        tenant,
        login.account.id,
        flow.client.id,
        request.patient?.id ?? '',
        scopes,
      );
    }
    return await complete(flow, authorizedRequest(login, request, scopes, choices));
  });
}
