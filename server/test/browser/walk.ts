import { generate } from 'otplib';
import type { Page } from 'playwright-core';
import { invite } from '../../src/auth/accounts/invitations.ts';
import { authorizeQuery, PASSWORD, type PagesSetup, VERIFIER } from '../auth-pages-setup.ts';
import { allow, signIn } from './chromium.ts';

/** All that a consent page may have: whole types with sub-scopes, a wildcard with its parts, identity, lasting access. */
const SCOPE =
  'launch/patient launch/encounter openid fhirUser offline_access patient/*.rs user/Observation.rs user/Condition.rs';

/** Makes the accounts of a walk: they carry its name, so that walks can be made side by side. */
export async function peopleOf(setup: PagesSetup, name: string): Promise<void> {
  await setup.account({ login: `doctor-${name}` });
  await setup.account({ login: `boss-${name}`, role: 'org_admin' });
}

export interface Walk {
  /** Of the accounts by {@link peopleOf}. */
  readonly name: string;
  readonly lang: string;
  /** Redirect URI of the client `app`. */
  readonly landing: string;
  /** The pages to look at; all by default. What leads to no other page is done only for those that are wanted. */
  readonly wanted?: ReadonlySet<string>;
}

/**
 * Opens every page there is in the ways that people come to it, with its errors, and shows each to `look`.
 */
export async function walk(
  setup: PagesSetup,
  page: Page,
  { name, lang, landing, wanted }: Walk,
  lookAt: (page: string) => Promise<void>,
): Promise<void> {
  const wants = (called: string) => wanted?.has(called) ?? true;
  const look = async (called: string) => {
    if (wants(called)) await lookAt(called);
  };
  const base = `${setup.url}/auth/test`;
  const submit = (action: string) => page.click(`form[action$="/${action}"] button[type=submit]`);
  const open = async (path: string, called: string) => {
    if (!wants(called)) return;
    await page.goto(`${base}/${path}`);
    await look(called);
  };
  await page.goto(`${base}/login?lang=${lang}`);
  await look('login');
  if (wants('login without a name')) {
    await submit('login');
    await look('login without a name');
  }
  if (wants('login failed')) {
    await signIn(page, `doctor-${name}`, 'wrong');
    await look('login failed');
  }
  await open('forgot', 'forgotten password');
  if (wants('letter sent')) {
    await page.fill('#login', 'nobody');
    await submit('forgot');
    await look('letter sent');
  }

  await open('authorize?client_id=nobody&redirect_uri=x', 'unknown app');
  await open(
    `authorize?${authorizeQuery(setup, 'app', { redirect_uri: 'https://x.org/' })}`,
    'wrong address',
  );
  await open('authorize/step?request=gone', 'expired');
  await open('nothing', 'not found');
  await open('reset?token=dead', 'dead link');

  const account = await setup.people.accounts.create(setup.tenant, {
    login: `new-${name}`,
    name: 'New Person',
    role: 'nurse',
  });
  if (account === undefined) throw new Error(name);
  await page.goto(await invite(setup.people, setup.tenant, account));
  await look('invitation');
  await page.fill('#password', 'password');
  await page.fill('#repeat', 'password');
  await submit('invitation');
  await look('password refused');

  await open(
    `authorize?${authorizeQuery(setup, 'app', { scope: SCOPE, redirect_uri: landing })}`,
    'login for an app',
  );
  await signIn(page, `doctor-${name}`, PASSWORD);
  await look('patients');
  if (wants('no patient found')) {
    await page.fill('#search', 'nobody of this name');
    await page.click('form[role=search] button');
    await look('no patient found');
    await page.goBack();
  }
  await page.click('button[name=patient][value=p1]');
  await look('visits');
  await page.click('button[name=encounter][value=e1]');
  await look('consent');
  if (wants('nothing ticked')) {
    const boxes = await page.locator('input[name=scope]:checked').all();
    const ticked = await Promise.all(boxes.map((box) => box.getAttribute('value')));
    await allow(
      page,
      ticked.map((value) => value ?? ''),
    );
    await look('nothing ticked');
    await page.check('input[name=scope][value=fhirUser]');
  }
  await allow(page);
  await exchange(setup, page, landing);

  await open('manage', 'account');
  if (wants('password with errors')) {
    await page.goto(`${base}/manage/password`);
    await submit('manage/password');
    await look('password with errors');
  }
  await page.goto(`${base}/manage/totp`);
  await look('authenticator app');
  const seed = ((await page.textContent('.seed')) ?? '').replaceAll(' ', '');
  await page.fill('#code', '000000');
  await submit('manage/totp');
  await look('authenticator app with error');
  await page.fill('#code', await generate({ secret: seed }));
  await submit('manage/totp');
  await look('recovery codes');
  await page.goto(`${base}/manage/confirm?back=totp`);
  await look('confirmation');
  await submit('manage/confirm');
  await look('confirmation failed');
  await open('manage/passkeys', 'passkeys');
  await open('manage', 'account with factors');
  await page.goto(`${base}/logout`);
  await look('logout');
  await submit('logout');
  await look('signed out');

  if (wants('enrolment') || wants('enrolment failed')) {
    await page.goto(`${base}/login`);
    await signIn(page, `boss-${name}`, PASSWORD);
    await look('enrolment');
    const first = ((await page.textContent('.seed')) ?? '').replaceAll(' ', '');
    await page.fill('#code', 'wrong');
    await submit('login/enrol');
    await look('enrolment failed');
    await page.fill('#code', await generate({ secret: first }));
    await submit('login/enrol');
    await page.goto(`${base}/logout`);
    await submit('logout');
  }
  await page.goto(`${base}/login`);
  await signIn(page, `doctor-${name}`, PASSWORD);
  await look('second factor');
  await page.fill('#code', 'wrong');
  await submit('login/second-factor');
  await look('second factor failed');
  await submit('logout');
}

/** Has the app take the code that the page has been sent with, so that it has access. */
export async function exchange(setup: PagesSetup, page: Page, landing: string): Promise<void> {
  await page.waitForURL(`${landing}?**`);
  const code = new URL(page.url()).searchParams.get('code') ?? '';
  const answer = await fetch(`${setup.url}/auth/test/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('app:secret')}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: landing,
      code_verifier: VERIFIER,
    }),
  });
  if (answer.status !== 200) throw new Error(await answer.text());
}

/** How many pages {@link walk} shows. */
export const PAGES = 33;

/** Those of them that each page's making can be judged by: no two are made alike. */
export const KINDS: ReadonlySet<string> = new Set([
  'login for an app',
  'expired',
  'password refused',
  'patients',
  'visits',
  'consent',
  'account with factors',
  'authenticator app with error',
  'recovery codes',
  'confirmation failed',
  'passkeys',
  'second factor failed',
]);
