import type { Visit } from '../sessions/visit.ts';
import type { IdentityProvider } from '../sso/provider.ts';
import { type Html, html } from './html.ts';
import { form, type Page } from './layout.ts';
import { fill } from './strings/index.ts';

/** What the buttons need of a provider. */
export type ProviderButton = Pick<IdentityProvider, 'id' | 'name'>;

/**
 * A button for each identity provider of the tenant.
 * @param hidden what the login is for: `request`, or `confirm`
 */
export function providerButtons(
  visit: Visit,
  providers: readonly ProviderButton[],
  hidden: Readonly<Record<string, string | undefined>>,
): Html[] {
  return providers.map(({ id, name }) =>
    form(
      visit,
      'sso/start',
      html`<div class="buttons"><button class="second" type="submit">${fill(visit.strings.signInWith, { provider: name })}</button></div>`,
      { provider: id, ...hidden },
    ),
  );
}

/** Leads on to a provider at once; those whose browser does not go by itself take the link. */
export function goOnPage({ strings }: Visit, provider: string, url: string): Page {
  return {
    title: fill(strings.signInWith, { provider }),
    refresh: url,
    address: 'login',
    body: html`<p><a class="button" href="${url}">${fill(strings.goOnTo, { provider })}</a></p>`,
  };
}

/** Why somebody whom a provider has sent back cannot come in. */
export function refusedPage(
  { strings }: Visit,
  options: {
    readonly provider: string;
    readonly why: 'role' | 'unknown' | 'disabled' | 'answer' | 'unreachable';
    /** Where to try again. */
    readonly back: string;
  },
): Page {
  const { provider, why, back } = options;
  const text = {
    role: strings.ssoNoRole,
    unknown: strings.ssoUnknown,
    disabled: strings.ssoDisabled,
    answer: strings.ssoAnswer,
    unreachable: strings.ssoUnreachable,
  }[why];
  return {
    title: strings.error,
    status: why === 'answer' ? 400 : why === 'unreachable' ? 502 : 403,
    address: 'login',
    body: html`<p>${fill(text, { provider })}</p>
<p><a href="${back}">${strings.back}</a></p>`,
  };
}
