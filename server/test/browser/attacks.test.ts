import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../harness.ts';
import { PASSWORD, pkce, type SmartServer, startSmartServer } from '../smart-server.ts';
import { allow, choosePatient, inWindow, launchChromium, signIn } from './chromium.ts';
import { startTestApps, type TestApps } from './test-app.ts';

const browser = await launchChromium();
/** For a machine that has much else to do. */
const LONG = 180_000;
const SCOPE = 'launch/patient openid fhirUser offline_access patient/Patient.rs';

describe.skipIf(browser === undefined)(
  'attacks by other sites, apps and people at the browser',
  { timeout: LONG },
  () => {
    let server: SmartServer;
    let apps: TestApps;
    let evil: Server;
    /** The attacker's page by the path that it is opened at. */
    const evilPages = new Map<string, string>();

    beforeAll(async () => {
      [server, apps] = await Promise.all([startSmartServer(), startTestApps()]);
      await server.put({ resourceType: 'Patient', id: 'ana', name: [{ family: 'Perez' }] });
      await server.put({ resourceType: 'Patient', id: 'bilal', name: [{ family: 'Khan' }] });
      await server.account({ login: 'victim' });
      await server.account({ login: 'attacker' });
      await server.client({ id: 'app', redirectUris: [apps.landing] });
      evil = createServer((request, response) => {
        const page = evilPages.get(request.url ?? '');
        response.setHeader('Content-Type', 'text/html').end(page ?? 'nothing');
      });
      await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    });
    afterAll(async () => {
      await apps?.close();
      await new Promise((resolve) => evil?.close(resolve) ?? resolve(undefined));
      await server?.stop();
    });

    /** Where the attacker's page is: on another site, or on the same site (localhost) by another port. */
    const evilAt = (site: 'cross-site' | 'same-site') =>
      `http://${site === 'cross-site' ? '127.0.0.1' : 'localhost'}:${(evil.address() as AddressInfo).port}`;

    function authorizeUrl(changes: Record<string, string | undefined> = {}): {
      url: string;
      verifier: string;
    } {
      const { verifier, challenge } = pkce();
      const parameters = {
        response_type: 'code',
        client_id: 'app',
        redirect_uri: apps.landing,
        scope: SCOPE,
        state: 'the state',
        aud: server.fhir,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        ...changes,
      };
      const given = Object.entries(parameters).filter((one): one is [string, string] => one[1] !== undefined);
      return { url: `${server.issuer}/authorize?${new URLSearchParams(given)}`, verifier };
    }

    async function exchange(code: string, verifier: string): Promise<{ status: number; json: Json }> {
      const answer = await fetch(`${server.issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          client_id: 'app',
          code,
          code_verifier: verifier,
          redirect_uri: apps.landing,
        }),
      });
      return { status: answer.status, json: await answer.json() };
    }

    const logIn = async (page: Page, login = 'victim') => {
      await page.goto(`${server.issuer}/login`);
      await signIn(page, login, PASSWORD);
      await page.waitForURL(`${server.issuer}/manage`);
    };
    const answerOf = async (page: Page): Promise<URLSearchParams> => {
      await page.waitForURL(`${apps.landing}?**`);
      return new URL(page.url()).searchParams;
    };
    const sessionCookie = async (window: BrowserContext) =>
      (await window.cookies()).find(({ name }) => name.includes('vesta-session-demo'));

    it('clickjacking: no page with something to click shows in a frame (CSP frame-ancestors, X-Frame-Options)', () =>
      inWindow(browser, {}, async (page) => {
        await logIn(page);
        const { url } = authorizeUrl();
        const framed = [`${server.issuer}/manage`, url, `${server.issuer}/login`, `${server.issuer}/logout`];
        evilPages.set(
          '/frames',
          framed.map((one) => `<iframe src="${one.replaceAll('&', '&amp;')}"></iframe>`).join(''),
        );
        for (const site of ['cross-site', 'same-site'] as const) {
          await page.goto(`${evilAt(site)}/frames`);
          const frames = page.frames().slice(1);
          expect(frames).toHaveLength(framed.length);
          for (const frame of frames) {
            await expect.poll(() => frame.url()).toMatch(/^chrome-error:/);
            expect(await frame.locator('form').count()).toBe(0);
          }
        }
      }));

    it('CSRF: forms of other sites change nothing, with the token of another browser, with a planted cookie, or without', () =>
      inWindow(browser, {}, async (page, window) => {
        await logIn(page);
        // The worst case: the attacker has set the cookie that tokens are made of, as a neighbour on http may.
        const planted = randomBytes(32).toString('base64url');
        await window.addCookies([{ name: 'vesta-browser-demo', value: planted, url: server.url }]);
        const known = createHash('sha256').update(`form/${server.tenant.id}/${planted}`).digest('base64url');
        const foreign = await (await fetch(`${server.issuer}/login`)).text();
        const tokens = ['', known, /name="csrf" value="([^"]+)"/.exec(foreign)?.[1] as string];
        const account = await server.services.accounts.findByLogin(server.tenant, 'victim');
        const before = await sessionCookie(window);
        const posts: [string, Record<string, string>][] = [
          ['logout', {}],
          ['login', { login: 'attacker', password: PASSWORD }],
          ['manage/apps', { client: 'app' }],
          ['manage/sessions', { which: 'others' }],
          [
            'manage/password',
            { current: PASSWORD, password: 'Zwetschge-9-gelb!', repeat: 'Zwetschge-9-gelb!' },
          ],
          ['manage/recovery', {}],
          ['authorize/consent', { decision: 'allow', request: 'x' }],
        ];
        const attacks = posts.flatMap(([path, fields]) =>
          tokens.map((csrf) => ({ path, fields: { ...fields, csrf } })),
        );
        for (const [at, { path, fields }] of attacks.entries()) {
          const site = at % 2 === 0 ? 'cross-site' : 'same-site';
          const inputs = Object.entries(fields).map(
            ([name, value]) => `<input name="${name}" value="${value}">`,
          );
          evilPages.set(
            '/form',
            `<form method="post" action="${server.issuer}/${path}">${inputs.join('')}</form>`,
          );
          await page.goto(`${evilAt(site)}/form`);
          const posted = page.waitForResponse((one) => one.request().method() === 'POST');
          await page.evaluate('document.forms[0].submit()');
          const answer = await posted;
          expect([answer.url(), answer.status()]).toEqual([`${server.issuer}/${path}`, 403]);
          await page.waitForSelector('text=does not come from this site');
        }
        // Still the same person in the same session, with the same password.
        expect((await sessionCookie(window))?.value).toBe(before?.value);
        await page.goto(`${server.issuer}/manage`);
        expect(await page.textContent('main')).toContain('(victim)');
        const after = await server.services.accounts.find(server.tenant, account?.id as string);
        expect(after).toMatchObject({ state: 'active', login: 'victim' });
      }));

    it('open redirect: nothing that a link says leads to another site', () =>
      inWindow(browser, {}, async (page) => {
        const elsewhere = `${evilAt('cross-site')}/`;
        const hosts = new Set<string>();
        page.on('request', (request) => hosts.add(new URL(request.url()).origin));
        for (const redirect_uri of [
          elsewhere,
          apps.landing.slice(0, -1),
          `${apps.landing}?x=1`,
          `${apps.landing}#x`,
          `${apps.landing}../evil/`,
          apps.landing.replace('127.0.0.1', '127.0.0.1:1@localhost'),
          apps.landing.replace('http:', 'HTTP:'),
          'javascript:alert(1)',
          undefined,
        ]) {
          const answer = await page.goto(authorizeUrl({ redirect_uri }).url);
          expect([redirect_uri, answer?.status()]).toEqual([redirect_uri, 400]);
          expect(await page.locator('main form').count()).toBe(0);
        }
        await logIn(page);
        for (const path of [
          `login?next=${elsewhere}&back=${elsewhere}&redirect_uri=${elsewhere}`,
          `manage/confirm?back=${encodeURIComponent(elsewhere)}`,
          `manage/confirm?back=//${new URL(elsewhere).host}`,
          `logout?post_logout_redirect_uri=${elsewhere}`,
          `authorize/step?request=${encodeURIComponent(elsewhere)}`,
        ]) {
          await page.goto(`${server.issuer}/${path}`);
          if (path.startsWith('manage/confirm')) {
            await page.fill('#password', PASSWORD);
            await page.click('form[action$="/manage/confirm"] button');
            await page.waitForURL(`${server.issuer}/manage`);
          }
        }
        expect([...hosts]).toEqual([server.url]);
      }));

    it('a wrong aud never gets a code: the app is told, and the person is not asked (SMART App Launch 2.2, 2.0.6)', () =>
      inWindow(browser, {}, async (page) => {
        await logIn(page);
        for (const aud of [
          undefined,
          evilAt('cross-site'),
          `${server.url}/fhir/other`,
          `${server.url}/fhir`,
          `${server.fhir}/Patient`,
        ]) {
          await page.goto(authorizeUrl({ aud }).url);
          const answer = await answerOf(page);
          expect([aud, answer.get('error'), answer.get('state'), answer.get('code')]).toEqual([
            aud,
            'invalid_request',
            'the state',
            null,
          ]);
        }
      }));

    it('a code that comes again ends the tokens it gave (RFC 6749 10.5); back and again after consent give no second one', () =>
      inWindow(browser, {}, async (page) => {
        await logIn(page);
        const { url, verifier } = authorizeUrl();
        await page.goto(url);
        await choosePatient(page, 'ana');
        await allow(page);
        const answer = await answerOf(page);
        expect(answer.get('iss')).toBe(server.issuer);
        const code = answer.get('code') as string;
        const first = await exchange(code, verifier);
        expect(first.status).toBe(200);
        const header = { Authorization: `Bearer ${first.json.access_token}` };
        expect((await server.api.get('Patient/ana', header)).status).toBe(200);

        await page.goBack();
        if (page.url().startsWith(server.issuer) && (await page.locator('button[value=allow]').count()) > 0) {
          await allow(page);
        }
        expect(await page.textContent('main')).toContain('Go back to the app and begin again');
        expect(page.url().startsWith(server.issuer)).toBe(true);

        const again = await exchange(code, verifier);
        expect([again.status, again.json.error]).toEqual([400, 'invalid_grant']);
        expect((await server.api.get('Patient/ana', header)).status).toBe(401);
        const refreshed = await fetch(`${server.issuer}/token`, {
          method: 'POST',
          body: new URLSearchParams({
            grant_type: 'refresh_token',
            client_id: 'app',
            refresh_token: first.json.refresh_token,
          }),
        });
        expect(refreshed.status).toBe(400);
      }));

    it('two tabs authorize at once, each for its own patient and with its own state', () =>
      inWindow(browser, {}, async (page, window) => {
        await logIn(page);
        const other = await window.newPage();
        const [left, right] = [authorizeUrl({ state: 'left' }), authorizeUrl({ state: 'right' })];
        await page.goto(left.url);
        await other.goto(right.url);
        await choosePatient(page, 'ana');
        await choosePatient(other, 'bilal');
        // In the other order than they began.
        await allow(other, ['fhirUser']);
        await allow(page);
        const [ofLeft, ofRight] = [await answerOf(page), await answerOf(other)];
        expect([ofLeft.get('state'), ofRight.get('state')]).toEqual(['left', 'right']);
        // Codes are bound to their own verifier: taken by the wrong tab they are worth nothing.
        const third = authorizeUrl();
        expect((await exchange(ofRight.get('code') as string, third.verifier)).status).toBe(400);
        const tokens = (await exchange(ofLeft.get('code') as string, left.verifier)).json;
        expect([tokens.patient, tokens.scope.includes('fhirUser')]).toEqual(['ana', true]);
      }));

    it('the answer goes to who began it: another person who logs in meanwhile is asked anew, and the login is their own', () =>
      inWindow(browser, {}, async (page, window) => {
        await logIn(page, 'attacker');
        await page.goto(authorizeUrl().url);
        await choosePatient(page, 'bilal');
        const consent = page.url();
        // In another tab somebody else logs in; the open consent page is not theirs.
        const other = await window.newPage();
        await other.goto(`${server.issuer}/logout`);
        await other.click('form[action$="/logout"] button');
        await logIn(other, 'victim');
        await allow(page);
        expect(page.url().startsWith(server.issuer)).toBe(true);
        expect(await page.locator('button[name=patient]').count()).toBeGreaterThan(0);
        expect(consent).toContain('/authorize/step');
      }));

    it('session fixation: a session cookie from before the login is worth nothing after it, nor one after logout', () =>
      inWindow(browser, {}, async (page, window) => {
        const planted = randomBytes(32).toString('base64url');
        await window.addCookies([{ name: 'vesta-session-demo', value: planted, url: server.url }]);
        await logIn(page);
        const cookie = await sessionCookie(window);
        expect(cookie?.value).not.toBe(planted);
        expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
        const withCookie = (value: string) =>
          fetch(`${server.issuer}/manage`, {
            redirect: 'manual',
            headers: { Cookie: `vesta-session-demo=${value}` },
          });
        expect((await withCookie(planted)).headers.get('location')).toMatch(/\/login$/);
        expect((await withCookie(cookie?.value as string)).status).toBe(200);
        const loggedOut = page.waitForEvent('load');
        await page.click('form[action$="/logout"] button');
        await loggedOut;
        expect((await withCookie(cookie?.value as string)).headers.get('location')).toMatch(/\/login$/);
        // Nor does the browser show the account again from memory.
        await page.goBack();
        await page.waitForURL(`${server.issuer}/login`);
        expect(await page.textContent('main')).not.toContain('(victim)');
      }));
  },
);
