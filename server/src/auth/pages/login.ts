import type { Visit } from '../sessions/visit.ts';
import { html } from './html.ts';
import { alert, field, form, notice, type Page, passkeyForm } from './layout.ts';
import { type ProviderButton, providerButtons } from './providers.ts';
import { fill } from './strings/index.ts';

export interface LoginPage {
  /** Name of the app that waits. */
  readonly app?: string | undefined;
  /** Handle of its authorization request. */
  readonly request?: string | undefined;
  readonly login?: string | undefined;
  /** For the browser's passkeys; undefined where there can be none. */
  readonly passkeyOptions?: string | undefined;
  /** Identity providers of the tenant. */
  readonly providers?: readonly ProviderButton[];
  readonly failed?: 'password' | 'passkey' | undefined;
  readonly missing?: { readonly login?: boolean; readonly password?: boolean };
  readonly notice?: string | undefined;
  readonly formTargets?: readonly string[] | undefined;
}

/** User name and password, or a passkey. */
export function loginPage(visit: Visit, options: LoginPage): Page {
  const { strings } = visit;
  const { app, request, login, failed, missing = {}, passkeyOptions, providers = [] } = options;
  return {
    title: strings.signIn,
    status: failed === undefined && Object.keys(missing).length === 0 ? 200 : 400,
    script: passkeyOptions !== undefined,
    formTargets: options.formTargets,
    address: request === undefined ? 'login' : `authorize/step?request=${encodeURIComponent(request)}`,
    body: html`
${app !== undefined && html`<p>${fill(strings.signInFor, { app })}</p>`}
${notice(options.notice)}
${alert(failed === 'password' ? strings.signInFailed : failed === 'passkey' ? strings.passkeyFailed : undefined)}
${form(
  visit,
  'login',
  html`${field('login', strings.login, {
    value: login,
    autocomplete: 'username',
    focus: login === undefined,
    error: missing.login === true ? strings.fillIn : undefined,
  })}
${field('password', strings.password, {
  type: 'password',
  autocomplete: 'current-password',
  focus: login !== undefined,
  error: missing.password === true ? strings.fillIn : undefined,
})}
<div class="buttons"><button type="submit">${strings.signIn}</button></div>`,
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
${providerButtons(visit, providers, { request })}
<p><a href="${visit.path}/forgot">${strings.forgot}</a></p>`,
  };
}
