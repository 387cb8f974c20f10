import {
  Badge,
  Button,
  Card,
  CardList,
  Dialog,
  Facts,
  Link,
  Loaded,
  Page,
  type Reference,
  type Resource,
  resourcesOf,
  Section,
  TextField,
  useErrorText,
  useOperation,
  useRead,
  useSearch,
  useTell,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { WORKFLOW_STEP } from '../model/board.ts';
import { codeIn, type Task, target } from '../model/fhir.ts';
import { useText } from '../text.ts';
import { RunList } from './run-list.tsx';
import { toneOf, useStatusText } from './status.tsx';
import { StepCard } from './step-card.tsx';
import { useDocuments } from './use-documents.ts';
import { workflowName } from './workflow-name.ts';

interface RequestGroup extends Resource {
  readonly status?: string;
  readonly subject?: Reference;
  readonly encounter?: Reference;
  readonly instantiatesCanonical?: readonly string[];
}

const LIVE = { refetchInterval: 1000, keepPrevious: true };

/** A workflow while it runs: its steps with their state, what people can do with them, and the agents' runs. */
export default function Workflow({ id }: { readonly id: string }): ReactNode {
  const say = useText();
  const status = useStatusText();
  const tell = useTell();
  const errorText = useErrorText();
  const group = useRead<RequestGroup>(`RequestGroup/${id}`, LIVE);
  const tasks = useSearch<Task>(
    'Task',
    { 'based-on': `RequestGroup/${id}`, _count: 100, _sort: '_lastUpdated' },
    LIVE,
  );
  const admitted = resourcesOf<Task>(tasks.data).find(
    ({ code, status: now }) => codeIn(code, WORKFLOW_STEP) === 'admission' && now === 'completed',
  );
  useDocuments(id, admitted);
  const cancel = useOperation('RequestGroup', 'Task', 'Encounter');
  const [reason, setReason] = useState<string>();
  const patient = target(group.data?.subject)?.split('/')[1];
  const state = group.data?.status ?? '';
  const isOver = ['completed', 'revoked'].includes(state);
  const send = () =>
    cancel.mutate(
      {
        path: `RequestGroup/${id}/$cancel`,
        parameter: [{ name: 'reason', valueString: (reason ?? '').trim() }],
      },
      {
        onSuccess: () => {
          tell(say('workflowCancelled'));
          setReason(undefined);
        },
        onError: (error) => tell(errorText(error), 'bad'),
      },
    );
  return (
    <Page
      title={say('workflow')}
      actions={
        isOver || group.data === undefined ? undefined : (
          <Button look="danger" onPress={() => setReason('')}>
            {say('cancelWorkflow')}
          </Button>
        )
      }
    >
      <Loaded query={group}>
        {(data) => (
          <CardList>
            <Card
              level={2}
              title={workflowName(data) || say('workflow')}
              aside={<Badge tone={toneOf(state)}>{status(state)}</Badge>}
            >
              <Facts
                facts={[
                  [
                    say('patient'),
                    patient === undefined ? (
                      say('unknownPatient')
                    ) : (
                      <Link href={`/patient/${patient}`}>{say('openChart')}</Link>
                    ),
                  ],
                  [
                    say('board'),
                    <Link key="board" href="/board">
                      {say('openBoard')}
                    </Link>,
                  ],
                ]}
              />
            </Card>
          </CardList>
        )}
      </Loaded>
      <Section title={say('steps')}>
        <Loaded query={tasks} isEmpty={(data) => resourcesOf(data).length === 0} empty={say('noSteps')}>
          {(data) => (
            <CardList label={say('steps')}>
              {resourcesOf<Task>(data).map((task) => (
                <StepCard key={task.id} task={task} />
              ))}
            </CardList>
          )}
        </Loaded>
      </Section>
      <Section title={say('runs')}>
        <RunList about={{ group: id }} />
      </Section>
      <Dialog
        title={say('cancelWorkflow')}
        isOpen={reason !== undefined}
        onClose={() => setReason(undefined)}
      >
        <TextField label={say('reason')} value={reason ?? ''} onChange={setReason} rows={3} isRequired />
        <Button
          look="danger"
          isDisabled={(reason ?? '').trim() === ''}
          isPending={cancel.isPending}
          onPress={send}
        >
          {say('cancelWorkflow')}
        </Button>
      </Dialog>
    </Page>
  );
}
