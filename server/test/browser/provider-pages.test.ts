import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SmartServer, startSmartServer } from '../smart-server.ts';
import { findings, goTo, installApp, openStandalone, overflow, shoot } from './app-checks.ts';
import { inWindow, launchChromium } from './chromium.ts';

/* Issue 6, section 4: each page of the provider app for everybody: WCAG 2.1 AA, keyboard, narrow screens, languages, voice. */

/** For a machine that has much else to do. */
const LONG = 240_000;
const browser = await launchChromium();
const LOCALES: Readonly<Record<string, string>> = { en: 'en-US', es: 'es-ES', ur: 'ur-PK' };

describe.skipIf(browser === undefined)('every page of the provider app', { timeout: LONG }, () => {
  let server: SmartServer;

  beforeAll(async () => {
    server = await startSmartServer({ data: true });
    await installApp(server, 'provider');
    await server.account({ login: 'doctor', fhirUser: 'Practitioner/imogen-tarrow', name: 'Imogen Tarrow' });
  }, LONG);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  const PATHS: readonly [name: string, path: string, ready: string][] = [
    ['today', '', 'h1'],
    ['board', 'board', 'h1'],
    ['intake', 'intake', 'textarea'],
    ['tasks', 'tasks', 'h2'],
    ['patients', 'patients', 'input'],
    ['runs', 'runs', 'h1'],
    ['chart', 'patient/marisol-quintero-ashby', '.tab-panel .card'],
    ['nothing', 'no/such/page', 'h1'],
  ];

  it.each([
    ['en', 'ltr'],
    ['es', 'ltr'],
    ['ur', 'rtl'],
  ])('axe finds nothing and it fits 320 px in %s (WCAG 2.1 AA; 1.4.10)', (lang, direction) =>
    inWindow(
      browser,
      { bypassCSP: true, locale: LOCALES[lang] as string, viewport: { width: 320, height: 700 } },
      async (page) => {
        await openStandalone(page, server, 'provider', 'doctor');
        await page.waitForSelector(`html[lang=${lang}]`);
        for (const [name, path, ready] of PATHS) {
          await goTo(page, `/apps/provider/${path}`);
          await page.locator(ready).first().waitFor();
          await page.waitForLoadState('networkidle').catch(() => {});
          expect(await page.getAttribute('html', 'dir')).toBe(direction);
          expect(await findings(page), `${lang} ${name}`).toEqual([]);
          expect(await overflow(page), `${lang} ${name}`).toBeLessThanOrEqual(0);
          await shoot(page, 'provider', `320-${lang}-${name}`);
        }
        const tabs = await page.getByRole('tab').all();
        expect(tabs.length).toBe(0);
        await goTo(page, '/apps/provider/patient/marisol-quintero-ashby');
        for (let at = 1; at < 5; at++) {
          await page.getByRole('tab').nth(at).click();
          await page.locator('.tab-panel').first().waitFor();
          await page.waitForTimeout(500);
          expect(await findings(page), `${lang} tab ${at}`).toEqual([]);
          expect(await overflow(page), `${lang} tab ${at}`).toBeLessThanOrEqual(0);
        }
      },
    ),
  );

  it('works by keyboard alone: menu, form with its errors, dialog (WCAG 2.1, 2.1.1, 2.4.3, 3.3.1)', () =>
    inWindow(browser, { locale: 'en-US' }, async (page) => {
      await openStandalone(page, server, 'provider', 'doctor');
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
    }));

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

  it('says so when the network is away, and goes on when it is back', () =>
    inWindow(browser, { locale: 'en-US' }, async (page, window) => {
      await openStandalone(page, server, 'provider', 'doctor');
      await page.getByRole('link', { name: 'Emergency board' }).click();
      await page.getByText('Nobody is in the emergency department.').waitFor();
      await window.setOffline(true);
      await page.getByText(/You are offline/).waitFor();
      await window.setOffline(false);
      await page.getByText(/You are offline/).waitFor({ state: 'detached' });
      await page.getByText('Nobody is in the emergency department.').waitFor();
    }));
});
