import type { Choices, ResourceChoice } from '../authorize/choices.ts';
import type { Client } from '../clients/client.ts';
import { describeScope, formatScope } from '../scopes/index.ts';
import type { Visit } from '../sessions/visit.ts';
import { type Html, html } from './html.ts';
import { alert, form, type Page } from './layout.ts';
import { fill } from './strings/index.ts';

export interface ConsentPage {
  readonly client: Client;
  readonly request: string;
  readonly redirectUri: string;
  readonly name: string;
  readonly patient?: { readonly id: string; readonly name: string } | undefined;
  readonly choices: Choices;
  readonly ticked: ReadonlySet<string>;
  readonly nothingTicked?: boolean;
  readonly mayRemember: boolean;
  readonly formTargets: readonly string[];
}

/** Who the app is, what it may do in words, how long; each can be unticked. */
export function consentPage(visit: Visit, options: ConsentPage): Page {
  const { strings, language } = visit;
  const { client, request, patient, choices, ticked, nothingTicked = false } = options;
  const app = client.name;
  const identity = choices.optional.filter((scope) => !scope.endsWith('_access'));
  return {
    title: fill(strings.consent, { app }),
    status: nothingTicked ? 400 : 200,
    images: client.logoUri === undefined ? undefined : logoOrigin(client.logoUri),
    formTargets: options.formTargets,
    address: `authorize/step?request=${encodeURIComponent(request)}`,
    body: html`
${alert(nothingTicked ? strings.nothingTicked : undefined)}
${about(visit, options)}
<p>${fill(strings.consentText, { name: options.name })}</p>
${patient !== undefined && html`<p><strong>${fill(strings.consentPatient, { patient: patient.name })}</strong></p>`}
${form(
  visit,
  'authorize/consent',
  html`
${
  choices.resources.length > 0 &&
  html`<fieldset><legend>${strings.accessTo}</legend>
${choices.resources.map((choice, at) => resourceChoice(visit, choice, at, ticked))}</fieldset>`
}
${
  identity.length > 0 &&
  html`<fieldset><legend>${strings.identity}</legend>
${identity.map((scope, at) => box(`identity-${at}`, scope, describeScope(scope, language), ticked.has(scope)))}</fieldset>`
}
<fieldset><legend>${strings.duration}</legend>${duration(visit, options)}</fieldset>
${choices.context.length > 0 && html`<p>${strings.appContext}</p>`}
${options.mayRemember && html`<div class="choice"><input type="checkbox" id="remember" name="remember" value="yes"><label for="remember">${strings.remember}</label></div>`}
<div class="buttons"><button type="submit" name="decision" value="allow">${strings.allow}</button>
<button class="second" type="submit" name="decision" value="deny">${strings.deny}</button></div>`,
  { request, patient: patient?.id },
)}
${form(visit, 'logout', html`<p><button class="second" type="submit">${strings.other}</button></p>`, { request })}`,
  };
}

function about({ strings }: Visit, { client, redirectUri }: ConsentPage): Html {
  const links = [
    [client.clientUri, strings.appHome],
    [client.policyUri, strings.appPolicy],
    [client.tosUri, strings.appTerms],
  ].flatMap(([uri, text]) =>
    uri !== undefined && /^https?:/i.test(uri)
      ? [html`<li><a href="${uri}" rel="noopener noreferrer" target="_blank">${text}</a></li>`]
      : [],
  );
  const { protocol, host } = new URL(redirectUri);
  return html`<div class="app">
${client.logoUri !== undefined && logoOrigin(client.logoUri) !== undefined && html`<img src="${client.logoUri}" alt="" referrerpolicy="no-referrer">`}
<div><p>${fill(strings.appGoesTo, { host: protocol === 'http:' || protocol === 'https:' ? host : protocol })}</p>
${links.length > 0 && html`<p>${strings.appBy}</p><ul>${links}</ul>`}</div></div>`;
}

/** Logos are loaded by https from the one place that is registered. */
function logoOrigin(uri: string): string | undefined {
  return URL.canParse(uri) && new URL(uri).protocol === 'https:' ? new URL(uri).origin : undefined;
}

function resourceChoice(
  { strings, language }: Visit,
  { value, scope, parts }: ResourceChoice,
  at: number,
  ticked: ReadonlySet<string>,
): Html {
  const main = box(`scope-${at}`, value, describeScope(scope, language), ticked.has(value));
  if (parts.length === 0) return main;
  const boxes = parts.map((part, place) => {
    const name = `${value} ${formatScope(part)}`;
    return box(`scope-${at}-${place}`, name, describeScope(part, language), ticked.has(name));
  });
  if (parts.length <= FEW_PARTS) {
    return html`${main}<fieldset class="parts"><legend>${strings.onlyParts}</legend>${boxes}</fieldset>`;
  }
  return html`${main}<details class="parts"><summary>${strings.onlyParts}</summary>
<div role="group" aria-label="${strings.onlyParts}">${boxes}</div></details>`;
}

/** More parts are folded away. */
const FEW_PARTS = 10;

const box = (id: string, value: string, text: string, checked: boolean): Html =>
  html`<div class="choice"><input type="checkbox" id="${id}" name="scope" value="${value}"${checked && html` checked`}><label for="${id}">${text}</label></div>`;

function duration({ strings, language, policy, services }: Visit, { choices, ticked }: ConsentPage): Html {
  const { accessTokenSeconds, offlineSeconds, onlineSeconds } = services.settings;
  const days = (seconds: number) => Math.floor(seconds / 86_400);
  const lasting = choices.optional.filter((scope) => scope.endsWith('_access'));
  const sentence = (scope: string) =>
    scope === 'offline_access'
      ? fill(strings.durationOffline, { days: days(offlineSeconds) })
      : fill(strings.durationOnline, {
          days: Math.min(days(onlineSeconds), Math.ceil(policy.sessionHours / 24)),
        });
  return html`<p>${fill(strings.durationToken, { minutes: Math.round(accessTokenSeconds / 60) })}</p>
${lasting.map((scope, at) => box(`access-${at}`, scope, `${describeScope(scope, language)}. ${sentence(scope)}`, ticked.has(scope)))}
<p>${strings.revokeAnyTime}</p>`;
}
