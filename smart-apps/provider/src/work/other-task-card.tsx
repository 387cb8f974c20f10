import {
  Badge,
  Button,
  Card,
  Dialog,
  Facts,
  Link,
  nameText,
  type Patient,
  resourcesOf,
  Select,
  TextField,
  useChange,
  useErrorText,
  useSearch,
  useSession,
  useTell,
} from '@vesta/app-kit';
import { type ReactNode, useDeferredValue, useState } from 'react';
import { codeIn, type Task, target, textOf } from '../model/fhir.ts';
import { completedTask, TASK } from '../model/tasks.ts';
import { useText } from '../text.ts';
import { toneOf, useStatusText } from './status.tsx';

/** Something else that a person is asked: an escalation, a conversation, who somebody is. */
export function OtherTaskCard({ task }: { readonly task: Task }): ReactNode {
  const say = useText();
  const status = useStatusText();
  const tell = useTell();
  const errorText = useErrorText();
  const { fhir } = useSession();
  const [isOpen, setOpen] = useState(false);
  const [note, setNote] = useState('');
  const [patient, setPatient] = useState('');
  const code = codeIn(task.code, TASK);
  const save = useChange((changed: Task) => fhir.update(changed), 'Task', 'RequestGroup', 'Encounter');
  const who = target(task.for)?.split('/')[1];
  const about = target(task.focus);
  const group = (task.basedOn ?? []).map(target).find((one) => one?.startsWith('RequestGroup/'));
  const isIdentify = code === 'identify';
  const done = () =>
    save.mutate(completedTask(task, { note, ...(isIdentify ? { patient } : {}) }), {
      onSuccess: () => {
        tell(say('stepDone'));
        setOpen(false);
      },
      onError: (error) => tell(errorText(error), 'bad'),
    });
  return (
    <Card
      title={textOf(task.code)}
      aside={<Badge tone={toneOf(task.status)}>{status(task.status)}</Badge>}
      actions={<Button onPress={() => setOpen(true)}>{say('complete')}</Button>}
    >
      {task.description === undefined ? null : <p dir="auto">{task.description}</p>}
      <Facts
        facts={[
          [say('does'), (task.performerType ?? []).map(textOf).join(', ')],
          [say('reason'), textOf(task.reasonCode)],
          [say('patient'), who === undefined ? '' : <Link href={`/patient/${who}`}>{say('openChart')}</Link>],
          [
            say('workflow'),
            group === undefined ? (
              ''
            ) : (
              <Link href={`/workflow/${group.split('/')[1]}`}>{say('openWorkflow')}</Link>
            ),
          ],
          [
            say('about'),
            about?.startsWith('Task/') === true ? (
              <Link href={`/runs?task=${about.split('/')[1]}`}>{say('openRuns')}</Link>
            ) : (
              ''
            ),
          ],
        ]}
      />
      <Dialog title={textOf(task.code)} isOpen={isOpen} onClose={() => setOpen(false)}>
        {isIdentify ? <PatientChoice value={patient} onChange={setPatient} /> : null}
        <TextField label={say('note')} value={note} onChange={setNote} rows={3} />
        <Button onPress={done} isPending={save.isPending} isDisabled={isIdentify && patient === ''}>
          {say('complete')}
        </Button>
      </Dialog>
    </Card>
  );
}

/** One of the patients of a name. */
function PatientChoice({
  value,
  onChange,
}: {
  readonly value: string;
  readonly onChange: (reference: string) => void;
}): ReactNode {
  const say = useText();
  const [name, setName] = useState('');
  const wanted = useDeferredValue(name.trim());
  const found = useSearch<Patient>(
    'Patient',
    { name: wanted.split(/\s+/), _count: 20, _sort: 'family' },
    { enabled: wanted.length > 1, keepPrevious: true },
  );
  const patients = resourcesOf<Patient>(found.data);
  return (
    <>
      <TextField label={say('nameOrNumber')} type="search" value={name} onChange={setName} />
      <Select
        label={say('patient')}
        value={value}
        onChange={onChange}
        options={patients.map((one) => ({
          value: `Patient/${one.id}`,
          label: [nameText(one.name) ?? one.id, one.birthDate].filter(Boolean).join(', '),
        }))}
      />
    </>
  );
}
