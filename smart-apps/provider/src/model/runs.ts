import { type Bundle, ofType, type Resource } from './fhir.ts';

interface AuditEvent extends Resource {
  readonly recorded?: string;
  readonly outcome?: string;
  readonly outcomeDesc?: string;
  readonly subtype?: readonly { readonly code?: string }[];
  readonly entity?: readonly {
    readonly detail?: readonly { readonly type?: string; readonly valueString?: string }[];
  }[];
}

/** A step of an agent's run; steps may lie in one another. */
export interface RunStep {
  readonly id: string;
  readonly name: string;
  readonly started: string;
  readonly milliseconds: number | undefined;
  readonly failed: boolean;
  readonly reason: string;
  /** As JSON, at most an excerpt. */
  readonly input: string;
  readonly output: string;
  /** What else is recorded: model, tokens. */
  readonly details: readonly { readonly name: string; readonly value: string }[];
  readonly steps: readonly RunStep[];
}

export interface Run extends RunStep {
  readonly agent: string;
  readonly version: string;
  /** The run goes on, or was cut off: only its steps are recorded. */
  readonly isOpen: boolean;
}

const KNOWN = new Set([
  'agent',
  'version',
  'run',
  'step',
  'name',
  'parent',
  'milliseconds',
  'input',
  'output',
  'reason',
  'input-sha256',
  'output-sha256',
]);

type Writable = Omit<RunStep, 'steps'> & { readonly steps: Writable[] };

/**
 * Runs of agents with their steps in the order in which they began, the first run first.
 * @param bundle AuditEvents of runs and steps, as `$agent-runs` answers
 */
export function runsOf(bundle: Bundle | undefined): Run[] {
  const runs = new Map<string, { head: AuditEvent | undefined; events: AuditEvent[] }>();
  for (const event of ofType<AuditEvent>(bundle, 'AuditEvent')) {
    const details = detailsOf(event);
    const id = details.get('run');
    if (id === undefined) continue;
    const run = runs.get(id) ?? { head: undefined, events: [] };
    runs.set(id, run);
    if (details.has('step')) run.events.push(event);
    else run.head = event;
  }
  return [...runs]
    .map(([id, { head, events }]) => runOf(id, head, events))
    .sort((a, b) => a.started.localeCompare(b.started));
}

function runOf(id: string, head: AuditEvent | undefined, events: readonly AuditEvent[]): Run {
  const steps = new Map<string, { step: Writable; parent: string | undefined }>();
  for (const event of events) {
    const details = detailsOf(event);
    const step = details.get('step') as string;
    steps.set(step, { step: stepOf(step, event, details), parent: details.get('parent') });
  }
  const top: Writable[] = [];
  for (const { step, parent } of steps.values())
    (parent === undefined ? top : (steps.get(parent)?.step.steps ?? top)).push(step);
  const sort = (list: Writable[]): void => {
    list.sort(
      (a, b) => a.started.localeCompare(b.started) || a.id.localeCompare(b.id, 'en', { numeric: true }),
    );
    for (const { steps: inner } of list) sort(inner);
  };
  sort(top);
  const shown = head ?? events[0];
  const details = shown === undefined ? new Map<string, string>() : detailsOf(shown);
  const base: Writable =
    head === undefined
      ? { ...EMPTY, id, name: details.get('agent') ?? '', started: top[0]?.started ?? '', steps: [] }
      : stepOf(id, head, details);
  return {
    ...base,
    agent: details.get('agent') ?? '',
    version: details.get('version') ?? '',
    isOpen: head === undefined,
    steps: top,
  };
}

const EMPTY = { milliseconds: undefined, failed: false, reason: '', input: '', output: '', details: [] };

function stepOf(id: string, event: AuditEvent, details: ReadonlyMap<string, string>): Writable {
  const milliseconds = Number(details.get('milliseconds'));
  return {
    id,
    name: details.get('name') ?? details.get('agent') ?? '',
    started: event.recorded ?? '',
    milliseconds: Number.isFinite(milliseconds) ? milliseconds : undefined,
    failed: event.outcome !== undefined && event.outcome !== '0',
    reason: details.get('reason') ?? event.outcomeDesc ?? '',
    input: details.get('input') ?? '',
    output: details.get('output') ?? '',
    details: [...details].filter(([name]) => !KNOWN.has(name)).map(([name, value]) => ({ name, value })),
    steps: [],
  };
}

function detailsOf({ entity }: AuditEvent): Map<string, string> {
  return new Map(
    (entity ?? []).flatMap(({ detail }) =>
      (detail ?? []).flatMap(({ type, valueString }) =>
        type === undefined || valueString === undefined ? [] : [[type, valueString] as const],
      ),
    ),
  );
}
