import {
  Badge,
  Button,
  Card,
  Checkbox,
  Dialog,
  dateText,
  Facts,
  Link,
  TextField,
  useChange,
  useErrorText,
  useLanguage,
  useOwnText,
  useSession,
  useTell,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import {
  accepted,
  approvalOf,
  type Edit,
  type Field,
  type ProposedEntry,
  pathLabel,
  rejected,
  withEdits,
} from '../model/approvals.ts';
import type { Task } from '../model/fhir.ts';
import { type TextName, useText } from '../text.ts';

const METHODS: Readonly<Record<string, TextName>> = {
  POST: 'wouldCreate',
  PUT: 'wouldChange',
  PATCH: 'wouldChange',
  DELETE: 'wouldDelete',
};

const keyOf = (index: number, path: Field['path']): string => `${index} ${path.join('.')}`;

/** A Task of an agent that waits for approval: why, what would be done, and approve, edit, reject. */
export function ApprovalCard({ task }: { readonly task: Task }): ReactNode {
  const say = useText();
  const own = useOwnText();
  const tell = useTell();
  const errorText = useErrorText();
  const { fhir } = useSession();
  const { language } = useLanguage();
  const approval = approvalOf(task);
  const [edits, setEdits] = useState<ReadonlyMap<string, Edit>>();
  const [reason, setReason] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const save = useChange(
    async (changed: Task) => fhir.update(changed),
    'Task',
    'AuditEvent',
    'Encounter',
    'Communication',
  );
  const finish = (changed: Task, message: string) =>
    save.mutate(changed, {
      onSuccess: () => tell(message),
      onError: (error) => tell(errorText(error), 'bad'),
    });
  const approve = () => {
    if (approval.bundle === undefined) return;
    try {
      const isEdited = edits !== undefined && edits.size > 0;
      const bundle = isEdited ? withEdits(approval.bundle, [...edits.values()]) : undefined;
      finish(accepted(task, bundle), say('approved'));
    } catch {
      setProblem(say('noNumber'));
    }
  };
  const patient = approval.patient?.split('/')[1];
  return (
    <Card
      level={3}
      title={approval.title}
      aside={dateText(approval.authoredOn, language)}
      actions={
        <>
          <Button onPress={approve} isPending={save.isPending} isDisabled={approval.bundle === undefined}>
            {edits === undefined || edits.size === 0 ? say('approve') : say('approveEdited')}
          </Button>
          {approval.bundle === undefined || edits !== undefined ? null : (
            <Button look="second" onPress={() => setEdits(new Map())}>
              {say('edit')}
            </Button>
          )}
          {edits === undefined ? null : (
            <Button
              look="second"
              onPress={() => {
                setEdits(undefined);
                setProblem(undefined);
              }}
            >
              {own('cancel')}
            </Button>
          )}
          <Button look="danger" onPress={() => setReason('')}>
            {say('reject')}
          </Button>
        </>
      }
    >
      <p dir="auto">
        <strong>{say('reason')}:</strong> {approval.reason}
      </p>
      <Facts
        facts={[
          [say('askedBy'), approval.agent],
          [say('approver'), approval.roles.join(', ')],
          [
            say('patient'),
            patient === undefined ? '' : <Link href={`/patient/${patient}`}>{say('openChart')}</Link>,
          ],
          [say('remark'), approval.remark],
          [say('notes'), approval.notes.join(' ')],
        ]}
      />
      {approval.bundle === undefined ? <p>{say('unreadable')}</p> : null}
      {approval.entries.map((entry) => (
        <Entry
          key={entry.index}
          entry={entry}
          edits={edits}
          onEdit={(edit) => setEdits(new Map(edits).set(keyOf(edit.index, edit.path), edit))}
        />
      ))}
      {problem === undefined ? null : (
        <p role="alert" className="error">
          {problem}
        </p>
      )}
      <p>
        <Link href={`/runs?task=${approval.id}`}>{say('openRuns')}</Link>
      </p>
      <Dialog title={say('rejectTitle')} isOpen={reason !== undefined} onClose={() => setReason(undefined)}>
        <TextField label={say('reason')} value={reason ?? ''} onChange={setReason} rows={3} isRequired />
        <Button
          look="danger"
          isDisabled={(reason ?? '').trim() === ''}
          isPending={save.isPending}
          onPress={() => {
            finish(rejected(task, (reason ?? '').trim()), say('rejected'));
            setReason(undefined);
          }}
        >
          {say('reject')}
        </Button>
      </Dialog>
    </Card>
  );
}

/** One thing that would be done, value by value. */
function Entry({
  entry,
  edits,
  onEdit,
}: {
  readonly entry: ProposedEntry;
  readonly edits: ReadonlyMap<string, Edit> | undefined;
  readonly onEdit: (edit: Edit) => void;
}): ReactNode {
  const say = useText();
  const { index, fields } = entry;
  const method = METHODS[entry.method];
  const shown = (value: Field['value']): string => String(value);
  return (
    <div className="section" data-entry={index}>
      <p>
        <Badge tone="info">{method === undefined ? entry.method : say(method)}</Badge>{' '}
        <strong>{entry.type}</strong>{' '}
        {entry.method === 'POST' ? null : <span className="when">{entry.url}</span>}
      </p>
      {edits === undefined ? (
        <Facts facts={fields.map(({ path, value }) => [pathLabel(path), shown(value)] as const)} />
      ) : (
        fields
          .filter(({ isEditable }) => isEditable)
          .map(({ path, value }) => {
            const now = edits.get(keyOf(index, path))?.value ?? shown(value);
            const change = (text: string) => onEdit({ index, path, value: text });
            return typeof value === 'boolean' ? (
              <Checkbox
                key={keyOf(index, path)}
                label={pathLabel(path)}
                isSelected={now === 'true'}
                onChange={(isSelected) => change(String(isSelected))}
              />
            ) : (
              <TextField
                key={keyOf(index, path)}
                label={pathLabel(path)}
                value={now}
                onChange={change}
                rows={now.length > 80 ? 3 : 1}
              />
            );
          })
      )}
    </div>
  );
}
