import type { BrowserContext, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { withOwner } from '../../src/storage/prepare.ts';
import type { Json } from '../harness.ts';
import type { SmartServer } from '../smart-server.ts';
import { goTo } from './app-checks.ts';

/* What issue 6, section 5, stories 3 and 5 have in common: the people, the nurse's intake, and what must come of it. */

const STEP = 'https://vesta.health/fhir/CodeSystem/workflow-step';
/** The steps of the workflow `emergency` that agents do. */
const AGENT_STEPS = ['triage', 'admission', 'medical_records', 'communication', 'scheduling'];
/** Those that people do. */
const PEOPLES_STEPS = ['legal', 'smart_health_device', 'billing'];

/** Makes the logins `nurse` and `doctor`, and Rosa Brandt with an allergy, a daughter who may be told and a neighbour who may not. */
export async function setUpEmergency(server: SmartServer): Promise<void> {
  await server.account({ login: 'doctor', fhirUser: 'Practitioner/imogen-tarrow', name: 'Imogen Tarrow' });
  await server.account({
    login: 'nurse',
    role: 'nurse',
    fhirUser: 'Practitioner/odalys-finch',
    name: 'Odalys Finch',
  });
  await server.put({
    resourceType: 'Patient',
    id: 'rosa',
    active: true,
    name: [{ use: 'official', family: 'Brandt', given: ['Rosa', 'Amalia'] }],
    gender: 'female',
    birthDate: '1964-03-02',
    telecom: [{ system: 'phone', value: '+1 555 0100' }],
    address: [{ line: ['12 Harbor Street'], city: 'Westerly', state: 'VT', postalCode: '05401' }],
  });
  await server.put({
    resourceType: 'AllergyIntolerance',
    id: 'rosa-penicillin',
    clinicalStatus: {
      coding: [
        { system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' },
      ],
    },
    criticality: 'high',
    code: { text: 'Penicillin' },
    patient: { reference: 'Patient/rosa' },
  });
  for (const [id, given, value] of [
    ['daughter', 'Ilse', '+15552220001'],
    ['neighbour', 'Otto', '+15552220002'],
  ])
    await server.put({
      resourceType: 'RelatedPerson',
      id: id as string,
      active: true,
      patient: { reference: 'Patient/rosa' },
      name: [{ given: [given] }],
      telecom: [{ system: 'phone', use: 'mobile', value }],
    });
  await server.put({
    resourceType: 'Consent',
    id: 'for-the-daughter',
    status: 'active',
    scope: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
    },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: 'Patient/rosa' },
    policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
    provision: {
      provision: [
        {
          type: 'permit',
          actor: [
            { role: { coding: [{ code: 'PRCP' }] }, reference: { reference: 'RelatedPerson/daughter' } },
          ],
        },
      ],
    },
  });
}

/** The resources that a search finds. */
export async function search({ api, admin }: SmartServer, query: string): Promise<Json[]> {
  const answer = await api.get(query, admin);
  expect(answer.status, answer.text).toBe(200);
  return (answer.json.entry ?? []).map(({ resource }: Json) => resource);
}

/** The Tasks of a workflow's steps, and those that were made for them. */
export const tasksOf = (server: SmartServer, group: string): Promise<Json[]> =>
  search(server, `Task?based-on=RequestGroup/${group}&_count=50`);

/** The code of the step that a Task is for; undefined where it is for none. */
export const stepOf = (task: Json): string | undefined =>
  task.code?.coding?.find(({ system }: Json) => system === STEP)?.code;

/** The Task of a step. */
export function taskOf(tasks: readonly Json[], code: string): Json {
  return tasks.find((task) => stepOf(task) === code);
}

/** Somebody's board in a window of its own, in which somebody else works already. */
export async function openBoard(window: BrowserContext, server: SmartServer): Promise<Page> {
  const board = await window.newPage();
  board.setDefaultTimeout(30_000);
  await board.goto(`${server.url}/apps/provider/launch.html?iss=${encodeURIComponent(server.fhir)}`);
  await board.click('button[name=decision][value=allow]').catch(() => {});
  await board.waitForSelector('#main');
  await goTo(board, '/apps/provider/board');
  await board.getByText('Nobody is in the emergency department.').waitFor();
  return board;
}

/** The nurse's intake, from the menu of the app to the page of the workflow. @returns the id of the workflow */
export async function startEmergency(page: Page): Promise<string> {
  await page.getByRole('link', { name: 'Emergency intake' }).click();
  await page.getByLabel('What is seen and told').fill('62, crushing chest pain, sweating, BP 90/60');
  await page.getByLabel('Given names').fill('Rosa Amalia');
  await page.getByLabel('Family name').fill('Brandt');
  await page.getByLabel('Date of birth').fill('1964-03-02');
  await page.getByLabel('Telephone').fill('+1 555 0100');
  await page.getByRole('radio', { name: 'female', exact: true }).check({ force: true });
  await page.getByLabel('Photo of a document').setInputFiles({
    name: 'referral.png',
    mimeType: 'image/png',
    buffer: Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    ),
  });
  await page.getByRole('button', { name: 'Start the emergency', exact: true }).click();
  await page.waitForURL('**/workflow/*');
  return new URL(page.url()).pathname.split('/').at(-1) as string;
}

/** Waits until the board shows urgency, reasons, red flags, who it is, and what they must not get. */
export async function seeOnBoard(board: Page, timeout: number): Promise<void> {
  const row = board.locator('.board-row').first();
  await expect.poll(() => row.locator('.esi').textContent({ timeout }), { timeout }).toMatch(/[12]$/);
  await row.getByRole('list', { name: 'Red flags' }).getByRole('listitem').first().waitFor();
  await row.getByText('Rosa Amalia Brandt').waitFor({ timeout });
  await row.getByText('Allergy: Penicillin').waitFor({ timeout });
  await row.getByText('Why').click();
  await row.locator('details[open] li').first().waitFor();
}

/** A step on a workflow's page. */
export const stepOn = (page: Page, code: RegExp): Locator =>
  page
    .getByRole('list', { name: 'Steps' })
    .getByRole('listitem')
    .filter({ has: page.getByRole('heading', { name: code }) });

/** Waits until the workflow's page shows what agents cannot do as Tasks of people. */
export async function seePeoplesSteps(page: Page, timeout: number): Promise<void> {
  for (const code of [/legal/i, /coverage/i])
    await stepOn(page, code).getByText('waiting').waitFor({ timeout });
}

/** The physician, who has the app open, goes on without the legal step, says why, and sees every agent's run. */
export async function overrideLegalStep(page: Page, group: string): Promise<void> {
  await goTo(page, `/apps/provider/workflow/${group}`);
  const legal = stepOn(page, /legal/i);
  await legal.getByRole('button', { name: 'Override' }).click();
  await page
    .getByRole('dialog')
    .getByLabel(/^Reason/)
    .fill('Illness, no accident');
  await page.getByRole('dialog').getByRole('button', { name: 'Override' }).click();
  await legal.getByText('cancelled').waitFor();
  await page.getByRole('heading', { name: /^triage / }).waitFor();
  await page.getByRole('heading', { name: /^admission / }).waitFor();
  await page.getByText('Input and output').first().click();
}

/**
 * Waits until the agents have done their steps and the family is told, and expects the database to hold it all, nothing of
 * it twice, and nothing of it in another tenant. The legal step must have been overridden.
 */
export async function expectWholeRecord(server: SmartServer, group: string): Promise<void> {
  const find = (query: string) => search(server, query);
  const stateOf = async (): Promise<string[]> => {
    const tasks = await tasksOf(server, group);
    return AGENT_STEPS.map((code) => `${code} ${taskOf(tasks, code)?.status}`);
  };
  await expect
    .poll(stateOf, { timeout: 120_000, interval: 250 })
    .toEqual(AGENT_STEPS.map((code) => `${code} completed`));

  // A Task for each step.
  const tasks = await tasksOf(server, group);
  const steps = tasks.flatMap((task) => stepOf(task) ?? []);
  expect(steps.toSorted()).toEqual([...AGENT_STEPS, ...PEOPLES_STEPS].toSorted());
  expect(taskOf(tasks, 'legal')).toMatchObject({ status: 'cancelled' });
  for (const [code, role] of [
    ['billing', 'billing'],
    ['smart_health_device', 'nurse'],
  ] as const)
    expect(taskOf(tasks, code)).toMatchObject({
      status: 'requested',
      performerType: [{ coding: [{ code: role }] }],
    });

  // One visit, of the patient who is known; the one that triage had made for nobody is given up.
  const [encounter, ...otherEncounters] = await find('Encounter?class=EMER&_count=50');
  expect(otherEncounters).toEqual([]);
  expect(encounter.subject.reference).toBe('Patient/rosa');
  const visit = `Encounter/${encounter.id}`;
  expect(await find('Patient?link=Patient/rosa')).toEqual([expect.objectContaining({ active: false })]);

  // What was found, once.
  const [risk, ...otherRisks] = await find(`RiskAssessment?encounter=${visit}`);
  expect(otherRisks).toEqual([]);
  expect(risk.subject).toEqual(expect.objectContaining({ reference: 'Patient/rosa' }));
  expect(['1', '2']).toContain(risk.prediction[0].qualitativeRisk.coding[0].code);
  expect(await find(`Observation?encounter=${visit}&category=vital-signs`)).not.toEqual([]);
  const observed = (await find(`Observation?encounter=${visit}`)).map(({ code }) => JSON.stringify(code));
  expect(observed).toEqual([...new Set(observed)]);
  const [page, ...otherPages] = await find('Composition?subject=Patient/rosa');
  expect(otherPages).toEqual([]);
  expect(taskOf(tasks, 'medical_records').output[0].valueReference.reference).toBe(`Composition/${page.id}`);

  // By whom: what an agent has made, it has made once.
  for (const reference of [visit, `RiskAssessment/${risk.id}`, `Composition/${page.id}`]) {
    const provenances = await find(`Provenance?target=${reference}&_count=50`);
    expect(JSON.stringify(provenances), reference).toContain('Device/');
    const versions = provenances.flatMap(({ target }) =>
      target.map((one: Json) => one.reference).filter((one: string) => one.startsWith(reference)),
    );
    expect(versions, 'one Provenance for each version').toEqual([...new Set(versions)]);
  }
  const overridden = JSON.stringify(await find(`Provenance?target=Task/${taskOf(tasks, 'legal').id}`));
  expect(overridden).toContain('Illness, no accident');
  expect(overridden).toContain('Practitioner/imogen-tarrow');

  // The photo is kept with the emergency, as a Binary.
  const documents = () => find(`DocumentReference?related=RequestGroup/${group}`);
  const ofRosa = expect.objectContaining({ subject: { reference: 'Patient/rosa' } });
  await expect.poll(documents, { timeout: 30_000, interval: 250 }).toEqual([ofRosa]);
  const [document] = await documents();
  expect(document.author).toEqual([{ reference: 'Practitioner/odalys-finch' }]);
  const binary = await server.api.get(document.content[0].attachment.url.replace(/^.*(Binary\/)/, '$1'), {
    ...server.admin,
    Accept: 'image/png',
  });
  expect([binary.status, binary.header('content-type')]).toEqual([200, 'image/png']);

  // The family is told by consent, once, and of nobody else it is said why not.
  expect(await find('CommunicationRequest?subject=Patient/rosa')).toHaveLength(1);
  const statesOf = async (id: string) =>
    (await find(`Communication?recipient=RelatedPerson/${id}`)).map(({ status }) => status);
  const told = async () => ({ daughter: await statesOf('daughter'), neighbour: await statesOf('neighbour') });
  await expect
    .poll(told, { timeout: 60_000, interval: 250 })
    .toEqual({ daughter: ['completed'], neighbour: ['not-done'] });

  // Every run is in the audit log.
  const runs = JSON.stringify(await find('AuditEvent?subtype=agent-run&_count=50'));
  for (const agent of ['triage', 'admission', 'medical-records', 'communication'])
    expect(runs).toContain(`"${agent}"`);

  // Nothing of it in another tenant: not for this one's token, and not in the database.
  expect((await server.harness.client('other').get('Encounter', server.admin)).status).not.toBe(200);
  const { rows } = await withOwner(server.harness.database.ownerUrl, (owner) =>
    owner.query(`select content from store.resource
      where tenant_id = (select id from store.tenant where name = 'other')`),
  );
  expect(rows).toEqual([]);
}
