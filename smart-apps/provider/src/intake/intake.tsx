import {
  Button,
  Buttons,
  ErrorNotice,
  focusFirstError,
  Link,
  Notice,
  nameText,
  Page,
  type Patient,
  RadioButtons,
  type Resource,
  Section,
  Select,
  TextField,
  useLanguage,
  useOwnText,
  useRead,
  useRefresh,
  useSession,
  useTell,
} from '@vesta/app-kit';
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import {
  CONSCIOUSNESS,
  type Consciousness,
  documentBundle,
  type IntakeForm,
  intakeProblems,
  startParameters,
  VITALS,
  type VitalName,
} from '../model/intake.ts';
import { useText } from '../text.ts';
import { useDictation } from './dictation.ts';
import { photoOf } from './photo.ts';

const EMPTY: IntakeForm = {
  text: '',
  vitals: {},
  givenName: '',
  familyName: '',
  birthDate: '',
  gender: '',
  phone: '',
};

/** Emergency intake: what is seen and told, measured and brought along; sending it starts the emergency workflow. */
export default function Intake(): ReactNode {
  const say = useText();
  const own = useOwnText();
  const tell = useTell();
  const { fhir, user } = useSession();
  const { language } = useLanguage();
  const refresh = useRefresh();
  const [, navigate] = useLocation();
  const [query] = useSearchParams();
  const known = query.get('patient') ?? undefined;
  const patient = useRead<Patient>(known === undefined ? undefined : `Patient/${known}`);
  const [form, setForm] = useState<IntakeForm>(EMPTY);
  const [files, setFiles] = useState<readonly File[]>([]);
  const [isChecked, setChecked] = useState(false);
  const [isPending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const fileId = useId();
  const dictation = useDictation(language, (text) =>
    setForm((now) => ({ ...now, text: [now.text.trim(), text].filter(Boolean).join(' ') })),
  );
  const complete: IntakeForm = known === undefined ? form : { ...form, subject: `Patient/${known}` };
  const problems = isChecked ? intakeProblems(complete, new Date()) : [];
  const errorOf = (field: string): string | undefined => {
    const problem = problems.find((one) => one.field === field);
    if (problem === undefined) return undefined;
    if (problem.kind === 'empty') return say('intakeEmpty');
    if (problem.kind === 'date') return say('noDate');
    const { least, most } = problem;
    return problem.kind === 'number' ? say('noNumber') : say('outOfRange', { least, most });
  };

  const keepFiles = async (group: string | undefined) => {
    for (const file of files) {
      const { entry = [] } = documentBundle(
        await photoOf(file),
        { subject: complete.subject, group, author: user },
        new Date(),
      );
      await fhir.transaction(entry);
    }
  };
  const send = async () => {
    setPending(true);
    setError(undefined);
    try {
      const { parameter = [] } = startParameters(complete, language);
      const group = await fhir.operation<Resource>('PlanDefinition/emergency/$start', parameter);
      const own = group.resourceType === 'RequestGroup' ? `RequestGroup/${group.id}` : undefined;
      // The emergency goes on whatever becomes of the picture.
      await keepFiles(own).catch((problem: Error) =>
        tell(say('photoFailed', { problem: problem.message }), 'bad'),
      );
      await refresh();
      tell(say('intakeSent'));
      navigate(own === undefined ? '/board' : `/workflow/${group.id}`);
    } catch (problem) {
      setError(problem);
      setPending(false);
    }
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setChecked(true);
    if (intakeProblems(complete, new Date()).length === 0) void send();
    else focusFirstError(event.currentTarget);
  };
  const vital = (name: VitalName) => (value: string) =>
    setForm((now) => ({ ...now, vitals: { ...now.vitals, [name]: value } }));

  return (
    <Page title={say('intake')}>
      <form onSubmit={submit} noValidate>
        <Section title={say('whatHappened')}>
          <TextField
            label={say('intakeText')}
            hint={say('intakeHint')}
            rows={5}
            value={form.text}
            onChange={(text) => setForm((now) => ({ ...now, text }))}
            error={errorOf('text')}
          />
          {dictation.isSupported ? (
            <>
              <Button look="second" onPress={() => dictation.toggle()}>
                {say(dictation.isListening ? 'stopDictation' : 'dictate')}
              </Button>
              <p className="hint">{say('dictationNote')}</p>
            </>
          ) : null}
          {dictation.problem === undefined ? null : (
            <Notice tone="warn" isLive>
              {say('dictationFailed', { problem: dictation.problem })}
            </Notice>
          )}
        </Section>
        <Section title={say('vitals')}>
          <div className="vitals">
            {VITALS.map(({ name, unit }) => (
              <TextField
                key={name}
                label={`${say(`vital_${name}`)} (${unit === 'Cel' ? '°C' : unit === 'mm[Hg]' ? 'mmHg' : unit})`}
                value={form.vitals[name] ?? ''}
                onChange={vital(name)}
                error={errorOf(name)}
              />
            ))}
          </div>
          <Select
            label={say('consciousness')}
            value={form.consciousness ?? ''}
            onChange={(value) =>
              setForm((now) => ({ ...now, consciousness: (value || undefined) as Consciousness | undefined }))
            }
            options={CONSCIOUSNESS.map((value) => ({ value, label: say(`conscious_${value}`) }))}
          />
        </Section>
        <Section title={say('who')}>
          {known === undefined ? (
            <>
              <p>{say('whoHint')}</p>
              <div className="vitals">
                <TextField
                  label={say('givenName')}
                  value={form.givenName}
                  onChange={(givenName) => setForm((now) => ({ ...now, givenName }))}
                />
                <TextField
                  label={say('familyName')}
                  value={form.familyName}
                  onChange={(familyName) => setForm((now) => ({ ...now, familyName }))}
                />
                <TextField
                  label={say('birthDate')}
                  hint={say('birthDateHint')}
                  value={form.birthDate}
                  onChange={(birthDate) => setForm((now) => ({ ...now, birthDate }))}
                  error={errorOf('birthDate')}
                />
                <TextField
                  label={say('phone')}
                  type="tel"
                  value={form.phone}
                  onChange={(phone) => setForm((now) => ({ ...now, phone }))}
                />
              </div>
              <RadioButtons
                label={say('gender')}
                value={form.gender}
                onChange={(gender) => setForm((now) => ({ ...now, gender }))}
                options={[
                  { value: 'female', label: own('female') },
                  { value: 'male', label: own('male') },
                  { value: 'other', label: own('otherGender') },
                ]}
              />
            </>
          ) : (
            <p>
              <Link href={`/patient/${known}`}>{nameText(patient.data?.name) ?? known}</Link>
            </p>
          )}
        </Section>
        <Section title={say('documents')}>
          <label htmlFor={fileId}>{say('photo')}</label>
          <br />
          <input
            id={fileId}
            className="file"
            type="file"
            accept="image/*,application/pdf"
            capture="environment"
            multiple
            onChange={({ target }) => setFiles([...(target.files ?? [])])}
          />
        </Section>
        {problems.length === 0 ? null : (
          <Notice tone="bad" isLive>
            {say('checkForm')}
          </Notice>
        )}
        {error === undefined ? null : <ErrorNotice error={error} />}
        <Buttons>
          <Button type="submit" isPending={isPending}>
            {say('startEmergency')}
          </Button>
        </Buttons>
      </form>
    </Page>
  );
}
