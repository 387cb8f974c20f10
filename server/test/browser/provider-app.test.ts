import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoredCdsRegistrations } from '../../src/storage/cds/registrations.ts';
import { json, RXNORM, startOtherServer } from '../cds-support.ts';
import type { Json } from '../harness.ts';
import { freePort } from '../server-process.ts';
import { type SmartServer, startSmartServer } from '../smart-server.ts';
import {
  findings,
  goTo,
  installApp,
  openFromEhr,
  openStandalone,
  SCRIPT_BUDGET,
  scriptBytes,
  shoot,
} from './app-checks.ts';
import { inWindow, launchChromium, openWindow } from './chromium.ts';
import { startOtherEhr } from './other-ehr.ts';

/* Issue 6, section 4 (provider) and stories 3 and 4 of section 5. */

/** For a machine that has much else to do. */
const LONG = 240_000;
const browser = await launchChromium();
const PENICILLIN = { system: RXNORM, code: '7980', display: 'penicillin G' };
const DOCTOR = 'Practitioner/imogen-tarrow';

describe.skipIf(browser === undefined)('the provider app in Chromium', { timeout: LONG }, () => {
  let server: SmartServer;

  beforeAll(async () => {
    server = await startSmartServer({
      data: true,
      appFrameAncestors: ['http://localhost:*', 'http://127.0.0.1:*'],
    });
    await installApp(server, 'provider');
    await server.account({ login: 'doctor', fhirUser: DOCTOR, name: 'Imogen Tarrow' });
    await server.account({ login: 'nurse', role: 'nurse', fhirUser: 'Practitioner/odalys-finch' });
    // Nobody answers there: a service that is down.
    await new StoredCdsRegistrations(server.harness.service.connections).addProvider(server.tenant, {
      id: 'interactions',
      name: 'Interaction service',
      url: `http://127.0.0.1:${await freePort()}`,
    });
    await server.put({
      resourceType: 'Patient',
      id: 'rosa',
      name: [{ use: 'official', family: 'Brandt', given: ['Rosa'] }],
      birthDate: '1964-03-02',
      identifier: [{ type: { text: 'Medical record number' }, system: 'urn:mrn', value: 'RB-100' }],
    });
    await server.put({
      resourceType: 'AllergyIntolerance',
      id: 'rosa-penicillin',
      clinicalStatus: {
        coding: [
          { system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' },
        ],
      },
      verificationStatus: {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification',
            code: 'confirmed',
          },
        ],
      },
      criticality: 'high',
      code: { text: 'Penicillin' },
      patient: { reference: 'Patient/rosa' },
      reaction: [{ manifestation: [{ text: 'Anaphylaxis' }] }],
    });
    // Of the hospital's formulary.
    await server.put({
      resourceType: 'Medication',
      id: 'penicillin-g',
      status: 'active',
      code: { coding: [PENICILLIN], text: 'Penicillin G' },
    });
    const start = new Date();
    await server.put({
      resourceType: 'Appointment',
      id: 'rosa-today',
      status: 'booked',
      description: 'Blood pressure check',
      start: start.toISOString(),
      end: new Date(start.getTime() + 1_200_000).toISOString(),
      participant: [
        { actor: { reference: 'Patient/rosa' }, status: 'accepted' },
        { actor: { reference: DOCTOR }, status: 'accepted' },
      ],
    });
  }, LONG);
  afterAll(() => server?.stop());

  const search = async (query: string): Promise<Json[]> => {
    const answer = await server.api.get(query, server.admin);
    expect(answer.status, answer.text).toBe(200);
    return (answer.json.entry ?? []).map(({ resource }: Json) => resource);
  };
  const button = (page: Page, name: string | RegExp) =>
    page.getByRole('button', { name, exact: typeof name === 'string' });

  /** Waits for guidance; on a machine that is busy a service may have been too late, and is asked again. */
  async function told(page: Page, text: string): Promise<void> {
    const guidance = page.getByRole('region', { name: 'Decision support' });
    const [found, again] = [
      guidance.getByText(text).first(),
      guidance.getByRole('button', { name: 'Ask again' }),
    ];
    for (let i = 0; i < 5; i++) {
      await found.or(again).first().waitFor();
      if (await found.isVisible()) return;
      await again.click();
      await page.waitForTimeout(3000);
    }
    await found.waitFor();
  }

  /** Writes an order down and asks to sign it. @param medicine its name; with `offered`, what is typed to have it offered */
  async function orderAndSign(page: Page, medicine: string, offered?: string): Promise<void> {
    const field = page.getByRole('combobox', { name: /^Medicine/ });
    if (offered === undefined) await field.fill(medicine);
    else {
      await field.fill(offered);
      await page.getByRole('listbox').getByRole('option').first().waitFor();
      expect(await findings(page)).toEqual([]);
      await shoot(page, 'provider', 'order-codes');
      await field.press('ArrowDown');
      // Announced from the field, which keeps the focus (ARIA 1.2, combobox).
      const active = await field.getAttribute('aria-activedescendant');
      expect(await page.locator(`[id="${active}"]`).getAttribute('role')).toBe('option');
      await field.press('Enter');
      expect(await field.inputValue()).toBe(medicine);
    }
    await page.getByLabel(/^How it is taken/).fill('500 mg three times a day');
    await button(page, 'Prepare the order').click();
    await button(page, 'Sign').click();
    await page.waitForSelector('text=Answer what is critical');
  }

  it('in a frame of an EHR of another origin: ends the launch at its server and works, though nothing may be stored for good (SMART App Launch 2.2, EHR launch)', async () => {
    const party = await startOtherEhr(`${server.url}/apps/provider`);
    try {
      await inWindow(browser, { locale: 'en-US' }, async (page) => {
        // As browsers do that keep from a frame what outlives it.
        const denied = (owner: string, name: string) =>
          `Object.defineProperty(${owner}, '${name}', { get() { throw new DOMException('', 'SecurityError'); } });`;
        await page.addInitScript(
          `if (self !== top) { ${denied('window', 'localStorage')} ${denied('Navigator.prototype', 'serviceWorker')} }`,
        );
        await page.goto(`${party.sameSite}/ehr`);
        const app = page.frameLocator('iframe');
        await app.getByRole('heading', { level: 1, name: 'Petra Foreign' }).waitFor();
        expect(party.tokenRequest()).toMatchObject({ grant_type: 'authorization_code', code: 'one-time' });
        await app.getByRole('tab', { name: 'Orders' }).click();
        // This server has no codes, no Medications, and answers no hooks: what is written is the order.
        await app.getByRole('combobox', { name: /^Medicine/ }).fill('Willow bark');
        await app.getByText('No code was found').waitFor();
        await app.getByLabel(/^How it is taken/).fill('as tea');
        await app.getByRole('button', { name: 'Prepare the order' }).click();
        await app.getByRole('button', { name: 'Sign', exact: true }).click();
        await app.getByText('The order is signed.').waitFor();
        expect(
          party.orders.map(({ status, medicationCodeableConcept }) => [status, medicationCodeableConcept]),
        ).toEqual([
          ['draft', { text: 'Willow bark' }],
          ['active', { text: 'Willow bark' }],
        ]);
        const ownWindow = app.getByRole('link', { name: 'Open in a window of its own' });
        // A frame that may store nothing at all cannot sign in: the launch goes on in a window.
        await page.goto(`${party.url}/ehr`);
        const [opened] = await Promise.all([page.context().waitForEvent('page'), ownWindow.click()]);
        await opened.getByRole('heading', { level: 1, name: 'Petra Foreign' }).waitFor();
        // Nor can one at the app's own server, whose pages for signing in are never framed (clickjacking).
        await page.goto(`${party.sameSite}/ehr?iss=${encodeURIComponent(server.fhir)}`);
        const login = await fetch(`${server.issuer}/login`);
        expect(login.headers.get('x-frame-options')).toBe('DENY');
        expect(login.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
        expect(await ownWindow.getAttribute('href')).toContain(
          `iss=${encodeURIComponent(server.fhir)}&launch=`,
        );
      });
    } finally {
      await party.stop();
    }
  });

  it('story 4: EHR launch opens the chart with cards; a service that is down is shown; an allergy card is taken, another overridden', () =>
    inWindow(browser, { locale: 'en-US' }, async (page) => {
      await openFromEhr(page, server, 'provider', 'doctor', 'rosa');
      await page.waitForURL('**/patient/rosa');
      await page.getByRole('heading', { level: 1, name: 'Rosa Brandt' }).waitFor();
      // CDS Hooks 2.0, patient-view: the server's own service has something to say, the other one is away.
      const guidance = page.getByRole('region', { name: 'Decision support' });
      await told(page, 'administrative gender');
      await guidance.getByText('Interaction service').waitFor();
      expect(await scriptBytes(page, 'provider')).toBeLessThan(SCRIPT_BUDGET);
      await shoot(page, 'provider', 'chart');

      await page.getByRole('tab', { name: 'Orders' }).click();
      await orderAndSign(page, 'Penicillin V');
      await shoot(page, 'provider', 'order-conflict');
      const [draft] = await search('MedicationRequest?patient=rosa&status=draft');
      expect(draft).toMatchObject({
        medicationCodeableConcept: { text: 'Penicillin V' },
        requester: { reference: DOCTOR },
      });
      await button(page, 'Do not order Penicillin V').click();
      await page.getByLabel(/^Medicine/).waitFor();
      expect((await server.api.get(`MedicationRequest/${draft?.id}`, server.admin)).status).toBe(410);
      expect(await search('MedicationRequest?patient=rosa')).toEqual([]);

      // Chosen by its code: it is in the order, and guidance on it is the same (R4, Coding.userSelected).
      await orderAndSign(page, 'Penicillin G', 'peni');
      expect(await button(page, 'Sign all the same').isDisabled()).toBe(true);
      await page
        .getByRole('listitem')
        .filter({ hasText: 'Penicillin G' })
        .getByRole('button', { name: 'Not followed' })
        .first()
        .click();
      await page
        .getByRole('dialog')
        .getByRole('button', { name: /Reason/ })
        .click();
      await page.getByRole('option', { name: 'The benefit outweighs the risk' }).click();
      await page.getByLabel('Comment').fill('Desensitized last week');
      await page.getByRole('dialog').getByRole('button', { name: 'Not followed' }).click();
      await button(page, 'Sign all the same').click();
      await page.waitForSelector('text=The order is signed.');
      const [order, ...others] = await search('MedicationRequest?patient=rosa');
      expect(others).toEqual([]);
      expect(order).toMatchObject({
        status: 'active',
        medicationCodeableConcept: { coding: [{ ...PENICILLIN, userSelected: true }], text: 'Penicillin G' },
      });
      // The field that comes back has the focus (WCAG 2.1, 2.4.3).
      expect(
        await page.getByRole('combobox', { name: /^Medicine/ }).evaluate((each) => each.matches(':focus')),
      ).toBe(true);
      // Feedback on both cards has reached the service (CDS Hooks 2.0, Feedback).
      await expect
        .poll(async () => JSON.stringify(await search('Basic?_count=100')))
        .toMatch(/benefit-outweighs-risk.*|accepted/);
      const feedback = JSON.stringify(await search('Basic?_count=100'));
      expect(feedback).toContain('Desensitized last week');
      expect(feedback).toContain('accepted');
    }));

  describe('to a physician who has signed in once', () => {
    let page: Page;

    beforeAll(async () => {
      page = await openWindow(browser, { locale: 'en-US' });
      await openStandalone(page, server, 'provider', 'doctor');
    }, LONG);
    afterAll(() => page?.context().close());

    it("shows today's list, and a change on the emergency board within 2 s without loading the page again", async () => {
      await goTo(page, '/apps/provider/');
      await page.getByRole('link', { name: 'Rosa Brandt' }).waitFor();
      await page.getByText('Blood pressure check').waitFor();
      await shoot(page, 'provider', 'today');
      await page.getByRole('link', { name: 'Emergency board' }).click();
      await page.getByText('Nobody is in the emergency department.').waitFor();
      await page.evaluate('window.notLoadedAgain = true');

      await server.put({
        resourceType: 'Encounter',
        id: 'er-1',
        status: 'arrived',
        class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'EMER' },
        subject: { reference: 'Patient/rosa' },
        period: { start: new Date().toISOString() },
        reasonCode: [{ text: 'crushing chest pain' }],
      });
      await page.getByText('crushing chest pain').waitFor({ timeout: 2000 });
      const row = page.locator('[data-encounter=er-1]');
      await row.getByText('Allergy: Penicillin').waitFor({ timeout: 2000 });
      await server.put({
        resourceType: 'RiskAssessment',
        id: 'er-1-risk',
        status: 'final',
        subject: { reference: 'Patient/rosa' },
        encounter: { reference: 'Encounter/er-1' },
        prediction: [
          {
            qualitativeRisk: { coding: [{ system: 'https://vesta.health/fhir/CodeSystem/esi', code: '2' }] },
            rationale: 'High-risk situation',
          },
        ],
        extension: [
          {
            url: 'https://vesta.health/fhir/StructureDefinition/red-flag',
            valueString: 'Possible acute coronary syndrome',
          },
        ],
      });
      await row.getByText('Possible acute coronary syndrome').waitFor({ timeout: 2000 });
      expect(await row.locator('.esi').textContent()).toContain('2');
      await shoot(page, 'provider', 'board');
      await server.put({
        ...(await server.api.get('Encounter/er-1', server.admin)).json,
        status: 'finished',
      });
      await row.waitFor({ state: 'detached', timeout: 2000 });
      expect(await page.evaluate('window.notLoadedAgain')).toBe(true);
    });

    it('a suggestion of another party is written, the party is told, and its app is opened for the patient (CDS Hooks 2.0, Suggestion, Link)', async () => {
      const landed: string[] = [];
      const party = await startOtherServer(({ path, body }, response) => {
        const service = {
          id: 'lipids',
          hook: 'patient-view',
          title: 'Lipid guide',
          description: 'Asks for lipids',
        };
        if (path === '/cds-services') return json(response, { services: [service] });
        if (path === '/cds-services/lipids/feedback') return json(response, {});
        if (path !== '/cds-services/lipids' && !path.startsWith('/launch')) return json(response, {}, 404);
        if (path.startsWith('/launch')) {
          landed.push(path);
          return json(response, {});
        }
        const order = {
          resourceType: 'ServiceRequest',
          status: 'draft',
          intent: 'proposal',
          code: { text: 'Lipid panel' },
          subject: { reference: `Patient/${body.context.patientId}` },
        };
        return json(response, {
          cards: [
            {
              uuid: 'card-1',
              summary: 'No lipids for five years',
              detail: 'Consider a **lipid panel** <script>alert(1)</script>',
              indicator: 'info',
              source: { label: 'Lipid guide' },
              suggestions: [
                {
                  label: 'Propose a lipid panel',
                  uuid: 's-1',
                  actions: [{ type: 'create', description: 'x', resource: order }],
                },
              ],
              selectionBehavior: 'any',
              links: [
                { label: 'Risk calculator', url: `${party.url}/launch`, type: 'smart', appContext: 'five' },
              ],
            },
          ],
        });
      });
      const registrations = new StoredCdsRegistrations(server.harness.service.connections);
      await registrations.addProvider(server.tenant, {
        id: 'lipid-guide',
        name: 'Lipid guide',
        url: party.url,
      });
      try {
        await goTo(page, '/apps/provider/patient/rosa');
        await told(page, 'No lipids for five years');
        // What others write is text, and never markup.
        expect(await page.locator('main script').count()).toBe(0);
        await button(page, 'Propose a lipid panel').click();
        await page.getByText('✓ Propose a lipid panel').waitFor();
        const [proposed] = await search('ServiceRequest?patient=rosa');
        expect(proposed).toMatchObject({ status: 'draft', code: { text: 'Lipid panel' } });
        await expect
          .poll(() => party.received.find(({ path }) => path.endsWith('/feedback'))?.body)
          .toMatchObject({
            feedback: [{ card: 'card-1', outcome: 'accepted', acceptedSuggestions: [{ id: 's-1' }] }],
          });
        const [opened] = await Promise.all([
          page.context().waitForEvent('page'),
          page.getByRole('button', { name: /^Risk calculator/ }).click(),
        ]);
        await opened.waitForURL(/launch=/);
        const query = new URL(landed[0] as string, party.url).searchParams;
        expect(query.get('iss')).toBe(server.fhir);
        const context = await server.services.launches.takeLaunch(
          server.tenant,
          query.get('launch') as string,
        );
        expect(context).toMatchObject({ patient: 'rosa', appContext: 'five' });
        await opened.close();
      } finally {
        await party.stop();
      }
    });

    it('shows what agents ask for, and lets it be approved with changes or rejected with a reason', async () => {
      const ask = async (id: string, text: string) => {
        const bundle = {
          resourceType: 'Bundle',
          type: 'transaction',
          entry: [
            {
              request: { method: 'POST', url: 'Communication' },
              resource: {
                resourceType: 'Communication',
                status: 'in-progress',
                subject: { reference: 'Patient/rosa' },
                payload: [{ contentString: text }],
              },
            },
          ],
        };
        await server.put({
          resourceType: 'Task',
          id,
          status: 'requested',
          intent: 'proposal',
          code: {
            coding: [
              { system: 'https://vesta.health/fhir/CodeSystem/agent-action', code: 'communication.tell' },
            ],
          },
          description: `Tell the patient: ${id}`,
          reasonCode: { text: 'The result is there' },
          for: { reference: 'Patient/rosa' },
          authoredOn: new Date().toISOString(),
          performerType: [
            { coding: [{ system: 'https://vesta.health/fhir/CodeSystem/role', code: 'attending' }] },
          ],
          input: [
            {
              type: {
                coding: [
                  { system: 'https://vesta.health/fhir/CodeSystem/agent-task-part', code: 'transaction' },
                ],
              },
              valueBase64Binary: Buffer.from(JSON.stringify(bundle)).toString('base64'),
            },
          ],
        });
      };
      await ask('ask-one', 'Come in today — please');
      await ask('ask-two', 'Nothing to worry about');
      await page.goto(`${server.url}/apps/provider/`);
      await page.getByRole('link', { name: 'Tasks (2)' }).click();
      const card = (id: string) =>
        page
          .getByRole('listitem')
          .filter({ has: page.getByRole('heading', { name: `Tell the patient: ${id}` }) });
      await card('ask-one').getByText('The result is there').waitFor();
      await card('ask-one').getByText('Come in today — please').waitFor();
      await shoot(page, 'provider', 'approvals');
      expect(await findings(page)).toEqual([]);
      await button(page, 'Edit').first();
      await card('ask-one').getByRole('button', { name: 'Edit' }).click();
      await card('ask-one').getByLabel('payload › content string').fill('Come in tomorrow');
      await card('ask-one').getByRole('button', { name: 'Approve with changes' }).click();
      await card('ask-one').waitFor({ state: 'detached' });
      await card('ask-two').getByRole('button', { name: 'Reject' }).click();
      await page
        .getByRole('dialog')
        .getByLabel(/^Reason/)
        .fill('The patient knows');
      await page.getByRole('dialog').getByRole('button', { name: 'Reject' }).click();
      await card('ask-two').waitFor({ state: 'detached' });

      const one = (await server.api.get('Task/ask-one', server.admin)).json;
      expect(one.status).toBe('accepted');
      const done = JSON.parse(Buffer.from(one.input[0].valueBase64Binary, 'base64').toString());
      expect(done.entry[0].resource.payload).toEqual([{ contentString: 'Come in tomorrow' }]);
      const two = (await server.api.get('Task/ask-two', server.admin)).json;
      expect([two.status, two.statusReason]).toEqual(['rejected', { text: 'The patient knows' }]);
    });

    it('finds patients by name and number, and opens a record in an emergency with a reason (break-glass)', async () => {
      await page.getByRole('link', { name: 'Patients' }).click();
      for (const typed of ['Brandt', 'RB-100', 'rosa bra']) {
        await page.getByLabel('Name or number').fill(typed);
        await button(page, 'Search').click();
        await page.getByRole('link', { name: 'Rosa Brandt' }).waitFor();
      }
      await page.getByLabel('Name or number').fill('Nobody of this name');
      await button(page, 'Search').click();
      await page.getByText('No patient was found.').waitFor();
      await page.getByLabel('Name or number').fill('Brandt');
      await button(page, 'Search').click();
      await page.getByRole('link', { name: 'Rosa Brandt' }).click();
      await button(page, 'Emergency access').click();
      await page
        .getByRole('dialog')
        .getByLabel(/^Reason/)
        .fill('Unconscious, no other source');
      await button(page, 'Open the record').click();
      await button(page, /^End emergency access/).waitFor();
      await shoot(page, 'provider', 'break-glass');
      const told = await search('Communication?patient=rosa');
      expect(told.map(({ payload }) => payload[0].contentString).join()).toContain(
        'Unconscious, no other source',
      );
      await button(page, /^End emergency access/).click();
      await button(page, 'Emergency access').waitFor();
    });

    it('shows lists, timeline, trends and notes of a record', async () => {
      await goTo(page, '/apps/provider/patient/marisol-quintero-ashby');
      await page.getByRole('heading', { name: 'Problems', exact: true }).waitFor();
      const conditions = await search('Condition?patient=marisol-quintero-ashby');
      await expect
        .poll(() => page.getByRole('list', { name: 'Problems' }).getByRole('listitem').count())
        .toBe(conditions.length);
      await page.getByRole('tab', { name: 'Timeline' }).click();
      await page.locator('.timeline li').first().waitFor();
      await page.getByRole('tab', { name: 'Trends' }).click();
      await page
        .locator('.tab-panel')
        .getByText(/Nothing was measured|Values as a table/)
        .first()
        .waitFor();
      await page.getByRole('tab', { name: 'Notes' }).click();
      await button(page, /^Open: /)
        .first()
        .click();
      await page.locator('.text-file, .picture, a[download]').first().waitFor();
      await shoot(page, 'provider', 'notes');
    });
  });
});
