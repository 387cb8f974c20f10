import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_DIRECTORY } from '../../src/cli/demo.ts';
import { nationalResources, transactionsOf } from '../../src/cli/demo-national-reports.ts';
import { inputFiles } from '../../src/cli/loading/files.ts';
import type { Json } from '../harness.ts';
import { type SmartServer, startSmartServer } from '../smart-server.ts';
import {
  expectForEverybody,
  goTo,
  installApp,
  openStandalone,
  openWithoutPatient,
  SCRIPT_BUDGET,
  scriptBytes,
  settled,
  shoot,
  speak,
} from './app-checks.ts';
import { inWindow, launchChromium, openWindow } from './chromium.ts';

/* Issue 6, section 4 (national): over reports that are made of the demo patients. */

const LONG = 240_000;
const browser = await launchChromium();

describe.skipIf(browser === undefined)('the national app in Chromium', { timeout: LONG }, () => {
  let server: SmartServer;
  let resources: Json[];

  beforeAll(async () => {
    server = await startSmartServer();
    await installApp(server, 'national');
    const bundles = inputFiles([DEMO_DIRECTORY])
      .filter(({ path }) => path.endsWith('.gz'))
      .map(({ path }) => JSON.parse(gunzipSync(readFileSync(path)).toString('utf8')));
    resources = nationalResources(bundles) as Json[];
    for (const transaction of transactionsOf(resources as never)) {
      const answer = await server.api.post('', transaction, server.admin);
      if (answer.status !== 200) throw new Error(answer.text);
    }
    await server.put({ resourceType: 'Patient', id: 'somebody', name: [{ text: 'Ann Ashby' }] });
    await server.put({
      resourceType: 'MeasureReport',
      id: 'about-somebody',
      status: 'complete',
      type: 'individual',
      measure: 'https://vesta.health/fhir/Measure/visits-by-department',
      subject: { reference: 'Patient/somebody' },
      period: { start: '2025-01-01', end: '2025-03-31' },
    });
    await server.account({ login: 'nadia', role: 'national', fhirUser: 'Practitioner/nadia-national' });
  }, LONG);
  afterAll(() => server?.stop());

  const reports = (): Json[] => resources.filter(({ resourceType }) => resourceType === 'MeasureReport');

  describe('to somebody of the authority who has signed in once', () => {
    /** What was asked of the FHIR server. */
    const asked: { url: string; status: number }[] = [];
    let page: Page;
    let token = '';

    beforeAll(async () => {
      page = await openWindow(browser, { locale: 'en-US' });
      page.on('response', (response) => {
        if (response.url().includes('/fhir/demo/'))
          asked.push({ url: response.url(), status: response.status() });
      });
      page.on('request', (request) => {
        const header = request.headers()['authorization'];
        if (header !== undefined && request.url().includes('/fhir/demo/')) token = header;
      });
      await openStandalone(page, server, 'national', 'nadia');
    }, LONG);
    afterAll(() => page?.context().close());

    it('shows visits by department and facility, a map and reports, as they were submitted; reads no patient', async () => {
      await page.getByRole('heading', { name: 'Facilities with most visits' }).waitFor();
      expect(await scriptBytes(page, 'national')).toBeLessThan(SCRIPT_BUDGET);
      await page
        .getByRole('button', { name: /^Quarter of|Quarter/ })
        .first()
        .click();
      await page.getByRole('option', { name: 'All quarters' }).click();
      // What is shown is what the reports say.
      const visits = reports().filter(({ measure }) => measure.endsWith('visits-by-department'));
      const sums = new Map<string, number>();
      for (const { group } of visits)
        for (const { code, population } of group)
          sums.set(code.coding[0].code, (sums.get(code.coding[0].code) ?? 0) + population[0].count);
      const bars = page.locator('.bars').first();
      await expect.poll(() => bars.textContent()).toContain(`Outpatient${sums.get('AMB')}`);
      expect(await bars.textContent()).toContain(`Emergency${sums.get('EMER')}`);
      const places = resources.filter(({ resourceType }) => resourceType === 'Location');
      await expect.poll(() => page.locator('.map circle').count()).toBe(places.length);
      await shoot(page, 'national', 'overview');

      await page.getByRole('link', { name: 'Reports' }).click();
      const last = reports()
        .map(({ period }) => period.start)
        .sort()
        .at(-1);
      const submitted = reports().filter(({ period }) => period.start === last);
      await page.getByRole('heading', { name: `Received (${submitted.length})` }).waitFor();
      await expect.poll(() => page.locator('tbody tr').count()).toBe(submitted.length);
      await shoot(page, 'national', 'reports');

      await page.getByRole('link', { name: 'Facilities' }).click();
      await page.getByLabel('Name or place').fill('baystate');
      await page.getByRole('link', { name: 'BAYSTATE MEDICAL CENTER' }).click();
      await page.getByRole('heading', { level: 1, name: /BAYSTATE/ }).waitFor();
      await page.locator('.chart svg').first().waitFor();
      await shoot(page, 'national', 'facility');
      expect(asked.every(({ status }) => status === 200)).toBe(true);
      expect(asked.filter(({ url }) => /\/(Patient|Encounter|Condition|Observation)\b/.test(url))).toEqual(
        [],
      );
    });

    it('the role sees reports of groups and facilities, and no record of a patient, by any request (45 CFR 164.502(b))', async () => {
      await expect.poll(() => token).not.toBe('');
      const as = { Authorization: token };
      const found = await server.api.get('MeasureReport?_count=500', as);
      expect(found.json.entry.every(({ resource }: Json) => resource.type === 'summary')).toBe(true);
      expect((await server.api.get('MeasureReport/about-somebody', as)).status).toBe(404);
      const all = await server.api.get('?_count=500', as);
      const types = new Set((all.json.entry ?? []).map(({ resource }: Json) => resource.resourceType));
      expect(
        [...types].filter(
          (type) => !['Measure', 'MeasureReport', 'Organization', 'Location'].includes(type as string),
        ),
      ).toEqual([]);
      for (const path of [
        'Patient',
        'Patient/somebody',
        'Encounter',
        'Condition',
        'Patient/somebody/$everything',
      ])
        expect([path, (await server.api.get(path, as)).status]).not.toEqual([path, 200]);
    });

    it('every page is for everybody, in each language, at 320 px (WCAG 2.1 AA)', async () => {
      await page.setViewportSize({ width: 320, height: 700 });
      const facility = reports()[0].reporter.reference.split('/')[1];
      for (const [path, ready] of [
        ['', '.map'],
        ['facilities', 'tbody tr'],
        [`facility/${facility}`, '.chart svg'],
        ['reports', 'tbody tr'],
        ['outbreaks', '.card'],
        ['no/such/page', '.empty'],
      ] as const) {
        await goTo(page, `/apps/national/${path}`);
        await page.locator(ready).first().waitFor();
        await settled(page);
        await expectForEverybody(page, 'national', path.replace(facility, 'one'));
      }
      await speak(page, 'en');
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize({ width: 1280, height: 720 });
    });

    it('works by keyboard alone: filters, details, links (WCAG 2.1, 2.1.1)', async () => {
      await page.goto(`${server.url}/apps/national/`);
      await page.locator('.bars').first().waitFor();
      const focused = () => page.evaluate<string>("document.activeElement?.textContent ?? ''");
      const tabTo = async (matches: RegExp) => {
        for (let i = 0; i < 60; i++) {
          await page.keyboard.press('Tab');
          if (matches.test(await focused())) return;
        }
        throw new Error(`Tab does not reach ${matches}`);
      };
      await tabTo(/^Quarter \d of \d{4}/);
      await page.keyboard.press('Enter');
      await page.locator('[role=listbox] [role=option]').first().waitFor();
      await page.keyboard.press('End');
      await page.keyboard.press('Enter');
      await expect.poll(focused).toMatch(/^All quarters/);
      await tabTo(/^Numbers as a table/);
      await page.keyboard.press('Enter');
      await page.locator('details[open] tbody tr').first().waitFor();
    });
  });

  it('opened by an EHR without a patient, tells which conditions are unusually frequent, and where', () =>
    inWindow(browser, { locale: 'ur-PK' }, async (page) => {
      await openWithoutPatient(page, server, 'national', 'nadia');
      // In the language of the browser, until another one is chosen.
      await page.waitForSelector('html[lang=ur][dir=rtl]');
      await speak(page, 'en');
      await page.getByRole('link', { name: 'Outbreaks' }).click();
      await page.getByText('cases:').first().waitFor();
      await page.locator('.card .chart svg').first().waitFor();
      await shoot(page, 'national', 'outbreaks');
    }));
});
