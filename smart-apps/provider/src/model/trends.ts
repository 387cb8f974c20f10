import {
  type CodeableConcept,
  hasAnyCode,
  type Observation,
  observedAt,
  type Quantity,
  type ReferenceRange,
  textOf,
} from './fhir.ts';

export interface TrendPoint {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly value: number;
}
export interface TrendLine {
  readonly label: string;
  readonly points: readonly TrendPoint[];
}
/** What was measured several times, in one unit, oldest first. */
export interface Trend {
  readonly key: string;
  readonly title: string;
  readonly unit: string;
  readonly category: 'vital-signs' | 'laboratory' | 'other';
  readonly lines: readonly TrendLine[];
  readonly low: number | undefined;
  readonly high: number | undefined;
  /** Of the newest point. */
  readonly latest: number;
}

const ORDER = ['vital-signs', 'laboratory', 'other'] as const;

/**
 * Observations with numbers as series by code and unit; the components of one observation, such as systolic and diastolic
 * pressure, are lines of one trend. Vital signs first, then the most recent.
 */
export function trendsOf(observations: readonly Observation[]): Trend[] {
  const found = new Map<string, Group>();
  for (const one of observations) {
    if (['entered-in-error', 'cancelled', 'registered'].includes(one.status ?? '')) continue;
    const time = Date.parse(observedAt(one) ?? '');
    if (Number.isNaN(time)) continue;
    const parts = [
      { code: one.code, valueQuantity: one.valueQuantity, referenceRange: one.referenceRange },
      ...(one.component ?? []),
    ].filter(({ valueQuantity }) => valueQuantity?.value !== undefined);
    for (const { code, valueQuantity, referenceRange } of parts) {
      const quantity = valueQuantity as Quantity;
      const unit = quantity.unit ?? quantity.code ?? '';
      const group = groupOf(found, `${keyOf(one.code)} ${quantity.code ?? unit}`, one, unit);
      const label = textOf(code);
      const points = group.lines.get(label) ?? [];
      points.push({ time, value: quantity.value as number });
      group.lines.set(label, points);
      group.range = rangeOf(referenceRange) ?? group.range;
    }
  }
  return [...found].map(([key, group]) => trendOf(key, group)).sort(byImportance);
}

interface Group {
  readonly title: string;
  readonly unit: string;
  readonly category: Trend['category'];
  readonly lines: Map<string, TrendPoint[]>;
  range: { low: number | undefined; high: number | undefined } | undefined;
}

function groupOf(found: Map<string, Group>, key: string, one: Observation, unit: string): Group {
  const known = found.get(key);
  if (known !== undefined) return known;
  const category =
    ORDER.find((code) => one.category?.some((concept) => hasAnyCode(concept, code))) ?? 'other';
  const group: Group = { title: textOf(one.code), unit, category, lines: new Map(), range: undefined };
  found.set(key, group);
  return group;
}

function trendOf(key: string, { title, unit, category, lines, range }: Group): Trend {
  const sorted = [...lines].map(([label, points]) => ({
    label,
    points: points.sort((a, b) => a.time - b.time),
  }));
  const latest = Math.max(...sorted.map(({ points }) => points.at(-1)?.time ?? 0));
  return { key, title, unit, category, lines: sorted, low: range?.low, high: range?.high, latest };
}

/** The code in the first system that it has one in, else its text. */
const keyOf = (code: CodeableConcept | undefined): string => {
  const coding = code?.coding?.find((one) => one.code !== undefined);
  return coding === undefined ? textOf(code) : `${coding.system ?? ''}|${coding.code}`;
};

function rangeOf(ranges: readonly ReferenceRange[] | undefined) {
  const range = ranges?.find(({ low, high }) => low?.value !== undefined || high?.value !== undefined);
  return range === undefined ? undefined : { low: range.low?.value, high: range.high?.value };
}

function byImportance(a: Trend, b: Trend): number {
  return (
    ORDER.indexOf(a.category) - ORDER.indexOf(b.category) ||
    b.latest - a.latest ||
    a.title.localeCompare(b.title)
  );
}
