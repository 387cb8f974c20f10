import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, test } from 'vitest';
import { DEMO_DIRECTORY } from '../src/cli/demo.ts';
import { demoCalendar } from '../src/cli/demo-calendar.ts';
import { demoQuestions } from '../src/cli/demo-questions.ts';
import { Talk } from './conversation-support.ts';
import { type Harness, type Json, startHarness, type TestClient } from './harness.ts';

/* Issue 6, section 2: answers from the tenant's own content, with sources; "I do not know" where there is none. */

let harness: Harness;
let client: TestClient;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
  for (const name of ['organizations', 'practitioners']) {
    const file = join(DEMO_DIRECTORY, 'us-core', `${name}.json`);
    const { entry } = JSON.parse(readFileSync(file, 'utf8'));
    const answer = await client.transaction(
      entry.filter(({ resource }: Json) => resource.resourceType !== 'Endpoint'),
    );
    if (answer.status !== 200) throw new Error(answer.text);
  }
  await client.put('Patient/p1', { resourceType: 'Patient', id: 'p1' });
  for (const { entry } of [demoCalendar(2026, new Set()), demoQuestions(), demoQuestions()] as Json[]) {
    const answer = await client.transaction(entry);
    if (answer.status !== 200) throw new Error(answer.text);
  }
}, 120_000);
afterAll(() => harness?.stop());

it('the texts are valid', async () => {
  for (const { resource } of (demoQuestions() as Json).entry) {
    const answer = await client.post('Library/$validate', resource);
    const errors = answer.json.issue.filter(({ severity }: Json) => severity === 'error');
    expect([resource.id, errors]).toEqual([resource.id, []]);
  }
});

const QUESTIONS: [question: string, source: string, part: string][] = [
  ['Where can I park my car?', 'Library/faq-parking-en', '30 free places'],
  ['is there parking', 'Library/faq-parking-en', '30 free places'],
  ['What do I have to bring along?', 'Library/faq-bring-en', 'insurance card'],
  ['do I have to be fasting for the blood test?', 'Library/faq-blood-test-en', 'ten hours'],
  [
    'what happens if I miss a visit, is there a fee? what is your cancellation policy',
    'Library/faq-cancellation-en',
    '24 hours',
  ],
  ['do you take Medicaid', 'Library/faq-insurance-en', 'Medicaid'],
  ['do you have a sign language interpreter?', 'Library/faq-interpreter-en', '100 languages'],
  ['how can I get a refill of my prescription', 'Library/faq-repeat-prescription-en', 'pharmacy'],
  ['¿Dónde puedo aparcar el coche?', 'Library/faq-parking-es', '30 plazas'],
  ['¿Tengo que venir en ayunas para el análisis de sangre?', 'Library/faq-blood-test-es', 'diez horas'],
  ['¿Qué seguros aceptan?', 'Library/faq-insurance-es', 'Medicare'],
  ['پارکنگ کہاں ہے؟', 'Library/faq-parking-ur', '30'],
  ['خون کے ٹیسٹ کے لیے خالی پیٹ آنا ہے؟', 'Library/faq-blood-test-ur', 'دس گھنٹے'],
  ['kya mujhe khali pait aana hai khoon ke test ke liye', 'Library/faq-blood-test-ur', 'دس گھنٹے'],
  ['What are your opening hours?', 'Location/juniper-hollow-clinic', '08:00–20:00'],
  ['¿Qué horario tienen?', 'Location/juniper-hollow-clinic', '08:00–20:00'],
  ['aap ki timings kya hain', 'Location/juniper-hollow-clinic', '08:00–20:00'],
  ['When is dermatology open?', 'PractitionerRole/priscilla-hartwell-visits', '09:00–16:00'],
  ['where are you located', 'Location/juniper-hollow-clinic', '14 Granary Lane'],
  ['¿Cuál es la dirección?', 'Location/juniper-hollow-clinic', '14 Granary Lane'],
  ['what is the phone number of cardiology?', 'HealthcareService/cardiology', '0161'],
  ['which services do you offer', 'HealthcareService/dermatology', 'Paediatrics'],
  ['do you offer dermatology?', 'HealthcareService/dermatology', 'moles'],
  ['which doctors work in cardiology?', 'PractitionerRole/beatrix-calloway-visits', 'Calloway'],
  ['do I need an appointment for dermatology', 'HealthcareService/dermatology', 'appointment is needed'],
];
test.each(QUESTIONS)('%s', async (question, source, part) => {
  const said = await new Talk(client, 'Patient/p1').say(question);
  expect(said.text).toContain(part);
  expect(said.reply.about.map(({ reference }: Json) => reference)).toContain(source);
});

test.each([
  'do you sell aeroplanes',
  'what is the meaning of life',
  '¿venden entradas de cine?',
  'who is going to win the election',
])('%s: it does not know, and offers a person', async (question) => {
  const said = await new Talk(client, 'Patient/p1').say(question);
  expect(said.reply.about).toBeUndefined();
  expect(said.text).toMatch(/do not know|did not understand|No lo sé|No lo he entendido/);
  expect(said.options.at(-1)?.label).toMatch(/person/);
});

it('story 1 works in the demo: real times in cardiology next week in the afternoon', async () => {
  const said = await new Talk(client, 'Patient/p1').say(
    'I would like a cardiology visit next week in the afternoon',
  );
  const times = said.options.filter(({ appointment }) => appointment !== undefined);
  expect(times.length).toBeGreaterThan(2);
  for (const { appointment } of times)
    expect(Number(appointment.start.slice(11, 13))).toBeGreaterThanOrEqual(12);
});
