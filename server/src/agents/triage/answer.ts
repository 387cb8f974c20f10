import type { JsonObject, Resource } from '../../json/types.ts';
import type { StepOutput } from '../../workflows/step.ts';
import type { Asker } from './request.ts';
import { esiConcept, type Triage, type Written } from './resources.ts';
import { complaintOf } from './rules/complaints.ts';
import { TRIAGE_OUTPUT } from './terms.ts';

/** What another agent is answered. */
export interface TriageAnswer {
  /** Level of the Emergency Severity Index, 1 to 5. */
  readonly level: number;
  readonly reasons: readonly string[];
  readonly redFlags: readonly string[];
  /** Displays of what was recognised. */
  readonly complaints: readonly string[];
  /** References of what was written. */
  readonly written?: Written;
}

/** The agent's output, in the form that its asker takes. @param places undefined where nothing was written */
export function answerOf(
  asker: Asker,
  triage: Triage,
  places: Written | undefined,
): StepOutput | Resource | TriageAnswer {
  if (asker === 'step' && places !== undefined) return stepOutput(triage, places);
  if (asker === 'operation') return parameters(triage, places);
  const { level, reasons, redFlags } = triage.assessment;
  return {
    level,
    reasons,
    redFlags: redFlags.map(({ text }) => text),
    complaints: [...triage.facts.complaints].map((code) => complaintOf(code).display),
    ...(places === undefined ? {} : { written: places }),
  };
}

function stepOutput({ assessment }: Triage, { subject, encounter, assessment: own }: Written): StepOutput {
  const output = (code: string, value: JsonObject): JsonObject => ({
    type: { coding: [{ system: TRIAGE_OUTPUT, code }], text: code },
    ...value,
  });
  const { coding } = esiConcept(assessment.level) as { coding: JsonObject[] };
  return {
    subject,
    encounter,
    outputs: [
      output('level', { valueCoding: coding[0] as JsonObject }),
      output('assessment', { valueReference: { reference: own } }),
      output('encounter', { valueReference: { reference: encounter } }),
      ...assessment.redFlags.map(({ text }) => output('red-flag', { valueString: text })),
      ...(assessment.news2 === undefined ? [] : [output('news2', { valueInteger: assessment.news2.score })]),
    ],
  };
}

function parameters({ assessment, facts }: Triage, places: Written | undefined): Resource {
  const { level, reasons, redFlags, news2 } = assessment;
  const { coding } = esiConcept(level) as { coding: JsonObject[] };
  const reference = (name: string, to: string): JsonObject => ({ name, valueReference: { reference: to } });
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'level', valueCoding: coding[0] as JsonObject },
      ...(places === undefined
        ? []
        : [
            reference('encounter', places.encounter),
            reference('subject', places.subject),
            reference('assessment', places.assessment),
          ]),
      ...reasons.map((valueString) => ({ name: 'reason', valueString })),
      ...redFlags.map(({ text, source }) => ({
        name: 'red-flag',
        part: [
          { name: 'text', valueString: text },
          { name: 'source', valueString: source },
        ],
      })),
      ...[...facts.complaints].map((code) => ({ name: 'complaint', valueString: complaintOf(code).display })),
      ...(news2 === undefined ? [] : [{ name: 'news2', valueInteger: news2.score }]),
    ],
  };
}
