import {
  type AllergyIntolerance,
  agoText,
  Badge,
  Facts,
  Link,
  Loaded,
  Page,
  resourcesOf,
  useLanguage,
  useOwnText,
  useSearch,
  useSearchAll,
} from '@vesta/app-kit';
import type { ReactNode } from 'react';
import {
  allergiesByPatient,
  BOARD_SEARCH,
  type BoardRow,
  boardRows,
  knownAllergies,
} from '../model/board.ts';
import { useText } from '../text.ts';
import { toneOf, useStatusText } from '../work/status.tsx';

/** How often the board is asked for while it is seen, in milliseconds: a change is there within two seconds. */
const LIVE = 1000;

/**
 * The emergency board. It is asked for whole: what has left it is told by no search for changes, and a department's
 * visits are one page.
 */
export function Board(): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const board = useSearch('Encounter', BOARD_SEARCH, { refetchInterval: LIVE, keepPrevious: true });
  const rows = boardRows(board.data, new Date(), language);
  const patients = [...new Set(rows.flatMap(({ patient }) => patient ?? []))].sort().join(',');
  const allergies = useSearchAll<AllergyIntolerance>(
    'AllergyIntolerance',
    { patient: patients },
    { enabled: patients !== '', refetchInterval: 5000, keepPrevious: true },
  );
  const isRead = allergies.data !== undefined && !allergies.isPlaceholderData;
  const byPatient = allergiesByPatient(resourcesOf<AllergyIntolerance>(allergies.data));
  return (
    <Page
      title={say('board')}
      actions={
        <Link href="/intake" look="main">
          {say('newIntake')}
        </Link>
      }
    >
      <Loaded query={board} isEmpty={() => rows.length === 0} empty={say('emptyBoard')}>
        {() => (
          <ul className="board" aria-label={say('board')}>
            {rows.map((row) => (
              <Row key={row.id} row={row} allergies={knownAllergies(row.patient, byPatient, isRead)} />
            ))}
          </ul>
        )}
      </Loaded>
    </Page>
  );
}

function Row({
  row,
  allergies,
}: {
  readonly row: BoardRow;
  /** Undefined: not known yet. */
  readonly allergies: readonly string[] | undefined;
}): ReactNode {
  const say = useText();
  const own = useOwnText();
  const status = useStatusText();
  const { language } = useLanguage();
  const { esi, patient } = row;
  const group = row.tasks.find((task) => task.group !== undefined)?.group?.split('/')[1];
  const gender = { male: own('male'), female: own('female') }[row.gender ?? ''];
  const name = row.isUnknown ? say('unknownPatient') : row.name;
  return (
    <li className={esi !== undefined && esi <= 2 ? 'board-row urgent' : 'board-row'} data-encounter={row.id}>
      <span className={`esi esi-${esi ?? 0}`}>
        <span className="hidden">{esi === undefined ? say('notTriaged') : say('esiLevel')} </span>
        {esi ?? '–'}
      </span>
      <div>
        <h2>
          {patient === undefined ? (
            <bdi>{name}</bdi>
          ) : (
            <Link href={`/patient/${patient.slice('Patient/'.length)}`}>{name}</Link>
          )}
        </h2>
        <p>
          {[
            gender,
            row.age === undefined ? undefined : say('years', { age: row.age }),
            agoText(row.arrived, language),
          ]
            .filter(Boolean)
            .join(' · ')}{' '}
          <Badge tone={toneOf(row.status)}>{status(row.status)}</Badge>
        </p>
        {row.complaint === '' ? null : (
          <p dir="auto">
            <strong>{row.complaint}</strong>
          </p>
        )}
        {row.redFlags.length === 0 ? null : (
          <ul className="tags" aria-label={say('redFlags')}>
            {row.redFlags.map((flag) => (
              <li key={flag}>
                <Badge tone="bad">⚑ {flag}</Badge>
              </li>
            ))}
          </ul>
        )}
        <ul className="tags" aria-label={say('allergies')}>
          {allergies === undefined || allergies.length === 0 ? (
            <li>
              <Badge>{say(allergies === undefined ? 'allergiesUnread' : 'noAllergies')}</Badge>
            </li>
          ) : (
            allergies.map((allergy) => (
              <li key={allergy}>
                <Badge tone="warn">{say('allergyTo', { name: allergy })}</Badge>
              </li>
            ))
          )}
        </ul>
        <Facts
          facts={[
            ...row.vitals.map(({ name: vital, value }) => [vital, value] as const),
            ['NEWS2', row.news2 ?? ''],
          ]}
        />
        {row.rationale === '' && row.reasons.length === 0 ? null : (
          <details>
            <summary>{say('why')}</summary>
            {row.rationale === '' ? null : <p dir="auto">{row.rationale}</p>}
            <ul className="plain-list">
              {row.reasons.map((reason) => (
                <li key={reason} dir="auto">
                  {reason}
                </li>
              ))}
            </ul>
          </details>
        )}
        {row.tasks.length === 0 ? null : (
          <details>
            <summary>{say('tasksOf', { count: row.tasks.length })}</summary>
            <ul className="plain-list">
              {row.tasks.map((task) => (
                <li key={task.id}>
                  <span dir="auto">{task.title}</span>{' '}
                  <Badge tone={toneOf(task.status)}>{status(task.status)}</Badge>
                  {task.roles.length === 0 ? null : ` ${say('forRole', { role: task.roles.join(', ') })}`}
                </li>
              ))}
            </ul>
          </details>
        )}
        <p>
          {group === undefined ? null : (
            <>
              <Link href={`/workflow/${group}`}>{say('openWorkflow')}</Link> ·{' '}
            </>
          )}
          <Link href={`/runs?encounter=${row.id}`}>{say('openRuns')}</Link>
        </p>
      </div>
    </li>
  );
}
