import { type Bundle, type ChartSeries, conceptText, type Observation, resourcesOf } from '@vesta/app-kit';

/** All values of one kind, the latest first. */
export interface Trend {
  readonly key: string;
  readonly title: string;
  readonly observations: readonly Observation[];
}

export const timeOf = ({
  effectiveDateTime,
  effectiveInstant,
  effectivePeriod,
  issued,
}: Observation): string => effectiveDateTime ?? effectiveInstant ?? effectivePeriod?.start ?? issued ?? '';

/** Observations by what was observed (the first coding, else the text), the kinds by their latest value. */
export function trendsOf(bundle: Bundle): Trend[] {
  const observations = resourcesOf<Observation>(bundle)
    .filter(({ status }) => status !== 'entered-in-error' && status !== 'cancelled')
    .toSorted((a, b) => timeOf(b).localeCompare(timeOf(a)));
  const groups = Map.groupBy(observations, ({ code }) => {
    const [coding] = code.coding ?? [];
    return coding?.code === undefined ? (code.text ?? '') : `${coding.system ?? ''}|${coding.code}`;
  });
  return [...groups].map(([key, all]) => ({
    key,
    title: conceptText((all[0] as Observation).code) ?? key,
    observations: all,
  }));
}

const hasValue = (observation: Observation): boolean =>
  Object.keys(observation).some((name) => name.startsWith('value')) ||
  (observation.component ?? []).length > 0;

/** The latest observation that says something; the latest of all if none does. */
export const latestOf = ({ observations }: Trend): Observation =>
  observations.find(hasValue) ?? (observations[0] as Observation);

/** What can be drawn of a trend: one line, or one for each component; with the unit of the latest value only. */
export function seriesOf({ title, observations }: Trend): {
  series: ChartSeries[];
  unit: string | undefined;
} {
  const lines = new Map<string, { date: string; value: number }[]>();
  let unit: string | undefined;
  const add = (name: string, date: string, quantity: Observation['valueQuantity']) => {
    if (quantity?.value === undefined || date === '') return;
    const found = quantity.unit ?? quantity.code ?? '';
    unit ??= found;
    if (found !== unit) return;
    const line = lines.get(name) ?? [];
    line.push({ date, value: quantity.value });
    lines.set(name, line);
  };
  for (const observation of observations) {
    const date = timeOf(observation);
    add(title, date, observation.valueQuantity);
    for (const { code, valueQuantity } of observation.component ?? [])
      add(conceptText(code) ?? title, date, valueQuantity);
  }
  return { unit, series: [...lines].map(([name, points]) => ({ name, points })) };
}

/** The usual range of the latest value, if it has one in numbers. */
export function rangeOf({
  observations,
}: Trend): { low?: number | undefined; high?: number | undefined } | undefined {
  const [range] = observations.find(hasValue)?.referenceRange ?? [];
  const [low, high] = [range?.low?.value, range?.high?.value];
  return low === undefined && high === undefined ? undefined : { low, high };
}
