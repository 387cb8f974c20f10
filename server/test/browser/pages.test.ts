import { generate } from 'otplib';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { qrCode } from '../../src/auth/pages/qr-code.ts';
import { authorizeQuery, PASSWORD, type PagesSetup, REDIRECT, startPages } from '../auth-pages-setup.ts';
import { findings, overflow } from './app-checks.ts';
import { allow, inWindow, launchChromium, signIn } from './chromium.ts';
import { startTestApps, type TestApps } from './test-app.ts';
import { exchange, KINDS, PAGES, peopleOf, walk } from './walk.ts';

const LANGUAGES = { en: 'ltr', es: 'ltr', ur: 'rtl' } as const;
/** For a machine that has much else to do. */
const LONG = 180_000;
const browser = await launchChromium();

describe.skipIf(browser === undefined)('pages in Chromium', { timeout: LONG }, () => {
  let setup: PagesSetup;
  let apps: TestApps;
  const address = () => `${setup.url}/auth/test`;

  beforeAll(async () => {
    [setup, apps] = await Promise.all([startPages('localhost'), startTestApps()]);
    await setup.client({
      id: 'app',
      redirectUris: [REDIRECT, apps.landing],
      clientUri: 'https://app.example.org/',
      policyUri: 'https://app.example.org/privacy',
    });
    for (const name of [...Object.keys(LANGUAGES), 'plain', 'keys']) await peopleOf(setup, name);
    await setup.account({ login: 'boss', role: 'org_admin' });
  });
  afterAll(async () => {
    await apps?.close();
    expect(setup?.errors).toEqual([]);
    await setup?.stop();
  });

  /** The query of a right authorization request of the app. */
  const query = (scope: string) => authorizeQuery(setup, 'app', { scope, redirect_uri: apps.landing });

  it.each(Object.entries(LANGUAGES))(
    'have no finding of axe and fit a narrow screen in %s (WCAG 2.1 AA; 1.4.10 reflow)',
    (lang, direction) =>
      inWindow(browser, { viewport: { width: 320, height: 640 } }, async (page) => {
        const wanted = lang === 'en' ? undefined : KINDS;
        const seen = new Set<string>();
        const options = {
          name: lang,
          lang,
          landing: apps.landing,
          ...(wanted === undefined ? {} : { wanted }),
        };
        await walk(setup, page, options, async (name) => {
          seen.add(name);
          const called = `${lang} ${name}`;
          expect(await page.getAttribute('html', 'lang'), called).toBe(lang);
          expect(await page.getAttribute('html', 'dir'), called).toBe(direction);
          expect(await overflow(page), called).toBeLessThanOrEqual(0);
          // What Spanish may change is how long texts are: structure and colors are those of English.
          if (lang !== 'es') expect(await findings(page), called).toEqual([]);
        });
        expect(seen.size).toBe(wanted?.size ?? PAGES);
      }),
  );

  it('work without JavaScript: login, second factor, patient, consent, account', () =>
    inWindow(browser, { javaScriptEnabled: false }, async (page) => {
      await setup.account({ login: 'noscript' });
      await page.goto(`${address()}/login`);
      // What needs a script is not shown without it.
      expect(await page.locator('form[data-passkey]').filter({ visible: true }).count()).toBe(0);
      await signIn(page, 'noscript', PASSWORD);
      await page.click('a[href$="/manage/totp"]');
      const secret = ((await page.textContent('.seed')) ?? '').replaceAll(' ', '');
      // The QR code is that of the link, module for module.
      const uri = (await page.getAttribute('a[href^="otpauth:"]', 'href')) ?? '';
      expect(uri).toContain(secret);
      const code = page.getByRole('img', { name: 'QR code' });
      expect((await code.boundingBox())?.width).toBeGreaterThan(150);
      const drawn = (await code.locator('path').nth(1).getAttribute('d')) ?? '';
      const dark = [...drawn.matchAll(/M(\d+) (\d+)h(\d+)/g)].flatMap(([, x, y, length]) =>
        Array.from({ length: Number(length) }, (_, i) => `${Number(x) + i - 4},${Number(y) - 4}`),
      );
      expect(dark).toEqual(
        qrCode(uri)?.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`${x},${y}`] : []))),
      );
      await page.fill('#code', await generate({ secret }));
      await page.click('form[action$="/manage/totp"] button');
      const [recovery = ''] = await page.locator('.codes li').allTextContents();
      await page.goto(`${address()}/logout`);
      await page.click('form[action$="/logout"] button');
      const scope = 'launch/patient patient/Patient.rs patient/Condition.rs';
      await page.goto(`${address()}/authorize?${query(scope)}`);
      await signIn(page, 'noscript', PASSWORD);
      await page.fill('#code', recovery);
      await page.click('form[action$="/login/second-factor"] button');
      await page.click('button[name=patient][value=p2]');
      expect(await page.textContent('main')).toContain('Bilal <Khan>');
      await allow(page, ['patient/Patient.rs']);
      await exchange(setup, page, apps.landing);
      await page.goto(`${address()}/manage`);
      await page.click('form[action$="/manage/apps"] button');
      expect(await page.textContent('main')).toContain('No app has access');
    }));

  it('say each scope and the time in the language of the browser, right to left where it is read so', () =>
    inWindow(browser, { locale: 'ur' }, async (page) => {
      await page.goto(`${address()}/login`);
      expect(await page.textContent('h1')).toBe('سائن ان کریں');
      const label = await page.locator('label[for=login]').boundingBox();
      const main = await page.locator('main').boundingBox();
      expect((label?.x ?? 0) + (label?.width ?? 0)).toBeGreaterThan((main?.x ?? 0) + (main?.width ?? 0) / 2);
      await page.click('a[hreflang=es]');
      expect(await page.textContent('h1')).toBe('Iniciar sesión');
      await page.reload();
      await page.goto(`${address()}/forgot`);
      expect(await page.textContent('h1')).toBe('Contraseña nueva');
    }));

  /** Goes on by Tab until an element is reached, which must be seen to have the focus (WCAG 2.4.7). */
  async function tabTo(page: Page, selector: string): Promise<void> {
    for (let tabs = 0; tabs < 120; tabs++) {
      if (await page.evaluate(`document.activeElement?.matches(${JSON.stringify(selector)}) ?? false`)) {
        const shown = await page.evaluate(`(() => {
          const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
          return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
        })()`);
        expect(shown, `focus on ${selector}`).toBe(true);
        return;
      }
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab does not reach ${selector} on ${page.url()}`);
  }

  it('work by keyboard alone, from login to consent and back to the account (WCAG 2.1.1, 2.4.3, 2.4.7)', () =>
    inWindow(browser, {}, async (page) => {
      const scope = 'launch/patient patient/Patient.rs patient/Condition.rs';
      await page.goto(`${address()}/authorize?${query(scope)}`);
      // The first field has the focus already.
      await page.keyboard.type('doctor-keys');
      await tabTo(page, '#password');
      await page.keyboard.type(PASSWORD);
      await page.keyboard.press('Enter');
      await page.waitForSelector('h2');
      await tabTo(page, '#search');
      await page.keyboard.type('Cleo');
      await page.keyboard.press('Enter');
      await page.waitForURL(/search=Cleo/);
      await tabTo(page, 'button[name=patient][value=p3]');
      await page.keyboard.press('Enter');
      await page.waitForSelector('button[name=decision]');
      await tabTo(page, 'input[name=scope][value="patient/Condition.rs"]');
      await page.keyboard.press('Space');
      await tabTo(page, 'input[name=scope][value$="problem-list-item"]');
      await page.keyboard.press('Space');
      await tabTo(page, 'button[value=allow]');
      await page.keyboard.press('Enter');
      await exchange(setup, page, apps.landing);

      await page.goto(`${address()}/manage`);
      // The first stop skips to the content (WCAG 2.4.1).
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.getAttribute("href")')).toBe('#content');
      await page.keyboard.press('Enter');
      expect(await page.textContent('main')).toContain('problem list');
      await tabTo(page, 'form[action$="/manage/apps"] button');
      await page.keyboard.press('Enter');
      await page.waitForURL(/done=yes/);
      expect(await page.textContent('main')).toContain('No app has access');
    }));

  it('break no rule of their own policy, and are small: few requests and bytes until the first paint', () =>
    inWindow(browser, {}, async (page) => {
      const complaints: string[] = [];
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
      });
      const sizes: Record<string, unknown> = {};
      const look = async (name: string) => {
        const loaded = (await page.evaluate(`(() => {
          const [document_] = performance.getEntriesByType('navigation');
          const all = [document_, ...performance.getEntriesByType('resource')];
          return { requests: all.length, bytes: all.reduce((sum, one) => sum + one.encodedBodySize, 0) };
        })()`)) as { requests: number; bytes: number };
        sizes[name] = loaded;
        // Document, stylesheet and, for passkeys, one script.
        expect(loaded.requests, name).toBeLessThanOrEqual(3);
        expect(loaded.bytes, name).toBeLessThan(20_000);
      };
      const scope =
        'launch/patient openid fhirUser offline_access patient/Patient.rs patient/Condition.rs patient/Observation.rs';
      await page.goto(`${address()}/authorize?${query(scope)}`);
      await look('login');
      await signIn(page, 'doctor-plain', PASSWORD);
      await look('patients');
      await page.click('button[name=patient][value=p1]');
      await look('consent');
      await page.click('button[value=allow]');
      await page.waitForURL(`${apps.landing}?**`);
      console.info('bytes of pages, not compressed', sizes);
      expect(complaints).toEqual([]);
    }));

  it('show the app, whose record, each scope in words, its parts, and how long', () =>
    inWindow(browser, {}, async (page) => {
      await setup.account({ login: 'reader' });
      const scope =
        'launch/patient openid fhirUser offline_access patient/Patient.rs patient/Condition.rs patient/Observation.cruds';
      await page.goto(`${address()}/authorize?${query(scope)}`);
      await signIn(page, 'reader', PASSWORD);
      await page.click('button[name=patient][value=p2]');
      expect(await page.textContent('h1')).toBe('Allow Example <App> access?');
      const text = ((await page.textContent('main')) ?? '').replace(/\s+/g, ' ');
      for (const said of [
        `Your answer goes to ${new URL(apps.landing).host}`,
        'Record of Bilal <Khan>',
        'May read and search personal details of the chosen patient',
        'May add, read, change, delete and search measurements and test results of the chosen patient',
        'Access lasts 15 minutes at a time',
        'May renew its access without you for 100 days',
        'You can take access back at any time',
      ])
        expect(text).toContain(said);
      expect(await page.getByRole('link', { name: 'Privacy policy' }).getAttribute('href')).toBe(
        'https://app.example.org/privacy',
      );
      const parts = page.locator('.parts');
      expect(await parts.nth(0).locator('input').count()).toBe(3);
      expect(await parts.nth(1).locator('input').count()).toBe(5);
    }));

  async function withAuthenticator(window: BrowserContext, page: Page): Promise<void> {
    const session = await window.newCDPSession(page);
    await session.send('WebAuthn.enable');
    await session.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
  }

  it('a passkey is added and logs in by itself, with both factors (WebAuthn level 3)', () =>
    inWindow(browser, {}, async (page, window) => {
      await withAuthenticator(window, page);
      await page.goto(`${address()}/login`);
      await signIn(page, 'boss', PASSWORD);
      // The role demands a second factor.
      const seed = ((await page.textContent('.seed')) ?? '').replaceAll(' ', '');
      await page.fill('#code', await generate({ secret: seed }));
      await page.click('form[action$="/login/enrol"] button');
      await page.click('main a.button');
      await page.click('a[href$="/manage/passkeys"]');
      await page.fill('#name', 'Test key');
      await page.click('form[data-passkey=create] button');
      await page.waitForSelector('text=Test key');
      await page.click('form[action$="/logout"] button');
      await page.goto(`${address()}/login`);
      await page.click('form[data-passkey=get] button');
      await page.waitForSelector('text=Your account');
      const account = await setup.people.accounts.findByLogin(setup.tenant, 'boss');
      const [session] = await setup.people.sessions.ofAccount(setup.tenant, account?.id as string);
      expect(session?.methods).toContain('mfa');

      // The same answer is not good twice, nor in another browser.
      await page.goto(`${address()}/logout`);
      await page.click('form[action$="/logout"] button');
      await page.goto(`${address()}/login`);
      let body = '';
      await page.route('**/login/passkey', async (route) => {
        body = route.request().postData() as string;
        await route.continue();
      });
      await page.click('form[data-passkey=get] button');
      await page.waitForSelector('text=Your account');
      const replayed = await page.request.post(`${address()}/login/passkey`, {
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        data: body,
      });
      expect(replayed.status()).toBe(400);

      // After the password the passkey is the second factor; it confirms a change, too.
      await page.goto(`${address()}/logout`);
      await page.click('form[action$="/logout"] button');
      await page.goto(`${address()}/login`);
      await signIn(page, 'boss', PASSWORD);
      await page.click('form[action$="/login/passkey"] button');
      await page.waitForSelector('text=Your account');
      await page.goto(`${address()}/manage/confirm?back=password`);
      await page.click('form[action$="/manage/confirm/passkey"] button');
      await page.waitForURL(`${address()}/manage/password`);
    }));
});
