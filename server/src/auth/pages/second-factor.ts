import type { Visit } from '../sessions/visit.ts';
import { html } from './html.ts';
import { field, form, type Page, passkeyForm } from './layout.ts';

export interface SecondFactorPage {
  readonly request?: string | undefined;
  readonly passkeyOptions?: string | undefined;
  readonly wrong?: boolean;
  readonly formTargets?: readonly string[] | undefined;
}

/** A one-time password, a recovery code or a passkey. */
export function secondFactorPage(visit: Visit, options: SecondFactorPage): Page {
  const { strings } = visit;
  const { request, wrong = false, passkeyOptions } = options;
  return {
    title: strings.secondFactor,
    status: wrong ? 400 : 200,
    script: passkeyOptions !== undefined,
    formTargets: options.formTargets,
    address: request === undefined ? 'login' : `authorize/step?request=${encodeURIComponent(request)}`,
    body: html`
${form(
  visit,
  'login/second-factor',
  html`${field('code', strings.code, {
    autocomplete: 'one-time-code',
    hint: strings.secondFactorText,
    error: wrong ? strings.codeWrong : undefined,
    focus: true,
    numeric: true,
  })}
<div class="buttons"><button type="submit">${strings.next}</button></div>`,
  { request },
)}
${
  passkeyOptions !== undefined &&
  passkeyForm(
    visit,
    'login/passkey',
    'get',
    passkeyOptions,
    html`<div class="buttons"><button class="second" type="submit">${strings.usePasskey}</button></div>`,
    { request },
  )
}
${form(visit, 'logout', html`<div class="buttons"><button class="second" type="submit">${strings.cancel}</button></div>`, { request })}`,
  };
}
