import { describe, expect, it } from 'vitest';
import type { Resource } from '../../json/types.ts';
import type { Hook, Prefetch } from '../hooks/types.ts';
import type { CdsService } from '../service/service.ts';
import { dischargeCheck } from './discharge-check.ts';
import { encounterBriefing } from './encounter-briefing.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const bundle = (...resources: object[]): Resource =>
  ({
    resourceType: 'Bundle',
    type: 'searchset',
    entry: resources.map((resource) => ({ resource })),
  }) as unknown as Resource;

async function cards(service: CdsService, prefetch: Record<string, Resource>) {
  const request = {
    hook: service.hook as Hook,
    hookInstance: 'x',
    context: { patientId: 'p', encounterId: 'e', userId: 'Practitioner/1' },
  };
  const empty = Object.fromEntries(Object.keys(service.prefetch ?? {}).map((key) => [key, null])) as Prefetch;
  const context = { prefetch: { ...empty, ...prefetch }, now: () => NOW, signal: AbortSignal.timeout(1000) };
  return (await service.run(request, { ...context, caller: undefined, tenant: undefined as never })).cards;
}
const summaries = async (service: CdsService, prefetch: Record<string, Resource>) =>
  (await cards(service, prefetch)).map(({ summary }) => summary);

const condition = (coding: object, status = 'active', more: object = {}) => ({
  resourceType: 'Condition',
  id: 'c',
  clinicalStatus: { coding: [{ code: status }] },
  code: { coding: [coding] },
  ...more,
});

describe('encounter-briefing (CDC 2007 Guideline for Isolation Precautions, Appendix A)', () => {
  const of = (...conditions: object[]) => summaries(encounterBriefing, { conditions: bundle(...conditions) });

  it('names the precautions of active infections, by SNOMED CT or ICD-10-CM, each once', async () => {
    const snomed = 'http://snomed.info/sct';
    const icd = 'http://hl7.org/fhir/sid/icd-10-cm';
    expect(await of(condition({ system: snomed, code: '56717001' }))).toEqual([
      'Tuberculosis of the airways: precautions are airborne',
    ]);
    expect(
      await of(condition({ system: icd, code: 'A04.72' }), condition({ system: icd, code: 'A04.71' })),
    ).toEqual(['Clostridioides difficile: precautions are contact, hands washed with soap and water']);
    expect(await of(condition({ system: icd, code: 'B01.9' }))).toEqual([
      'Varicella: precautions are airborne and contact',
    ]);
    // A04.5 is Campylobacter; a code of another system says nothing.
    expect(await of(condition({ system: icd, code: 'A04.5' }))).toEqual([]);
    expect(await of(condition({ system: 'http://other', code: '56717001' }))).toEqual([]);
  });

  it('says nothing of what is over, refuted or entered in error', async () => {
    const measles = { system: 'http://snomed.info/sct', code: '14189004' };
    expect(await of(condition(measles, 'resolved'))).toEqual([]);
    for (const code of ['refuted', 'entered-in-error'])
      expect(await of(condition(measles, 'active', { verificationStatus: { coding: [{ code }] } }))).toEqual(
        [],
      );
  });

  it('names flags that are up now (R4 Flag.status, Flag.period)', async () => {
    const flag = (text: string, more: object = {}) => ({
      resourceType: 'Flag',
      id: text,
      status: 'active',
      code: { text },
      ...more,
    });
    const flags = bundle(
      flag('Falls'),
      flag('Old', { period: { end: '2026-02-28' } }),
      flag('Today', { period: { start: '2026-03-01T08:00:00Z', end: '2026-03-01' } }),
      flag('Later', { period: { start: '2026-03-02' } }),
      flag('Off', { status: 'inactive' }),
    );
    expect(await summaries(encounterBriefing, { flags })).toEqual(['Flags: Falls; Today']);
  });

  it('names allergies of high criticality or with severe reactions, in force', async () => {
    const one = (text: string, more: object) => ({
      resourceType: 'AllergyIntolerance',
      id: text,
      code: { text },
      ...more,
    });
    const allergies = bundle(
      one('Peanut', { criticality: 'high' }),
      one('Latex', { reaction: [{ severity: 'severe', manifestation: [{ text: 'Shock' }] }] }),
      one('Pollen', { criticality: 'low' }),
      one('Egg', { criticality: 'high', clinicalStatus: { coding: [{ code: 'resolved' }] } }),
    );
    expect(await summaries(encounterBriefing, { allergies })).toEqual([
      'Allergies that may be dangerous: Peanut, Latex',
    ]);
  });
});

describe('discharge-check (AHRQ RED Toolkit)', () => {
  const appointment = (start: string | undefined) => ({
    resourceType: 'Appointment',
    status: 'booked',
    ...(start === undefined ? {} : { start }),
  });
  const settled = { appointments: bundle(appointment('2026-03-10T10:00:00Z')) };
  const disposition = (code: string) =>
    ({
      resourceType: 'Encounter',
      hospitalization: { dischargeDisposition: { coding: [{ code }] } },
    }) as unknown as Resource;

  it('misses a follow-up appointment after now, and suggests to ask for one', async () => {
    expect(await summaries(dischargeCheck, settled)).toEqual([]);
    expect(await summaries(dischargeCheck, { appointments: bundle(appointment(undefined)) })).toEqual([]);
    const [card] = await cards(dischargeCheck, {
      appointments: bundle(appointment('2026-02-10T10:00:00Z')),
    });
    expect(card?.suggestions?.[0]?.actions?.[0]).toMatchObject({
      type: 'create',
      resource: {
        resourceType: 'Appointment',
        status: 'proposed',
        participant: [{ actor: { reference: 'Patient/p' } }],
      },
    });
  });

  it('misses none where others go on with the care, or the patient has died', async () => {
    expect(await summaries(dischargeCheck, { encounter: disposition('other-hcf') })).toEqual([]);
    expect(await summaries(dischargeCheck, { encounter: disposition('home') })).toHaveLength(1);
    const reports = bundle({
      resourceType: 'DiagnosticReport',
      status: 'preliminary',
      code: { text: 'Culture' },
    });
    expect(await summaries(dischargeCheck, { encounter: disposition('exp'), reports })).toEqual([]);
  });

  it('names results that are not final', async () => {
    const report = (status: string) => ({ resourceType: 'DiagnosticReport', status, code: { text: status } });
    const reports = bundle(report('preliminary'), report('final'), report('registered'));
    expect(await summaries(dischargeCheck, { ...settled, reports })).toEqual([
      'Results of the stay are not final: preliminary, registered',
    ]);
  });

  it('names medicines of the stay that are active, and suggests to stop each', async () => {
    const request = (id: string, text: string, category: string) => ({
      resourceType: 'MedicationRequest',
      id,
      status: 'active',
      category: [{ coding: [{ code: category }] }],
      medicationCodeableConcept: { text },
    });
    const medications = bundle(
      request('m1', 'Enoxaparin', 'inpatient'),
      request('m2', 'Lisinopril', 'outpatient'),
      request('m3', 'lisinopril', 'community'),
    );
    const found = await cards(dischargeCheck, { ...settled, medications });
    expect(found.map(({ summary }) => summary)).toEqual([
      'Medicines of the stay are still active: Enoxaparin',
      'Ordered more than once: Lisinopril',
    ]);
    expect(found[0]?.suggestions?.map(({ actions }) => actions?.[0]?.resource)).toEqual([
      expect.objectContaining({ id: 'm1', status: 'stopped' }),
    ]);
  });
});
