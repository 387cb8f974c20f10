import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../harness.ts';
import type { SmartServer } from '../smart-server.ts';
import {
  expectForEverybody,
  findings,
  goTo,
  SCRIPT_BUDGET,
  scriptBytes,
  settled,
  shoot,
  speak,
} from './app-checks.ts';
import { inWindow, launchChromium, openWindow } from './chromium.ts';
import { button, PATIENT, type PatientApp, startPatientApp, WINDOW } from './patient-setup.ts';

/* Issue 6, section 4: what every app must be, and what the patient app does by itself. */

/** For a machine that has much else to do. */
const LONG = 300_000;
/** How long is waited for what happens beside the request. */
const SOON = { timeout: 60_000 };
const browser = await launchChromium();
const PAGES = [
  '',
  'record/conditions',
  'record/medicines',
  'record/allergies',
  'record/results',
  'record/measurements',
  'record/visits',
  'record/documents',
  'record/immunizations',
  'visits',
  'visits/book',
  'chat',
  'messages',
  'sharing',
  'settings',
  'settings/summary',
  'nothing-here',
];

describe.skipIf(browser === undefined)('the patient app in Chromium', { timeout: LONG }, () => {
  let app: PatientApp;
  let server: SmartServer;
  let home: string;

  beforeAll(async () => {
    app = await startPatientApp();
    ({ server, home } = app);
  }, LONG);
  afterAll(() => app?.stop());

  const open: PatientApp['open'] = (...given) => app.open(...given);
  const visit: PatientApp['visit'] = (...given) => app.visit(...given);

  describe('to a patient who has signed in', () => {
    let page: Page;

    beforeAll(async () => {
      page = await openWindow(browser, { ...WINDOW, serviceWorkers: 'block' });
      await open(page, 'patient');
    }, LONG);
    afterAll(() => page?.context().close());

    it('every page is for everybody, in each language, at 320 px (WCAG 2.1 AA)', async () => {
      await page.setViewportSize({ width: 320, height: 640 });
      for (const path of PAGES) {
        await goTo(page, home + path);
        await settled(page);
        await expectForEverybody(page, 'patient', path);
      }
      await speak(page, 'en');
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize({ width: 1280, height: 720 });
    });

    it('dialogs, lists that open and charts have no finding either', async () => {
      await visit(page, 'record/measurements');
      expect(await page.title()).toBe('Measurements · My record · Vesta');
      await page.getByText('How it has changed').first().click();
      await page.getByRole('img', { name: /^Chart: Heart rate. 3 values/ }).waitFor();
      await page.getByText('Values as a table').first().click();
      await shoot(page, 'patient', 'chart');
      expect(await findings(page)).toEqual([]);
      await visit(page, 'visits/book');
      await button(page, /Time of day/).click();
      await page.getByRole('option', { name: 'Afternoon' }).waitFor();
      expect(await findings(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await button(page, 'Show free times').click();
      await button(page, /^Choose /)
        .first()
        .click();
      await page.getByRole('dialog').waitFor();
      await shoot(page, 'patient', 'dialog');
      expect(await findings(page)).toEqual([]);
    });

    it('what is chosen is seen where the person has colors of their own (forced colors, WCAG 2.1, 1.4.1)', async () => {
      await page.emulateMedia({ forcedColors: 'active' });
      await visit(page, 'settings');
      const box = page.getByRole('checkbox').first();
      const mark = page.locator('.choice .mark').first();
      const styled = (selector: string, property: string) =>
        page.evaluate(`getComputedStyle(document.querySelector('${selector}')).${property}`);
      const size = () => styled('.choice .mark', 'fontSize');
      expect([await box.isChecked(), await size()]).toEqual([true, '16px']);
      await mark.click();
      expect([await box.isChecked(), await size()]).toEqual([false, '0px']);
      await mark.click();
      await visit(page, 'record/measurements');
      expect(await styled('.tab[data-selected]', 'borderBlockEndColor')).not.toBe(
        await styled('.tab:not([data-selected])', 'borderBlockEndColor'),
      );
      await page.emulateMedia({ forcedColors: 'none' });
    });

    it('the record is downloaded whole, as a Bundle of FHIR', async () => {
      await visit(page, 'settings');
      const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Download').click()]);
      const bundle = JSON.parse(readFileSync(await download.path(), 'utf8')) as Json;
      expect(download.suggestedFilename()).toBe('Patient-marisol-quintero-ashby.json');
      const types = new Set(bundle.entry.map(({ resource }: Json) => resource.resourceType));
      for (const type of ['Patient', 'Condition', 'Observation', 'AllergyIntolerance', 'Immunization'])
        expect(types).toContain(type);
      const patients = bundle.entry.filter(({ resource }: Json) => resource.resourceType === 'Patient');
      expect(patients.map(({ resource }: Json) => resource.id)).toEqual([PATIENT.slice('Patient/'.length)]);
    });

    it('a document is opened with its bytes from the server, by the person’s access', async () => {
      await visit(page, 'record/documents');
      const [shown] = await Promise.all([
        page.context().waitForEvent('page'),
        button(page, 'Open letter.txt').click(),
      ]);
      await shown.getByText('Dear Marisol').waitFor();
      await shown.close();
    });

    it('a server without a chat is told of in words, not by an error', async () => {
      await page.route('**/Communication/$converse', (route) =>
        route.fulfill({
          status: 404,
          contentType: 'application/fhir+json',
          body: JSON.stringify({
            resourceType: 'OperationOutcome',
            issue: [{ severity: 'error', code: 'not-supported' }],
          }),
        }),
      );
      await visit(page, 'chat');
      await page.getByLabel('Your message').fill('Hello');
      await button(page, 'Send').click();
      await page.getByText('This server has no chat.').waitFor();
    });

    it('signing out gives the tokens back (RFC 7009)', async () => {
      const token = await page.evaluate<string>(
        `JSON.parse(sessionStorage.getItem(sessionStorage.getItem('vesta:patient:session'))).tokenResponse.access_token`,
      );
      const ask = () =>
        server.api.get(PATIENT, { Authorization: `Bearer ${token}` }).then(({ status }) => status);
      expect(await ask()).toBe(200);
      await button(page, 'Sign out').click();
      await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
      await expect.poll(ask, SOON).toBe(401);
      expect(await page.evaluate('JSON.stringify({ ...sessionStorage })')).not.toContain(token);
    });
  });

  it('the page of those who have not signed in is for everybody, in the language that is asked for', () =>
    inWindow(
      browser,
      { ...WINDOW, serviceWorkers: 'block', viewport: { width: 320, height: 640 } },
      async (page) => {
        await page.goto(`${home}?lang=ur`);
        await page.waitForSelector('html[lang=ur] h1');
        await expectForEverybody(page, 'patient', 'welcome');
      },
    ));

  it('its first load is below the budget of script; it opens without a network with what was last seen, and forgets it at sign-out', async () => {
    await inWindow(browser, WINDOW, async (page, window) => {
      const assets: string[] = [];
      page.on('response', (answer) => {
        if (answer.url().includes('/assets/')) assets.push(answer.headers()['cache-control'] ?? '');
      });
      await open(page, 'patient');
      expect(await scriptBytes(page, 'patient')).toBeLessThan(SCRIPT_BUDGET);
      expect(new Set(assets)).toEqual(new Set(['public, max-age=31536000, immutable']));
      await page.evaluate('navigator.serviceWorker.ready');
      await visit(page, 'record/conditions');
      await page.getByText('Essential hypertension').waitFor();
      await expect.poll(() => keptEntries(page), SOON).toBe(1);
      // What is kept is written a second after it was seen.
      await page.waitForTimeout(1500);
      await window.setOffline(true);
      await page.reload();
      await page.getByText('Essential hypertension').waitFor();
      await page.close();

      // Opened anew, as from the home screen: nobody is signed in, and nothing can be asked.
      const later = await window.newPage();
      await later.goto(`${home}record/conditions`);
      await later.getByText('Essential hypertension').waitFor();
      await later.getByText(/^You are offline\. This was last seen on/).waitFor();
      await shoot(later, 'patient', 'offline');
      await button(later, 'Sign out').click();
      await later.getByRole('heading', { name: 'You are signed out' }).waitFor();
      expect(await keptEntries(later)).toBe(0);
      await later.reload();
      await later.getByRole('heading', { name: 'Welcome' }).waitFor();
      expect(await later.locator('body').textContent()).not.toContain('hypertension');
    });
  });

  const keptEntries = (page: Page): Promise<number> =>
    page.evaluate<number>(`new Promise((resolve, reject) => {
      const open = indexedDB.open('vesta');
      open.onerror = () => reject(open.error);
      open.onsuccess = () => {
        const count = open.result.transaction('seen').objectStore('seen').count();
        count.onsuccess = () => { open.result.close(); resolve(count.result); };
      };
    })`);

  it('an answer of another server than the one that was asked is refused (RFC 9207, 2.4)', async () => {
    await inWindow(browser, WINDOW, async (page) => {
      await page.goto(home);
      const [asked] = await Promise.all([
        page.waitForRequest(`${server.issuer}/authorize?**`),
        button(page, 'Sign in').click(),
      ]);
      await page.waitForSelector('#login');
      const state = new URL(asked.url()).searchParams.get('state');
      await page.goto(`${home}?code=x&state=${state}&iss=${encodeURIComponent('https://other.example.org')}`);
      await page.getByText('The answer comes from another server').waitFor();
    });
  });
});
