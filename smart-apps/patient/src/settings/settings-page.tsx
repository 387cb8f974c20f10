import {
  addressText,
  type Bundle,
  Button,
  Buttons,
  Checkbox,
  conceptText,
  dateText,
  ErrorNotice,
  Facts,
  type FhirApi,
  keepsSeen,
  Link,
  Loaded,
  Loading,
  nameText,
  nextOf,
  Page,
  Section,
  setKeepsSeen,
  useChange,
  useLanguage,
  useOnline,
  useOwnText,
  useSession,
  useTell,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { usePatient, usePatientReference } from '../patient-of.ts';
import { settings } from '../settings.ts';
import { useText } from '../text.ts';
import { PushChoice } from './push.tsx';

/** What is known of the person, to take with them, and what stays on the device. */
export default function SettingsPage(): ReactNode {
  const say = useText();
  const [keeps, setKeeps] = useState(() => keepsSeen(settings));
  return (
    <Page title={say('settings')}>
      <Section title={say('aboutMe')}>
        <AboutMe />
      </Section>
      <Section title={say('download')}>
        <p>{say('downloadText')}</p>
        <Download />
      </Section>
      <Section title={say('summary')}>
        <p>{say('summaryText')}</p>
        <Link href="/settings/summary" look="second">
          {say('openSummary')}
        </Link>
      </Section>
      <Section title={say('device')}>
        <Checkbox
          label={say('keepHere')}
          isSelected={keeps}
          onChange={(wanted) => {
            setKeeps(wanted);
            void setKeepsSeen(settings, wanted);
          }}
        />
        <p>{say('keepText')}</p>
        <PushChoice />
      </Section>
    </Page>
  );
}

function AboutMe(): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  const genders: Readonly<Record<string, string>> = {
    male: own('male'),
    female: own('female'),
    other: own('otherGender'),
    unknown: own('unknown'),
  };
  return (
    <Loaded query={usePatient()}>
      {(patient) => {
        const contact = (system: string) => patient.telecom?.find((one) => one.system === system)?.value;
        const spoken =
          patient.communication?.find(({ preferred }) => preferred) ?? patient.communication?.[0];
        return (
          <Facts
            facts={[
              [say('name'), nameText(patient.name)],
              [say('birthDate'), dateText(patient.birthDate, language)],
              [say('gender'), genders[patient.gender ?? '']],
              [say('phone'), contact('phone')],
              [say('email'), contact('email')],
              [say('address'), addressText(patient.address?.[0])],
              [say('languageSpoken'), conceptText(spoken?.language)],
            ]}
          />
        );
      }}
    </Loaded>
  );
}

/** All pages of Patient/$everything as one Bundle (R4 patient-operation-everything.html). */
async function everythingOf(fhir: FhirApi, patient: string): Promise<Bundle> {
  const entry: NonNullable<Bundle['entry']> = [];
  let next: string | undefined = `${patient}/$everything?_count=500`;
  while (next !== undefined) {
    const page: Bundle = await fhir.request<Bundle>(next);
    entry.push(...(page.entry ?? []));
    next = nextOf(page);
  }
  return {
    resourceType: 'Bundle',
    type: 'collection',
    entry: entry.map(({ fullUrl, resource }) => ({
      ...(fullUrl === undefined ? {} : { fullUrl }),
      ...(resource === undefined ? {} : { resource }),
    })),
  };
}

function Download(): ReactNode {
  const say = useText();
  const tell = useTell();
  const online = useOnline();
  const { fhir } = useSession();
  const patient = usePatientReference() as string;
  const download = useChange(async () => {
    const bundle = await everythingOf(fhir, patient);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(
      new Blob([JSON.stringify(bundle, undefined, 2)], { type: 'application/fhir+json' }),
    );
    link.download = `${patient.replace('/', '-')}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    return bundle.entry?.length ?? 0;
  }, 'none');
  return (
    <>
      {download.isPending ? <Loading label={say('downloading')} /> : null}
      {download.error === null ? null : <ErrorNotice error={download.error} />}
      <Buttons>
        <Button
          isPending={download.isPending}
          isDisabled={!online}
          onPress={() =>
            download.mutate(undefined, { onSuccess: (count) => tell(say('downloaded', { count })) })
          }
        >
          {say('downloadNow')}
        </Button>
      </Buttons>
    </>
  );
}
