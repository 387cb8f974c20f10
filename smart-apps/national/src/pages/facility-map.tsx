import { DataTable, Link, useLanguage } from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { drawMap, type Place } from '../model/map.ts';
import { useText } from '../text.ts';

/** Facilities by where they are, as circles as large as their counts, and the same as a table. */
export function FacilityMap({ places }: { readonly places: readonly Place[] }): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const number = new Intl.NumberFormat(language);
  const { width, height, points, meridians, parallels } = drawMap(places);
  const degrees = (value: number, positive: string, negative: string) =>
    `${number.format(Math.abs(value))}° ${value < 0 ? negative : positive}`;
  return (
    <figure className="chart">
      <figcaption>{say('mapText')}</figcaption>
      <svg
        className="map"
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={say('mapOf', { count: number.format(places.length) })}
        direction="ltr"
      >
        {meridians.map(({ at, degrees: value }) => (
          <g key={value}>
            <line className="map-grid" x1={at} x2={at} y1={0} y2={height} />
            <text className="map-label" x={at + 3} y={height - 6}>
              {degrees(value, say('east'), say('west'))}
            </text>
          </g>
        ))}
        {parallels.map(({ at, degrees: value }) => (
          <g key={value}>
            <line className="map-grid" x1={0} x2={width} y1={at} y2={at} />
            <text className="map-label" x={4} y={at - 4}>
              {degrees(value, say('north'), say('south'))}
            </text>
          </g>
        ))}
        {points.map(({ place, x, y, radius }) => (
          <circle
            key={place.id}
            className={place.count === 0 ? 'map-place none' : 'map-place'}
            cx={x}
            cy={y}
            r={radius}
          >
            <title>{`${place.name}: ${number.format(place.count)}`}</title>
          </circle>
        ))}
      </svg>
      <details>
        <summary>{say('asTable')}</summary>
        <DataTable
          caption={say('map')}
          isCaptionHidden
          rows={[...places].sort((a, b) => b.count - a.count || a.name.localeCompare(b.name))}
          keyOf={({ id }) => id}
          columns={[
            {
              id: 'name',
              title: say('facility'),
              cell: ({ id, name }) => <Link href={`/facility/${id.split('/')[1]}`}>{name}</Link>,
            },
            { id: 'count', title: say('visits'), isNumber: true, cell: ({ count }) => number.format(count) },
          ]}
        />
      </details>
    </figure>
  );
}
