import type { Step } from './steps.ts';

/** How far a step is. */
export interface Progress {
  /**
   * `waiting`: its turn has not come. `open`: somebody is to do it, or does it. `done`: completed. `passed`: left out.
   * `failed`: its agent has given up; a person must decide.
   */
  readonly state: 'waiting' | 'open' | 'done' | 'passed' | 'failed';
  /** When its turn came, epoch milliseconds. */
  readonly begun?: number | undefined;
  readonly ended?: number | undefined;
}

/** What can be said of a workflow. */
export interface Outlook {
  /** Steps whose turn has come, in their order. */
  readonly due: readonly Step[];
  /** Steps that are not done because another of the same choice is. */
  readonly leftOut: readonly Step[];
  /** When the turn of a step comes whose needs are met but for the time. */
  readonly next: number | undefined;
  /** Whether nothing is left to do. */
  readonly finished: boolean;
}

const WAITING: Progress = { state: 'waiting' };

/**
 * What comes next in a workflow. It follows from how far the steps are and from the time alone, so that it does not
 * matter who asks, how often, or in which order things were learnt.
 * @param now epoch milliseconds
 */
export function outlook(
  steps: readonly Step[],
  progress: ReadonlyMap<string, Progress>,
  now: number,
): Outlook {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const of = (id: string): Progress => progress.get(id) ?? WAITING;
  const due: Step[] = [];
  const leftOut: Step[] = [];
  let next: number | undefined;
  for (const step of steps) {
    if (of(step.id).state !== 'waiting') continue;
    const chosen = choiceOf(step, steps, of);
    if (chosen === 'taken') {
      leftOut.push(step);
      continue;
    }
    const time = readyAt(step, byId, of);
    if (time === undefined || chosen === 'wait') continue;
    if (time <= now) due.push(step);
    else next = Math.min(next ?? time, time);
  }
  const finished = steps.every((step) => hasEnded(step, of(step.id)));
  return { due, leftOut, next, finished };
}

/** Whether nobody has to wait for a step any more. */
export function hasEnded(step: Pick<Step, 'required'>, { state }: Progress): boolean {
  return state === 'done' || state === 'passed' || (state === 'failed' && !step.required);
}

/** When a step's needs are met; undefined while they are not. */
function readyAt(
  step: Step,
  byId: ReadonlyMap<string, Step>,
  of: (id: string) => Progress,
): number | undefined {
  let time = 0;
  for (const { steps, when, offset } of step.needs) {
    const met = steps.map((id) => {
      const own = of(id);
      const ended = hasEnded(byId.get(id) as Step, own);
      if (when === 'ended') return ended ? (own.ended ?? 0) : undefined;
      return own.state === 'waiting' ? undefined : (own.begun ?? own.ended ?? 0);
    });
    const times = met.filter((one) => one !== undefined);
    if (when === 'ended' ? times.length < steps.length : times.length === 0) return undefined;
    const at = when === 'ended' ? Math.max(...times) : Math.min(...times);
    time = Math.max(time, at + offset);
  }
  return time;
}

/** Of a choice the first that applies is done: the others wait until it is known that those before them do not apply. */
function choiceOf(
  step: Step,
  steps: readonly Step[],
  of: (id: string) => Progress,
): 'free' | 'wait' | 'taken' {
  let verdict: 'free' | 'wait' = 'free';
  for (const { group, member } of step.choices) {
    const rivals = steps.filter(({ choices }) =>
      choices.some((one) => one.group === group && one.member !== member),
    );
    if (rivals.some(({ id }) => ['open', 'done', 'failed'].includes(of(id).state))) return 'taken';
    const own = steps.indexOf(step);
    const before = rivals.filter((rival) => steps.indexOf(rival) < own);
    if (!before.every(({ id }) => of(id).state === 'passed')) verdict = 'wait';
  }
  return verdict;
}
