import {
  Badge,
  type Bundle,
  Card,
  CardList,
  dateText,
  Facts,
  Loaded,
  useAsk,
  useLanguage,
  useOwnText,
} from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { type Run, type RunStep, runsOf } from '../model/runs.ts';
import { useText } from '../text.ts';

/** Which runs: of one run, Task, workflow, visit or patient; the latest ones without any. */
export interface RunsAbout {
  readonly run?: string | undefined;
  readonly task?: string | undefined;
  readonly group?: string | undefined;
  readonly encounter?: string | undefined;
  readonly patient?: string | undefined;
}

/** What agents have done, step by step, so that a person can tell why. */
export function RunList({ about }: { readonly about: RunsAbout }): ReactNode {
  const say = useText();
  const runs = useAsk<Bundle>(
    '$agent-runs',
    { ...about, _count: 50 },
    { refetchInterval: 3000, keepPrevious: true },
  );
  return (
    <Loaded query={runs} isEmpty={(data) => runsOf(data).length === 0} empty={say('noRuns')}>
      {(data) => (
        <CardList label={say('runs')}>
          {runsOf(data).map((run) => (
            <RunCard key={run.id} run={run} />
          ))}
        </CardList>
      )}
    </Loaded>
  );
}

function RunCard({ run }: { readonly run: Run }): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  return (
    <Card
      level={3}
      title={`${run.agent} ${run.version}`}
      aside={
        <>
          {dateText(run.started, language)}{' '}
          <Badge tone={run.failed ? 'bad' : run.isOpen ? 'info' : 'good'}>
            {run.failed ? say('stFailed') : run.isOpen ? say('stInProgress') : say('stCompleted')}
          </Badge>
        </>
      }
    >
      <Step step={run} isRun />
      {run.steps.length === 0 ? null : (
        <ol className="steps" aria-label={say('steps')}>
          {run.steps.map((step) => (
            <StepItem key={step.id} step={step} />
          ))}
        </ol>
      )}
    </Card>
  );
}

function StepItem({ step }: { readonly step: RunStep }): ReactNode {
  return (
    <li>
      <Step step={step} />
      {step.steps.length === 0 ? null : (
        <ol className="steps">
          {step.steps.map((inner) => (
            <StepItem key={inner.id} step={inner} />
          ))}
        </ol>
      )}
    </li>
  );
}

function Step({ step, isRun = false }: { readonly step: RunStep; readonly isRun?: boolean }): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  const time =
    step.milliseconds === undefined
      ? ''
      : say('milliseconds', { number: new Intl.NumberFormat(language).format(step.milliseconds) });
  return (
    <>
      <p className="step-head">
        {isRun ? null : <strong dir="auto">{step.name}</strong>}
        <span className="when">{time}</span>
        {step.failed && !isRun ? <Badge tone="bad">{say('stFailed')}</Badge> : null}
      </p>
      {step.failed && step.reason !== '' ? <p dir="auto">{step.reason}</p> : null}
      <Facts facts={step.details.map(({ name, value }) => [name, value] as const)} />
      {step.input === '' && step.output === '' ? null : (
        <details>
          <summary>{say('inputOutput')}</summary>
          <h4>{say('input')}</h4>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and so it must be reached by the keyboard */}
          <pre className="excerpt" dir="ltr" tabIndex={0}>
            {readable(step.input) || own('unknown')}
          </pre>
          <h4>{say('output')}</h4>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and so it must be reached by the keyboard */}
          <pre className="excerpt" dir="ltr" tabIndex={0}>
            {readable(step.output) || own('unknown')}
          </pre>
        </details>
      )}
    </>
  );
}

/** JSON over several lines; an excerpt that was cut off as it is. */
function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
