import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { buildApps } from '../../../scripts/build-apps.ts';
import type { NewClient } from '../../src/auth/clients/client.ts';
import { PASSWORD, type SmartServer } from '../smart-server.ts';
import { allow, signIn } from './chromium.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Most compressed script of a first load, in bytes (issue 6, section 4). */
export const SCRIPT_BUDGET = 250_000;

/** An app of smart-apps/, on the server of the tests. */
export type AppName = 'patient' | 'provider' | 'national' | 'ehr';

/** Builds an app where it is not up to date, and registers its client with the server's tenant. */
export async function installApp(
  server: SmartServer,
  name: AppName,
  more: Partial<NewClient> = {},
): Promise<void> {
  await buildApps([name]);
  const base = `${server.url}/apps/${name}`;
  await server.client({
    id: `vesta-${name}`,
    name: `Vesta ${name}`,
    redirectUris: [`${base}/`],
    launchUri: `${base}/launch.html`,
    ...more,
  });
}

/** Opens an app without an EHR: launch page, login, consent, app. */
export async function openStandalone(
  page: Page,
  server: SmartServer,
  name: AppName,
  login: string,
): Promise<void> {
  const iss = encodeURIComponent(server.fhir);
  await page.goto(`${server.url}/apps/${name}/launch.html?iss=${iss}`);
  await signIn(page, login, PASSWORD);
  await allow(page);
  await page.waitForURL(`${server.url}/apps/${name}/**`);
  await page.waitForSelector('#main');
}

/** Opens an app from the server's launch page, for a patient (SMART App Launch 2.2, EHR launch). */
export async function openFromEhr(
  page: Page,
  server: SmartServer,
  name: AppName,
  login: string,
  patient?: string,
): Promise<void> {
  await page.goto(`${server.issuer}/login`);
  await signIn(page, login, PASSWORD);
  await page.waitForURL(`${server.issuer}/manage`);
  const query = patient === undefined ? '' : `&patient=${patient}`;
  await page.goto(`${server.issuer}/manage/launch?client=vesta-${name}${query}`);
  await page.click('form[action$="/manage/launch"] button[type=submit]');
  await allow(page);
  await page.waitForURL(`${server.url}/apps/${name}/**`);
  await page.waitForSelector('#main');
}

/** Opens an app as an EHR does that has no patient in context (SMART App Launch 2.2, EHR launch with user scopes). */
export async function openWithoutPatient(
  page: Page,
  server: SmartServer,
  name: AppName,
  login: string,
): Promise<void> {
  const launch = await server.services.launches.createLaunch(server.tenant, { clientId: `vesta-${name}` });
  const query = new URLSearchParams({ iss: server.fhir, launch });
  await page.goto(`${server.url}/apps/${name}/launch.html?${query}`);
  await signIn(page, login, PASSWORD);
  await allow(page);
  await page.waitForURL(`${server.url}/apps/${name}/**`);
  await page.waitForSelector('#main');
}

/** Goes to a page of the app that is open, as its links do, without loading it again. */
export async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate(
    `history.pushState(null, '', ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent('popstate'));`,
  );
}

/** Waits until nothing of the page of an app that is open is under way any more. */
export async function settled(page: Page): Promise<void> {
  await page.locator('main h1').first().waitFor();
  await page.locator('main .loading').first().waitFor({ state: 'detached' });
}

/** What axe finds against WCAG 2.1 A and AA and good practice. The page's content security policy stays in force. */
export async function findings(page: Page): Promise<string[]> {
  // To send and read it costs more than to run it: once is enough for all that a page becomes until another is loaded.
  if (!(await page.evaluate<boolean>(`'axe' in window`))) await page.evaluate(AXE);
  return await page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: axe is a global of the page
    const { axe } = globalThis as any;
    // What react-aria reads out of a button that is busy names elements that are gone when it is no longer.
    const { violations } = await axe.run(
      { exclude: [['[data-live-announcer]']] },
      {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
        resultTypes: ['violations'],
      },
    );
    return violations.map(
      (each: { id: string; impact: string; nodes: { html: string }[] }) =>
        `${each.impact} ${each.id}: ${each.nodes.map(({ html }) => html.slice(0, 300)).join(' | ')}`,
    );
  });
}

const DIRECTIONS = { en: 'ltr', es: 'ltr', ur: 'rtl' } as const;

export type Language = keyof typeof DIRECTIONS;

/** Chooses a language at the app that is open: the page stays as it is but for its texts and their direction. */
export async function speak(page: Page, language: Language): Promise<void> {
  if ((await page.getAttribute('html', 'lang')) === language) return;
  const label = page.locator('.language label');
  const before = (await label.textContent()) ?? '';
  // On a narrow screen it is in the menu, which is closed.
  await page.locator('.language select').selectOption(language, { force: true });
  await label.filter({ hasNotText: before }).waitFor({ state: 'attached' });
  await settled(page);
}

/**
 * Expects the page of an app that is open to be for everybody (WCAG 2.1 AA): axe finds nothing from left to right in light
 * colors, nor from right to left in dark ones; and in each language it is as wide as the window (1.4.10), says what
 * language it is in and which way it is read, and shows no text by the name that it has in the sources.
 */
export async function expectForEverybody(page: Page, app: AppName, name: string): Promise<void> {
  const now = await page.getAttribute('html', 'lang');
  const languages: readonly Language[] = now === 'ur' ? ['ur', 'es', 'en'] : ['en', 'es', 'ur'];
  for (const language of languages) {
    await page.emulateMedia({ colorScheme: language === 'ur' ? 'dark' : 'light' });
    await speak(page, language);
    const called = `${language} ${name}`;
    expect(await shapeOf(page), called).toEqual({
      lang: language,
      dir: DIRECTIONS[language],
      overflow: 0,
      names: [],
    });
    // What Spanish may change is how long texts are: structure and colors are those of English.
    if (language === 'es') continue;
    expect(await findings(page), called).toEqual([]);
    await shoot(page, app, called);
  }
}

const shapeOf = (page: Page): Promise<unknown> =>
  page.evaluate(`(() => {
    const { lang, dir, scrollWidth } = document.documentElement;
    const names = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode.nodeValue.trim();
      if (/^[a-z]+([A-Z][a-z]*)+$|\\{\\w+\\}/.test(text)) names.push(text);
    }
    return { lang, dir, overflow: Math.max(0, scrollWidth - innerWidth), names };
  })()`);

/** By how many pixels the page is wider than the window (WCAG 2.1, 1.4.10). */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - window.innerWidth');

/** Keeps a picture of the page in test-results/, which git ignores. */
export async function shoot(page: Page, app: AppName, name: string): Promise<void> {
  const folder = join(ROOT, 'test-results', 'screenshots', app);
  mkdirSync(folder, { recursive: true });
  await page.screenshot({
    path: join(folder, `${name.replaceAll(/[^a-z0-9]+/gi, '-')}.png`),
    fullPage: true,
  });
}

/** Bytes of script, compressed by gzip, that the page has loaded so far. */
export async function scriptBytes(page: Page, app: AppName): Promise<number> {
  const urls = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .map(({ name }) => new URL(name).pathname)
      .filter((path) => path.endsWith('.js')),
  );
  const files = [...new Set(urls)].map((path) => path.replace(`/apps/${app}/`, ''));
  return files
    .map((file) => gzipSync(readFileSync(join(ROOT, 'smart-apps', app, 'dist', file)), { level: 9 }).length)
    .reduce((sum, size) => sum + size, 0);
}
