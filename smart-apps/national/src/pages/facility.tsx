import { BarChart, Empty, LineChart, Loaded, Page, Section } from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { matching, quarterStart, totals } from '../model/reports.ts';
import { useText } from '../text.ts';
import { useDepartmentName, useNational } from '../use-national.ts';
import { SubmissionTable } from './submissions.tsx';

/** A facility: its visits over time by department, what is diagnosed there, and its reports. */
export function Facility({ id }: { readonly id: string }): ReactNode {
  const say = useText();
  const department = useDepartmentName();
  const national = useNational();
  const { query, reports, facilities } = national;
  const own = `Organization/${id}`;
  const visits = matching(reports.figures, { kind: 'visits', facility: own });
  const conditions = totals(matching(reports.figures, { kind: 'conditions', facility: own }), 'key');
  const departments = totals(visits, 'key');
  return (
    <Page title={facilities.get(own)?.name ?? say('facility')}>
      <p>{facilities.get(own)?.place}</p>
      <Loaded
        query={query}
        isEmpty={() => reports.submissions.every(({ facility }) => facility !== own)}
        empty={say('noReports')}
      >
        {() => (
          <>
            <div className="columns">
              <Section title={say('visits')}>
                <LineChart
                  title={say('visitsByQuarter')}
                  series={departments.map(({ key, name }) => ({
                    name: department(key, name),
                    points: visits
                      .filter((one) => one.key === key)
                      .map(({ quarter, count }) => ({ date: quarterStart(quarter), value: count })),
                  }))}
                />
              </Section>
              <Section title={say('conditions')}>
                {conditions.length === 0 ? (
                  <Empty>{say('noFigures')}</Empty>
                ) : (
                  <BarChart
                    title={say('diagnoses')}
                    bars={conditions
                      .slice(0, 12)
                      .map(({ key, name, count }) => ({ id: key, name, value: count }))}
                  />
                )}
              </Section>
            </div>
            <Section title={say('submissions')}>
              <SubmissionTable
                national={national}
                submissions={reports.submissions.filter(({ facility }) => facility === own)}
              />
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  );
}
