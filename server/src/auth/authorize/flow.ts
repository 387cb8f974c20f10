import { canUsePasskeys, loginOptions } from '../accounts/passkeys.ts';
import type { Client } from '../clients/client.ts';
import { compact } from '../compact.ts';
import { consentPage } from '../pages/consent.ts';
import type { Page } from '../pages/layout.ts';
import { type LoginPage, loginPage } from '../pages/login.ts';
import { patientPage, visitPage } from '../pages/patient.ts';
import type { Login, Visit } from '../sessions/visit.ts';
import type { AuthorizedRequest } from '../token/codes.ts';
import { type Choices, choicesOf, everything, isWithin, needsPatient, tickedScopes } from './choices.ts';
import { AuthorizationError, type AuthorizationRequest, formTargetOf } from './request.ts';
import { unfinishedPage } from './unfinished.ts';

/** What comes next for an authorization request: a page for the person, or the end. */
export type Step =
  | { readonly kind: 'page'; readonly page: Page }
  | { readonly kind: 'consent'; readonly request: AuthorizationRequest; readonly choices: Choices }
  | { readonly kind: 'authorized'; readonly authorized: AuthorizedRequest };

/** A request with who asks for it, and the handle that pages carry. */
export interface Flow {
  readonly visit: Visit;
  readonly handle: string;
  readonly request: AuthorizationRequest;
  readonly client: Client;
}

/**
 * Goes as far as can be gone without the person: login, patient, visit, consent, in this order.
 * @param options what the person searches for among patients
 * @throws AuthorizationError for the app
 */
export async function nextStep(flow: Flow, options: { search?: string } = {}): Promise<Step> {
  const { visit, request } = flow;
  const login = visit.login;
  const isSilent = request.prompt.includes('none');
  if (login === undefined || !isFreshEnough(login, request)) {
    if (isSilent) throw new AuthorizationError('login_required', 'The person has to log in');
    return { kind: 'page', page: await loginStep(flow) };
  }
  const { launch } = request;
  if (launch?.accountId !== undefined && launch.accountId !== login.account.id) {
    throw new AuthorizationError('access_denied', 'The launch was made for somebody else');
  }
  const choices = await choicesFor(flow, login);
  const chosen = await withContext(flow, login, choices, isSilent, options.search);
  if ('kind' in chosen) return chosen;
  const scopes = await agreedScopes(flow, chosen, login, choices);
  if (scopes === undefined) {
    if (isSilent) throw new AuthorizationError('consent_required', 'The person has to consent');
    return { kind: 'consent', request: chosen, choices };
  }
  return { kind: 'authorized', authorized: authorizedRequest(login, chosen, scopes, choices) };
}

/** prompt=login, prompt=select_account and max_age ask for a new proof (OpenID Connect Core, 3.1.2.1). */
export function isFreshEnough(
  { session }: Login,
  { prompt, maxAge, received }: AuthorizationRequest,
): boolean {
  if ((prompt.includes('login') || prompt.includes('select_account')) && session.authenticated < received)
    return false;
  return maxAge === undefined || session.authenticated >= received - maxAge * 1000;
}

const targetsOf = ({ request }: Flow): string[] => [formTargetOf(request.redirectUri)];

async function loginStep(flow: Flow): Promise<Page> {
  const { visit, handle } = flow;
  const unfinished = await unfinishedPage(visit, handle, { formTargets: targetsOf(flow) });
  return unfinished ?? (await loginPageOf(flow));
}

/** The login page of a request. */
export async function loginPageOf(
  { visit, handle, request, client }: Flow,
  more: Partial<LoginPage> = {},
): Promise<Page> {
  return loginPage(visit, {
    app: client.name,
    request: handle,
    login: visit.login?.account.login ?? visit.unfinished?.account.login ?? request.loginHint,
    passkeyOptions: canUsePasskeys(visit.services)
      ? await loginOptions(visit.services, visit.tenant, visit.browser)
      : undefined,
    providers: await visit.services.sso.providers.list(visit.tenant),
    formTargets: [formTargetOf(request.redirectUri)],
    ...more,
  });
}

/**
 * What may be allowed by this person.
 * @throws AuthorizationError invalid_scope when nothing of what is asked can be
 */
async function choicesFor({ visit, request, client }: Flow, { account }: Login): Promise<Choices> {
  const { services, tenant } = visit;
  const role = await services.scopesAllowedTo(tenant, account.role);
  // A client may be registered for granular scopes, too, and what is granted is both.
  const [asked, registered] = await Promise.all(
    [request.scope, client.scopes].map((text) => services.enforceable(tenant, text, account.role)),
  );
  const choices = choicesOf(asked as string, registered as string, role);
  if (choices.resources.length === 0 && choices.optional.every((each) => each.endsWith('_access'))) {
    throw new AuthorizationError(
      'invalid_scope',
      'None of the scopes can be granted to this client and person',
    );
  }
  return choices;
}

/** The request with patient and visit, or the page that asks for them. */
async function withContext(
  flow: Flow,
  login: Login,
  choices: Choices,
  isSilent: boolean,
  search: string | undefined,
): Promise<AuthorizationRequest | Step> {
  const { visit, handle, client } = flow;
  const { services, tenant } = visit;
  const { account } = login;
  // What somebody else chose in this browser before is theirs.
  const { patient: _patient, encounter: _encounter, chosenBy, ...rest } = flow.request;
  let request: AuthorizationRequest = chosenBy === account.id ? flow.request : rest;
  const { launch } = request;
  const needed = needsPatient(choices);
  if (launch?.patient !== undefined) {
    const found = await services.patients.findPatient(tenant, account, launch.patient);
    if (found === undefined) {
      throw new AuthorizationError('access_denied', 'The person may not see the patient of the launch');
    }
    request = { ...request, patient: { id: found.id, name: found.name }, chosenBy: account.id };
  } else if (needed && request.patient === undefined) {
    const patients = await services.patients.searchPatients(tenant, account, search ?? '');
    const only = patients.length === 1 && (search ?? '') === '' ? patients[0] : undefined;
    if (only === undefined) {
      if (isSilent)
        throw new AuthorizationError('interaction_required', 'The person has to choose a patient');
      const page = patientPage(visit, {
        app: client.name,
        request: handle,
        text: search ?? '',
        patients,
        formTargets: targetsOf(flow),
      });
      return { kind: 'page', page };
    }
    request = { ...request, patient: { id: only.id, name: only.name }, chosenBy: account.id };
  }
  const wantsVisit = choices.context.includes('launch/encounter') && launch?.encounter === undefined;
  if (wantsVisit && request.encounter === undefined && request.patient !== undefined) {
    const encounters = (await services.patients.listEncounters?.(tenant, account, request.patient.id)) ?? [];
    if (encounters.length > 0 && !isSilent) {
      await services.requests.update(tenant, handle, request);
      const page = visitPage(visit, {
        app: client.name,
        request: handle,
        encounters,
        formTargets: targetsOf(flow),
      });
      return { kind: 'page', page };
    }
  }
  return request;
}

/** What was agreed to already: by an earlier consent that is remembered, or by whoever trusts the app. */
async function agreedScopes(
  flow: Flow,
  request: AuthorizationRequest,
  { account }: Login,
  choices: Choices,
): Promise<string | undefined> {
  const { visit, client } = flow;
  if (request.prompt.includes('consent')) return undefined;
  const all = tickedScopes(choices, everything(choices));
  if (client.trusted === true && request.launch !== undefined) return all;
  if (!mayRemember(flow)) return undefined;
  const before = await visit.services.consents.find(
    visit.tenant,
    account.id,
    client.id,
    request.patient?.id ?? '',
  );
  return before !== undefined && isWithin(choices, before) ? all : undefined;
}

/**
 * Whether an answer may go to an app without asking. Where any app on the device can take the address of a public client
 * (loopback, schemes of apps' own), the person is asked each time (RFC 8252, 8.6).
 */
export function mayRemember({ client, request }: Flow): boolean {
  const { protocol, hostname } = new URL(request.redirectUri);
  return client.kind !== 'public' || (protocol === 'https:' && hostname !== 'localhost');
}

/** The consent page of a request, with everything ticked unless the person has ticked before. */
export function consentStep(
  flow: Flow,
  { account }: Login,
  choices: Choices,
  ticked: ReadonlySet<string> = everything(choices),
  nothingTicked = false,
): Page {
  const { visit, client, request, handle } = flow;
  return consentPage(visit, {
    client,
    request: handle,
    redirectUri: request.redirectUri,
    name: account.name,
    patient: request.patient,
    choices,
    ticked,
    nothingTicked,
    mayRemember: mayRemember(flow),
    formTargets: targetsOf(flow),
  });
}

/** What the code stands for. */
export function authorizedRequest(
  { session, account }: Login,
  request: AuthorizationRequest,
  scopes: string,
  choices: Choices,
): AuthorizedRequest {
  const { launch } = request;
  const hasPatient = needsPatient(choices) || choices.context.includes('launch');
  const encounter = launch?.encounter ?? (request.encounter === '' ? undefined : request.encounter);
  return compact({
    clientId: request.clientId,
    redirectUri: request.redirectUri,
    codeChallenge: request.codeChallenge,
    scopes,
    accountId: account.id,
    role: account.role,
    fhirUser: account.fhirUser,
    patient: hasPatient ? request.patient?.id : undefined,
    encounter,
    needPatientBanner: launch?.needPatientBanner,
    intent: launch?.intent,
    appContext: launch?.appContext,
    fhirContext: launch?.fhirContext,
    nonce: request.nonce,
    // Patients and those who care for them look at their own records (v3 ActReason).
    purposeOfUse: account.role === 'patient' || account.role === 'caregiver' ? 'PATRQT' : undefined,
    sessionId: session.id,
    authTime: Math.floor(session.authenticated / 1000),
  });
}
