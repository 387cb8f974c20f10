import {
  type Observation as KitObservation,
  LineChart,
  Loaded,
  resourcesOf,
  Select,
  useSearchAll,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import type { Observation } from '../model/fhir.ts';
import { type Trend, trendsOf } from '../model/trends.ts';
import { useText } from '../text.ts';

/** Charts that are shown at once. */
const SHOWN = 6;

/** What was measured several times, as charts. */
export function Trends({ id }: { readonly id: string }): ReactNode {
  const say = useText();
  const [chosen, setChosen] = useState('');
  const observations = useSearchAll<KitObservation>('Observation', { patient: id, _sort: '-date' });
  const found = trendsOf(resourcesOf<KitObservation>(observations.data) as Observation[]);
  const several = found.filter(({ lines }) => lines.some(({ points }) => points.length > 1));
  const shown = chosen === '' ? several.slice(0, SHOWN) : several.filter(({ key }) => key === chosen);
  return (
    <Loaded query={observations} isEmpty={() => several.length === 0} empty={say('noTrends')}>
      {() => (
        <>
          {several.length > SHOWN ? (
            <Select
              label={say('measurement')}
              value={chosen}
              onChange={setChosen}
              placeholder={say('mostImportant')}
              options={several.map(({ key, title, unit }) => ({
                value: key,
                label: [title, unit].filter(Boolean).join(', '),
              }))}
            />
          ) : null}
          <div className="columns">
            {shown.map((trend) => (
              <Chart key={trend.key} trend={trend} />
            ))}
          </div>
        </>
      )}
    </Loaded>
  );
}

function Chart({ trend: { title, unit, lines, low, high } }: { readonly trend: Trend }): ReactNode {
  return (
    <div className="section">
      <LineChart
        title={title}
        unit={unit}
        range={low === undefined && high === undefined ? undefined : { low, high }}
        series={lines.map(({ label, points }) => ({
          name: label,
          points: points.map(({ time, value }) => ({ date: new Date(time).toISOString(), value })),
        }))}
      />
    </div>
  );
}
