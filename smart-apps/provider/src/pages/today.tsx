import {
  Badge,
  Card,
  CardList,
  ErrorNotice,
  Link,
  Loaded,
  Page,
  RadioButtons,
  resourcesOf,
  Section,
  timeText,
  useLanguage,
  useSearch,
  useSession,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { BOARD_SEARCH } from '../model/board.ts';
import { dayOf, scheduleRows } from '../model/schedule.ts';
import { useText } from '../text.ts';
import { useStatusText } from '../work/status.tsx';

/** Today's appointments and visits: one's own, or all that the role sees; and how many are in the emergency department. */
export function Today(): ReactNode {
  const say = useText();
  const status = useStatusText();
  const { user } = useSession();
  const { language } = useLanguage();
  const isPractitioner = user?.startsWith('Practitioner/') === true;
  const [whose, setWhose] = useState(isPractitioner ? 'mine' : 'all');
  const [now] = useState(() => new Date());
  const { start, end } = dayOf(now);
  const own = whose === 'mine' ? user : undefined;
  const date = [`ge${start}`, `lt${end}`];
  const live = { refetchInterval: 5000, keepPrevious: true };
  const appointments = useSearch(
    'Appointment',
    { date, actor: own, _include: 'Appointment:patient', _sort: 'date', _count: 100 },
    live,
  );
  const encounters = useSearch(
    'Encounter',
    { date, participant: own, _include: 'Encounter:subject', _count: 100 },
    live,
  );
  const board = useSearch('Encounter', BOARD_SEARCH, { refetchInterval: 5000 });
  const rows = scheduleRows(appointments.data, encounters.data);
  return (
    <Page title={say('today')}>
      <Section title={say('board')}>
        <Loaded query={board}>
          {(bundle) => <p>{say('emergencies', { count: resourcesOf(bundle).length })}</p>}
        </Loaded>
        <p>
          <Link href="/board">{say('openBoard')}</Link>
        </p>
      </Section>
      <Section title={say('schedule')}>
        {isPractitioner ? (
          <RadioButtons
            label={say('whose')}
            value={whose}
            onChange={setWhose}
            options={[
              { value: 'mine', label: say('mine') },
              { value: 'all', label: say('everybody') },
            ]}
          />
        ) : null}
        {encounters.error === null || encounters.data !== undefined ? null : (
          <ErrorNotice error={encounters.error} onRetry={() => void encounters.refetch()} />
        )}
        <Loaded
          query={appointments}
          isEmpty={() => rows.length === 0 && encounters.data !== undefined}
          empty={say('noSchedule')}
        >
          {() => (
            <CardList label={say('schedule')}>
              {rows.map((row) => (
                <Card
                  key={row.key}
                  title={
                    row.patient === undefined ? (
                      row.name || say('nobody')
                    ) : (
                      <Link href={`/${row.patient.replace('Patient/', 'patient/')}`}>
                        {row.name || row.patient}
                      </Link>
                    )
                  }
                  aside={
                    <>
                      {row.start === undefined ? null : timeText(row.start, language)}{' '}
                      <Badge>{status(row.status)}</Badge>
                    </>
                  }
                >
                  {row.what === '' ? null : <p dir="auto">{row.what}</p>}
                </Card>
              ))}
            </CardList>
          )}
        </Loaded>
      </Section>
    </Page>
  );
}
