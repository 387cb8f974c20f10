import type { Browser, PageAnswer, PagesSetup } from './auth-pages-setup.ts';
import { authorizeQuery, REDIRECT, VERIFIER } from './auth-pages-setup.ts';

/** Presses a provider's button on the page. @returns the provider's address that the browser goes on to */
export async function pressProvider(browser: Browser, provider: string): Promise<URL> {
  const page = browser.page?.text ?? '';
  const form = new RegExp(
    `<form[^>]*action="[^"]*/sso/start"[^>]*>(?:(?!</form>).)*value="${provider}"(?:(?!</form>).)*</form>`,
    's',
  ).exec(page)?.[0];
  if (form === undefined) throw new Error(`No button of ${provider} in ${page}`);
  const fields = new URLSearchParams();
  for (const [, name, value] of form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)) {
    fields.append(name as string, value as string);
  }
  const answer = await browser.open('POST', 'sso/start', fields.toString());
  const target = /<meta http-equiv="refresh" content="0; url=([^"]*)">/.exec(answer.text)?.[1];
  if (target === undefined) throw new Error(`No way on in ${answer.status} ${answer.text}`);
  return new URL(target.replaceAll('&amp;', '&').replaceAll('&#39;', "'"));
}

/** Opens the login page of an app's request. */
export const openApp = (
  setup: PagesSetup,
  browser: Browser,
  changes: Record<string, string | undefined> = {},
) => browser.get(`authorize?${authorizeQuery(setup, 'app', changes)}`);

/** Exchanges the code of an app's answer. */
export async function tokenOf(setup: PagesSetup, answer: PageAnswer) {
  const response = await fetch(`${setup.url}/auth/test/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${Buffer.from('app:secret').toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: answer.location?.searchParams.get('code') ?? '',
      redirect_uri: REDIRECT,
      code_verifier: VERIFIER,
    }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: a token response
  return { status: response.status, body: (await response.json()) as any };
}
