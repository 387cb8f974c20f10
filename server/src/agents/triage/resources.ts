import { referenceTo } from '../../fhir/references/literal.ts';
import { objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { Facts } from './facts.ts';
import { news2Observation, observationsOf, type Site } from './observations.ts';
import { type ComplaintCode, complaintOf } from './rules/complaints.ts';
import type { Assessment, EsiLevel } from './rules/esi.ts';
import { COMPLAINT_SYSTEM, ESI_LEVELS, ESI_SYSTEM, RED_FLAG, SNOMED, TEMPORARY_PATIENT } from './terms.ts';

/** A triage that is to be written. */
export interface Triage {
  readonly facts: Facts;
  readonly assessment: Assessment;
  /** As it was typed or spoken. */
  readonly said: string;
  /** Name of the language model that has added to it. */
  readonly model: string | undefined;
}

/** Where it belongs, and how its ids are made. */
export interface Board {
  /** `Patient/id`; undefined: nobody knows who it is. */
  readonly subject: string | undefined;
  /** As it is stored. */
  readonly encounter: Resource | undefined;
  readonly now: Date;
  /** `Device/id` of the agent. */
  readonly device: string;
  /** Who has told it: a reference to a person, where it is one. */
  readonly teller: string | undefined;
  readonly idFor: (name: string) => string;
}

/** References of what is written. */
export interface Written {
  readonly subject: string;
  readonly encounter: string;
  readonly assessment: string;
}

/** Where a triage with these ids is, or will be. */
export function placesOf({ subject, encounter, idFor }: Board): Written {
  const id = encounter === undefined ? idFor('encounter') : String(encounter['id']);
  return {
    subject: subject ?? `Patient/${idFor('patient')}`,
    encounter: `Encounter/${id}`,
    assessment: `RiskAssessment/${idFor('assessment')}`,
  };
}

/** The transaction that puts a triage on the board: what is made by it has ids that follow from the run. */
export function triageTransaction(triage: Triage, board: Board): JsonObject {
  const places = placesOf(board);
  const { subject, encounter } = places;
  const site: Site = { subject, encounter, at: board.now.toISOString(), performer: board.teller };
  const found = observationsOf(triage.facts, triage.said, site, board.idFor);
  const basis = found.map(({ id }) => `Observation/${String(id)}`);
  const { news2 } = triage.assessment;
  const score = news2 && news2Observation(news2, scoredOf(found), site, board.idFor('news2'));
  const observations = score === undefined ? found : [...found, score];
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      ...(board.subject === undefined ? [put(unknownPatient(triage.facts, board))] : []),
      encounterEntry(triage, board, places),
      ...observations.map(put),
      put(
        riskAssessment(triage, board, places, [
          ...basis,
          ...(score === undefined ? [] : [`Observation/${String(score['id'])}`]),
        ]),
      ),
    ],
  };
}

function put(resource: Resource): JsonObject {
  const url = referenceTo(resource);
  return { fullUrl: `urn:uuid:${String(resource['id'])}`, resource, request: { method: 'PUT', url } };
}

/** Measurements that NEWS2 is made of. */
function scoredOf(found: readonly Resource[]): string[] {
  const scored = new Set(['8867-4', '9279-1', '8310-5', '59408-5', '85354-9', '67775-7', '9269-2']);
  return found
    .filter(({ code }) =>
      objectsOf((code as JsonObject)['coding']).some((one) => scored.has(String(one['code']))),
    )
    .map(({ id }) => `Observation/${String(id)}`);
}

/** A Patient whom nobody knows: the admission finds out who it is. */
function unknownPatient({ sex }: Facts, { idFor }: Board): Resource {
  const id = idFor('patient');
  return {
    resourceType: 'Patient',
    id,
    identifier: [{ use: 'temp', system: TEMPORARY_PATIENT, value: id }],
    active: true,
    name: [{ use: 'temp', text: 'Unknown patient' }],
    gender: sex ?? 'unknown',
  };
}

/** v3-ActPriority of a level: emergency, urgent, routine. */
export function priorityOf(level: EsiLevel): { readonly code: string; readonly display: string } {
  if (level <= 2) return { code: 'EM', display: 'emergency' };
  return level === 3 ? { code: 'UR', display: 'urgent' } : { code: 'R', display: 'routine' };
}

function encounterEntry(triage: Triage, { encounter, now }: Board, places: Written): JsonObject {
  const { code, display } = priorityOf(triage.assessment.level);
  const priority = {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActPriority', code, display }],
  };
  if (encounter !== undefined) {
    const isEarly = encounter['status'] === 'planned' || encounter['status'] === 'arrived';
    const changed: Resource = {
      ...encounter,
      ...(isEarly ? { status: 'triaged' } : {}),
      priority,
      ...(encounter['reasonCode'] === undefined ? { reasonCode: reasonsOf(triage) } : {}),
    };
    const version = String((encounter['meta'] as JsonObject | undefined)?.['versionId']);
    return {
      fullUrl: `urn:uuid:${String(encounter['id'])}`,
      resource: changed,
      request: { method: 'PUT', url: places.encounter, ifMatch: `W/"${version}"` },
    };
  }
  return put({
    resourceType: 'Encounter',
    id: places.encounter.slice('Encounter/'.length),
    status: 'triaged',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'EMER', display: 'emergency' },
    priority,
    subject: { reference: places.subject },
    period: { start: now.toISOString() },
    reasonCode: reasonsOf(triage),
  });
}

/** First the complaints in words, then each with its codes. */
function reasonsOf({ facts, said }: Triage): JsonObject[] {
  const codes = byUrgency(facts.complaints);
  const words = codes.map((code) => complaintOf(code).display).join(', ');
  const text = words !== '' ? words : said.trim().slice(0, 200) || 'Not stated';
  return [
    { text },
    ...codes.map((code): JsonObject => {
      const { display, snomed } = complaintOf(code);
      return {
        coding: [
          ...(snomed === undefined ? [] : [{ system: SNOMED, code: snomed }]),
          { system: COMPLAINT_SYSTEM, code, display },
        ],
        text: display,
      };
    }),
  ];
}

export function byUrgency(complaints: Iterable<ComplaintCode>): ComplaintCode[] {
  return [...complaints].sort((a, b) => (complaintOf(a).level ?? 3) - (complaintOf(b).level ?? 3));
}

/** RiskAssessment (R4 riskassessment.html): the level, why, and what must not be overlooked. */
function riskAssessment(
  { assessment, model }: Triage,
  { now, device }: Board,
  { subject, encounter, assessment: own }: Written,
  basis: readonly string[],
): Resource {
  const { level, reasons, redFlags, resources } = assessment;
  return {
    resourceType: 'RiskAssessment',
    id: own.slice('RiskAssessment/'.length),
    ...(redFlags.length === 0
      ? {}
      : { extension: redFlags.map(({ text }) => ({ url: RED_FLAG, valueString: text })) }),
    status: 'final',
    method: { text: 'Emergency Severity Index (ESI) v4' },
    code: { text: 'Triage' },
    subject: { reference: subject },
    encounter: { reference: encounter },
    occurrenceDateTime: now.toISOString(),
    performer: { reference: device },
    ...(basis.length === 0 ? {} : { basis: basis.map((reference) => ({ reference })) }),
    prediction: [
      {
        outcome: { text: 'Acuity in the emergency department' },
        qualitativeRisk: esiConcept(level),
        rationale: reasons.join('. '),
      },
    ],
    note: [
      ...reasons.map((text) => ({ text })),
      ...redFlags.map(({ text, source }) => ({ text: `Red flag: ${text}. Source: ${source}` })),
      {
        text: `Resources that will probably be needed: ${resources.length === 0 ? 'none' : resources.join(', ')}`,
      },
      ...(model === undefined
        ? []
        : [{ text: `A language model (${model}) has read the text besides the rules` }]),
    ],
  };
}

/** The CodeableConcept of a level. */
export function esiConcept(level: EsiLevel): JsonObject {
  const { code, display } = ESI_LEVELS[level - 1] as (typeof ESI_LEVELS)[number];
  return { coding: [{ system: ESI_SYSTEM, code, display }], text: display };
}
