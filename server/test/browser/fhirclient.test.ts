import * as jose from 'jose';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewClient, PublicJwk } from '../../src/auth/clients/client.ts';
import { mintAccessToken } from '../../src/auth/token/mint.ts';
import type { Json } from '../harness.ts';
import { ALL_SCOPES, PASSWORD, type SmartServer, startSmartServer } from '../smart-server.ts';
import { allow, choosePatient, inWindow, launchChromium, signIn } from './chromium.ts';
import { type AppConfiguration, startTestApps, type TestApps } from './test-app.ts';

/** For a machine that has much else to do. */
const LONG = 180_000;
const browser = await launchChromium();

const CLINICAL = 'patient/Patient.rs patient/Observation.rs patient/Condition.rs';

describe.skipIf(browser === undefined)(
  'fhirclient in Chromium (SMART App Launch 2.2)',
  { timeout: LONG },
  () => {
    let server: SmartServer;
    let apps: TestApps;

    beforeAll(async () => {
      [server, apps] = await Promise.all([startSmartServer(), startTestApps()]);
      for (const [id, family] of [
        ['ana', 'Perez'],
        ['bilal', 'Khan'],
      ] as const) {
        await server.put({ resourceType: 'Patient', id, name: [{ family }], gender: 'female' });
        const subject = { reference: `Patient/${id}` };
        const code = { text: 'Heart rate' };
        await server.put({ resourceType: 'Observation', id: `o-${id}`, status: 'final', code, subject });
        await server.put({
          resourceType: 'Encounter',
          id: `e-${id}`,
          status: 'finished',
          class: { code: 'AMB' },
          subject,
        });
      }
      await server.put({ resourceType: 'Practitioner', id: 'imogen', name: [{ family: 'Tarrow' }] });
      await server.account({ login: 'doctor', fhirUser: 'Practitioner/imogen' });
      await server.account({ login: 'ana', role: 'patient', fhirUser: 'Patient/ana', name: 'Ana Perez' });
    });
    afterAll(async () => {
      await apps?.close();
      await server?.stop();
    });

    /** Registers an app, makes its pages and gives the address to open. */
    async function install(
      name: string,
      { clientId = name, ...configuration }: Partial<AppConfiguration> & { scope: string },
      more: Partial<NewClient> = {},
    ): Promise<string> {
      const { redirectUri, launchUri } = apps.add(name, { clientId, ...configuration });
      await server.client({ id: clientId, redirectUris: [redirectUri], launchUri, ...more });
      return launchUri;
    }

    /** Waits for the app's page to have its answer. @returns its title: `ready` or what went wrong */
    async function outcome(page: Page, name: string): Promise<string> {
      await page.waitForURL(`${apps.origin}/${name}/*`);
      await page.waitForFunction(`document.title !== 'waiting'`);
      return await page.title();
    }

    /** What a script with fhirclient's client as `smart` comes to. */
    const inApp = (page: Page, script: string): Promise<Json> =>
      page.evaluate(`(async (smart) => { ${script} })(window.smart)`);

    /** The status of a request's failure, as fhirclient reports it. */
    const failing = (page: Page, path: string): Promise<number> =>
      inApp(
        page,
        `try { await smart.request('${path}'); return 200; } catch (error) { return error.status; }`,
      );

    it('standalone launch of a public client: patient, user, searches, and a refresh by itself when the token ends', async () => {
      const scope = `launch/patient openid fhirUser offline_access ${CLINICAL}`;
      const launch = await install('standalone', { scope, iss: server.fhir });
      await inWindow(browser, {}, async (page) => {
        await page.goto(launch);
        await signIn(page, 'doctor', PASSWORD);
        await choosePatient(page, 'bilal');
        await allow(page, ['patient/Condition.rs']);
        expect(await outcome(page, 'standalone')).toBe('ready');

        expect(await inApp(page, 'return (await smart.patient.read()).name[0].family')).toBe('Khan');
        expect(await inApp(page, 'return (await smart.user.read()).name[0].family')).toBe('Tarrow');
        expect(await inApp(page, 'return smart.user.fhirUser')).toBe('Practitioner/imogen');
        const found = await inApp(page, `return await smart.patient.request('Observation')`);
        expect(found.entry.map(({ resource }: Json) => resource.id)).toEqual(['o-bilal']);
        // What was unticked is not in scope, and its type is closed; so is the other patient.
        expect((await inApp(page, `return smart.getState('tokenResponse.scope')`)).split(' ').sort()).toEqual(
          scope
            .split(' ')
            .filter((each) => each !== 'patient/Condition.rs')
            .sort(),
        );
        expect(await failing(page, 'Condition?patient=bilal')).toBe(403);
        expect([403, 404]).toContain(await failing(page, 'Patient/ana'));

        // The library refreshes before a request when it knows the token has ended.
        const before = await inApp(page, `return smart.getState('tokenResponse')`);
        await inApp(page, `smart.state.expiresAt = 1; await smart.request('Patient/bilal');`);
        const after = await inApp(page, `return smart.getState('tokenResponse')`);
        expect(after.access_token).not.toBe(before.access_token);
        expect(after.refresh_token).not.toBe(before.refresh_token);
        // The next one is its own successor, and the page finds it again after a reload.
        await inApp(page, 'await smart.refresh();');
        await page.reload();
        expect(await outcome(page, 'standalone')).toBe('ready');
        expect(await inApp(page, 'return (await smart.patient.read()).id')).toBe('bilal');
      });
    });

    it('a patient needs no picker, and ends the access on their page: the app is shut out, its refresh too', async () => {
      const scope = `launch/patient openid fhirUser offline_access ${CLINICAL}`;
      const launch = await install('patients-own', { scope, iss: server.fhir });
      await inWindow(browser, {}, async (page, window) => {
        await page.goto(launch);
        await signIn(page, 'ana', PASSWORD);
        await allow(page);
        expect(await outcome(page, 'patients-own')).toBe('ready');
        expect(await inApp(page, 'return smart.patient.id')).toBe('ana');
        expect((await inApp(page, 'return await smart.user.read()')).id).toBe('ana');
        const own = await window.newPage();
        await own.goto(`${server.issuer}/manage`);
        await own.click('form[action$="/manage/apps"] button');
        await own.waitForSelector('text=No app has access');
        expect(
          await inApp(page, `try { await smart.refresh(); } catch (error) { return error.status; }`),
        ).toBe(400);
        expect(await failing(page, 'Patient/ana')).toBe(401);
      });
    });

    it('EHR launch: what POST /launch was told arrives, and the style can be fetched', async () => {
      const scope = `launch openid fhirUser online_access ${CLINICAL} patient/Encounter.rs`;
      const launchUri = await install('ehr', { scope, clientSecret: 'ehr-secret' } as AppConfiguration, {
        kind: 'confidential-symmetric',
        secret: 'ehr-secret',
      });
      const doctor = await server.services.accounts.findByLogin(server.tenant, 'doctor');
      const { jwt } = await mintAccessToken(
        server.services,
        server.tenant,
        {
          grantId: 'ehr',
          clientId: 'ehr-itself',
          subject: doctor?.id as string,
          role: 'attending',
          fhirUser: 'Practitioner/imogen',
          scopes: 'user/*.rs',
        },
        300,
      );
      const made = await fetch(`${server.issuer}/launch`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${jwt}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({
          client_id: 'ehr',
          patient: 'ana',
          encounter: 'e-ana',
          need_patient_banner: false,
          intent: 'summary',
        }),
      });
      expect(made.status).toBe(201);
      const { launch_url } = (await made.json()) as { launch_url: string };
      expect(launch_url.startsWith(`${launchUri}?iss=`)).toBe(true);
      await inWindow(browser, {}, async (page) => {
        await page.goto(launch_url);
        await signIn(page, 'doctor', PASSWORD);
        await allow(page);
        expect(await outcome(page, 'ehr')).toBe('ready');
        const token = await inApp(page, `return smart.getState('tokenResponse')`);
        expect(token).toMatchObject({
          patient: 'ana',
          encounter: 'e-ana',
          need_patient_banner: false,
          intent: 'summary',
        });
        expect(await inApp(page, 'return (await smart.encounter.read()).id')).toBe('e-ana');
        // By fetch of the app's page: CORS lets it.
        const style = await inApp(
          page,
          `return await (await fetch(smart.getState('tokenResponse.smart_style_url'))).json()`,
        );
        expect(style).toHaveProperty('color_background');
        // Used up: the same address does not work twice.
        await page.goto(launch_url);
        expect(await outcome(page, 'ehr')).toMatch(/^failed: invalid_request/);
      });
    });

    it.each(['ES384', 'RS384'] as const)(
      'a confidential client proves itself by private_key_jwt %s',
      async (algorithm) => {
        const name = `asymmetric-${algorithm.toLowerCase()}`;
        const { publicKey, privateKey } = await jose.generateKeyPair(algorithm, { extractable: true });
        const shared = { kid: name, alg: algorithm };
        const launch = await install(
          name,
          {
            scope: `launch/patient ${CLINICAL}`,
            iss: server.fhir,
            clientPrivateJwk: { ...(await jose.exportJWK(privateKey)), ...shared, key_ops: ['sign'] },
          },
          {
            kind: 'confidential-asymmetric',
            jwks: { keys: [{ ...(await jose.exportJWK(publicKey)), ...shared } as PublicJwk] },
            scopes: ALL_SCOPES,
          },
        );
        await inWindow(browser, {}, async (page) => {
          await page.goto(launch);
          await signIn(page, 'doctor', PASSWORD);
          await choosePatient(page, 'ana');
          await allow(page);
          expect(await outcome(page, name)).toBe('ready');
          expect(await inApp(page, 'return (await smart.patient.read()).id')).toBe('ana');
        });
      },
    );

    it('a refusal is told to the app as access_denied (RFC 6749 4.1.2.1)', async () => {
      const launch = await install('refused', { scope: `launch/patient ${CLINICAL}`, iss: server.fhir });
      await inWindow(browser, {}, async (page) => {
        await page.goto(launch);
        await signIn(page, 'doctor', PASSWORD);
        await choosePatient(page, 'ana');
        await page.click('button[name=decision][value=deny]');
        expect(await outcome(page, 'refused')).toMatch(/^failed: access_denied/);
      });
    });
  },
);
