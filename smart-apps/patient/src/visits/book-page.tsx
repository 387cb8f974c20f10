import {
  type Appointment,
  type Bundle,
  Button,
  Buttons,
  dayOf,
  dayText,
  Empty,
  ErrorNotice,
  Found,
  Loaded,
  Page,
  resourcesOf,
  type SearchParameters,
  Section,
  Select,
  TextField,
  timeText,
  useAsk,
  useLanguage,
  useOperation,
  useRead,
  useTell,
  visitTimeText,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import { usePatientReference } from '../patient-of.ts';
import { useText } from '../text.ts';
import { BookDialog } from './book-dialog.tsx';
import { useServices } from './services.ts';
import { namesOf } from './visits.ts';

const DAY = 86_400_000;
const PAGE = 30;
interface Wish {
  readonly service: string;
  readonly from: string;
  readonly to: string;
  readonly part: string;
}

/** Finds a free time and books it, or moves a visit to it. @param moved id of the visit to be moved */
export default function BookPage({ moved }: { readonly moved?: string | undefined }): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const patient = usePatientReference();
  const old = useRead<Appointment>(moved === undefined ? undefined : `Appointment/${moved}`);
  const [wish, setWish] = useState<Wish>({
    service: '',
    from: dayOf(new Date()),
    to: dayOf(new Date(Date.now() + 28 * DAY)),
    part: '',
  });
  const [asked, setAsked] = useState<{ wish: Wish; count: number }>();
  const [chosen, setChosen] = useState<Appointment>();
  const serviceOfOld = old.data?.participant
    .map(({ actor }) => actor?.reference ?? '')
    .find((reference) => reference.includes('HealthcareService/'));
  const query = parametersOf(asked?.wish ?? wish, asked?.count ?? PAGE, patient, serviceOfOld);
  const found = useAsk<Bundle<Appointment>>('Appointment/$find', query, {
    enabled: asked !== undefined && (moved === undefined || old.data !== undefined),
    staleTime: 0,
  });
  const options = useServices(moved === undefined);
  const change = (part: Partial<Wish>) => setWish((before) => ({ ...before, ...part }));
  return (
    <Page title={say(moved === undefined ? 'bookVisit' : 'moveTitle')}>
      {moved === undefined ? null : (
        <Loaded query={old}>{({ start }) => <p>{visitTimeText(start, language)}</p>}</Loaded>
      )}
      {/* What is pressed must not move away under the finger when the visit is there. */}
      <Section title={say('findTitle')}>
        <form
          hidden={moved !== undefined && old.data === undefined}
          onSubmit={(event) => {
            event.preventDefault();
            setAsked({ wish, count: PAGE });
          }}
        >
          {moved !== undefined || options.length === 0 ? null : (
            <Select
              label={say('service')}
              placeholder={say('anyService')}
              options={[{ value: 'any', label: say('anyService') }, ...options]}
              value={wish.service}
              onChange={(service) => change({ service: service === 'any' ? '' : service })}
            />
          )}
          <div className="form-row">
            <TextField
              label={say('from')}
              type="date"
              min={dayOf(new Date())}
              value={wish.from}
              onChange={(from) => change({ from })}
            />
            <TextField
              label={say('to')}
              type="date"
              min={wish.from}
              value={wish.to}
              onChange={(to) => change({ to })}
            />
            <Select
              label={say('partOfDay')}
              placeholder={say('anyTime')}
              options={[
                { value: 'any', label: say('anyTime') },
                { value: 'morning', label: say('morning') },
                { value: 'afternoon', label: say('afternoon') },
                { value: 'evening', label: say('evening') },
              ]}
              value={wish.part}
              onChange={(part) => change({ part: part === 'any' ? '' : part })}
            />
          </div>
          <Buttons>
            <Button type="submit">{say('find')}</Button>
          </Buttons>
        </form>
      </Section>
      {asked === undefined ? null : (
        <Section title={say('freeTimes')}>
          <Found count={found.isFetching ? undefined : resourcesOf(found.data).length} />
          <Loaded query={found}>
            {(bundle) => (
              <Times
                times={resourcesOf<Appointment>(bundle)}
                count={asked.count}
                onChoose={setChosen}
                onMore={() => setAsked({ ...asked, count: asked.count + PAGE })}
                waiting={moved === undefined ? query : undefined}
              />
            )}
          </Loaded>
        </Section>
      )}
      {chosen === undefined ? null : (
        <BookDialog proposed={chosen} moved={moved} onClose={() => setChosen(undefined)} />
      )}
    </Page>
  );
}

function parametersOf(
  { service, from, to, part }: Wish,
  count: number,
  patient: string | undefined,
  serviceOfOld: string | undefined,
): SearchParameters {
  const wanted = serviceOfOld ?? (service === '' ? undefined : service);
  return {
    start: from,
    end: to,
    patient,
    'healthcare-service': wanted,
    'time-of-day': part === '' ? undefined : part,
    _count: count,
  };
}

/** Free times by day. */
function Times({
  times,
  count,
  onChoose,
  onMore,
  waiting,
}: {
  readonly times: readonly Appointment[];
  readonly count: number;
  readonly onChoose: (time: Appointment) => void;
  readonly onMore: () => void;
  /** What would be waited for; undefined where nobody can wait. */
  readonly waiting: SearchParameters | undefined;
}): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const days = Map.groupBy(times, ({ start }) => dayText(start as string, language));
  return (
    <>
      {times.length === 0 ? <Empty>{say('noTimes')}</Empty> : null}
      {[...days].map(([day, all]) => (
        <div key={day} className="day">
          <h3>{day}</h3>
          <ul className="times">
            {all.map((time) => {
              const who = namesOf(time, 'Practitioner', 'PractitionerRole')[0];
              return (
                <li key={`${time.start} ${JSON.stringify(time.participant)}`}>
                  <Button
                    look="second"
                    aria-label={say('chooseTime', {
                      time: [visitTimeText(time.start, language), who].filter(Boolean).join(', '),
                    })}
                    onPress={() => onChoose(time)}
                  >
                    {timeText(time.start as string, language)}
                    {who === undefined ? null : (
                      <small>
                        <bdi>{who}</bdi>
                      </small>
                    )}
                  </Button>
                </li>
              );
            })}
          </ul>
        </div>
      ))}
      <Buttons>
        {times.length < count ? null : (
          <Button look="second" onPress={onMore}>
            {say('moreTimes')}
          </Button>
        )}
        {waiting === undefined ? null : <JoinWaiting wish={waiting} />}
      </Buttons>
    </>
  );
}

/** Joins the waiting list with the wish of the form. */
function JoinWaiting({ wish }: { readonly wish: SearchParameters }): ReactNode {
  const say = useText();
  const tell = useTell();
  const [, navigate] = useLocation();
  const join = useOperation('Appointment');
  const { patient, _count, ...wanted } = wish;
  const submit = () =>
    join.mutate(
      {
        path: 'Appointment/$wait',
        parameter: [
          { name: 'patient-id', valueString: String(patient) },
          ...Object.entries(wanted).flatMap(([name, value]) =>
            value === undefined ? [] : [{ name, valueString: String(value) }],
          ),
        ],
      },
      {
        onSuccess: () => {
          tell(say('joined'));
          navigate('/visits');
        },
      },
    );
  return (
    <>
      <Button look="second" isPending={join.isPending} onPress={submit}>
        {say('joinWaiting')}
      </Button>
      {join.error === null ? null : <ErrorNotice error={join.error} />}
    </>
  );
}
