import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { buildApps } from '../../../scripts/build-apps.ts';
import type { NewClient } from '../../src/auth/clients/client.ts';
import { PASSWORD, type SmartServer } from '../smart-server.ts';
import { allow, signIn } from './chromium.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

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

/** What axe finds against WCAG 2.1 A and AA; the window must bypass the content security policy. */
export async function findings(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: AXE });
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
