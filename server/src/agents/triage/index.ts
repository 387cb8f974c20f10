import { setTimeout as sleep } from 'node:timers/promises';
import { FhirError, fhirError } from '../../fhir/outcome.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import type { AgentContext, AgentDefinition } from '../agent.ts';
import { answerOf, type TriageAnswer } from './answer.ts';
import { joined } from './facts.ts';
import { TRIAGE_TEXT } from './operation-text.ts';
import { type Reading, readIntake } from './reading/intake.ts';
import { understood } from './reading/understanding.ts';
import { type TriageRequest, triageRequest } from './request.ts';
import { type Board, placesOf, type Triage, triageTransaction, type Written } from './resources.ts';
import { assess, moreUrgent } from './rules/esi.ts';

/** How long the language model may take before the triage goes on by its rules, in milliseconds. */
const MODEL_TIME = 8_000;

/** Whom Observation.performer may name. */
const PERSON = /^(?:Practitioner|PractitionerRole|Patient|RelatedPerson)\//;

const WRITTEN = ['Encounter', 'Observation', 'Patient', 'RiskAssessment'];

/**
 * Assesses how urgent somebody's case is, by ESI v4 and NEWS2, from words or a form, and puts it on the emergency board.
 * The rules decide; a language model may add what it finds in the words, and can only make the case more urgent. A person
 * overrides the level with a RiskAssessment of the own.
 */
export const triage: AgentDefinition<TriageRequest, unknown> = {
  name: 'triage',
  title: 'Triage',
  version: '1.0.0',
  description:
    'Reads complaints and vital signs of an emergency, finds red flags, and proposes the level of the Emergency Severity Index (v4) with reasons.',
  wakes: [
    { kind: 'step', code: 'triage' },
    {
      kind: 'operation',
      name: 'triage',
      types: ['Encounter'],
      levels: ['system', 'type', 'instance'],
      text: TRIAGE_TEXT,
    },
    { kind: 'conversation', intents: ['symptoms'] },
  ],
  grants: [
    { types: WRITTEN, interactions: ['read', 'search-type', 'create', 'update', 'transaction'] },
    // What it refers to: itself, and who has told it.
    { types: ['Device', 'Practitioner', 'PractitionerRole', 'RelatedPerson'], interactions: ['read'] },
  ],
  timeout: 30_000,
  actions: [],
  input: triageRequest,
  async run(request, context) {
    const { fhir, step, now, idFor, scope } = context;
    const encounter = await known(context, 'Encounter', request.encounter, request.isInstance);
    const visited = subjectOf(encounter);
    const subject = request.subject ?? visited;
    // Findings of one must not stand in the visit of another.
    if (request.asker !== 'step' && visited !== undefined && visited !== subject)
      throw fhirError(422, 'business-rule', `${request.encounter} is not of ${subject}`, 'triage.encounter');
    const patient = (await known(context, 'Patient', subject)) ?? request.patient;
    const { text, response } = request;
    const reading = await step('read', { text: text ?? '', form: response !== undefined }, async () =>
      readIntake({ text, response, patient }, now()),
    );
    const byRules: Triage = {
      facts: reading.facts,
      assessment: assess(reading.facts),
      said: reading.text,
      model: undefined,
    };
    await step('assess', factsAsJson(byRules), async () => assessmentAsJson(byRules));
    if (request.assessOnly) {
      const whole = (await refined(context, reading, byRules)) ?? byRules;
      return answerOf(request.asker, whole, undefined);
    }
    const board: Board = {
      subject,
      encounter,
      now: now(),
      device: scope.client ?? scope.subject,
      teller: PERSON.test(scope.subject) ? scope.subject : undefined,
      idFor,
    };
    const places = placesOf(board);
    const before = await fhir.read('RiskAssessment', idOf(places.assessment));
    if (before === undefined) await write(context, byRules, board);
    // The board has it by now: what the model adds comes after.
    const whole = await refined(context, reading, byRules);
    const isKept = whole !== undefined && (await amend(context, whole, board, places));
    return answerOf(request.asker, isKept ? whole : byRules, places);
  },
};

export type { TriageAnswer };

const idOf = (reference: string): string => reference.slice(reference.indexOf('/') + 1);

async function known(
  { fhir }: AgentContext,
  type: string,
  reference: string | undefined,
  isOfPath = false,
): Promise<Resource | undefined> {
  if (reference === undefined) return undefined;
  const found = await fhir.read(type, idOf(reference));
  if (found !== undefined) return found;
  if (isOfPath) throw fhirError(404, 'not-found', `There is no ${reference}`, 'http.path');
  throw fhirError(400, 'not-found', `There is no ${reference}`, `triage.${type.toLowerCase()}`);
}

function subjectOf(encounter: Resource | undefined): string | undefined {
  const subject = encounter?.['subject'];
  const reference = isObject(subject) ? subject['reference'] : undefined;
  return typeof reference === 'string' && reference.startsWith('Patient/') ? reference : undefined;
}

async function write({ fhir, step }: AgentContext, triage: Triage, board: Board): Promise<void> {
  await step('write', placesOf(board) as unknown as JsonValue, async () => {
    const response = await fhir.transaction(triageTransaction(triage, board));
    return { type: response['type'] ?? null };
  });
}

/** What the model's reading makes of it: at least as urgent as the rules. @returns undefined where it adds nothing */
async function refined(
  { model, signal }: AgentContext,
  { facts, text }: Reading,
  byRules: Triage,
): Promise<Triage | undefined> {
  const late = sleep(MODEL_TIME, undefined, { signal, ref: false }).catch(() => undefined);
  const found = await Promise.race([understood(model, text, facts), late]);
  if (found === undefined) return undefined;
  const whole = joined(facts, found.facts);
  if (JSON.stringify(factsAsJson({ ...byRules, facts: whole })) === JSON.stringify(factsAsJson(byRules)))
    return undefined;
  const assessment = moreUrgent(byRules.assessment, assess(whole));
  return { ...byRules, facts: whole, assessment, model: found.model };
}

/**
 * Writes what the model has added, unless somebody else is at the case by now: then the person's word stands.
 * @returns whether it was written
 */
async function amend(
  context: AgentContext,
  triage: Triage,
  board: Board,
  { encounter, subject }: Written,
): Promise<boolean> {
  const { fhir } = context;
  const stored = await fhir.read('Encounter', idOf(encounter));
  if (stored === undefined || subjectOf(stored) !== subject) return false;
  const others = await fhir.search('RiskAssessment', [['encounter', encounter]]);
  if (others.some(({ performer }) => !isObject(performer) || performer['reference'] !== board.device))
    return false;
  // What this run itself has said of the reasons for coming is said anew.
  const { reasonCode: _, ...bare } = stored;
  const { encounter: given } = board;
  try {
    const target = given === undefined ? { ...bare, resourceType: 'Encounter' } : stored;
    await write(context, triage, { ...board, subject, encounter: target });
    return true;
  } catch (error) {
    if (!(error instanceof FhirError) || (error.status !== 409 && error.status !== 412)) throw error;
    return false;
  }
}

function factsAsJson({ facts }: Triage): JsonObject {
  const { complaints, denied, vitals, ages, doubtful, ...person } = facts;
  return {
    ...person,
    ...(doubtful === undefined ? {} : { doubtful: [...doubtful] }),
    ...(ages === undefined ? {} : { ages: [...ages] }),
    complaints: [...complaints].sort(),
    denied: [...denied].sort(),
    vitals: { ...vitals } as JsonObject,
  };
}

function assessmentAsJson({ assessment }: Triage): JsonObject {
  const { level, decision, reasons, redFlags, news2 } = assessment;
  return {
    level,
    decision,
    reasons: [...reasons],
    redFlags: redFlags.map(({ code }) => code),
    news2: news2?.score ?? null,
  };
}
