import { CATEGORY, MESSAGE } from '../../communication/terms.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { StepInput, StepOutput } from '../../workflows/step.ts';
import type { AgentContext } from '../agent.ts';
import { idOf } from '../runtime/run-ids.ts';
import type { CommunicationDesk } from './desk.ts';
import { putDownFor } from './put-down.ts';
import type { MessageKind } from './strings/index.ts';

/** Most people of a family that are looked at. */
const MOST_FAMILY = 50;
const OUTPUT = 'https://vesta.health/fhir/CodeSystem/workflow-output';

/**
 * The step `communication` of a workflow. In an emergency the family is told, as far as the patient's consents allow it; in
 * other workflows the patient is told that there is news. Making it twice makes one request.
 */
export async function notifyStep(
  context: AgentContext,
  desk: CommunicationDesk,
  step: StepInput,
): Promise<StepOutput> {
  const { fhir } = context;
  const { subject, group } = step;
  if (subject === undefined)
    return { outputs: [told('Nobody was told: it is not known who the patient is')] };
  const isEmergency = JSON.stringify(group['instantiatesCanonical'] ?? []).includes(
    '/PlanDefinition/emergency',
  );
  const recipients = isEmergency ? await familyOf(context, subject) : [subject];
  if (recipients.length === 0)
    return { outputs: [told('Nobody was told: no family of the patient is known')] };
  const request = await fhir.create(
    requestOf(context, step, subject, recipients, isEmergency ? 'emergency-family' : 'visit-news'),
    `identifier=${STEP_IDENTIFIER}|${stepValue(step)}`,
  );
  await putDownFor(context, desk, request);
  const reference = `CommunicationRequest/${String(request['id'])}`;
  const summary = isEmergency
    ? `Of ${recipients.length} of the family those are told whom the patient's consents let be told`
    : 'The patient is told';
  return {
    outputs: [{ type: outputType('communication-request'), valueReference: { reference } }, told(summary)],
  };
}

const STEP_IDENTIFIER = 'https://vesta.health/fhir/identifier/workflow-communication';

const stepValue = ({ group }: StepInput): string => idOf('workflow-communication', String(group['id']));

/** The family of a patient. Whether they may be told is decided when they are, by what consents say then. */
async function familyOf({ fhir }: AgentContext, patient: string): Promise<string[]> {
  const family = await fhir.searchAll(
    'RelatedPerson',
    [
      ['patient', patient],
      ['_count', '50'],
    ],
    MOST_FAMILY,
  );
  return family.map(({ id }) => `RelatedPerson/${String(id)}`);
}

function requestOf(
  { now }: AgentContext,
  step: StepInput,
  subject: string,
  recipients: readonly string[],
  kind: MessageKind,
): Resource {
  const { encounter, task } = step;
  return {
    resourceType: 'CommunicationRequest',
    identifier: [{ system: STEP_IDENTIFIER, value: stepValue(step) }],
    status: 'active',
    category: [{ coding: [{ system: CATEGORY, code: 'notification' }] }],
    priority: kind === 'emergency-family' ? 'urgent' : 'routine',
    subject: { reference: subject },
    ...(encounter === undefined ? {} : { encounter: { reference: encounter } }),
    about: [{ reference: `Task/${String(task['id'])}` }],
    authoredOn: now().toISOString(),
    recipient: recipients.map((reference) => ({ reference })),
    reasonCode: [{ coding: [{ system: MESSAGE, code: kind }] }],
  };
}

const outputType = (code: string): JsonObject => ({ coding: [{ system: OUTPUT, code }] });
const told = (text: string): JsonObject => ({ type: outputType('summary'), valueString: text });
