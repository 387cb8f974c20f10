import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { influenzaCards } from '../demo/influenza.ts';
import { parseResponse } from '../hooks/response.ts';
import type { Hook, Prefetch } from '../hooks/types.ts';
import type { CdsService } from '../service/service.ts';
import { BUILT_IN_SERVICES } from './index.ts';

/** Elements that the rules look at, with whatever in them. */
const element = (names: readonly string[], depth: number): fc.Arbitrary<JsonValue> =>
  depth === 0
    ? (fc.oneof(
        fc.jsonValue({ maxDepth: 1 }),
        fc.constantFrom('active', 'draft', 'Penicillin', 'inpatient', '2026-01-01', 'high', true, null),
      ) as fc.Arbitrary<JsonValue>)
    : (fc.oneof(
        fc.jsonValue({ maxDepth: 1 }),
        fc.dictionary(fc.constantFrom(...names), element(names, depth - 1), {
          maxKeys: 4,
          noNullPrototype: true,
        }),
        fc.array(element(names, depth - 1), { maxLength: 3 }),
      ) as fc.Arbitrary<JsonValue>);
const NAMES = [
  ...[
    'code',
    'coding',
    'system',
    'text',
    'display',
    'status',
    'clinicalStatus',
    'verificationStatus',
    'reaction',
  ],
  ...[
    'substance',
    'manifestation',
    'severity',
    'criticality',
    'type',
    'id',
    'start',
    'end',
    'minutesDuration',
  ],
  ...[
    'period',
    'category',
    'medicationCodeableConcept',
    'medicationReference',
    'reference',
    'contained',
    'ingredient',
  ],
  ...['itemCodeableConcept', 'hospitalization', 'dischargeDisposition', 'birthDate', 'gender', 'serviceType'],
  ...[
    'vaccineCode',
    'occurrenceDateTime',
    'deceasedBoolean',
    'description',
    'appointmentType',
    'doNotPerform',
  ],
];
const TYPES = [
  ...[
    'AllergyIntolerance',
    'MedicationRequest',
    'Medication',
    'Appointment',
    'Condition',
    'Flag',
    'Encounter',
  ],
  ...['DiagnosticReport', 'Patient', 'Immunization'],
];
const resource = fc
  .tuple(
    fc.constantFrom(...TYPES),
    fc.dictionary(fc.constantFrom(...NAMES), element(NAMES, 3), { maxKeys: 6 }),
  )
  .map(([resourceType, elements]) => ({ ...elements, resourceType }) as Resource);
const bundle = fc
  .array(resource, { maxLength: 4 })
  .map(
    (resources) =>
      ({ resourceType: 'Bundle', entry: resources.map((one) => ({ resource: one })) }) as unknown as Resource,
  );

describe('the rules', () => {
  it('answer by the rules of CDS Hooks whatever an EHR sends as data', async () => {
    for (const service of BUILT_IN_SERVICES) {
      await fc.assert(
        fc.asyncProperty(
          bundle,
          bundle,
          fc.array(fc.oneof(bundle, resource)),
          async (drafts, booked, given) => {
            const keys = Object.keys(service.prefetch ?? {});
            const prefetch = Object.fromEntries(keys.map((key, index) => [key, given[index] ?? null]));
            const context = {
              userId: 'Practitioner/1',
              patientId: 'p',
              encounterId: 'e',
              draftOrders: drafts,
              appointments: booked,
            } as unknown as JsonObject;
            const answer = await service.run(
              { hook: service.hook as Hook, hookInstance: 'x', context },
              {
                prefetch,
                caller: undefined,
                tenant: undefined as never,
                now: () => new Date('2026-03-01T00:00:00Z'),
                signal: new AbortController().signal,
              },
            );
            const checked = parseResponse(JSON.parse(JSON.stringify(answer)), 'x');
            expect(checked.problems).toEqual([]);
            for (const { summary } of answer.cards) expect([...summary].length).toBeLessThan(140);
          },
        ),
        { numRuns: 100 },
      );
    }
  });

  /** What a service says of many things. */
  const run = (
    id: string,
    context: JsonObject,
    prefetch: Prefetch,
    signal = new AbortController().signal,
  ) => {
    const service = BUILT_IN_SERVICES.find((one) => one.id === id) as CdsService;
    const request = { hook: service.hook, hookInstance: 'x', context };
    const now = () => new Date('2026-03-01T00:00:00Z');
    return service.run(request, { prefetch, caller: undefined, tenant: undefined as never, now, signal });
  };
  const many = (count: number, make: (index: number) => JsonObject): Resource => ({
    resourceType: 'Bundle',
    entry: Array.from({ length: count }, (_, index) => ({ resource: make(index) })),
  });
  const order = (index: number): JsonObject => ({
    resourceType: 'MedicationRequest',
    id: `${index}`,
    medicationCodeableConcept: { text: `Amoxicillin ${index}` },
  });
  const allergy = (text: string, criticality: string): JsonObject => ({
    resourceType: 'AllergyIntolerance',
    type: 'intolerance',
    criticality,
    code: { text },
  });

  it('give others their turn while they compare much, and end when their time is over', async () => {
    const ends = new AbortController();
    const allergies = many(3000, (index) => allergy(`Peanut ${index}`, 'low'));
    const running = run('allergy-check', { draftOrders: many(1000, order) }, { allergies }, ends.signal);
    setImmediate(() => ends.abort(new Error('over')));
    await expect(running).rejects.toThrow('over');
  });

  it('show as many cards as anybody reads, the most urgent, and say that there are more', async () => {
    const allergies = many(2, (index) => allergy('Penicillin', index === 0 ? 'low' : 'high'));
    const { cards } = await run('allergy-check', { draftOrders: many(40, order) }, { allergies });
    expect(cards).toHaveLength(50);
    expect(cards.filter(({ indicator }) => indicator === 'critical')).toHaveLength(40);
    expect(cards.at(-1)?.summary).toMatch(/more conflicts/);
    const same = (index: number): JsonObject => ({
      resourceType: 'Appointment',
      id: `${index}`,
      start: '2026-01-01T09:00:00Z',
      end: '2026-01-01T10:00:00Z',
    });
    const found = await run('appointment-conflict', { appointments: many(1000, same) }, { booked: null });
    expect(found.cards).toHaveLength(50);
    expect(found.cards.at(-1)?.summary).toMatch(/more appointments/);
  });

  it('are not slowed down by names that are none', async () => {
    const allergies = many(1, () => allergy('('.repeat(1_000_000), 'low'));
    expect(await run('allergy-check', { draftOrders: many(1, order) }, { allergies })).toEqual({ cards: [] });
  });

  it('so does the service of the demo', () => {
    fc.assert(
      fc.property(resource, fc.oneof(bundle, resource), (patient, immunizations) => {
        const request = { hook: 'patient-view', hookInstance: 'x', context: { patientId: 'p' } } as const;
        influenzaCards({ ...request, prefetch: { patient, immunizations } }, new Date());
      }),
    );
  });
});
