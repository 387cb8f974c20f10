import type { Visit } from '../sessions/visit.ts';
import { html } from './html.ts';
import { field, form, type Page, passkeyForm } from './layout.ts';
import { type ProviderButton, providerButtons } from './providers.ts';

/** Step-up: the person proves once more who they are before a sensitive change. */
export function confirmPage(
  visit: Visit,
  back: string,
  options: {
    readonly wrong?: boolean;
    readonly needsCode?: boolean;
    readonly passkeyOptions?: string | undefined;
    /** False for who has no password to confirm by. */
    readonly hasPassword?: boolean;
    /** Identity providers that the person is known at. */
    readonly providers?: readonly ProviderButton[];
  },
): Page {
  const { strings } = visit;
  const { wrong = false, needsCode = false, passkeyOptions, hasPassword = true, providers = [] } = options;
  return {
    title: strings.confirm,
    status: wrong ? 400 : 200,
    script: passkeyOptions !== undefined,
    address: `manage/confirm?back=${encodeURIComponent(back)}`,
    body: html`<p>${strings.confirmText}</p>
${
  hasPassword &&
  form(
    visit,
    'manage/confirm',
    html`${field('password', strings.password, {
      type: 'password',
      autocomplete: 'current-password',
      error: wrong ? strings.currentWrong : undefined,
      focus: true,
    })}
${needsCode && field('code', strings.code, { autocomplete: 'one-time-code', numeric: true, hint: strings.secondFactorText })}
<div class="buttons"><button type="submit">${strings.next}</button>
<a class="button second" href="${visit.path}/manage">${strings.cancel}</a></div>`,
    { back },
  )
}
${providerButtons(visit, providers, { confirm: back })}
${
  passkeyOptions !== undefined &&
  passkeyForm(
    visit,
    'manage/confirm/passkey',
    'get',
    passkeyOptions,
    html`<div class="buttons"><button class="second" type="submit">${strings.usePasskey}</button></div>`,
    { back },
  )
}`,
  };
}
