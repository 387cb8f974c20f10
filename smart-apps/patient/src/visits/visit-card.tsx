import {
  type Appointment,
  Badge,
  Card,
  conceptsText,
  Facts,
  type Tone,
  useLanguage,
  visitTimeText,
} from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { useText } from '../text.ts';
import { namesOf, statusOf } from './visits.ts';

const TONES: Readonly<Record<string, Tone>> = {
  booked: 'good',
  arrived: 'good',
  pending: 'warn',
  waitlist: 'warn',
  noshow: 'bad',
};

/** What kind of visit it is: what it says itself, or the service or specialty that it is booked with. */
function kindOf(visit: Appointment): string | undefined {
  const named = visit.serviceType?.filter(
    ({ text, coding }) => text ?? coding?.some(({ display }) => display),
  );
  return (
    conceptsText(named) ??
    visit.description ??
    namesOf(visit, 'HealthcareService')[0] ??
    conceptsText(visit.specialty)
  );
}

/** One visit in plain words. */
export function VisitCard({
  visit,
  actions,
}: {
  readonly visit: Appointment;
  readonly actions?: ReactNode;
}): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const kind = kindOf(visit);
  const time = visitTimeText(visit.start, language);
  const people = namesOf(visit, 'Practitioner', 'PractitionerRole');
  return (
    <Card
      title={time || kind || say('waiting')}
      aside={<Badge tone={TONES[visit.status] ?? 'plain'}>{say(statusOf(visit))}</Badge>}
      actions={actions}
    >
      {kind === undefined || time === '' ? null : <p>{kind}</p>}
      {people.length === 0 ? null : <p>{say('withWhom', { name: people.join(', ') })}</p>}
      {namesOf(visit, 'Location').map((place) => (
        <p key={place}>{say('at', { place })}</p>
      ))}
      <Facts
        facts={[
          [say('comment'), visit.comment],
          [say('cancelReason'), visit.cancelationReason?.text],
        ]}
      />
      {visit.patientInstruction === undefined ? null : <p>{visit.patientInstruction}</p>}
    </Card>
  );
}
