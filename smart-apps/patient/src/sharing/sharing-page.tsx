import {
  Badge,
  Button,
  Card,
  CardList,
  type Consent,
  conceptsText,
  dateText,
  Empty,
  ErrorNotice,
  Link,
  Loaded,
  managementPage,
  nameText,
  Page,
  type RelatedPerson,
  resourcesOf,
  Section,
  useChange,
  useLanguage,
  useOnline,
  useOwnText,
  useSearchAll,
  useSession,
  useTell,
} from '@vesta/app-kit';
import { type ReactNode, useEffect, useState } from 'react';
import { usePatientReference } from '../patient-of.ts';
import { useText } from '../text.ts';
import { consentsFor, consentTo, permitted } from './caregivers.ts';

const useConsents = () => useSearchAll<Consent>('Consent', { patient: usePatientReference() });

/** Who may see the record: people, what was agreed to, apps. */
export default function SharingPage(): ReactNode {
  const say = useText();
  return (
    <Page title={say('sharing')}>
      <Section title={say('caregivers')}>
        <p>{say('caregiversText')}</p>
        <Caregivers />
      </Section>
      <Section title={say('consents')}>
        <p>{say('consentsText')}</p>
        <Consents />
      </Section>
      <Section title={say('apps')}>
        <Apps />
      </Section>
    </Page>
  );
}

function Caregivers(): ReactNode {
  const say = useText();
  const consents = useConsents();
  const people = useSearchAll<RelatedPerson>('RelatedPerson', { patient: usePatientReference() });
  return (
    <Loaded query={people} isEmpty={(bundle) => resourcesOf(bundle).length === 0} empty={say('noCaregivers')}>
      {(bundle) => (
        <CardList>
          {resourcesOf<RelatedPerson>(bundle).map((person) => (
            <Caregiver
              key={person.id}
              person={person}
              consents={consents.data === undefined ? undefined : resourcesOf<Consent>(consents.data)}
            />
          ))}
        </CardList>
      )}
    </Loaded>
  );
}

function Caregiver({
  person,
  consents,
}: {
  readonly person: RelatedPerson;
  readonly consents: readonly Consent[] | undefined;
}): ReactNode {
  const say = useText();
  const own = useOwnText();
  const tell = useTell();
  const online = useOnline();
  const { fhir, user } = useSession();
  const patient = usePatientReference() as string;
  const name = nameText(person.name) ?? own('unknown');
  const given = consents === undefined ? [] : consentsFor(person, consents);
  const change = useChange(async (allow: boolean) => {
    if (allow) await fhir.create(consentTo(person, patient, user ?? patient));
    else for (const consent of given) await fhir.update({ ...consent, status: 'inactive' });
  }, 'Consent');
  const isGiven = given.length > 0;
  const press = () =>
    change.mutate(!isGiven, { onSuccess: () => tell(say(isGiven ? 'stopped' : 'allowed', { name })) });
  // Only the patient decides; a caregiver sees what was decided.
  const decides = user === undefined || user === patient;
  return (
    <Card
      title={name}
      aside={<Badge tone={isGiven ? 'good' : 'plain'}>{say(isGiven ? 'mayHelp' : 'mayNotHelp')}</Badge>}
      actions={
        decides && consents !== undefined ? (
          <Button
            look={isGiven ? 'danger' : 'second'}
            isPending={change.isPending}
            isDisabled={!online}
            aria-label={say(isGiven ? 'stopPersonOf' : 'allowPersonOf', { name })}
            onPress={press}
          >
            {say(isGiven ? 'stopPerson' : 'allowPerson')}
          </Button>
        ) : undefined
      }
    >
      <p>{conceptsText(person.relationship)}</p>
      {change.error === null ? null : <ErrorNotice error={change.error} />}
    </Card>
  );
}

function Consents(): ReactNode {
  const say = useText();
  const consents = useConsents();
  return (
    <Loaded query={consents} isEmpty={(bundle) => resourcesOf(bundle).length === 0} empty={say('noConsents')}>
      {(bundle) => (
        <CardList>
          {resourcesOf<Consent>(bundle)
            .filter(({ status }) => status !== 'entered-in-error')
            .map((consent) => (
              <ConsentCard key={consent.id} consent={consent} />
            ))}
        </CardList>
      )}
    </Loaded>
  );
}

function ConsentCard({ consent }: { readonly consent: Consent }): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const isActive = consent.status === 'active';
  const parts = [consent.provision, ...(consent.provision?.provision ?? [])].flatMap((one) =>
    one === undefined ? [] : [one],
  );
  const isDenial = parts.some(({ type }) => type === 'deny');
  return (
    <Card
      title={
        conceptsText(consent.category) ??
        say('consentOf', { date: dateText(consent.dateTime, language, false) })
      }
      aside={
        <Badge tone={isActive ? 'good' : 'plain'}>
          {say(isActive ? 'consentActive' : 'consentInactive')}
        </Badge>
      }
    >
      <p>
        {say(isDenial && permitted(consent).length === 0 ? 'denies' : 'permits')}
        {consent.dateTime === undefined ? '' : ` · ${dateText(consent.dateTime, language, false)}`}
      </p>
    </Card>
  );
}

function Apps(): ReactNode {
  const say = useText();
  const session = useSession();
  const [page, setPage] = useState<string | false>();
  const { base, isLive } = session;
  useEffect(() => {
    if (isLive)
      managementPage({ base }).then(
        (found) => setPage(found ?? false),
        () => setPage(false),
      );
  }, [base, isLive]);
  return page === false ? (
    <Empty>{say('noAppsPage')}</Empty>
  ) : (
    <>
      <p>{say('appsText')}</p>
      {page === undefined ? null : (
        <Link href={page} look="second" external>
          {say('openApps')}
        </Link>
      )}
    </>
  );
}
