import {
  Button,
  Buttons,
  Card,
  CardList,
  dateText,
  Facts,
  Found,
  Link,
  Loaded,
  nameText,
  Page,
  type Patient,
  resourcesOf,
  TextField,
  useLanguage,
  useSearchPages,
} from '@vesta/app-kit';
import { type FormEvent, type ReactNode, useState } from 'react';
import { useText } from '../text.ts';

/** Searches for patients by name, identifier and date of birth. */
export default function Patients(): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const [typed, setTyped] = useState({ name: '', birthDate: '' });
  const [asked, setAsked] = useState<{ name: string; birthDate: string }>();
  const isNumber = /\d/.test(asked?.name ?? '');
  const found = useSearchPages<Patient>(
    'Patient',
    {
      ...(asked?.name ? (isNumber ? { identifier: asked.name } : { name: asked.name.split(/\s+/) }) : {}),
      ...(asked?.birthDate ? { birthdate: asked.birthDate } : {}),
      _count: 20,
      _sort: 'family',
    },
    { enabled: asked !== undefined },
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked({ name: typed.name.trim(), birthDate: typed.birthDate });
  };
  const patients = (found.data?.pages ?? []).flatMap((page) => resourcesOf<Patient>(page));
  return (
    <Page title={say('patients')}>
      <search aria-label={say('patients')}>
        <form onSubmit={submit} className="section">
          <TextField
            label={say('nameOrNumber')}
            value={typed.name}
            onChange={(name) => setTyped({ ...typed, name })}
            type="search"
          />
          <TextField
            label={say('birthDate')}
            value={typed.birthDate}
            onChange={(birthDate) => setTyped({ ...typed, birthDate })}
            type="date"
          />
          <Button type="submit">{say('search')}</Button>
        </form>
      </search>
      <Found count={found.isFetching ? undefined : patients.length} />
      {asked === undefined ? null : (
        <Loaded query={found} isEmpty={() => patients.length === 0} empty={say('noPatients')}>
          {() => (
            <>
              <CardList label={say('patients')}>
                {patients.map((patient) => (
                  <Card
                    key={patient.id}
                    level={2}
                    title={
                      <Link href={`/patient/${patient.id}`}>{nameText(patient.name) ?? patient.id}</Link>
                    }
                  >
                    <Facts
                      facts={[
                        [say('birthDate'), dateText(patient.birthDate, language)],
                        [
                          say('identifier'),
                          patient.identifier?.find(({ type }) => type !== undefined)?.value ?? '',
                        ],
                      ]}
                    />
                  </Card>
                ))}
              </CardList>
              {found.hasNextPage ? (
                <Buttons>
                  <Button
                    look="second"
                    onPress={() => void found.fetchNextPage()}
                    isPending={found.isFetchingNextPage}
                  >
                    {say('more')}
                  </Button>
                </Buttons>
              ) : null}
            </>
          )}
        </Loaded>
      )}
    </Page>
  );
}
