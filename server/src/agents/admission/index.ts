import { fhirError } from '../../fhir/outcome.ts';
import { localReference } from '../../fhir/references/literal.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { StepOutput } from '../../workflows/step.ts';
import { TASK_CODE, TASK_CODES } from '../../workflows/terms.ts';
import type { AgentContext, AgentDefinition } from '../agent.ts';
import { AGENT_ACTION, ROLE_SYSTEM } from '../codes.ts';
import {
  concept,
  duplicateReason,
  type Found,
  isTelling,
  isTemporary,
  matchesOf,
  registered,
} from './identity.ts';
import { MOVED_TYPES, moveTransaction, replacedBy } from './move.ts';
import { ADMIT_TEXT } from './operation-text.ts';
import { type AdmissionRequest, admissionRequest } from './request.ts';
import { ADMISSION_OUTPUT, ADMISSION_OUTPUTS, type AdmissionOutput } from './terms.ts';

/** Possible duplicates of which people are asked at most. */
const MOST_ASKED = 3;

/** What came of it. */
interface Admitted {
  readonly subject: string;
  readonly outcome: 'known' | 'matched' | 'registered' | 'not-identified';
  readonly match?: Found | undefined;
  readonly waits?: string;
}

/**
 * Finds out who somebody is: a certain match (Patient/$match) takes the place of the temporary Patient, and everything
 * that was written under that moves with it; where none is known the person is registered. Two Patients that may be one
 * person are never made one without a person's decision.
 */
export const admission: AgentDefinition<AdmissionRequest, unknown> = {
  name: 'admission',
  title: 'Admission',
  version: '1.0.0',
  description:
    'Finds patients among those who are known, registers new ones, and asks about possible duplicates.',
  wakes: [
    { kind: 'step', code: 'admission' },
    {
      kind: 'operation',
      name: 'admit',
      types: ['Encounter'],
      levels: ['type', 'instance'],
      text: ADMIT_TEXT,
    },
  ],
  grants: [
    {
      types: [...MOVED_TYPES, 'Patient'],
      interactions: ['read', 'search-type', 'create', 'update', 'patch', 'transaction'],
    },
    {
      types: ['Practitioner', 'PractitionerRole', 'Organization', 'RelatedPerson', 'Device'],
      interactions: ['read'],
    },
  ],
  timeout: 30_000,
  actions: [
    { code: 'match', title: 'Use a known patient for a visit', autonomy: 'acts', approver: 'front_desk' },
    { code: 'merge', title: 'Make two patients one', autonomy: 'asks', approver: 'front_desk' },
  ],
  input: admissionRequest,
  async run(request, context) {
    const encounter = await stored(context, request.encounter);
    const about = request.subject ?? localReference(encounter?.['subject']);
    const current = await stored(context, about);
    const admitted = await admit(request, context, current);
    if (admitted === undefined) return answer(request, await unidentified(request, context));
    const duplicates =
      admitted.waits === undefined && admitted.outcome !== 'matched'
        ? await askAboutDuplicates(context, admitted.subject)
        : [];
    return answer(request, {
      ...(await given(request, context, admitted.subject)),
      ...admitted,
      duplicates,
    });
  },
};

async function stored({ fhir }: AgentContext, reference: string | undefined): Promise<Resource | undefined> {
  if (reference === undefined) return undefined;
  const found = await fhir.follow(reference);
  if (found !== undefined) return found;
  throw fhirError(404, 'not-found', `There is no ${reference}`, 'http.path');
}

/** @returns undefined when nothing is known of the person, and there is no temporary Patient either */
async function admit(
  { demographics }: AdmissionRequest,
  context: AgentContext,
  current: Resource | undefined,
): Promise<Admitted | undefined> {
  const { fhir, step, idFor } = context;
  const own = current && `Patient/${String(current['id'])}`;
  if (current !== undefined && own !== undefined) {
    // What an earlier try of this run has done.
    const other = replacedBy(current);
    if (other !== undefined) return { subject: other, outcome: 'matched' };
    if (!isTemporary(current)) return { subject: own, outcome: 'known' };
  }
  if (demographics === undefined || !isTelling(demographics))
    return own === undefined ? undefined : { subject: own, outcome: 'not-identified' };
  const found = await step('match', demographics, () => matchesOf(fhir, withoutId(demographics)));
  const others = found.filter(({ reference }) => reference !== own);
  const [best, second] = others;
  const isCertain = best?.grade === 'certain' && (second === undefined || second.grade === 'possible');
  if (best !== undefined && isCertain) {
    if (current === undefined) return { subject: best.reference, outcome: 'matched', match: best };
    const bundle = await moveTransaction(fhir, current, best.reference, false);
    const outcome = await context.act('match', duplicateReason(best, own as string), bundle, own);
    if (outcome.done) return { subject: best.reference, outcome: 'matched', match: best };
    return { subject: own as string, outcome: 'not-identified', match: best, waits: outcome.task };
  }
  if (current !== undefined && own !== undefined) {
    await step('register', { patient: own }, () =>
      fhir.update(registered(current, demographics), versionOf(current)),
    );
    return { subject: own, outcome: 'registered' };
  }
  const id = idFor('patient');
  const known = await fhir.read('Patient', id);
  if (known === undefined)
    await step('register', { patient: `Patient/${id}` }, () =>
      fhir.update({ ...withoutId(demographics), id, active: true }),
    );
  return { subject: `Patient/${id}`, outcome: 'registered' };
}

function withoutId({ id: _id, meta: _meta, ...rest }: Resource): Resource {
  return { ...rest, resourceType: 'Patient' };
}

const versionOf = (resource: Resource): string =>
  String(isObject(resource['meta']) ? resource['meta']['versionId'] : '');

/** Asks the front desk about each Patient that is probably the same person. @returns the Tasks */
async function askAboutDuplicates(context: AgentContext, subject: string): Promise<string[]> {
  const { fhir, step } = context;
  const patient = await fhir.follow(subject);
  if (patient === undefined || !isTelling(patient)) return [];
  const found = await step('duplicates', { patient: subject }, () => matchesOf(fhir, patient));
  const probable = found.filter(({ grade }) => grade !== 'possible').slice(0, MOST_ASKED);
  const asked: string[] = [];
  const open = probable.length === 0 ? [] : await openQuestions(context, subject);
  for (const one of probable) {
    const reason = duplicateReason(one, subject);
    const same = open.find(
      ({ reasonCode }) => isObject(reasonCode) && String(reasonCode['text']).includes(one.reference),
    );
    if (same !== undefined) {
      asked.push(`Task/${String(same['id'])}`);
      continue;
    }
    const bundle = await moveTransaction(fhir, patient, one.reference, true);
    const outcome = await context.act('merge', reason, bundle, subject);
    if (!outcome.done) asked.push(outcome.task);
    // Where a tenant lets it act, there is one Patient now.
    else break;
  }
  return asked;
}

/** What the front desk was asked about this Patient before, and has not answered. */
function openQuestions({ fhir }: AgentContext, subject: string): Promise<Resource[]> {
  return fhir.search('Task', [
    ['patient', subject],
    ['code', `${AGENT_ACTION}|admission.merge`],
    ['status', 'requested'],
  ]);
}

/** Nobody can say who it is: the front desk is asked. */
async function unidentified(request: AdmissionRequest, context: AgentContext): Promise<Answer> {
  const { fhir, idFor, now } = context;
  const id = idFor('identify');
  const task = await fhir.read('Task', id);
  const said = objectsOf(task?.['output'])
    .map(({ valueReference }) => localReference(valueReference))
    .find((reference) => reference?.startsWith('Patient/'));
  if (said !== undefined && task?.['status'] === 'completed')
    return { subject: said, outcome: 'known', duplicates: [] };
  if (task === undefined) {
    await fhir.update({
      resourceType: 'Task',
      id,
      status: 'requested',
      intent: 'order',
      priority: 'urgent',
      code: { ...concept(TASK_CODE, 'identify', TASK_CODES.identify) },
      description: 'Nobody has said who the patient is. Complete this with the Patient as an output.',
      ...(request.encounter === undefined ? {} : { encounter: { reference: request.encounter } }),
      ...(request.task === undefined ? {} : { partOf: [{ reference: request.task }] }),
      authoredOn: now().toISOString(),
      performerType: [{ coding: [{ system: ROLE_SYSTEM, code: 'front_desk' }] }],
    });
  } else if (task['status'] !== 'requested') {
    throw fhirError(
      422,
      'business-rule',
      'The front desk could not say who the patient is',
      'admission.patient',
    );
  }
  return { subject: undefined, outcome: 'not-identified', waits: `Task/${id}`, duplicates: [] };
}

/** Coverage and document as they were given, for the person that was found. */
async function given(
  { coverage, document }: AdmissionRequest,
  { fhir, idFor, step }: AgentContext,
  subject: string,
): Promise<Pick<Answer, 'coverage' | 'document'>> {
  const made: { coverage?: string; document?: string } = {};
  if (coverage !== undefined) {
    const id = idFor('coverage');
    await step('coverage', { patient: subject }, () =>
      fhir.update({ ...coverage, id, beneficiary: { reference: subject } }),
    );
    made.coverage = `Coverage/${id}`;
  }
  if (document !== undefined) {
    const id = idFor('document');
    await step('document', { patient: subject }, () =>
      fhir.update({ ...document, id, subject: { reference: subject } }),
    );
    made.document = `DocumentReference/${id}`;
  }
  return made;
}

/** What is told. */
interface Answer extends Omit<Admitted, 'subject'> {
  readonly subject: string | undefined;
  readonly duplicates: readonly string[];
  readonly coverage?: string;
  readonly document?: string;
}

function answer({ asker }: AdmissionRequest, told: Answer): unknown {
  const parts: [AdmissionOutput, JsonObject][] = [['outcome', { valueCode: told.outcome }]];
  const refer = (code: AdmissionOutput, reference: string | undefined) => {
    if (reference !== undefined) parts.push([code, { valueReference: { reference } }]);
  };
  refer('patient', told.subject);
  refer('coverage', told.coverage);
  refer('document', told.document);
  for (const task of told.duplicates) refer('duplicate', task);
  if (told.match !== undefined) parts.push(['score', { valueDecimal: told.match.score }]);
  if (told.subject === undefined) refer('identify', told.waits);
  if (asker === 'operation')
    return {
      resourceType: 'Parameters',
      parameter: parts.map(([name, value]): JsonObject => ({ name, ...value })),
    };
  const outputs = parts.map(
    ([code, value]): JsonObject => ({
      type: concept(ADMISSION_OUTPUT, code, ADMISSION_OUTPUTS[code]),
      ...value,
    }),
  );
  return {
    outputs,
    ...(told.subject === undefined ? {} : { subject: told.subject }),
    ...(told.waits === undefined ? {} : { waits: told.waits }),
  } satisfies StepOutput;
}
