import { CardList, Loaded, Page, resourcesOf, Section, useSearch } from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { AGENT_ACTION, WORKFLOW_STEP } from '../model/board.ts';
import type { Task } from '../model/fhir.ts';
import { TASK } from '../model/tasks.ts';
import { useText } from '../text.ts';
import { ApprovalCard } from './approval-card.tsx';
import { OtherTaskCard } from './other-task-card.tsx';
import { StepCard } from './step-card.tsx';

const LIVE = { refetchInterval: 3000, keepPrevious: true };
const OPEN = 'requested,received,accepted,ready,in-progress,on-hold,failed';

/** What waits for a person: what agents ask to be allowed, and the steps of workflows that people do. */
export default function Tasks(): ReactNode {
  const say = useText();
  const approvals = useSearch<Task>(
    'Task',
    { code: `${AGENT_ACTION}|`, status: 'requested', _sort: '-authored-on', _count: 50 },
    LIVE,
  );
  const steps = useSearch<Task>(
    'Task',
    { code: `${WORKFLOW_STEP}|`, status: OPEN, _sort: '-authored-on', _count: 100 },
    LIVE,
  );
  const others = useSearch<Task>(
    'Task',
    {
      code: `${TASK}|`,
      status: 'requested,received,accepted,ready,in-progress',
      _sort: '-authored-on',
      _count: 50,
    },
    LIVE,
  );
  const forPeople = (all: readonly Task[]): Task[] =>
    all.filter(
      ({ performerType, status }) =>
        performerType !== undefined || status === 'on-hold' || status === 'failed',
    );
  return (
    <Page title={say('tasks')}>
      <Section title={say('approvals')}>
        <Loaded
          query={approvals}
          isEmpty={(data) => resourcesOf(data).length === 0}
          empty={say('noApprovals')}
        >
          {(data) => (
            <CardList label={say('approvals')}>
              {resourcesOf<Task>(data).map((task) => (
                <ApprovalCard key={`${task.id} ${task.meta?.versionId}`} task={task} />
              ))}
            </CardList>
          )}
        </Loaded>
      </Section>
      <Section title={say('steps')}>
        <Loaded
          query={steps}
          isEmpty={(data) => forPeople(resourcesOf<Task>(data)).length === 0}
          empty={say('noSteps')}
        >
          {(data) => (
            <CardList label={say('steps')}>
              {forPeople(resourcesOf<Task>(data)).map((task) => (
                <StepCard key={task.id} task={task} isAlone />
              ))}
            </CardList>
          )}
        </Loaded>
      </Section>
      <Section title={say('otherTasks')}>
        <Loaded query={others} isEmpty={(data) => resourcesOf(data).length === 0} empty={say('noOtherTasks')}>
          {(data) => (
            <CardList label={say('otherTasks')}>
              {resourcesOf<Task>(data).map((task) => (
                <OtherTaskCard key={task.id} task={task} />
              ))}
            </CardList>
          )}
        </Loaded>
      </Section>
    </Page>
  );
}
