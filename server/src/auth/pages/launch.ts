import type { PatientChoice } from '../accounts/people.ts';
import type { Client } from '../clients/client.ts';
import type { Visit } from '../sessions/visit.ts';
import { type Html, html } from './html.ts';
import { alert, field, hiddenFields, type Page } from './layout.ts';
import { patientDetails } from './patient.ts';
import { fill } from './strings/index.ts';

/** Which app an EHR session is to open. */
export function launchAppsPage(visit: Visit, apps: readonly Client[]): Page {
  const { strings, path } = visit;
  return {
    title: strings.launch,
    address: 'manage/launch',
    body: html`<p>${strings.launchText}</p>
${
  apps.length === 0
    ? html`<p role="status">${strings.launchNone}</p>`
    : html`<form method="get" action="${path}/manage/launch">
<ul class="plain">${apps.map(
        ({ id, name }) =>
          html`<li class="card"><button class="second patient" type="submit" name="client" value="${id}"><bdi>${name}</bdi></button></li>`,
      )}</ul>
</form>`
}
${backLink(visit)}`,
  };
}

/** Whose record is open. */
export function launchPatientPage(
  visit: Visit,
  app: Client,
  text: string,
  patients: readonly PatientChoice[],
  wrong = false,
): Page {
  const { strings, path } = visit;
  const client = html`<input type="hidden" name="client" value="${app.id}">`;
  return {
    title: strings.choosePatient,
    status: wrong ? 400 : 200,
    address: `manage/launch?client=${encodeURIComponent(app.id)}`,
    body: html`<p>${fill(strings.launchPatient, { app: app.name })}</p>
${alert(wrong ? strings.notYours : undefined)}
<form method="get" action="${path}/manage/launch" role="search">${client}
${field('search', strings.searchPatients, { type: 'search', value: text, optional: true })}
<div class="buttons"><button class="second" type="submit">${strings.search}</button></div>
</form>
<h2>${strings.patients}</h2>
${
  patients.length === 0
    ? html`<p role="status">${strings.noPatients}</p>`
    : html`<form method="get" action="${path}/manage/launch">${client}
<ul class="plain">${patients.map(
        (patient) =>
          html`<li class="card"><button class="second patient" type="submit" name="patient" value="${patient.id}"><bdi>${patient.name}</bdi>${patientDetails(visit, patient)}</button></li>`,
      )}</ul>
</form>`
}
${backLink(visit)}`,
  };
}

/** Which visit is open, and the button that opens the app. */
export function launchVisitPage(
  visit: Visit,
  app: Client,
  patient: PatientChoice,
  encounters: readonly { readonly id: string; readonly title: string }[],
): Page {
  const { strings, path } = visit;
  const button = (id: string, title: string): Html =>
    html`<li class="card"><button class="second patient" type="submit" name="encounter" value="${id}"><bdi>${title}</bdi></button></li>`;
  return {
    title: strings.chooseVisit,
    address: `manage/launch?client=${encodeURIComponent(app.id)}&patient=${encodeURIComponent(patient.id)}`,
    // The answer to the form leads to the app.
    formTargets: [new URL(app.launchUri as string).origin],
    body: html`<p>${fill(strings.launchVisit, { app: app.name, patient: patient.name })}</p>
<form method="post" action="${path}/manage/launch">
${hiddenFields(visit, { client: app.id, patient: patient.id })}
<ul class="plain">${encounters.map(({ id, title }) => button(id, title))}${button('', strings.noVisit)}</ul>
</form>
${backLink(visit)}`,
  };
}

const backLink = ({ path, strings }: Visit): Html =>
  html`<p><a href="${path}/manage">${strings.back}</a></p>`;
