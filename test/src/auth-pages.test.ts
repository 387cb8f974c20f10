import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { generate } from 'otplib';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorizeQuery, PASSWORD, type PagesSetup, startPages } from '../../server/test/auth-pages-setup.ts';

const CHROMIUM = '/usr/bin/chromium';
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const LANGUAGES = { en: 'ltr', es: 'ltr', ur: 'rtl' } as const;
const SCOPE = 'launch/patient openid fhirUser offline_access patient/Patient.rs patient/Observation.rs';

describe.skipIf(!existsSync(CHROMIUM))(`pages in ${CHROMIUM}`, () => {
  let setup: PagesSetup;
  let browser: Browser;
  beforeAll(async () => {
    setup = await startPages('localhost');
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
    await setup.client({
      id: 'app',
      clientUri: 'https://app.example.org/',
      policyUri: 'https://app.example.org/privacy',
    });
    await setup.account({ login: 'doctor' });
    await setup.account({ login: 'boss', role: 'org_admin' });
  });
  afterAll(async () => {
    await browser?.close();
    expect(setup?.errors).toEqual([]);
    await setup?.stop();
  });

  /** Serious findings of axe for WCAG 2.1 A and AA. The script is given to the page by the debugger, not by its policy. */
  async function findings(page: Page): Promise<string[]> {
    await page.addScriptTag({ path: AXE });
    return await page.evaluate(async () => {
      // biome-ignore lint/suspicious/noExplicitAny: axe is a global of the page
      const { violations } = await (globalThis as any).axe.run({
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
      });
      return violations.map(
        (each: { id: string; impact: string; nodes: { html: string }[] }) =>
          `${each.impact} ${each.id}: ${each.nodes.map(({ html }) => html).join(' | ')}`,
      );
    });
  }

  const address = () => `${setup.url}/auth/test`;
  const context = (options: Parameters<Browser['newContext']>[0] = {}) => browser.newContext(options);

  /** Walks through all pages and shows each to `look`. */
  async function walk(page: Page, lang: string, look: (name: string) => Promise<void>): Promise<void> {
    await page.goto(`${address()}/login?lang=${lang}`);
    await look('login');
    await page.fill('#login', 'doctor');
    await page.fill('#password', 'wrong');
    await page.click('form[action$="/login"] button');
    await look('login failed');
    await page.goto(`${address()}/forgot`);
    await look('forgot');
    await page.fill('#login', 'nobody');
    await page.click('form[action$="/forgot"] button');
    await look('sent');
    await page.goto(`${address()}/authorize?client_id=nobody&redirect_uri=x`);
    await look('error');
    await page.goto(
      `${address()}/authorize?${authorizeQuery(setup, 'app', { scope: SCOPE, prompt: 'consent' })}`,
    );
    await page.fill('#login', 'doctor');
    await page.fill('#password', PASSWORD);
    await page.click('form[action$="/login"] button');
    await look('patient');
    await page.click('button[name=patient][value=p1]');
    await look('consent');
    await page.goto(`${address()}/manage`);
    await look('manage');
    await page.goto(`${address()}/manage/password`);
    await page.click('form[action$="/manage/password"] button');
    await look('password with errors');
    await page.goto(`${address()}/manage/totp`);
    await look('totp');
    await page.goto(`${address()}/manage/confirm`);
    await look('confirm');
    await page.goto(`${address()}/manage/passkeys`);
    await look('passkeys');
    await page.goto(`${address()}/logout`);
    await look('logout');
    await page.click('form[action$="/logout"] button');
    await look('signed out');
  }

  it.each(Object.entries(LANGUAGES))(
    'have no finding of axe and fit a narrow screen in %s (WCAG 2.1 AA, 1.4.10)',
    async (lang, direction) => {
      const own = await context({ bypassCSP: true, viewport: { width: 320, height: 640 } });
      const page = await own.newPage();
      const seen: string[] = [];
      await walk(page, lang, async (name) => {
        seen.push(name);
        expect(await findings(page), `${lang} ${name}`).toEqual([]);
        expect(await page.getAttribute('html', 'lang'), name).toBe(lang);
        expect(await page.getAttribute('html', 'dir'), name).toBe(direction);
        const overflow = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
        expect(overflow, `${lang} ${name}`).toBeLessThanOrEqual(0);
      });
      expect(seen).toHaveLength(14);
      await own.close();
    },
    120_000,
  );

  it('work without JavaScript, and break no rule of their own policy', async () => {
    for (const javaScriptEnabled of [false, true]) {
      const own = await context({ javaScriptEnabled });
      const page = await own.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => {
        if (/Content.Security.Policy|Refused/i.test(message.text())) complaints.push(message.text());
      });
      // The app's page, where the answer arrives.
      await own.route('https://app.example.org/**', (route) => route.fulfill({ body: 'the app' }));
      await walk(page, 'en', async () => {});
      await page.goto(`${address()}/authorize?${authorizeQuery(setup, 'app', { scope: SCOPE })}`);
      await page.fill('#login', 'doctor');
      await page.fill('#password', PASSWORD);
      await page.keyboard.press('Enter');
      await page.click('button[name=patient][value=p2]');
      expect(await page.textContent('main')).toContain('Bilal <Khan>');
      await page.uncheck('input[value="patient/Patient.rs"]');
      await page.click('button[name=decision][value=allow]');
      await page.waitForURL('https://app.example.org/**');
      expect(new URL(page.url()).searchParams.get('code')).toBeTruthy();
      expect(complaints).toEqual([]);
      await own.close();
    }
  }, 120_000);

  it('say each scope and the time in the language of the page, right to left where it is read so', async () => {
    const own = await context({ locale: 'ur' });
    const page = await own.newPage();
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
    await own.close();
  });

  it('cannot be framed by another site', async () => {
    const own = await context();
    const page = await own.newPage();
    await own.route('https://evil.example.org/', (route) =>
      route.fulfill({ contentType: 'text/html', body: `<iframe src="${address()}/login"></iframe>` }),
    );
    await page.goto('https://evil.example.org/');
    await page.waitForTimeout(500);
    const inner = page.frames().at(-1);
    expect(await inner?.content().catch(() => '')).not.toContain('password');
    await own.close();
  });

  async function withAuthenticator(own: BrowserContext, page: Page): Promise<void> {
    const session = await own.newCDPSession(page);
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

  it('a passkey is added and logs in by itself, with both factors (WebAuthn level 3)', async () => {
    const own = await context();
    const page = await own.newPage();
    await withAuthenticator(own, page);
    await page.goto(`${address()}/login`);
    await page.fill('#login', 'boss');
    await page.fill('#password', PASSWORD);
    await page.click('form[action$="/login"] button');
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
    await own.close();
  }, 60_000);
});
