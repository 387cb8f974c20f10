import { OPTION, STATE } from '../../agents/supervisor/terms.ts';
import { RED_FLAG } from '../../agents/triage/terms.ts';
import { FEEDBACK_EXTENSION } from '../../cds/terms.ts';
import { DELIVERY, PREFERRED_CHANNEL } from '../../communication/terms.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { FREE_TIME, HOLD_EXPIRES, VISIT_REMINDER, VISIT_TYPE, VISIT_WISH } from '../../scheduling/terms.ts';
import { ESCALATES_TO, INTAKE, PERFORMED_BY, PERFORMER_ROLE } from '../../workflows/terms.ts';
import { definition, pascalCase } from './common.ts';

/** An element of an extension: a value of one type, or parts. */
interface Shape {
  /** Of the value; none where there are parts. */
  readonly type?: string;
  readonly parts?: readonly Part[];
}

interface Part extends Shape {
  readonly name: string;
  readonly min: number;
  readonly max: string;
  readonly short: string;
}

const part = (name: string, cardinality: string, short: string, shape: Shape): Part => {
  const [min, max] = cardinality.split('..') as [string, string];
  return { name, min: Number(min), max, short, ...shape };
};

/** The extensions (R4 defining-extensions.html) that Vesta reads and writes. */
export function extensions(): Resource[] {
  return [
    extension(
      VISIT_TYPE,
      'Kind of visit',
      'A kind of visit that a service offers, with its duration and what else it needs. Durations are in s, min or h of UCUM.',
      ['HealthcareService'],
      {
        parts: [
          part('code', '0..1', "As the Appointment's serviceType or appointmentType tells it", {
            type: 'CodeableConcept',
          }),
          part('duration', '1..1', 'How long it takes, at most a day', { type: 'Duration' }),
          part('bufferBefore', '0..1', 'Time that is needed before', { type: 'Duration' }),
          part('bufferAfter', '0..1', 'Time that is needed after', { type: 'Duration' }),
          part('alignment', '0..1', 'Visits begin at multiples of this after the hour', { type: 'Duration' }),
          part('resource', '0..*', 'A group of places and devices, one of which is needed', RESOURCE),
        ],
      },
    ),
    extension(
      VISIT_WISH,
      'Wish for a visit',
      'What visit somebody waits for, in the parameters of Appointment/$find; its requestedPeriod says when.',
      ['Appointment'],
      {
        parts: [
          part('practitioner', '0..*', 'Practitioner or PractitionerRole', { type: 'Reference' }),
          part('organization', '0..*', 'Organization of the role', { type: 'Reference' }),
          part('location', '0..*', 'Where', { type: 'Reference' }),
          part('healthcare-service', '0..*', 'HealthcareService', { type: 'Reference' }),
          part('specialty', '0..*', 'Specialty of the role', { type: 'Coding' }),
          part('visit-type', '0..1', 'Kind of visit of the service', { type: 'Coding' }),
          part('time-of-day', '0..*', 'Between which times it begins, as hh:mm-hh:mm', { type: 'string' }),
          part('days-of-week', '0..*', 'On which days: mon to sun', { type: 'code' }),
          part('when-free', '1..1', 'book or offer: what becomes of a time that is free', { type: 'code' }),
          part('instead', '0..1', 'A booked Appointment whose place it takes', { type: 'Reference' }),
          part('offered', '0..*', 'Start of a time that was offered and not taken', { type: 'instant' }),
        ],
      },
    ),
    extension(
      DELIVERY,
      'Delivery',
      'By which way a Communication is sent, and how often that was tried.',
      ['Communication'],
      {
        parts: [
          part('channel', '1..1', 'Code of the code system communication-medium', { type: 'code' }),
          part('address', '0..1', 'Mail address or telephone number', { type: 'string' }),
          part('place', '1..1', 'Which of the ways to the recipient it is, from 0', { type: 'unsignedInt' }),
          part('tries', '1..1', 'How often it was tried', { type: 'unsignedInt' }),
        ],
      },
    ),
    extension(
      PREFERRED_CHANNEL,
      'Preferred channel',
      'By what a person wants to be written to: a code of communication-medium. The first of several comes first.',
      ['Patient', 'RelatedPerson', 'Practitioner'],
      { type: 'code' },
    ),
    extension(
      VISIT_REMINDER,
      'Reminder of visits',
      'How long before a visit its patient is reminded, in min, h or d of UCUM; 0 for never. A day where it is not stated.',
      ['HealthcareService'],
      { type: 'Duration' },
    ),
    extension(
      HOLD_EXPIRES,
      'End of a hold',
      'When the hold of a time ends that nobody has booked.',
      ['Slot', 'Appointment'],
      { type: 'instant' },
    ),
    extension(
      RED_FLAG,
      'Red flag',
      'What must not be overlooked in an emergency, in words.',
      ['RiskAssessment'],
      { type: 'string' },
    ),
    extension(
      OPTION,
      'Something to choose',
      'Something that the person who is written to can choose.',
      ['Communication'],
      {
        parts: [
          part('label', '1..1', 'What it is, for people', { type: 'string' }),
          part('value', '1..1', 'What is sent when it is chosen', { type: 'string' }),
          part('appointment', '0..1', 'The contained Appointment that is proposed', { type: 'Reference' }),
        ],
      },
    ),
    extension(
      STATE,
      'State of a conversation',
      'The contained Parameters that tell how far the conversation has come.',
      ['Communication'],
      { type: 'Reference' },
    ),
    extension(
      FREE_TIME,
      'Free time',
      'A free time that can be asked for in place of the one that was refused.',
      ['OperationOutcome.issue'],
      { type: 'Period' },
    ),
    extension(
      FEEDBACK_EXTENSION,
      'Feedback of CDS Hooks',
      'What became of a card of decision support (CDS Hooks 2.0, Feedback).',
      ['Basic'],
      {
        parts: [
          part('service', '1..1', 'Id of the CDS service that made the card', { type: 'string' }),
          part('client', '0..1', 'Issuer of the JWT of the EHR', { type: 'uri' }),
          part('card', '1..1', 'uuid of the card', { type: 'string' }),
          part('outcome', '1..1', 'accepted or overridden', { type: 'code' }),
          part('outcomeTimestamp', '1..1', 'When that was', { type: 'instant' }),
          part('acceptedSuggestion', '0..*', 'uuid of a suggestion', { type: 'string' }),
          part('overrideReason', '0..1', 'Why it was overridden', { type: 'Coding' }),
          part('userComment', '0..1', 'More about it', { type: 'string' }),
        ],
      },
    ),
    ...workflowExtensions(),
  ];
}

const WORKFLOW_ACTIONS = ['PlanDefinition.action', 'RequestGroup.action'];

/** What workflows say of themselves. */
function workflowExtensions(): Resource[] {
  return [
    extension(INTAKE, 'Intake', 'What a workflow was started with.', ['RequestGroup'], {
      parts: [
        part('text', '0..1', 'As it was typed or said', { type: 'string' }),
        part('response', '0..1', 'A QuestionnaireResponse, contained', { type: 'Reference' }),
        part('patient', '0..1', 'Demographics as they were given: a Patient, contained', {
          type: 'Reference',
        }),
        part('language', '0..1', 'Language of the intake', { type: 'code' }),
      ],
    }),
    extension(
      PERFORMER_ROLE,
      'Role that does a step',
      'Who does a step of a workflow where no agent does.',
      WORKFLOW_ACTIONS,
      { type: 'CodeableConcept' },
    ),
    extension(
      ESCALATES_TO,
      'Role that is told',
      'Which role is asked to look after a step of a workflow that is late or has failed; attending where it is not said.',
      WORKFLOW_ACTIONS,
      { type: 'CodeableConcept' },
    ),
    extension(
      PERFORMED_BY,
      'Agent or person',
      'Whether an agent (device) or a person does a step of a workflow that runs.',
      ['RequestGroup.action'],
      { type: 'code' },
    ),
  ];
}

const RESOURCE: Shape = { parts: [part('candidate', '1..*', 'One of the group', { type: 'Reference' })] };

function extension(
  url: string,
  title: string,
  description: string,
  context: readonly string[],
  shape: Shape,
): Resource {
  const id = url.slice(url.lastIndexOf('/') + 1);
  return {
    ...definition('StructureDefinition', id, pascalCase(id), title),
    description,
    fhirVersion: '4.0.1',
    kind: 'complex-type',
    abstract: false,
    context: context.map((expression) => ({ type: 'element', expression })),
    type: 'Extension',
    baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Extension',
    derivation: 'constraint',
    differential: {
      element: [
        { id: 'Extension', path: 'Extension', short: title, definition: description },
        ...elementsOf('Extension', 'Extension', url, shape),
      ],
    },
  };
}

function elementsOf(id: string, path: string, url: string, { type, parts }: Shape): JsonObject[] {
  const own: JsonObject = { id: `${id}.url`, path: `${path}.url`, fixedUri: url };
  const value = { id: `${id}.value[x]`, path: `${path}.value[x]` };
  const below = { id: `${id}.extension`, path: `${path}.extension` };
  if (parts === undefined)
    return [{ ...below, max: '0' }, own, { ...value, min: 1, type: [{ code: type as string }] }];
  return [
    ...parts.flatMap(({ name, min, max, short, ...shape }) => {
      const slice = { id: `${below.id}:${name}`, path: below.path };
      return [
        { ...slice, sliceName: name, short, min, max },
        ...elementsOf(slice.id, slice.path, name, shape),
      ];
    }),
    own,
    { ...value, max: '0' },
  ];
}
