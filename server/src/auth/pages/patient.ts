import type { PatientChoice } from '../accounts/people.ts';
import type { Visit } from '../sessions/visit.ts';
import { type Html, html } from './html.ts';
import { alert, field, form, hiddenFields, type Page } from './layout.ts';
import { fill } from './strings/index.ts';

export interface PatientPage {
  readonly app: string;
  readonly request: string;
  readonly text: string;
  readonly patients: readonly PatientChoice[];
  readonly wrong?: boolean;
  readonly formTargets?: readonly string[] | undefined;
}

/** Whose record an app is to work with. */
export function patientPage(visit: Visit, options: PatientPage): Page {
  const { strings } = visit;
  const { app, request, text, patients } = options;
  return {
    title: strings.choosePatient,
    status: options.wrong === true ? 400 : 200,
    formTargets: options.formTargets,
    address: `authorize/step?request=${encodeURIComponent(request)}`,
    body: html`<p>${fill(strings.choosePatientText, { app })}</p>
${alert(options.wrong === true ? strings.notYours : undefined)}
<form method="get" action="${visit.path}/authorize/step" role="search">
<input type="hidden" name="request" value="${request}">
${field('search', strings.searchPatients, { type: 'search', value: text, optional: true })}
<div class="buttons"><button class="second" type="submit">${strings.search}</button></div>
</form>
<h2>${strings.patients}</h2>
${patients.length === 0 ? html`<p role="status">${strings.noPatients}</p>` : list(visit, options)}
${cancelForm(visit, request)}`,
  };
}

function list(visit: Visit, { request, patients }: PatientPage): Html {
  return html`<form method="post" action="${visit.path}/authorize/patient">
${hiddenFields(visit, { request })}
<ul class="plain">${patients.map(
    (patient) =>
      html`<li class="card"><button class="second patient" type="submit" name="patient" value="${patient.id}"><bdi>${patient.name}</bdi>${patientDetails(visit, patient)}</button></li>`,
  )}</ul>
</form>`;
}

/** What tells a patient from others of the same name. */
export function patientDetails({ strings }: Visit, { birthDate, gender, identifier }: PatientChoice): Html[] {
  const parts = [
    birthDate === undefined ? undefined : fill(strings.born, { date: birthDate }),
    gender === undefined ? undefined : (strings[`gender-${gender}` as keyof typeof strings] ?? gender),
    identifier,
  ];
  return parts.flatMap((part) => (part === undefined ? [] : [html` · <bdi>${part}</bdi>`]));
}

/** Which visit an app is to be about. */
export function visitPage(
  visit: Visit,
  options: {
    readonly app: string;
    readonly request: string;
    readonly encounters: readonly { readonly id: string; readonly title: string }[];
    readonly formTargets?: readonly string[] | undefined;
  },
): Page {
  const { strings } = visit;
  const { app, request, encounters } = options;
  return {
    title: strings.chooseVisit,
    formTargets: options.formTargets,
    address: `authorize/step?request=${encodeURIComponent(request)}`,
    body: html`<p>${fill(strings.chooseVisitText, { app })}</p>
<form method="post" action="${visit.path}/authorize/encounter">
${hiddenFields(visit, { request })}
<ul class="plain">${encounters.map(
      ({ id, title }) =>
        html`<li class="card"><button class="second patient" type="submit" name="encounter" value="${id}"><bdi>${title}</bdi></button></li>`,
    )}
<li class="card"><button class="second patient" type="submit" name="encounter" value="">${strings.noVisit}</button></li></ul>
</form>
${cancelForm(visit, request)}`,
  };
}

/** Lets the person refuse at any step. */
export const cancelForm = (visit: Visit, request: string): Html =>
  form(
    visit,
    'authorize/consent',
    html`<div class="buttons"><button class="second" type="submit" name="decision" value="deny">${visit.strings.cancel}</button></div>`,
    { request },
  );
