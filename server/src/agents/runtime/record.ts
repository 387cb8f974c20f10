import { createHash } from 'node:crypto';
import type { Tenant } from '../../access/scope.ts';
import type { AuditInput } from '../../audit/entry.ts';
import { outcomeOf } from '../../audit/entry.ts';
import { patientsIn } from '../../audit/patients.ts';
import { FhirError } from '../../fhir/outcome.ts';

/** Where runs and their steps are recorded: the audit log, or AuditEvent resources where there is none. */
export type RecordEvent = (tenant: Tenant, event: AuditInput) => Promise<void>;

/** A run or step that has ended. */
export interface EndedStep {
  readonly kind: 'agent-run' | 'agent-step';
  readonly agent: string;
  readonly version: string;
  readonly runId: string;
  /** Of a step: which one it is and what it lies in. */
  readonly step?: { readonly id: string; readonly name: string; readonly parent: string | undefined };
  readonly input: unknown;
  readonly output: unknown;
  readonly error: unknown;
  readonly started: number;
  readonly milliseconds: number;
  /** What else there is to say: the model that was asked, its tokens. */
  readonly detail?: Readonly<Record<string, string>>;
}

/** Who it was, for whom. */
export interface Actor {
  /** `Device/id` of the agent. */
  readonly device: string;
  readonly subject: string;
  readonly purpose: string | undefined;
}

/** Longest excerpt of inputs and outputs, in characters. */
const EXCERPT = 2000;

/** The audit event of a run or step: what went in and came out as bounded excerpts with digests of the whole. */
export function stepEvent(ended: EndedStep, actor: Actor): AuditInput {
  const { step, error } = ended;
  const input = textOf(ended.input);
  const output = error === undefined ? textOf(ended.output) : '';
  const patients = [...new Set([...patientsOf(input), ...patientsOf(output)])];
  const status = error === undefined ? 200 : error instanceof FhirError ? error.status : 500;
  return {
    kind: ended.kind,
    time: Math.round(ended.started),
    outcome: outcomeOf(status),
    status,
    agent: actor.subject,
    client: actor.device,
    ...(actor.purpose === undefined ? {} : { purpose: actor.purpose }),
    request: ended.runId,
    ...(ended.kind === 'agent-run' ? aboutOf(input, output) : {}),
    ...(patients.length === 0 ? {} : { patients }),
    detail: {
      agent: ended.agent,
      version: ended.version,
      run: ended.runId,
      ...(step === undefined ? {} : { step: step.id, name: step.name }),
      ...(step?.parent === undefined ? {} : { parent: step.parent }),
      milliseconds: String(Math.round(ended.milliseconds)),
      ...described('input', input),
      ...described('output', output),
      ...(error === undefined ? {} : { reason: reasonOf(error) }),
      ...ended.detail,
    },
  };
}

/** What a client would be told of an error; nothing of one that is ours. */
function reasonOf(error: unknown): string {
  return error instanceof FhirError ? error.message.slice(0, EXCERPT) : 'An error of the program';
}

function described(name: string, text: string): Record<string, string> {
  if (text === '') return {};
  const digest = createHash('sha256').update(text).digest('hex');
  return {
    [name]: text.length <= EXCERPT ? text : `${text.slice(0, EXCERPT).toWellFormed()}…`,
    [`${name}-sha256`]: digest,
  };
}

/** As JSON; empty for nothing. */
function textOf(value: unknown): string {
  return value === undefined ? '' : (JSON.stringify(value) ?? '');
}

/** Of every Patient, of references to one, and of what is a text alone. */
function patientsOf(text: string): string[] {
  if (text === '') return [];
  const alone = [...text.matchAll(/"Patient\/([A-Za-z0-9\-.]{1,64})"/g)].map(([, id]) => id as string);
  return [...patientsIn(text), ...alone];
}

const ABOUT = 'Task|Encounter|RequestGroup|Appointment|Communication|CommunicationRequest';
const MENTIONS = new RegExp(
  String.raw`"(${ABOUT})\/([A-Za-z0-9\-.]{1,64})"|"resourceType":"(${ABOUT})","id":"([A-Za-z0-9\-.]{1,64})"`,
  'g',
);
/** Most things that a run is found by. */
const MOST_ABOUT = 30;

/** What a run is about, by what goes in and comes out. */
function aboutOf(...texts: readonly string[]): { about?: readonly string[] } {
  const found = new Set<string>();
  for (const text of texts) {
    for (const [, type, id, ownType, ownId] of text.matchAll(MENTIONS)) {
      if (found.size < MOST_ABOUT) found.add(`${type ?? ownType}/${id ?? ownId}`);
    }
  }
  return found.size === 0 ? {} : { about: [...found] };
}
