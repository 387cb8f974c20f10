import type { PatientChoice } from '../accounts/people.ts';
import type { Client } from '../clients/client.ts';
import { launchAppsPage, launchPatientPage, launchVisitPage } from '../pages/launch.ts';
import { formValue, type Outcome, queryValue } from '../pages/routes.ts';
import type { Login, Visit } from '../sessions/visit.ts';
import { launchUrl } from '../token/launch-url.ts';
import { urlsOf } from '../urls.ts';

/*
 * The EHR's side of an EHR launch (SMART App Launch 2.2, "Launch App: EHR Launch"), for those who are logged in: they choose
 * an app with a launch_uri, a patient whom they may see and a visit, and are sent to the app with `iss` and `launch`.
 */

/** Apps that people can open from here, by name. */
export async function launchableApps({ services, tenant }: Visit): Promise<Client[]> {
  return (await services.clients.list(tenant)).filter(({ launchUri }) => launchUri !== undefined);
}

/** GET /manage/launch: apps; with `client` patients; with `patient` too, the patient's visits. */
export async function showLaunch(visit: Visit, login: Login): Promise<Outcome> {
  const app = await appOf(visit, queryValue(visit, 'client'));
  if (app === undefined) return launchAppsPage(visit, await launchableApps(visit));
  const id = queryValue(visit, 'patient');
  const patient = await patientOf(visit, login, id);
  if (patient === undefined) return await patientPage(visit, login, app, id !== undefined);
  const encounters = await visitsOf(visit, login, patient);
  return launchVisitPage(visit, app, patient, encounters);
}

/** POST /manage/launch: makes the launch, for this person and this app alone, and opens the app. */
export async function submitLaunch(visit: Visit, login: Login): Promise<Outcome> {
  const { services, tenant } = visit;
  const app = await appOf(visit, formValue(visit, 'client'));
  if (app === undefined) return launchAppsPage(visit, await launchableApps(visit));
  const patient = await patientOf(visit, login, formValue(visit, 'patient'));
  if (patient === undefined) return await patientPage(visit, login, app, true);
  const asked = formValue(visit, 'encounter');
  const encounter = (await visitsOf(visit, login, patient)).find(({ id }) => id === asked)?.id;
  const launch = await services.launches.createLaunch(tenant, {
    patient: patient.id,
    needPatientBanner: true,
    accountId: login.account.id,
    clientId: app.id,
    ...(encounter === undefined ? {} : { encounter }),
  });
  const { fhir } = urlsOf(services.settings.baseUrl, tenant);
  return { redirect: launchUrl(app.launchUri as string, fhir, launch) };
}

async function appOf({ services, tenant }: Visit, id: string | undefined): Promise<Client | undefined> {
  const found = id === undefined ? undefined : await services.clients.find(tenant, id);
  return found?.launchUri === undefined ? undefined : found;
}

async function patientOf(
  { services, tenant }: Visit,
  { account }: Login,
  id: string | undefined,
): Promise<PatientChoice | undefined> {
  if (id === undefined || !/^[A-Za-z0-9\-.]{1,64}$/.test(id)) return undefined;
  return await services.patients.findPatient(tenant, account, id);
}

async function patientPage(visit: Visit, { account }: Login, app: Client, wrong: boolean): Promise<Outcome> {
  const text = queryValue(visit, 'search') ?? '';
  const found = await visit.services.patients.searchPatients(visit.tenant, account, text);
  return launchPatientPage(visit, app, text, found, wrong);
}

async function visitsOf({ services, tenant }: Visit, { account }: Login, patient: PatientChoice) {
  return (await services.patients.listEncounters?.(tenant, account, patient.id)) ?? [];
}
