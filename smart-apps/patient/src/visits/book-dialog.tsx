import {
  type Appointment,
  Button,
  Buttons,
  Dialog,
  ErrorNotice,
  Notice,
  TextField,
  useLanguage,
  useOperation,
  useOwnText,
  useTell,
  visitTimeText,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import { usePatientReference } from '../patient-of.ts';
import { useText } from '../text.ts';
import { namesOf } from './visits.ts';

/** Asks once more, and books a proposed time or moves a visit to it. */
export function BookDialog({
  proposed,
  moved,
  onClose,
}: {
  readonly proposed: Appointment;
  readonly moved: string | undefined;
  readonly onClose: () => void;
}): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  const tell = useTell();
  const patient = usePatientReference();
  const [, navigate] = useLocation();
  const [comment, setComment] = useState('');
  const book = useOperation<Appointment>('Appointment', 'Communication');
  const time = visitTimeText(proposed.start, language);
  const submit = () =>
    book.mutate(
      moved === undefined
        ? {
            path: 'Appointment/$book',
            parameter: [
              { name: 'patient-id', valueString: patient as string },
              { name: 'appt-resource', resource: proposed },
              ...(comment.trim() === '' ? [] : [{ name: 'comment', valueString: comment.trim() }]),
            ],
          }
        : {
            path: `Appointment/${moved}/$reschedule`,
            parameter: [{ name: 'appt-resource', resource: proposed }],
          },
      {
        onSuccess: () => {
          tell(say(moved === undefined ? 'booked' : 'moved', { time }));
          navigate('/visits');
        },
      },
    );
  const people = namesOf(proposed, 'Practitioner', 'PractitionerRole');
  return (
    <Dialog title={say(moved === undefined ? 'confirmTitle' : 'moveTitle')} isOpen onClose={onClose}>
      <p>
        <strong>{time}</strong>
      </p>
      {people.length === 0 ? null : <p>{say('withWhom', { name: people.join(', ') })}</p>}
      {namesOf(proposed, 'Location').map((place) => (
        <p key={place}>{say('at', { place })}</p>
      ))}
      {proposed.minutesDuration === undefined ? null : (
        <p>{say('minutes', { minutes: proposed.minutesDuration })}</p>
      )}
      {moved === undefined ? (
        <TextField label={say('comment')} value={comment} onChange={setComment} rows={3} />
      ) : null}
      {book.error === null ? null : book.error.status === 409 ? (
        <Notice tone="bad" isLive>
          {say('taken')}
        </Notice>
      ) : (
        <ErrorNotice error={book.error} />
      )}
      <Buttons>
        <Button isPending={book.isPending} onPress={submit}>
          {say(moved === undefined ? 'book' : 'move')}
        </Button>
        <Button look="second" onPress={onClose}>
          {own('cancel')}
        </Button>
      </Buttons>
    </Dialog>
  );
}
