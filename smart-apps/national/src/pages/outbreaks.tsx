import {
  Badge,
  Card,
  CardList,
  Facts,
  LineChart,
  Link,
  Loaded,
  Notice,
  Page,
  Select,
  useLanguage,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { type Signal, signalsOf } from '../model/outbreaks.ts';
import { quarterStart } from '../model/reports.ts';
import { useText } from '../text.ts';
import { useNational, useQuarterText } from '../use-national.ts';

/** Conditions that are more frequent in a quarter than they were before. */
export function Outbreaks(): ReactNode {
  const say = useText();
  const quarterText = useQuarterText();
  const { query, reports, nameOf } = useNational();
  const [chosen, setChosen] = useState('');
  const withSignals = reports.quarters.filter((quarter) => signalsOf(reports.figures, quarter).length > 0);
  const quarter = (chosen === '' ? (withSignals[0] ?? reports.quarters[0]) : chosen) ?? '';
  const signals = signalsOf(reports.figures, quarter);
  return (
    <Page title={say('outbreaks')}>
      <p>{say('outbreakText')}</p>
      <Loaded query={query} isEmpty={() => reports.quarters.length === 0} empty={say('noReports')}>
        {() => (
          <>
            <Select
              label={say('quarter')}
              value={quarter}
              onChange={setChosen}
              options={reports.quarters.map((value) => ({
                value,
                label: withSignals.includes(value)
                  ? say('quarterWithSignals', { quarter: quarterText(value) })
                  : quarterText(value),
              }))}
            />
            {signals.length === 0 ? (
              <Notice tone="good">{say('noSignals')}</Notice>
            ) : (
              <CardList label={say('outbreaks')}>
                {signals.map((signal) => (
                  <SignalCard key={signal.key} signal={signal} nameOf={nameOf} />
                ))}
              </CardList>
            )}
          </>
        )}
      </Loaded>
    </Page>
  );
}

function SignalCard({
  signal,
  nameOf,
}: {
  readonly signal: Signal;
  readonly nameOf: (facility: string) => string;
}): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  return (
    <Card
      level={2}
      title={signal.name}
      aside={<Badge tone="bad">{say('casesOf', { count: number.format(signal.count) })}</Badge>}
    >
      <Facts
        facts={[
          [say('expected'), number.format(signal.expected)],
          [say('limit'), number.format(signal.limit)],
        ]}
      />
      <LineChart
        title={say('casesByQuarter')}
        range={{ low: 0, high: signal.limit }}
        series={[
          {
            name: signal.name,
            points: signal.history.map(({ quarter, count }) => ({
              date: quarterStart(quarter),
              value: count,
            })),
          },
        ]}
      />
      <h3>{say('where')}</h3>
      <ul>
        {signal.facilities.map(({ facility, count }) => (
          <li key={facility}>
            <Link href={`/facility/${facility.split('/')[1]}`}>{nameOf(facility)}</Link>:{' '}
            {number.format(count)}
          </li>
        ))}
      </ul>
    </Card>
  );
}
