import { fhirError } from '../../fhir/outcome.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import type { StepOutput } from '../../workflows/step.ts';
import type { AgentContext, AgentDefinition } from '../agent.ts';
import { collect, type Section } from './collect.ts';
import { compositionOf } from './composition.ts';
import { documentOf, personName } from './document.ts';
import { type RecordsRequest, recordsRequest } from './request.ts';
import { SECTIONS } from './sections.ts';
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
    { types: [...READ, 'Patient', 'Medication', 'Device'], interactions: ['read', 'search-type'] },
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
        const what = found.length === 0 ? 'no Patient' : 'more than one Patient';
        throw fhirError(
          found.length === 0 ? 404 : 412,
          'not-found',
          `There is ${what} with this identifier`,
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

function collected({ fhir, step }: AgentContext, patient: string): Promise<Section[]> {
  let sections: Section[] = [];
  // What is read is in the audit log already; the record of the run tells how much of it.
  return step('collect', { patient }, async () => {
    sections = await collect(fhir, patient);
    return countsOf(sections);
  }).then(() => sections);
}

function countsOf(sections: readonly Section[]): JsonObject {
  return Object.fromEntries(
    sections.map(({ plan, rows, isWithheld }) => [plan.name, isWithheld ? 'withheld' : rows.length]),
  );
}

async function summary(patient: Resource, context: AgentContext): Promise<Resource> {
  const { fhir, baseUrl, now, idFor } = context;
  const author = await own(context);
  const sections = await collected(context, `Patient/${String(patient['id'])}`);
  return documentOf(sections, { fhir, baseUrl, patient, author, now: now(), idFor });
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
  const sections = await collected(context, patient);
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

/** A card with what one should know when a chart is opened; none where nothing of the record is open. */
async function hook(reference: string, context: AgentContext): Promise<JsonObject> {
  const patient = await context.fhir.follow(reference).catch(() => undefined);
  if (patient === undefined) return { cards: [] };
  const sections = await collected(context, reference);
  const rows = (name: string) => sections.find(({ plan }) => plan.name === name)?.rows ?? [];
  const told = (['allergies', 'problems', 'medications'] as const).map((name) => ({
    name,
    rows: rows(name),
  }));
  if (told.every((one) => one.rows.length === 0)) return { cards: [] };
  const detail = told
    .filter((one) => one.rows.length > 0)
    .map(({ name, rows: own }) => {
      const plan = SECTIONS.find((one) => one.name === name);
      const lines = own
        .slice(0, 10)
        .map(({ cells }) => `- ${markdown([...new Set(cells.filter(Boolean))].join(', '))}`);
      const more = own.length > 10 ? [`- and ${own.length - 10} more`] : [];
      return [`**${plan?.title}**`, '', ...lines, ...more].join('\n');
    })
    .join('\n\n');
  const counts = told.map(({ name, rows: own }) => `${own.length} ${name}`).join(', ');
  const isRisk = rows('allergies').some(({ resource }) => resource['criticality'] === 'high');
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
