import {
  Badge,
  DataTable,
  dateText,
  Empty,
  Link,
  Loaded,
  Page,
  Section,
  Select,
  useLanguage,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { CONDITIONS, missing, type Submission, VISITS } from '../model/reports.ts';
import { useText } from '../text.ts';
import { type National, useNational, useQuarterText } from '../use-national.ts';

/** The reports of a quarter, and who has not sent theirs. */
export function Submissions(): ReactNode {
  const say = useText();
  const quarterText = useQuarterText();
  const national = useNational();
  const { query, reports, nameOf } = national;
  const [chosen, setChosen] = useState('');
  const quarter = (chosen === '' ? reports.quarters[0] : chosen) ?? '';
  const shown = reports.submissions.filter((one) => one.quarter === quarter);
  const absent = missing(reports.submissions, reports.quarters, quarter);
  return (
    <Page title={say('submissions')}>
      <Loaded query={query} isEmpty={() => reports.quarters.length === 0} empty={say('noReports')}>
        {() => (
          <>
            <Select
              label={say('quarter')}
              value={quarter}
              onChange={setChosen}
              options={reports.quarters.map((value) => ({ value, label: quarterText(value) }))}
            />
            <Section title={say('received', { count: shown.length })}>
              <SubmissionTable national={national} submissions={shown} />
            </Section>
            <Section title={say('missing', { count: absent.length })}>
              <p>{say('missingText')}</p>
              {absent.length === 0 ? (
                <Empty>{say('noneMissing')}</Empty>
              ) : (
                <ul>
                  {absent.map((facility) => (
                    <li key={facility}>
                      <Link href={`/facility/${facility.split('/')[1]}`}>{nameOf(facility)}</Link>
                    </li>
                  ))}
                </ul>
              )}
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  );
}

/** Reports as they were submitted. */
export function SubmissionTable({
  national: { nameOf },
  submissions,
}: {
  readonly national: National;
  readonly submissions: readonly Submission[];
}): ReactNode {
  const say = useText();
  const quarterText = useQuarterText();
  const { language } = useLanguage();
  const measure = (url: string) =>
    url === VISITS ? say('measureVisits') : url === CONDITIONS ? say('measureConditions') : url;
  return (
    <DataTable
      caption={say('submissions')}
      isCaptionHidden
      rows={submissions}
      keyOf={({ id }) => id}
      columns={[
        {
          id: 'facility',
          title: say('facility'),
          cell: ({ facility }) => (
            <Link href={`/facility/${facility.split('/')[1]}`}>{nameOf(facility)}</Link>
          ),
        },
        { id: 'measure', title: say('measure'), cell: (one) => measure(one.measure) },
        { id: 'quarter', title: say('quarter'), cell: ({ quarter }) => quarterText(quarter) },
        { id: 'date', title: say('submitted'), cell: ({ date }) => dateText(date, language, false) },
        {
          id: 'status',
          title: say('status'),
          cell: ({ status }) => (
            <Badge tone={status === 'complete' ? 'good' : status === 'error' ? 'bad' : 'warn'}>
              {status === 'complete' ? say('complete') : status === 'error' ? say('error') : say('pending')}
            </Badge>
          ),
        },
      ]}
    />
  );
}
