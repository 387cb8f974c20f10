import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SmartServer, startSmartServer } from '../smart-server.ts';
import { expectForEverybody, goTo, installApp, openStandalone, settled, speak } from './app-checks.ts';
import { inWindow, launchChromium, openWindow } from './chromium.ts';

/* Issue 6, section 4: each page of the provider app for everybody: WCAG 2.1 AA, keyboard, narrow screens, languages, voice. */

/** For a machine that has much else to do. */
const LONG = 240_000;
const browser = await launchChromium();

describe.skipIf(browser === undefined)('every page of the provider app', { timeout: LONG }, () => {
  let server: SmartServer;

  beforeAll(async () => {
    server = await startSmartServer({ data: true });
    await installApp(server, 'provider');
    await server.account({ login: 'doctor', fhirUser: 'Practitioner/imogen-tarrow', name: 'Imogen Tarrow' });
  }, LONG);
  afterAll(() => server?.stop());

  const PATHS: readonly string[] = [
    '',
    'board',
    'intake',
    'tasks',
    'patients',
    'runs',
    'patient/marisol-quintero-ashby',
    'no/such/page',
  ];

  describe('to a physician who has signed in once', () => {
    let home: string;
    let page: Page;

    beforeAll(async () => {
      home = `${server.url}/apps/provider/`;
      page = await openWindow(browser, { locale: 'ur-PK' });
      await openStandalone(page, server, 'provider', 'doctor');
    }, LONG);
    afterAll(() => page?.context().close());

    it('every page is for everybody, in the language of the browser and each other, at 320 px (WCAG 2.1 AA)', async () => {
      await page.waitForSelector('html[lang=ur]');
      await page.setViewportSize({ width: 320, height: 700 });
      for (const path of PATHS) {
        await goTo(page, home + path);
        await settled(page);
        await expectForEverybody(page, 'provider', path);
      }
      expect(await page.getByRole('tab').count()).toBe(0);
      await goTo(page, `${home}patient/marisol-quintero-ashby`);
      for (let at = 1; at < 5; at++) {
        await page.getByRole('tab').nth(at).click();
        await page.locator('.tab-panel').first().waitFor();
        await settled(page);
        await expectForEverybody(page, 'provider', `tab ${at}`);
      }
      await speak(page, 'en');
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize({ width: 1280, height: 720 });
    });

    it('works by keyboard alone: menu, form with its errors, dialog (WCAG 2.1, 2.1.1, 2.4.3, 3.3.1)', async () => {
      await page.goto(home);
      await settled(page);
      const focused = () => page.evaluate<string>("document.activeElement?.textContent ?? ''");
      const tabTo = async (text: string, most = 40) => {
        for (let i = 0; i < most; i++) {
          await page.keyboard.press('Tab');
          if ((await focused()).trim() === text) return;
        }
        throw new Error(`Tab does not reach "${text}"`);
      };
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('Skip to content');
      await tabTo('Emergency intake');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: 'Emergency intake' }).waitFor();
      // The page's heading has the focus: what follows is read from there.
      expect(await focused()).toBe('Emergency intake');
      await tabTo('Start the emergency');
      await page.keyboard.press('Enter');
      await page.getByText('Write what happened, or a vital sign.').waitFor();
      await page.getByText('Something in the form is not right yet.').waitFor();

      await goTo(page, '/apps/provider/patient/theo-lindqvist-okafor');
      await page.getByRole('button', { name: 'Emergency access' }).waitFor();
      await tabTo('Emergency access');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      expect((await focused()).trim()).toBe('Emergency access');
      await tabTo('Lists');
      await page.keyboard.press('ArrowRight');
      expect((await focused()).trim()).toBe('Timeline');
    });

    it('says so when the network is away, and goes on when it is back', async () => {
      await page.getByRole('link', { name: 'Emergency board' }).click();
      await page.getByText('Nobody is in the emergency department.').waitFor();
      await page.context().setOffline(true);
      await page.getByText(/You are offline/).waitFor();
      await page.context().setOffline(false);
      await page.getByText(/You are offline/).waitFor({ state: 'detached' });
      await page.getByText('Nobody is in the emergency department.').waitFor();
    });
  });

  it("takes speech by the browser's own recognition, and a problem with it is told (Web Speech API)", () =>
    inWindow(browser, { locale: 'es-ES' }, async (page) => {
      await page.addInitScript(`
        window.SpeechRecognition = class {
          start() { window.heard = this; }
          stop() { this.onend(); }
        };
        window.say = (transcript) => window.heard.onresult({ resultIndex: 0, results: [Object.assign([{ transcript }], { isFinal: true })] });
      `);
      await openStandalone(page, server, 'provider', 'doctor');
      await goTo(page, '/apps/provider/intake');
      const text = page.locator('textarea');
      await text.fill('62 años.');
      await page.getByRole('button', { name: 'Dictar' }).click();
      await page.getByRole('button', { name: 'Dejar de dictar' }).waitFor();
      expect(await page.evaluate('window.heard.lang')).toBe('es');
      await page.evaluate(`window.say(' dolor en el pecho ')`);
      await expect.poll(() => text.inputValue()).toBe('62 años. dolor en el pecho');
      await page.evaluate(`window.heard.onerror({ error: 'not-allowed' }); window.heard.onend()`);
      await page.getByText('El dictado se ha detenido: not-allowed').waitFor();
      await page.getByRole('button', { name: 'Dictar' }).waitFor();
    }));
});
