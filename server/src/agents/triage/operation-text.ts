import { answered, given, type OperationText } from '../../fhir/vesta-definitions/parameter.ts';

/** What the OperationDefinition of $triage says. */
export const TRIAGE_TEXT: OperationText = {
  title: 'Triage an emergency',
  description:
    'Reads what somebody comes with, from words or a form, finds red flags, and proposes the level of the Emergency Severity Index (v4) with reasons. It writes the Encounter, the vital signs as Observations, NEWS2 and a RiskAssessment in one transaction; where nobody is known a temporary Patient. On an Encounter the triage is of that one.',
  parameters: [
    given(
      'text',
      '0..1',
      'string',
      'What is told: complaint, age, vital signs. Needed where there is no response.',
    ),
    given('response', '0..1', 'QuestionnaireResponse', 'An intake form that was filled in.'),
    given('patient', '0..1', 'Patient', 'Demographics as they were given.'),
    given('subject', '0..1', 'Reference', 'The Patient, where it is known who it is.'),
    given('encounter', '0..1', 'Reference', 'The Encounter, where there is one.'),
    given('assess-only', '0..1', 'boolean', 'Nothing is written; false by default.'),
    answered('level', '1..1', 'Coding', 'The level, 1 to 5.'),
    answered('encounter', '0..1', 'Reference', 'The Encounter on the board.'),
    answered('subject', '0..1', 'Reference', 'The Patient, temporary or not.'),
    answered('assessment', '0..1', 'Reference', 'The RiskAssessment.'),
    answered('reason', '1..*', 'string', 'Why it is this level.'),
    answered(
      'red-flag',
      '0..*',
      [
        answered('text', '1..1', 'string', 'What must not be overlooked.'),
        answered('source', '1..1', 'string', 'Where it is published.'),
      ],
      'A red flag.',
    ),
    answered('complaint', '0..*', 'string', 'A complaint that was recognised.'),
    answered('news2', '0..1', 'integer', 'The National Early Warning Score 2, of what was measured.'),
  ],
};
