import {
  type Appointment,
  Button,
  Buttons,
  CardList,
  Dialog,
  Empty,
  ErrorNotice,
  Link,
  Loaded,
  Page,
  Section,
  TextField,
  useLanguage,
  useOnline,
  useOperation,
  useTell,
  visitTimeText,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { useText } from '../text.ts';
import { VisitCard } from './visit-card.tsx';
import { partsOf, useVisits } from './visits.ts';

/** Visits that come, those waited for, and those before; to move and cancel. */
export default function VisitsPage(): ReactNode {
  const say = useText();
  const visits = useVisits();
  const [cancelled, setCancelled] = useState<Appointment>();
  return (
    <Page
      title={say('visits')}
      actions={
        <Link href="/visits/book" look="main">
          {say('bookVisit')}
        </Link>
      }
    >
      <Loaded query={visits}>
        {(bundle) => {
          const { upcoming, waiting, before } = partsOf(bundle);
          return (
            <>
              <Section title={say('upcoming')}>
                {upcoming.length === 0 ? <Empty>{say('noUpcoming')}</Empty> : null}
                <CardList label={say('upcoming')}>
                  {upcoming.map((visit) => (
                    <VisitCard
                      key={visit.id}
                      visit={visit}
                      actions={<Actions visit={visit} onCancel={() => setCancelled(visit)} />}
                    />
                  ))}
                </CardList>
              </Section>
              {waiting.length === 0 ? null : (
                <Section title={say('waiting')}>
                  <CardList label={say('waiting')}>
                    {waiting.map((visit) => (
                      <VisitCard key={visit.id} visit={visit} actions={<Leave visit={visit} />} />
                    ))}
                  </CardList>
                </Section>
              )}
              {before.length === 0 ? null : (
                <Section title={say('before')}>
                  <CardList label={say('before')}>
                    {before.slice(0, 50).map((visit) => (
                      <VisitCard key={visit.id} visit={visit} />
                    ))}
                  </CardList>
                </Section>
              )}
            </>
          );
        }}
      </Loaded>
      {cancelled === undefined ? null : (
        <CancelDialog visit={cancelled} onClose={() => setCancelled(undefined)} />
      )}
    </Page>
  );
}

function Actions({
  visit,
  onCancel,
}: {
  readonly visit: Appointment;
  readonly onCancel: () => void;
}): ReactNode {
  const say = useText();
  const online = useOnline();
  const { language } = useLanguage();
  const tell = useTell();
  const answer = useOperation('Appointment', 'Communication');
  const time = visitTimeText(visit.start, language);
  const call = (operation: '$book' | '$decline', done: string) =>
    answer.mutate(
      operation === '$book'
        ? { path: 'Appointment/$book', parameter: [{ name: 'appt-id', valueString: visit.id as string }] }
        : { path: `Appointment/${visit.id}/$decline` },
      { onSuccess: () => tell(done) },
    );
  if (visit.status === 'pending')
    return (
      <>
        <Button
          isDisabled={!online}
          isPending={answer.isPending}
          onPress={() => call('$book', say('booked', { time }))}
        >
          {say('takeOffer')}
        </Button>
        <Button look="second" isDisabled={!online} onPress={() => call('$decline', say('joined'))}>
          {say('declineOffer')}
        </Button>
        {answer.error === null ? null : <ErrorNotice error={answer.error} />}
      </>
    );
  return (
    <>
      <Link href={`/visits/${visit.id}/move`} look="second" label={say('moveOf', { time })}>
        {say('move')}
      </Link>
      <Button look="danger" isDisabled={!online} aria-label={say('cancelOf', { time })} onPress={onCancel}>
        {say('cancelVisit')}
      </Button>
    </>
  );
}

function Leave({ visit }: { readonly visit: Appointment }): ReactNode {
  const say = useText();
  const online = useOnline();
  const tell = useTell();
  const leave = useOperation('Appointment');
  return (
    <>
      <Button
        look="second"
        isDisabled={!online}
        isPending={leave.isPending}
        onPress={() =>
          leave.mutate({ path: `Appointment/${visit.id}/$cancel` }, { onSuccess: () => tell(say('left')) })
        }
      >
        {say('leaveWaiting')}
      </Button>
      {leave.error === null ? null : <ErrorNotice error={leave.error} />}
    </>
  );
}

function CancelDialog({
  visit,
  onClose,
}: {
  readonly visit: Appointment;
  readonly onClose: () => void;
}): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const tell = useTell();
  const [reason, setReason] = useState('');
  const cancel = useOperation('Appointment', 'Communication');
  const submit = () =>
    cancel.mutate(
      {
        path: `Appointment/${visit.id}/$cancel`,
        parameter:
          reason.trim() === '' ? [] : [{ name: 'reason', valueCodeableConcept: { text: reason.trim() } }],
      },
      {
        onSuccess: () => {
          tell(say('cancelled'));
          onClose();
        },
      },
    );
  return (
    <Dialog title={say('cancelTitle')} isOpen onClose={onClose} isAlert>
      <p>
        <strong>{visitTimeText(visit.start, language)}</strong>
      </p>
      <p>{say('cancelText')}</p>
      <TextField label={say('cancelReason')} value={reason} onChange={setReason} />
      {cancel.error === null ? null : <ErrorNotice error={cancel.error} />}
      <Buttons>
        <Button look="danger" isPending={cancel.isPending} onPress={submit}>
          {say('cancelVisit')}
        </Button>
        <Button look="second" onPress={onClose}>
          {say('keepVisit')}
        </Button>
      </Buttons>
    </Dialog>
  );
}
