import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../appointment-clinic.ts';
import type { Json } from '../harness.ts';
import { PASSWORD, type SmartServer } from '../smart-server.ts';
import { findings, overflow, settled, shoot } from './app-checks.ts';
import { allow, inWindow, launchChromium, openWindow, signIn } from './chromium.ts';
import { button, CHILD, link, PATIENT, type PatientApp, startPatientApp, WINDOW } from './patient-setup.ts';

/* Issue 6, stories 1 and 2 of section 5, and what else changes something. */

/** For a machine that has much else to do. */
const LONG = 300_000;
/** How long is waited for what happens beside the request. */
const SOON = { timeout: 60_000 };
const browser = await launchChromium();

describe.skipIf(browser === undefined)('stories of patients in Chromium', { timeout: LONG }, () => {
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
  const resources: PatientApp['resources'] = (...given) => app.resources(...given);
  const tenantsWith: PatientApp['tenantsWith'] = (...given) => app.tenantsWith(...given);

  describe('who has signed in once', () => {
    const problems: string[] = [];
    let page: Page;

    beforeAll(async () => {
      page = await openWindow(browser, WINDOW);
      page.on('console', (message) => {
        if (/Content Security Policy/.test(message.text())) problems.push(message.text());
      });
      page.on('pageerror', (error) => problems.push(error.message));
      await open(page, 'patient');
    }, LONG);
    afterAll(async () => {
      expect(problems).toEqual([]);
      await page?.context().close();
    });

    it('story 1: asks in the chat, books, is told, moves and cancels; who waits gets the time', async () => {
      await link(page, 'Chat').click();
      await page.getByLabel('Your message').fill('I need a cardiology visit next week in the afternoon');
      await page.keyboard.press('Enter');
      const offered = page.getByRole('list', { name: 'Choose an answer' }).getByRole('button');
      await offered.first().waitFor();
      await shoot(page, 'patient', 'story 1 offered');
      const times = (await offered.allInnerTexts()).filter((text) => /1:00\sPM/.test(text));
      expect(times.length).toBe(5);
      await offered.first().click();
      await page.getByText(/^Booked: /).waitFor();
      await shoot(page, 'patient', 'story 1 booked');

      const [booked] = await resources(`Appointment?patient=${PATIENT}&status=booked`);
      expect(booked.participant.map(({ actor }: Json) => actor.reference)).toEqual(
        expect.arrayContaining([PATIENT, 'PractitionerRole/heart-role']),
      );
      expect(new Date(booked.start).getUTCHours()).toBe(13);
      expect(await tenantsWith(booked.id)).toEqual(['demo']);
      expect((await resources(`Provenance?target=Appointment/${booked.id}`)).length).toBeGreaterThan(0);
      const slot = (await server.api.get(booked.slot[0].reference, server.admin)).json;
      expect(slot).toMatchObject({ status: 'busy', start: booked.start });

      // The confirmation is delivered beside the request: it comes into the list by itself or at the next look.
      await link(page, 'Messages').click();
      const confirmation = page.getByText(/Su cita está reservada/);
      await expect
        .poll(async () => {
          await visit(page, 'messages');
          return confirmation.count();
        }, SOON)
        .toBeGreaterThan(0);
      await shoot(page, 'patient', 'story 1 messages');

      await link(page, 'Visits').click();
      await page.getByRole('link', { name: /^Move the visit/ }).click();
      await button(page, 'Show free times').click();
      await button(page, /^Choose /)
        .first()
        .waitFor();
      await shoot(page, 'patient', 'story 1 move');
      await button(page, /^Choose /)
        .nth(1)
        .click();
      await page.getByRole('dialog').getByRole('button', { name: 'Move', exact: true }).click();
      await page.waitForURL(`${home}visits`);
      const moved = (await server.api.get(`Appointment/${booked.id}`, server.admin)).json;
      expect(moved.status).toBe('booked');
      expect(moved.start).not.toBe(booked.start);

      const day = moved.start.slice(0, 10);
      const waiting = await call(
        server.api,
        '$wait',
        {
          'patient-id': 'Patient/waiter',
          practitioner: 'PractitionerRole/heart-role',
          start: day,
          end: day,
          'when-free': 'book',
        },
        server.admin,
      );
      expect(waiting.status, waiting.text).toBe(201);
      await button(page, /^Cancel the visit/).click();
      await page.getByRole('alertdialog').getByLabel('Reason').fill('I am away');
      await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel visit' }).click();
      await page.getByText('The visit is cancelled.').waitFor();
      await shoot(page, 'patient', 'story 1 cancelled');
      expect((await server.api.get(`Appointment/${booked.id}`, server.admin)).json).toMatchObject({
        status: 'cancelled',
        cancelationReason: { text: 'I am away' },
      });
      // Booked by the agent for her, moved and cancelled by herself.
      const told = await resources(`Provenance?target=Appointment/${booked.id}&_sort=_lastUpdated`);
      const people = told.map(({ agent: [{ who, onBehalfOf }] }: Json) => (onBehalfOf ?? who).reference);
      expect([told.length, new Set(people)]).toEqual([3, new Set([PATIENT])]);
      await expect
        .poll(async () => (await server.api.get(`Appointment/${waiting.json.id}`, server.admin)).json, SOON)
        .toMatchObject({ status: 'booked', start: moved.start });
      expect(await tenantsWith(waiting.json.id)).toEqual(['demo']);
    });

    it('a visit is booked by keys alone (WCAG 2.1, 2.1.1 and 2.4.3)', async () => {
      await visit(page, '');
      const focused = () =>
        page.evaluate<string>(
          '(document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent).trim()',
        );
      const tabTo = async (wanted: RegExp) => {
        for (let step = 0; step < 60; step++) {
          await page.keyboard.press('Tab');
          if (wanted.test(await focused())) return;
        }
        throw new Error(`${wanted} is not reached`);
      };
      await tabTo(/^Visits$/);
      await page.keyboard.press('Enter');
      await page.waitForURL(`${home}visits`);
      // The heading of the page that was gone to has the focus.
      await expect.poll(focused, SOON).toBe('Visits');
      await tabTo(/^Book a visit$/);
      await page.keyboard.press('Enter');
      await tabTo(/^Show free times$/);
      await page.keyboard.press('Enter');
      await button(page, /^Choose /)
        .first()
        .waitFor();
      await tabTo(/^Choose /);
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await tabTo(/^Book$/);
      await page.keyboard.press('Enter');
      await page.waitForURL(`${home}visits`);
      await button(page, /^Cancel the visit/)
        .first()
        .waitFor();
      await tabTo(/^Cancel the visit/);
      await page.keyboard.press('Enter');
      await page.getByRole('alertdialog').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('alertdialog').waitFor({ state: 'detached' });
      expect(await focused()).toMatch(/^Cancel the visit/);
    });

    it('a caregiver is allowed and stopped by the patient’s consent', async () => {
      await visit(page, 'sharing');
      await button(page, 'Allow Tomás Quintero to help').click();
      await button(page, 'Take access back from Tomás Quintero').waitFor();
      const [consent] = await resources(`Consent?patient=${PATIENT}`);
      expect(consent).toMatchObject({
        status: 'active',
        provision: {
          provision: [
            { type: 'permit', actor: [{ reference: { reference: 'RelatedPerson/marisol-brother' } }] },
          ],
        },
      });
      expect(
        (await server.api.post('Consent/$validate', consent, server.admin)).json.issue,
      ).not.toContainEqual(expect.objectContaining({ severity: 'error' }));
      await button(page, 'Take access back from Tomás Quintero').click();
      await button(page, 'Allow Tomás Quintero to help').waitFor();
      expect((await server.api.get(`Consent/${consent.id}`, server.admin)).json.status).toBe('inactive');
      const apps = link(page, 'See the apps');
      expect(await apps.getAttribute('href')).toBe(`${server.issuer}/manage`);
    });
  });

  it('story 2: a caregiver with consent books for a child; one without is refused', async () => {
    await inWindow(browser, WINDOW, async (page) => {
      await open(page, 'mother');
      await page.getByText(/^Record of Theo/).waitFor();
      await link(page, 'Chat').click();
      await page.getByLabel('Your message').fill('Book a cardiology visit next week in the afternoon');
      await button(page, 'Send').click();
      const offered = page.getByRole('list', { name: 'Choose an answer' }).getByRole('button');
      await offered.first().click();
      await page.getByText(/^Booked: /).waitFor();
      const [first] = await resources(`Appointment?patient=${CHILD}`);
      expect(first.status).toBe('booked');
      expect(await tenantsWith(first.id)).toEqual(['demo']);
      const [provenance] = await resources(`Provenance?target=Appointment/${first.id}`);
      expect(provenance.agent[0].who.reference).toMatch(/^Device\//);
      expect(provenance.agent[0].onBehalfOf.reference).toBe('RelatedPerson/theo-mother');

      await link(page, 'Visits').click();
      await link(page, 'Book a visit').click();
      await button(page, /What kind of visit/).click();
      await page.getByRole('option', { name: 'Cardiology' }).click();
      await button(page, 'Show free times').click();
      await button(page, /^Choose /)
        .first()
        .click();
      await page.getByLabel('Anything that the team should know').fill('He is afraid of needles');
      await page.getByRole('dialog').getByRole('button', { name: 'Book', exact: true }).click();
      await page.waitForURL(`${home}visits`);
      await page.getByText('He is afraid of needles').waitFor();
      await shoot(page, 'patient', 'story 2');
      const made = (await resources(`Appointment?patient=${CHILD}`)).find(({ id }) => id !== first.id);
      expect(made).toMatchObject({ status: 'booked', comment: 'He is afraid of needles' });
      // What people do themselves has a Provenance that names them, and is in the audit log.
      const [own] = await resources(`Provenance?target=Appointment/${made.id}`);
      expect(own.agent).toMatchObject([{ who: { reference: 'RelatedPerson/theo-mother' } }]);
      await expect
        .poll(async () => JSON.stringify(await resources(`AuditEvent?entity=Appointment/${made.id}`)), SOON)
        .toContain('RelatedPerson/theo-mother');
    });
    await inWindow(browser, WINDOW, async (page) => {
      await page.goto(home);
      await button(page, 'Sign in').click();
      await signIn(page, 'aunt', PASSWORD);
      await page.waitForLoadState();
      await shoot(page, 'patient', 'story 2 refused');
      expect(await page.locator('body').textContent()).not.toContain('Theo');
      expect(await page.locator('button[name=patient]').count()).toBe(0);
    });
    expect((await resources(`Appointment?patient=${CHILD}`)).length).toBe(2);
  });

  it('the EHR page opens the app with the patient in context', async () => {
    await inWindow(browser, WINDOW, async (page, window) => {
      await page.goto(`${server.url}/apps/ehr/`);
      await button(page, 'Sign in').click();
      await signIn(page, 'doctor', PASSWORD);
      await allow(page);
      await page.getByLabel('Name or date of birth').fill('Marisol');
      await button(page, /^Choose Marisol/).click();
      await page.getByText(/^Chosen: Marisol/).waitFor();
      await settled(page);
      await shoot(page, 'ehr', 'chosen');
      expect([...(await findings(page)), await overflow(page)]).toEqual([0]);
      const [opened] = await Promise.all([
        window.waitForEvent('page'),
        button(page, 'Open My health (patient)').click(),
      ]);
      await opened.waitForSelector('button[name=decision], #main');
      if ((await opened.locator('button[name=decision]').count()) > 0) await allow(opened);
      await opened.waitForURL(`${home}**`);
      await opened.getByText(/^Record of Marisol/).waitFor();
      // The EHR's own session goes on beside it.
      await page.reload();
      await page.getByLabel('Name or date of birth').waitFor();
    });
  });
});
