import {
  Badge,
  Button,
  Card,
  type Coding,
  codingText,
  Dialog,
  Facts,
  Link,
  RadioButtons,
  TextField,
  useErrorText,
  useLanguage,
  useOperation,
  useTell,
  valueText,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { type Task, target, textOf } from '../model/fhir.ts';
import { useText } from '../text.ts';
import { toneOf, useStatusText } from './status.tsx';

const OVER = ['completed', 'cancelled', 'rejected', 'entered-in-error'];
/** The server takes no shorter reason for going against a workflow's course. */
const LEAST_REASON = 3;
type Mode = 'skip' | 'complete' | 'retry';

/** What a Task has come to, in words: several values of one kind together. */
export function outputsOf(task: Task, language: string): (readonly [string, string])[] {
  const found = new Map<string, string>();
  for (const output of task.output ?? []) {
    const { valueReference, valueCoding } = output as typeof output & { valueCoding?: Coding };
    const text =
      valueReference?.display ??
      valueReference?.reference ??
      codingText(valueCoding) ??
      valueText(output, language, { yes: '✓', no: '✗' });
    const name = textOf(output.type);
    if (text !== undefined) found.set(name, [found.get(name), text].filter(Boolean).join('; '));
  }
  return [...found];
}

/** A step of a workflow: its state and what came of it; a person completes it, or overrides it with a reason. */
export function StepCard({
  task,
  isAlone = false,
}: {
  readonly task: Task;
  readonly isAlone?: boolean;
}): ReactNode {
  const say = useText();
  const status = useStatusText();
  const { language } = useLanguage();
  const tell = useTell();
  const errorText = useErrorText();
  const [open, setOpen] = useState<'complete' | 'override'>();
  const [text, setText] = useState('');
  const [mode, setMode] = useState<Mode>('skip');
  const work = useOperation('Task', 'RequestGroup', 'Encounter', 'AuditEvent');
  const state = task.status;
  const isOver = OVER.includes(state);
  const isForPerson = task.performerType !== undefined;
  const group = (task.basedOn ?? [])
    .map(target)
    .find((one) => one?.startsWith('RequestGroup/'))
    ?.split('/')[1];
  const patient = target(task.for)?.split('/')[1];
  const close = () => {
    setOpen(undefined);
    setText('');
  };
  const send = () => {
    const given = text.trim();
    const call =
      open === 'complete'
        ? {
            path: `Task/${task.id}/$complete`,
            parameter: given === '' ? [] : [{ name: 'note', valueString: given }],
          }
        : {
            path: `Task/${task.id}/$override`,
            parameter: [
              { name: 'reason', valueString: given },
              { name: 'mode', valueCode: mode },
            ],
          };
    work.mutate(call, {
      onSuccess: () => {
        tell(say(open === 'complete' ? 'stepDone' : 'stepOverridden'));
        close();
      },
      onError: (error) => tell(errorText(error), 'bad'),
    });
  };
  return (
    <Card
      level={3}
      title={textOf(task.code) || (task.description ?? '')}
      aside={<Badge tone={toneOf(state)}>{state === 'draft' ? say('stLater') : status(state)}</Badge>}
      actions={
        isOver ? undefined : (
          <>
            {isForPerson && state !== 'draft' ? (
              <Button onPress={() => setOpen('complete')}>{say('complete')}</Button>
            ) : null}
            <Button look="second" onPress={() => setOpen('override')}>
              {say('override')}
            </Button>
          </>
        )
      }
    >
      {task.description === undefined || textOf(task.code) === '' ? null : (
        <p dir="auto">{task.description}</p>
      )}
      <Facts
        facts={[
          [
            say('does'),
            isForPerson
              ? (task.performerType ?? []).map(textOf).join(', ')
              : (task.owner?.display ??
                (task.owner?.reference?.startsWith('Device/') === true
                  ? say('anAgent')
                  : (task.owner?.reference ?? ''))),
          ],
          [say('reason'), textOf(task.reasonCode)],
          [say('remark'), textOf(task.statusReason)],
          [say('notes'), (task.note ?? []).map((one) => one.text).join(' ')],
          ...outputsOf(task, language),
          [
            say('patient'),
            !isAlone || patient === undefined ? (
              ''
            ) : (
              <Link href={`/patient/${patient}`}>{say('openChart')}</Link>
            ),
          ],
          [
            say('workflow'),
            !isAlone || group === undefined ? (
              ''
            ) : (
              <Link href={`/workflow/${group}`}>{say('openWorkflow')}</Link>
            ),
          ],
        ]}
      />
      <Dialog
        title={say(open === 'complete' ? 'complete' : 'override')}
        isOpen={open !== undefined}
        onClose={close}
      >
        {open === 'override' ? (
          <RadioButtons
            label={say('overrideMode')}
            value={mode}
            onChange={(value) => setMode(value as Mode)}
            options={(['skip', 'complete', 'retry'] as const).map((value) => ({
              value,
              label: say(`mode_${value}`),
            }))}
          />
        ) : null}
        <TextField
          label={say(open === 'complete' ? 'note' : 'reason')}
          value={text}
          onChange={setText}
          rows={3}
          isRequired={open === 'override'}
          {...(open === 'override' ? { hint: say('reasonHint', { least: LEAST_REASON }) } : {})}
        />
        <Button
          onPress={send}
          isPending={work.isPending}
          isDisabled={open === 'override' && text.trim().length < LEAST_REASON}
        >
          {say(open === 'complete' ? 'complete' : 'override')}
        </Button>
      </Dialog>
    </Card>
  );
}
