import {
  Badge,
  Button,
  Card,
  CardList,
  conceptsText,
  dateText,
  type Encounter,
  Found,
  Loaded,
  makeLaunch,
  Notice,
  nameText,
  Page,
  type Patient,
  periodText,
  RadioButtons,
  resourcesOf,
  Section,
  Shell,
  TextField,
  useLanguage,
  useOwnText,
  useSearch,
  useSession,
  useTell,
} from '@vesta/app-kit';
import { type ReactNode, useDeferredValue, useState } from 'react';
import { useText } from './text.ts';

const APPS = [
  { client: 'vesta-provider', title: 'providerApp', needsPatient: false },
  { client: 'vesta-patient', title: 'patientApp', needsPatient: true },
  { client: 'vesta-national', title: 'nationalApp', needsPatient: false },
] as const;

/** Chooses a patient and a visit, and opens an app for them. */
export function Ehr(): ReactNode {
  const say = useText();
  const { userName } = useSession();
  const [patient, setPatient] = useState<Patient>();
  const [encounter, setEncounter] = useState('');
  const choose = (chosen: Patient) => {
    setPatient(chosen);
    setEncounter('');
  };
  return (
    <Shell title={say('appName')} userName={userName} navigation={[{ href: '/', title: say('patients') }]}>
      <Page title={say('appName')}>
        <p>{say('intro')}</p>
        <div className="columns">
          <Section title={say('patients')}>
            <Patients onChoose={choose} />
          </Section>
          <Section title={say('apps')}>
            {patient === undefined ? (
              <p>{say('needsPatient')}</p>
            ) : (
              <>
                <Notice tone="good" isLive>
                  {say('chosen', { name: nameText(patient.name) ?? String(patient.id) })}
                </Notice>
                <Visits patient={patient} value={encounter} onChange={setEncounter} />
              </>
            )}
            <Apps patient={patient} encounter={encounter === '' ? undefined : encounter} />
          </Section>
        </div>
      </Page>
    </Shell>
  );
}

function Patients({ onChoose }: { readonly onChoose: (patient: Patient) => void }): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text.trim());
  const isDate = /^\d{4}(-\d\d){0,2}$/.test(wanted);
  const query = useSearch<Patient>(
    'Patient',
    {
      ...(wanted === '' ? {} : isDate ? { birthdate: wanted } : { name: wanted }),
      _count: 12,
      _sort: 'family',
    },
    { keepPrevious: true },
  );
  return (
    <>
      <TextField label={say('search')} type="search" value={text} onChange={setText} />
      <Found count={wanted === '' || query.isFetching ? undefined : resourcesOf(query.data).length} />
      <Loaded query={query} isEmpty={(bundle) => resourcesOf(bundle).length === 0} empty={say('noPatients')}>
        {(bundle) => (
          <CardList label={say('patients')}>
            {resourcesOf<Patient>(bundle).map((patient) => {
              const name = nameText(patient.name) ?? String(patient.id);
              return (
                <Card
                  key={patient.id}
                  title={name}
                  aside={
                    patient.birthDate === undefined
                      ? undefined
                      : own('born', { date: dateText(patient.birthDate, language) })
                  }
                  actions={
                    <Button
                      look="second"
                      aria-label={say('chooseOf', { name })}
                      onPress={() => onChoose(patient)}
                    >
                      {say('choose')}
                    </Button>
                  }
                />
              );
            })}
          </CardList>
        )}
      </Loaded>
    </>
  );
}

function Visits({
  patient,
  value,
  onChange,
}: {
  readonly patient: Patient;
  readonly value: string;
  readonly onChange: (encounter: string) => void;
}): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const query = useSearch<Encounter>('Encounter', {
    patient: `Patient/${patient.id}`,
    _sort: '-date',
    _count: 5,
  });
  return (
    <Loaded query={query}>
      {(bundle) => (
        <RadioButtons
          label={say('visit')}
          value={value}
          onChange={onChange}
          options={[
            { value: '', label: say('noVisit') },
            ...resourcesOf<Encounter>(bundle).map(({ id, type, class: kind, period }) => ({
              value: id as string,
              label: [conceptsText(type) ?? kind.code, periodText(period, language)]
                .filter(Boolean)
                .join(', '),
            })),
          ]}
        />
      )}
    </Loaded>
  );
}

function Apps({
  patient,
  encounter,
}: {
  readonly patient: Patient | undefined;
  readonly encounter: string | undefined;
}): ReactNode {
  const say = useText();
  const tell = useTell();
  const session = useSession();
  const [pending, setPending] = useState<string>();
  const open = async (client: string, app: string) => {
    setPending(client);
    // Opened before anything is waited for: a browser blocks windows that no press has asked for.
    const opened = window.open('', '_blank');
    try {
      const { launchUrl } = await makeLaunch(session, { client, patient: patient?.id, encounter });
      if (launchUrl === undefined) throw new Error(client);
      if (opened === null) return tell(say('blocked', { app }), 'bad');
      opened.opener = null;
      opened.location.href = launchUrl;
      tell(say('opened', { app }));
    } catch (error) {
      opened?.close();
      tell(say('failed', { app, reason: (error as Error).message }), 'bad');
    } finally {
      setPending(undefined);
    }
  };
  return (
    <CardList label={say('apps')}>
      {APPS.map(({ client, title, needsPatient }) => {
        const app = say(title);
        return (
          <Card
            key={client}
            title={app}
            aside={
              patient === undefined && !needsPatient ? <Badge>{say('withoutPatient')}</Badge> : undefined
            }
            actions={
              <Button
                isDisabled={needsPatient && patient === undefined}
                isPending={pending === client}
                aria-label={say('openOf', { app })}
                onPress={() => void open(client, app)}
              >
                {say('open')}
              </Button>
            }
          />
        );
      })}
    </CardList>
  );
}
