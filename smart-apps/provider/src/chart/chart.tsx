import {
  ageOf,
  dateText,
  Facts,
  Link,
  Loaded,
  Loading,
  Notice,
  nameText,
  Page,
  type Patient,
  Section,
  Tabs,
  useLanguage,
  useOwnText,
  useRead,
  useSession,
} from '@vesta/app-kit';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { Cards } from '../cds/cards.tsx';
import { usePatientView } from '../cds/use-hook.ts';
import type { HookAnswer } from '../model/cds.ts';
import { useText } from '../text.ts';
import { BreakGlass } from './break-glass.tsx';
import { Lists } from './lists.tsx';
import { Notes } from './notes.tsx';
import { Timeline } from './timeline.tsx';
import { Trends } from './trends.tsx';

const Orders = lazy(() => import('./orders.tsx'));

/** A patient's chart. Decision support is asked when it is opened (hook patient-view). */
export default function Chart({ id }: { readonly id: string }): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  const { patient: context, encounter: contextEncounter } = useSession();
  const [tab, setTab] = useState('lists');
  const patient = useRead<Patient>(`Patient/${id}`);
  const encounter = context === id ? contextEncounter : undefined;
  const name = nameText(patient.data?.name) ?? say('chart');
  const isRestricted = [403, 404].includes(patient.error?.status ?? 0);
  const gender = { male: own('male'), female: own('female'), other: own('otherGender') }[
    patient.data?.gender ?? ''
  ];
  return (
    <Page
      title={name}
      actions={
        <>
          <Link href={`/intake?patient=${id}`} look="second">
            {say('intake')}
          </Link>
          <BreakGlass patient={id} />
        </>
      }
    >
      {isRestricted ? <Notice tone="warn">{say('restricted')}</Notice> : null}
      <Loaded query={patient}>
        {(data) => (
          <div className="banner">
            <Facts
              facts={[
                [
                  say('birthDate'),
                  `${dateText(data.birthDate, language)}${ageOf(data.birthDate) === undefined ? '' : ` (${say('years', { age: ageOf(data.birthDate) as number })})`}`,
                ],
                [say('gender'), gender ?? data.gender ?? ''],
                [say('identifier'), data.identifier?.find(({ type }) => type !== undefined)?.value ?? ''],
                [
                  say('runs'),
                  <Link key="runs" href={`/runs?patient=${id}`}>
                    {say('openRuns')}
                  </Link>,
                ],
              ]}
            />
          </div>
        )}
      </Loaded>
      {patient.data === undefined ? null : (
        <>
          <Guidance id={id} encounter={encounter} />
          <Tabs
            label={say('chart')}
            selected={tab}
            onChange={setTab}
            items={[
              { id: 'lists', title: say('lists'), content: <Lists id={id} /> },
              { id: 'timeline', title: say('timeline'), content: <Timeline id={id} /> },
              { id: 'trends', title: say('trends'), content: <Trends id={id} /> },
              { id: 'notes', title: say('notesTab'), content: <Notes id={id} /> },
              {
                id: 'orders',
                title: say('orders'),
                content: (
                  <Suspense fallback={<Loading />}>
                    <Orders id={id} encounter={encounter} />
                  </Suspense>
                ),
              },
            ]}
          />
        </>
      )}
    </Page>
  );
}

function Guidance({
  id,
  encounter,
}: {
  readonly id: string;
  readonly encounter: string | undefined;
}): ReactNode {
  const say = useText();
  const view = usePatientView(id, encounter);
  const isQuiet = (answer: HookAnswer | null): boolean =>
    answer === null ||
    (answer.cards.length === 0 && answer.services.every(({ status }) => status === 'answered'));
  return (
    <Section title={say('guidance')}>
      <Loaded query={view} isEmpty={isQuiet} empty={say(view.data === null ? 'noCds' : 'noGuidance')}>
        {(answer) => (answer === null ? null : <Cards answer={answer} onRetry={() => void view.refetch()} />)}
      </Loaded>
    </Section>
  );
}
