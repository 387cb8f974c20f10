import {
  Badge,
  Button,
  Buttons,
  dateText,
  Empty,
  ErrorNotice,
  Loading,
  resourcesOf,
  useLanguage,
  useOwnText,
  useSearchAll,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { timelineOf } from '../model/timeline.ts';
import { useText } from '../text.ts';

const TYPES = [
  'Encounter',
  'Condition',
  'MedicationRequest',
  'Procedure',
  'Immunization',
  'DiagnosticReport',
  'DocumentReference',
  'Appointment',
] as const;

/** Years that are shown at first. */
const YEARS = 3;

/** What has happened to the patient, by year. */
export function Timeline({ id }: { readonly id: string }): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  const [shown, setShown] = useState(YEARS);
  // One hook for each type, always in the same order.
  const queries = TYPES.map((type) => useSearchAll(type, { patient: id }));
  const years = timelineOf(queries.flatMap(({ data }) => resourcesOf(data)));
  const failed = queries.find(({ error }) => error !== null && error.status !== 403);
  return (
    <>
      {failed === undefined ? null : (
        <ErrorNotice error={failed.error} onRetry={() => void failed.refetch()} />
      )}
      {queries.some(({ isLoading }) => isLoading) ? <Loading /> : years.length === 0 ? <Empty /> : null}
      {years.slice(0, shown).map(({ year, events }) => (
        <section key={year} aria-label={year}>
          <h2>{year}</h2>
          <ol className="timeline">
            {events.map((event) => (
              <li key={event.key}>
                <span className="when">{dateText(event.date, language, false)}</span>{' '}
                <Badge>{say(`event_${event.kind}`)}</Badge> <strong dir="auto">{event.title}</strong>
                {event.detail === '' ? null : <div dir="auto">{event.detail}</div>}
              </li>
            ))}
          </ol>
        </section>
      ))}
      {years.length > shown ? (
        <Buttons>
          <Button look="second" onPress={() => setShown(shown + 5)}>
            {own('more')}
          </Button>
        </Buttons>
      ) : null}
    </>
  );
}
