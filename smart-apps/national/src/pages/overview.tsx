import { BarChart, Empty, Link, Loaded, Page, Section, Select } from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { type Filter, matching, totals } from '../model/reports.ts';
import { useText } from '../text.ts';
import { useDepartmentName, useNational, useQuarterText } from '../use-national.ts';
import { FacilityMap } from './facility-map.tsx';

const ALL = 'all';
/** Bars that are shown of a ranking. */
const SHOWN = 15;

/** Visits of a quarter by department and facility: totals, ranking and map. */
export function Overview(): ReactNode {
  const say = useText();
  const department = useDepartmentName();
  const quarterText = useQuarterText();
  const { query, reports, facilities, nameOf } = useNational();
  const [chosen, setChosen] = useState('');
  const [key, setKey] = useState(ALL);
  const quarter = chosen === '' ? reports.quarters[0] : chosen;
  const filter: Filter = { kind: 'visits', ...(quarter === ALL ? {} : { quarter }) };
  const all = matching(reports.figures, filter);
  const wanted = key === ALL ? all : all.filter((one) => one.key === key);
  const departments = totals(matching(reports.figures, { kind: 'visits' }), 'key');
  const ranking = totals(wanted, 'facility');
  const counts = new Map(ranking.map(({ key: facility, count }) => [facility, count]));
  const places = [...facilities.values()].flatMap(({ reference, name, position }) =>
    position === undefined ? [] : [{ id: reference, name, ...position, count: counts.get(reference) ?? 0 }],
  );
  return (
    <Page title={say('overview')}>
      <Loaded query={query} isEmpty={() => reports.quarters.length === 0} empty={say('noReports')}>
        {() => (
          <>
            <div className="filters">
              <Select
                label={say('quarter')}
                value={quarter ?? ''}
                onChange={setChosen}
                options={[
                  ...reports.quarters.map((value) => ({ value, label: quarterText(value) })),
                  { value: ALL, label: say('allQuarters') },
                ]}
              />
              <Select
                label={say('department')}
                value={key}
                onChange={setKey}
                options={[
                  { value: ALL, label: say('allDepartments') },
                  ...departments.map((one) => ({ value: one.key, label: department(one.key, one.name) })),
                ]}
              />
            </div>
            <div className="columns">
              <Section title={say('byDepartment')}>
                {all.length === 0 ? (
                  <Empty>{say('noFigures')}</Empty>
                ) : (
                  <BarChart
                    title={say('visits')}
                    bars={totals(all, 'key').map((one) => ({
                      id: one.key,
                      name: department(one.key, one.name),
                      value: one.count,
                    }))}
                  />
                )}
              </Section>
              <Section title={say('ranking')}>
                {ranking.length === 0 ? (
                  <Empty>{say('noFigures')}</Empty>
                ) : (
                  <BarChart
                    title={say('visits')}
                    bars={ranking.slice(0, SHOWN).map((one) => ({
                      id: one.key,
                      name: <Link href={`/facility/${one.key.split('/')[1]}`}>{nameOf(one.key)}</Link>,
                      value: one.count,
                    }))}
                  />
                )}
              </Section>
            </div>
            <Section title={say('map')}>
              {places.length === 0 ? <Empty>{say('noPlaces')}</Empty> : <FacilityMap places={places} />}
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  );
}
