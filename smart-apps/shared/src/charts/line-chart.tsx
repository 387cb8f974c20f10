import { type ReactNode, useId } from 'react';
import { dateText } from '../format/dates.ts';
import { useLanguage, useOwnText } from '../i18n/context.tsx';
import { DataTable } from '../ui/lists.tsx';
import { scale, ticksOf } from './scale.ts';

export interface ChartPoint {
  /** FHIR date, dateTime or instant. */
  readonly date: string;
  readonly value: number;
}

export interface ChartSeries {
  readonly name: string;
  readonly points: readonly ChartPoint[];
}

export interface LineChartProps {
  readonly title: string;
  readonly unit?: string | undefined;
  readonly series: readonly ChartSeries[];
  /** What is usual: a band behind the lines. */
  readonly range?: { readonly low?: number | undefined; readonly high?: number | undefined } | undefined;
}

const WIDTH = 640;
const HEIGHT = 260;
const LEFT = 56;
const RIGHT = 16;
const TOP = 16;
const BOTTOM = 36;
const MARKS = ['circle', 'square', 'diamond'] as const;

/**
 * Values over time, as lines, and the same values as a table: the chart is one image for a screen reader, and series are
 * told apart by their marks, not by colour alone (WCAG 2.1, 1.4.1).
 */
export function LineChart({ title, unit, series, range }: LineChartProps): ReactNode {
  const say = useOwnText();
  const { language } = useLanguage();
  const id = useId();
  const drawn = series
    .map(({ name, points }) => ({
      name,
      points: points
        .map(({ date, value }) => ({ date, value, at: new Date(date).getTime() }))
        .filter(({ at, value }) => Number.isFinite(at) && Number.isFinite(value))
        .toSorted((a, b) => a.at - b.at),
    }))
    .filter(({ points }) => points.length > 0);
  const all = drawn.flatMap(({ points }) => points).toSorted((a, b) => a.at - b.at);
  const [first] = all;
  const last = all.at(-1);
  if (first === undefined || last === undefined) return null;
  const values = [...all.map(({ value }) => value), range?.low, range?.high].filter(
    (value) => value !== undefined,
  );
  const ticks = ticksOf(Math.min(...values), Math.max(...values));
  const [least, most] = [ticks[0] as number, ticks.at(-1) as number];
  const x = scale(first.at, last.at, LEFT, WIDTH - RIGHT);
  const y = scale(least, most, HEIGHT - BOTTOM, TOP);
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 4 });
  const day = (value: string) => dateText(value, language, false);
  const dates = [first, ...(last.at === first.at ? [] : [last])];
  return (
    <figure className="chart">
      <figcaption id={id}>
        {title}
        {unit === undefined || unit === '' ? '' : ` (${unit})`}
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={say('chartOf', {
          title,
          count: all.length,
          first: day(first.date),
          last: day(last.date),
        })}
        direction="ltr"
      >
        {range === undefined ? null : (
          <rect
            className="chart-range"
            x={LEFT}
            width={WIDTH - LEFT - RIGHT}
            y={y(range.high ?? most)}
            height={Math.max(0, y(range.low ?? least) - y(range.high ?? most))}
          />
        )}
        {ticks.map((tick) => (
          <g key={tick}>
            <line className="chart-grid" x1={LEFT} x2={WIDTH - RIGHT} y1={y(tick)} y2={y(tick)} />
            <text className="chart-label" x={LEFT - 8} y={y(tick) + 5} textAnchor="end">
              {number.format(tick)}
            </text>
          </g>
        ))}
        {dates.map(({ at, date }, i) => (
          <text
            key={at}
            className="chart-label"
            x={x(at)}
            y={HEIGHT - 10}
            textAnchor={dates.length === 1 ? 'middle' : i === 0 ? 'start' : 'end'}
          >
            {day(date)}
          </text>
        ))}
        {drawn.map(({ name, points }, i) => (
          <g key={name} className={`chart-series series-${i % 4}`}>
            <polyline points={points.map(({ at, value }) => `${x(at)},${y(value)}`).join(' ')} />
            {points.map(({ at, value }, j) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: points have no other identity
              <Mark key={j} kind={MARKS[i % MARKS.length] ?? 'circle'} x={x(at)} y={y(value)} />
            ))}
          </g>
        ))}
      </svg>
      {drawn.length < 2 && range === undefined ? null : (
        <p className="chart-legend">
          {drawn.length < 2
            ? null
            : drawn.map(({ name }, i) => (
                <span key={name} className={`chart-series series-${i % 4}`}>
                  <svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">
                    <Mark kind={MARKS[i % MARKS.length] ?? 'circle'} x={7} y={7} />
                  </svg>{' '}
                  {name}
                </span>
              ))}
          {range === undefined ? null : (
            <span>
              <span className="chart-swatch" aria-hidden="true" /> {say('usualRange')}
            </span>
          )}
        </p>
      )}
      <details>
        <summary>{say('chartTable')}</summary>
        <DataTable
          caption={title}
          isCaptionHidden
          columns={[
            { id: 'date', title: say('date'), cell: (row) => dateText(row.date, language) },
            ...(drawn.length < 2 ? [] : [{ id: 'name', title, cell: (row: Row) => row.name }]),
            {
              id: 'value',
              title: say('value'),
              isNumber: true,
              cell: (row) => [number.format(row.value), unit].filter(Boolean).join(' '),
            },
          ]}
          rows={drawn.flatMap(({ name, points }) =>
            points.map((point, i): Row => ({ ...point, name, key: `${name} ${i}` })),
          )}
          keyOf={({ key }) => key}
        />
      </details>
    </figure>
  );
}

interface Row extends ChartPoint {
  readonly name: string;
  readonly key: string;
}

function Mark({
  kind,
  x,
  y,
}: {
  readonly kind: (typeof MARKS)[number];
  readonly x: number;
  readonly y: number;
}) {
  switch (kind) {
    case 'circle':
      return <circle cx={x} cy={y} r={4.5} />;
    case 'square':
      return <rect x={x - 4} y={y - 4} width={8} height={8} />;
    case 'diamond':
      return <path d={`M${x} ${y - 6} l6 6 l-6 6 l-6 -6 z`} />;
  }
}
