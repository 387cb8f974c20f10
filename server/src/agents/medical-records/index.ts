import { fhirError } from '../../fhir/outcome.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import type { StepOutput } from '../../workflows/step.ts';
import type { AgentContext, AgentDefinition } from '../agent.ts';
import { type Collected, collect, type Section } from './collect.ts';
import { compositionOf } from './composition.ts';
import { BESIDE, documentOf, personName } from './document.ts';
import { type RecordsRequest, recordsRequest } from './request.ts';
import { SECTIONS, type SectionPlan } from './sections.ts';
import { RECORDS_OUTPUT, RECORDS_SYSTEM } from './terms.ts';

const READ = [...new Set(SECTIONS.flatMap(({ sources }) => sources.map(({ type }) => type)))];

/**
 * Puts what the record says of a patient onto one page, each line with the resource that says it. As an operation it is
 * the International Patient Summary (http://hl7.org/fhir/uv/ips/OperationDefinition/summary) as a document; in a workflow
 * it keeps the page as a Composition; when a chart is opened it is a card.
 */
export const medicalRecords: AgentDefinition<RecordsRequest, unknown> = {
  name: 'medical-records',
  title: 'Medical records',
  version: '1.0.0',
  description:
    'Puts allergies, medicines, problems, last results, vaccinations and visits of a patient onto one page with sources.',
  wakes: [
    { kind: 'step', code: 'medical_records' },
    {
      kind: 'operation',
      name: 'summary',
      types: ['Patient'],
      levels: ['type', 'instance'],
      safe: true,
      definition: 'http://hl7.org/fhir/uv/ips/OperationDefinition/summary',
    },
    {
      kind: 'hook',
      hook: 'patient-view',
      id: 'medical-records-summary',
      prefetch: { patient: 'Patient/{{context.patientId}}' },
    },
    { kind: 'conversation', intents: ['record'] },
  ],
  grants: [
    { types: [...new Set([...READ, ...BESIDE, 'Patient'])], interactions: ['read', 'search-type'] },
    { types: ['Composition'], interactions: ['read', 'create', 'update', 'transaction'] },
  ],
  timeout: 30_000,
  actions: [],
  input: recordsRequest,
  async run(request, context) {
    switch (request.kind) {
      case 'step':
        return step(request, context);
      case 'hook':
        return hook(request.patient, context);
      case 'summary':
        return summary(await patientOf(context, request.patient), context);
      case 'summary-of': {
        const found = await context.fhir.search('Patient', [
          ['identifier', request.identifier],
          ['_count', '2'],
        ]);
        if (found.length === 1) return summary(found[0] as Resource, context);
        const isNone = found.length === 0;
        throw fhirError(
          isNone ? 404 : 412,
          isNone ? 'not-found' : 'multiple-matches',
          `There is ${isNone ? 'no Patient' : 'more than one Patient'} with this identifier`,
          'Parameters.parameter:identifier',
        );
      }
    }
  },
};

async function patientOf({ fhir }: AgentContext, reference: string): Promise<Resource> {
  const found = await fhir.follow(reference);
  if (found !== undefined) return found;
  throw fhirError(404, 'not-found', `There is no ${reference}`, 'http.path');
}

function collected(
  { fhir, step }: AgentContext,
  patient: string,
  plans: readonly SectionPlan[] = SECTIONS,
): Promise<Collected> {
  let page: Collected = { sections: [], linked: new Map() };
  // What is read is in the audit log already; the record of the run tells how much of it.
  return step('collect', { patient }, async () => {
    page = await collect(fhir, patient, plans);
    return countsOf(page.sections);
  }).then(() => page);
}

function countsOf(sections: readonly Section[]): JsonObject {
  return Object.fromEntries(
    sections.map(({ plan, rows, isWithheld }) => [plan.name, isWithheld ? 'withheld' : rows.length]),
  );
}

async function summary(patient: Resource, context: AgentContext): Promise<Resource> {
  const { fhir, baseUrl, now, idFor } = context;
  const author = await own(context);
  const page = await collected(context, `Patient/${String(patient['id'])}`);
  return documentOf(page, { fhir, baseUrl, patient, author, now: now(), idFor });
}

/** The Device that the agent is. Who may not see Devices is shown its name alone. */
async function own({ fhir, scope }: AgentContext): Promise<Resource> {
  const reference = String(scope.client);
  const found = await fhir.follow(reference).catch(() => undefined);
  return (
    found ?? {
      resourceType: 'Device',
      id: reference.slice('Device/'.length),
      deviceName: [{ name: medicalRecords.title, type: 'user-friendly-name' }],
    }
  );
}

async function step(
  { patient, encounter }: Extract<RecordsRequest, { kind: 'step' }>,
  context: AgentContext,
): Promise<StepOutput> {
  // A workflow about nobody has no record.
  if (patient === undefined) return { outputs: [] };
  const { fhir, idFor, now, scope } = context;
  const { sections } = await collected(context, patient);
  const id = idFor('composition');
  const known = await fhir.read('Composition', id);
  if (known === undefined) {
    const subjectName = personName(await patientOf(context, patient));
    const author = String(scope.client);
    await fhir.update(
      compositionOf(sections, { id, subject: patient, subjectName, author, encounter, now: now() }),
    );
  }
  const output = (code: string, value: JsonObject): JsonObject => ({
    type: { coding: [{ system: RECORDS_OUTPUT, code }], text: code },
    ...value,
  });
  return {
    outputs: [
      output('summary', { valueReference: { reference: `Composition/${id}` } }),
      ...['allergies', 'medications', 'problems'].map((name) =>
        output(name, { valueInteger: sections.find(({ plan }) => plan.name === name)?.rows.length ?? 0 }),
      ),
    ],
  };
}

/** Sections of the card. */
const TOLD = ['allergies', 'problems', 'medications'];

/**
 * A card with what one should know when a chart is opened; none where nothing of that is recorded.
 * @throws FhirError 403 or 404 where the record is closed to the caller, or not there
 */
async function hook(reference: string, context: AgentContext): Promise<JsonObject> {
  await patientOf(context, reference);
  const { sections } = await collected(
    context,
    reference,
    TOLD.flatMap((name) => SECTIONS.filter((plan) => plan.name === name)),
  );
  const told = sections.filter(({ rows }) => rows.length > 0);
  if (told.length === 0) return { cards: [] };
  const detail = told
    .map(({ plan, rows }) => {
      const lines = rows
        .slice(0, 10)
        .map(({ cells }) => `- ${markdown([...new Set(cells.filter(Boolean))].join(', '))}`);
      const more = rows.length > 10 ? [`- and ${rows.length - 10} more`] : [];
      return [`**${plan.title}**`, '', ...lines, ...more].join('\n');
    })
    .join('\n\n');
  const counts = sections.map(({ plan, rows }) => `${rows.length} ${plan.name}`).join(', ');
  const isRisk = sections.some(({ plan, rows }) =>
    rows.some(({ resource }) => plan.name === 'allergies' && resource['criticality'] === 'high'),
  );
  const card: JsonObject = {
    uuid: context.idFor('card'),
    summary: `Summary: ${counts}`,
    detail,
    indicator: isRisk ? 'warning' : 'info',
    source: {
      label: 'Vesta medical records',
      topic: { system: RECORDS_SYSTEM, code: 'summary', display: 'Patient summary' },
    },
  };
  return { cards: [card as JsonValue] };
}

/** Text in which nothing is Markdown. */
function markdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+!|<>~]/g, '\\$&').replace(/\s+/g, ' ');
}
