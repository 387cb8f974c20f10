import { DEFAULT_POLICIES } from '../../access/policies/index.ts';
import { ADMISSION_OUTPUTS } from '../../agents/admission/terms.ts';
import { LANGUAGES } from '../../agents/communication/strings/index.ts';
import { TASK_TEXTS } from '../../agents/communication/task-texts.ts';
import { RECORDS_OUTPUTS } from '../../agents/medical-records/terms.ts';
import { COMPLAINTS } from '../../agents/triage/rules/complaints.ts';
import { ESI_LEVELS, TRIAGE_OUTPUTS } from '../../agents/triage/terms.ts';
import { KINDS, type Kind, VESTA_EVENT } from '../../audit/kinds.ts';
import { OVERRIDE_REASON_CODES } from '../../cds/override-reasons.ts';
import { FEEDBACK_KIND } from '../../cds/terms.ts';
import { type Channel, CONSENT_SCOPE_CODE, PUSH_DEVICE } from '../../communication/terms.ts';
import type { Resource } from '../../json/types.ts';
import { VISIT_MESSAGES } from '../../scheduling/message-texts.ts';
import { STEP_CODES, STEP_STATES, TASK_CODES } from '../../workflows/terms.ts';
import { definition, pascalCase } from './common.ts';

const MESSAGE_KINDS = Object.entries(LANGUAGES.en.messages).map(([code, { subject }]) => ({
  code,
  display: subject,
}));
const MEDIA = [
  { code: 'push', display: 'Push message in a browser' },
  { code: 'whatsapp', display: 'WhatsApp' },
  { code: 'sms', display: 'SMS' },
  { code: 'email', display: 'E-mail' },
  { code: 'log', display: 'In the record only, where apps show it' },
] as const satisfies readonly { readonly code: Channel; readonly display: string }[];

interface Concept {
  readonly code: string;
  readonly display: string;
}

/** The code systems (R4 codesystem.html) that Vesta's resources use where no standard one has the words. */
export function codeSystems(): Resource[] {
  const roles = [...DEFAULT_POLICIES.values()].map(({ role, title }) => ({ code: role, display: title }));
  const events = Object.values<Kind>(KINDS)
    .flatMap(({ subtype }) => subtype)
    .filter(({ system }) => system === VESTA_EVENT)
    .map(({ code, display }) => ({ code, display }));
  return [
    codeSystem('role', 'Roles', 'What the people and clients of a tenant may be.', roles),
    codeSystem(
      'audit-event',
      'Events of the audit log',
      'Kinds of events for which DICOM, IHE and FHIR have no code.',
      events,
    ),
    codeSystem('sensitivity', 'Sensitivities', 'Sensitivities for which v3 ActCode has no code.', [
      { code: 'legal', display: 'legal proceedings' },
    ]),
    codeSystem(
      'visit-message',
      'Messages of visits',
      'What patients are told of their visits.',
      VISIT_MESSAGES,
    ),
    codeSystem('communication-category', 'Categories of Communications', 'What Communications are about.', [
      { code: 'break-glass', display: 'Break the glass' },
      { code: 'chat', display: 'Conversation with a patient' },
    ]),
    codeSystem('message', 'Messages', 'Messages to people that have texts of their own.', MESSAGE_KINDS),
    codeSystem('communication-medium', 'Media', 'By what messages reach people.', MEDIA),
    codeSystem('consent-scope', 'Scopes of Consents', 'What a Consent is about that bears on no access.', [
      { code: CONSENT_SCOPE_CODE, display: 'What a person refuses to be sent' },
    ]),
    codeSystem('device-type', 'Types of Devices', 'Devices for which SNOMED CT has no code.', [
      { code: PUSH_DEVICE, display: 'Place of push messages' },
    ]),
    codeSystem(
      'workflow-output',
      'Outputs of steps',
      'What the steps of workflows that tell people come to.',
      [
        { code: 'communication-request', display: 'What is told to whom' },
        { code: 'summary', display: 'Summary' },
      ],
    ),
    codeSystem('task', 'Work for people', 'What staff are asked to do where no standard code says it.', [
      { code: 'conversation', display: 'Answer a patient in a conversation' },
      ...Object.entries(TASK_TEXTS).map(([code, display]) => ({ code, display })),
      ...concepts(TASK_CODES),
    ]),
    codeSystem(
      'conversation-handling',
      'Handling of messages',
      'By what a message of a conversation is answered.',
      [{ code: 'operation', display: 'By the operation that it was sent with' }],
    ),
    codeSystem('library-topic', 'Topics of Libraries', 'What a Library is for.', [
      { code: 'faq', display: 'Answer to a question that people ask' },
    ]),
    codeSystem(
      'cds-override-reason',
      'Reasons to override guidance',
      'Why people override the guidance of decision support.',
      concepts(OVERRIDE_REASON_CODES),
    ),
    codeSystem('cds-hooks', 'Records of CDS Hooks', 'What a Basic resource of CDS Hooks is.', [
      FEEDBACK_KIND,
    ]),
    codeSystem(
      'admission-output',
      'Outcomes of admission',
      'What admission comes to, in Task.output of its step.',
      concepts(ADMISSION_OUTPUTS),
    ),
    codeSystem(
      'medical-records-output',
      'Outcomes of the step that reads the record',
      'What reading the record comes to, in Task.output of its step.',
      concepts(RECORDS_OUTPUTS),
    ),
    codeSystem('medical-records-topic', 'Topics of cards', 'What cards of the medical records are about.', [
      { code: 'summary', display: 'Patient summary' },
    ]),
    codeSystem(
      'esi',
      'Levels of the Emergency Severity Index',
      'How urgent a case is in the emergency department, by ESI version 4 (AHRQ publication 12-0014).',
      ESI_LEVELS,
    ),
    codeSystem(
      'triage-complaint',
      'Complaints that triage knows',
      'What people come to the emergency department with, as far as the triage tells it apart.',
      Object.entries(COMPLAINTS).map(([code, { display }]) => ({ code, display })),
    ),
    codeSystem(
      'triage-output',
      'Outcomes of a triage',
      'What a triage comes to, in Task.output of its step.',
      concepts(TRIAGE_OUTPUTS),
    ),
    codeSystem(
      'workflow-step',
      'Steps of workflows',
      'What a step of a workflow is: by its code an agent is woken. A tenant may have codes of its own.',
      concepts(STEP_CODES),
    ),
    codeSystem(
      'workflow-step-state',
      'States of steps',
      'What Task.status does not say of a step of a workflow.',
      concepts(STEP_STATES),
    ),
  ];
}

const concepts = (displays: Readonly<Record<string, string>>): Concept[] =>
  Object.entries(displays).map(([code, display]) => ({ code, display }));

function codeSystem(id: string, title: string, description: string, concepts: readonly Concept[]): Resource {
  return {
    ...definition('CodeSystem', id, `Vesta${pascalCase(id)}`, title),
    description,
    caseSensitive: true,
    content: 'complete',
    count: concepts.length,
    concept: concepts.map(({ code, display }) => ({ code, display })),
  };
}
