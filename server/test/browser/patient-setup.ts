import pg from 'pg';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { buildApps } from '../../../scripts/build-apps.ts';
import { appClient } from '../../src/auth/clients/demo.ts';
import { hours, visitType, zone } from '../appointment-clinic.ts';
import type { Json } from '../harness.ts';
import { PASSWORD, type SmartServer, startSmartServer } from '../smart-server.ts';
import { settled } from './app-checks.ts';
import { allow, signIn } from './chromium.ts';

export const PATIENT = 'Patient/marisol-quintero-ashby';
export const CHILD = 'Patient/theo-lindqvist-okafor';
export const WINDOW = { timezoneId: 'UTC', locale: 'en-GB' };

/** A server with the demo data, people of all kinds, a clinic, and the patient app. */
export interface PatientApp {
  readonly server: SmartServer;
  /** Address of the app. */
  readonly home: string;
  /** What a search finds that may see everything. */
  resources(query: string): Promise<Json[]>;
  /** Names of the tenants that hold a resource. */
  tenantsWith(id: string): Promise<string[]>;
  /** Opens the app as somebody does who has not been there: its own page, login, consent. */
  open(page: Page, login: string, lang?: string): Promise<void>;
  /** Opens a page of the app anew, once all of it is there. */
  visit(page: Page, path: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startPatientApp(): Promise<PatientApp> {
  await buildApps(['patient', 'ehr']);
  const server = await startSmartServer({ data: true });
  const home = `${server.url}/apps/patient/`;
  const owner = new pg.Client({ connectionString: server.harness.database.ownerUrl });
  await owner.connect();
  await server.client(appClient('vesta-patient', server.url));
  await server.client(appClient('vesta-ehr', server.url));
  await server.account({ login: 'patient', role: 'patient', fhirUser: PATIENT });
  await server.account({ login: 'mother', role: 'caregiver', fhirUser: 'RelatedPerson/theo-mother' });
  await server.account({ login: 'aunt', role: 'caregiver', fhirUser: 'RelatedPerson/theo-aunt' });
  await server.account({ login: 'doctor', fhirUser: 'Practitioner/imogen-tarrow' });
  const name = (family: string, given: string) => [{ use: 'official', family, given: [given] }];
  await server.put({
    resourceType: 'RelatedPerson',
    id: 'theo-aunt',
    active: true,
    patient: { reference: CHILD },
    name: name('Lindqvist', 'Britta'),
  });
  await server.put({
    resourceType: 'RelatedPerson',
    id: 'marisol-brother',
    active: true,
    patient: { reference: PATIENT },
    relationship: [{ text: 'brother' }],
    name: name('Quintero', 'Tomás'),
  });
  await server.put({
    resourceType: 'Binary',
    id: 'letter',
    contentType: 'text/plain',
    securityContext: { reference: PATIENT },
    data: btoa('Dear Marisol'),
  });
  await server.put({
    resourceType: 'DocumentReference',
    id: 'letter',
    status: 'current',
    subject: { reference: PATIENT },
    date: '2026-01-01T10:00:00Z',
    description: 'Letter of the heart doctor',
    content: [{ attachment: { contentType: 'text/plain', url: 'Binary/letter', title: 'letter.txt' } }],
  });
  await server.put({ resourceType: 'Patient', id: 'waiter', name: name('Waits', 'Wanda') });
  for (const [day, value] of [1, 2, 3].entries())
    await server.put({
      resourceType: 'Observation',
      id: `pulse-${value}`,
      status: 'final',
      category: [
        {
          coding: [
            { system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' },
          ],
        },
      ],
      code: { coding: [{ system: 'http://loinc.org', code: '8867-4', display: 'Heart rate' }] },
      subject: { reference: PATIENT },
      effectiveDateTime: `2026-01-0${day + 1}`,
      valueQuantity: {
        value: 60 + value,
        unit: '/min',
        system: 'http://unitsofmeasure.org',
        code: '/min',
      },
    });
  await makeClinic(server);
  return {
    server,
    home,
    async resources(query) {
      const answer = await server.api.get(query, server.admin);
      expect(answer.status, answer.text).toBe(200);
      return (answer.json.entry ?? []).map(({ resource }: Json) => resource);
    },
    async tenantsWith(id) {
      const { rows } = await owner.query(
        'select t.name from store.resource r join store.tenant t on t.id = r.tenant_id where r.id = $1 and not r.deleted',
        [id],
      );
      return rows.map((row) => row.name as string);
    },
    async open(page, login, lang = 'en') {
      await page.goto(`${home}?lang=${lang}`);
      await page.getByRole('button').first().click();
      await signIn(page, login, PASSWORD);
      await page.waitForSelector('button[name=decision], #main');
      if ((await page.locator('button[name=decision]').count()) > 0) await allow(page);
      await page.waitForURL(`${home}**`);
      await page.waitForSelector('#main h1');
    },
    async visit(page, path) {
      await page.goto(home + path);
      await settled(page);
    },
    async stop() {
      await owner.end();
      await server.stop();
    },
  };
}

/** A heart doctor who has one time on each weekday afternoon. */
async function makeClinic(server: SmartServer): Promise<void> {
  const specialty = [
    {
      coding: [{ system: 'http://snomed.info/sct', code: '394579002', display: 'Cardiology' }],
      text: 'Cardiology',
    },
  ];
  await server.put({
    resourceType: 'Location',
    id: 'heart-room',
    name: 'Heart room',
    extension: [zone('UTC')],
  });
  await server.put({
    resourceType: 'HealthcareService',
    id: 'cardiology',
    active: true,
    name: 'Cardiology',
    specialty,
    location: [{ reference: 'Location/heart-room' }],
    extension: [visitType('usual', { duration: 30, alignment: 30 })],
  });
  await server.put({ resourceType: 'Practitioner', id: 'heart-doctor', name: [{ family: 'Kim' }] });
  await server.put({
    resourceType: 'PractitionerRole',
    id: 'heart-role',
    active: true,
    specialty,
    practitioner: { reference: 'Practitioner/heart-doctor', display: 'Dr Jo Kim' },
    healthcareService: [{ reference: 'HealthcareService/cardiology' }],
    location: [{ reference: 'Location/heart-room' }],
    availableTime: [hours('13:00', '13:30')],
  });
}

export const button = (page: Page, name: string | RegExp) =>
  page.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name });
export const link = (page: Page, name: string) => page.getByRole('link', { name, exact: true });
