import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allergy, draft, hookRequest, orders, post, RXNORM } from './cds-support.ts';
import { type Harness, type Json, startHarness, type TestClient } from './harness.ts';

// Without authorization: EHRs need no proof, and have access to what the server holds.
let harness: Harness;
let client: TestClient;
let base: string;

beforeAll(async () => {
  harness = await startHarness({ tenants: ['one'], service: { agents: [] } });
  client = harness.client('one');
  base = `${harness.url}/cds-services/one`;
  const resources: Json[] = [
    { resourceType: 'Patient', id: 'p', birthDate: '1960-01-01', gender: 'female' },
    { resourceType: 'Patient', id: 'new' },
    allergy('a1', 'p', 'Allergy to Penicillin'),
    allergy('a2', 'p', 'Sulfonamide', {
      code: { coding: [{ system: RXNORM, code: '10180', display: 'sulfamethoxazole' }] },
    }),
    allergy('a3', 'p', 'Aspirin', {
      clinicalStatus: {
        coding: [
          { system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'resolved' },
        ],
      },
    }),
    {
      resourceType: 'Appointment',
      id: 'booked',
      status: 'booked',
      start: '2030-05-01T10:00:00Z',
      end: '2030-05-01T10:30:00Z',
      description: 'Cardiology',
      participant: [{ actor: { reference: 'Patient/p' }, status: 'accepted' }],
    },
    {
      resourceType: 'Medication',
      id: 'combi',
      code: { text: 'Cotrimoxazole' },
      ingredient: [{ itemCodeableConcept: { coding: [{ system: RXNORM, code: '10180' }] } }],
    },
    {
      resourceType: 'Encounter',
      id: 'stay',
      status: 'in-progress',
      class: { code: 'IMP' },
      subject: { reference: 'Patient/new' },
    },
    {
      resourceType: 'Condition',
      id: 'measles',
      clinicalStatus: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }],
      },
      code: { coding: [{ system: 'http://snomed.info/sct', code: '14189004', display: 'Measles' }] },
      subject: { reference: 'Patient/new' },
    },
  ];
  for (const resource of resources) {
    const answer = await client.put(`${resource.resourceType}/${resource.id}`, resource);
    if (answer.status >= 300) throw new Error(answer.text);
  }
});
afterAll(() => harness?.stop());

/** The cards of a service that fetches what it needs from this server. */
async function cardsOf(id: string, hook: string, context: object): Promise<Json[]> {
  const answer = await post(`${base}/${id}`, hookRequest(hook, context, { fhirServer: client.base }));
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json.cards;
}
const sign = (...drafts: object[]) =>
  cardsOf('allergy-check', 'order-sign', { draftOrders: orders(...drafts) });

describe('allergy check (order-sign, order-select)', () => {
  it('finds an allergy against a draft by name, with a suggestion and reasons to override it', async () => {
    const cards = await sign(draft('rx1', 'Penicillin V Potassium 250 MG'), draft('rx2', 'Ibuprofen'));
    expect(cards).toHaveLength(1);
    const [card] = cards;
    expect(card).toMatchObject({ indicator: 'critical', selectionBehavior: 'at-most-one' });
    expect(card.summary).toContain('Penicillin');
    expect(card.summary.length).toBeLessThan(140);
    expect(card.detail).toContain('AllergyIntolerance/a1');
    expect(card.source.label).toBeTruthy();
    expect(card.suggestions[0].actions).toEqual([
      { type: 'delete', description: expect.any(String), resourceId: 'MedicationRequest/rx1' },
    ]);
    expect(card.overrideReasons.length).toBeGreaterThan(0);
    for (const reason of card.overrideReasons)
      expect(reason).toEqual({
        system: expect.any(String),
        code: expect.any(String),
        display: expect.any(String),
      });
  });

  it('finds it by class, and says on what that rests', async () => {
    const [card, ...others] = await sign(draft('rx', 'Amoxicillin 500 MG Oral Tablet'));
    expect(others).toEqual([]);
    expect(card.indicator).toBe('critical');
    expect(card.detail).toContain('Penicillins');
    expect(card.links.map(({ type, url }: Json) => [type, url])).toEqual([
      ['absolute', expect.stringContaining('J01C')],
      ['absolute', expect.stringContaining('doi.org')],
    ]);
  });

  it('finds it by code, also through a Medication with ingredients that the draft refers to', async () => {
    const more = {
      medicationCodeableConcept: undefined,
      medicationReference: { reference: 'Medication/combi' },
    };
    const cards = await sign(draft('rx', '', more));
    expect(cards.map(({ indicator }) => indicator)).toEqual(['critical']);
    expect(cards[0].summary).toContain('Cotrimoxazole');
  });

  it('finds it where the Medication is an entry of draftOrders, or contained (R4 references.html)', async () => {
    const fullUrl = 'urn:uuid:5d9a46e2-6a51-4d55-8e1b-0f0a2f1f6a01';
    const referring = (reference: string, more: object = {}) =>
      draft('rx', '', {
        medicationCodeableConcept: undefined,
        medicationReference: { reference },
        ...more,
      });
    const medication = { resourceType: 'Medication', id: 'm', code: { text: 'Ampicillin' } };
    const draftOrders = {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ resource: referring(fullUrl) }, { fullUrl, resource: medication }],
    };
    expect(await cardsOf('allergy-check', 'order-sign', { draftOrders })).toHaveLength(1);
    expect(await sign(referring('#m', { contained: [medication] }))).toHaveLength(1);
  });

  it('says so when nothing is known of a medicine that could be compared', async () => {
    const coding = [{ system: RXNORM, code: '308182' }];
    const cards = await sign(draft('rx', '', { medicationCodeableConcept: { coding } }));
    expect(cards.map(({ summary, suggestions }) => [summary, suggestions])).toEqual([
      ['An order could not be checked against the allergies on record', undefined],
    ]);
  });

  it('says nothing of resolved allergies, and of order-select looks at what is selected only', async () => {
    expect(await sign(draft('x', 'Aspirin'))).toEqual([]);
    const draftOrders = orders(draft('rx1', 'Penicillin G'), draft('rx2', 'Aspirin 100 MG'));
    const select = async (selections: string[]) =>
      (await cardsOf('allergy-check-select', 'order-select', { draftOrders, selections })).length;
    expect([await select(['MedicationRequest/rx2']), await select(['MedicationRequest/rx1'])]).toEqual([
      0, 1,
    ]);
    // A selection that is not among the drafts does not say which of them were selected.
    expect([await select(['MedicationRequest/none']), await select([])]).toEqual([1, 0]);
  });
});

describe('what a record lacks (patient-view)', () => {
  it('is told, most urgent as a warning', async () => {
    const indicators = async (patientId: string) =>
      (await cardsOf('record-gaps', 'patient-view', { patientId })).map(({ indicator }) => indicator);
    expect(await indicators('new')).toEqual(['warning', 'info']);
    expect(await indicators('p')).toEqual([]);
  });
});

describe('appointment conflicts (appointment-book)', () => {
  it('are those that overlap: those that touch do not', async () => {
    const cards = async (start: string, end: string, id = 'proposal') => {
      const proposal = { resourceType: 'Appointment', id, status: 'proposed', start, end, participant: [] };
      return (await cardsOf('appointment-conflict', 'appointment-book', { appointments: orders(proposal) }))
        .length;
    };
    expect(await cards('2030-05-01T10:15:00Z', '2030-05-01T11:00:00Z')).toBe(1);
    expect(await cards('2030-05-01T12:15:00+02:00', '2030-05-01T13:00:00+02:00')).toBe(1);
    expect(await cards('2030-05-01T10:30:00Z', '2030-05-01T11:00:00Z')).toBe(0);
    expect(await cards('2030-05-01T10:15:00Z', '2030-05-01T11:00:00Z', 'booked')).toBe(0);
  });
});

describe('apps in open mode', () => {
  it('ask as who they say they are', async () => {
    const context = { patientId: 'new', userId: 'Practitioner/x' };
    const answer = await post(`${harness.url}/cds-hooks/one/patient-view`, { context });
    expect(answer.json.cards.map((one: Json) => one.extension['health.vesta.service'])).toEqual([
      'own/record-gaps',
      'own/record-gaps',
    ]);
    const unnamed = await post(`${harness.url}/cds-hooks/one/patient-view`, {
      context: { patientId: 'new' },
    });
    expect([unnamed.status, unnamed.expressions]).toEqual([400, ['context.userId']]);
  });

  it('and EHRs give feedback', async () => {
    const item = { card: 'c', outcome: 'overridden', outcomeTimestamp: '2026-01-02T03:04:05Z' };
    const answer = await post(`${base}/record-gaps/feedback`, { feedback: [item] });
    expect(answer.status).toBe(200);
    expect((await client.get('Basic?code=feedback')).json.entry).toHaveLength(1);
  });
});

describe('encounters (encounter-start, encounter-discharge)', () => {
  const context = { patientId: 'new', encounterId: 'stay' };

  it('begin with the precautions that an active infection needs', async () => {
    const cards = await cardsOf('encounter-briefing', 'encounter-start', context);
    expect(cards.map(({ summary }) => summary)).toEqual(['Measles: precautions are airborne']);
  });

  it('end with a follow-up appointment; the suggested one can be written, and settles it', async () => {
    const cards = await cardsOf('discharge-check', 'encounter-discharge', context);
    expect(cards.map(({ indicator }) => indicator)).toEqual(['warning']);
    const [action] = cards[0].suggestions[0].actions;
    expect(action.type).toBe('create');
    await client.create(action.resource);
    expect(await cardsOf('discharge-check', 'encounter-discharge', context)).toEqual([]);
  });
});
