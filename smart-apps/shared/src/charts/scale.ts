/** Steps at which an axis is labelled: round numbers that cover the values, about `count` of them. */
export function ticksOf(least: number, most: number, count = 5): number[] {
  if (!(most > least)) {
    const around = least === 0 ? 1 : Math.abs(least) * 0.1;
    return ticksOf(least - around, most + around, count);
  }
  const rough = (most - least) / Math.max(1, count - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((one) => one * power >= rough) ?? 10) * power;
  const first = Math.floor(least / step);
  const last = Math.ceil(most / step);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Where a value lies between two lengths. */
export function scale(least: number, most: number, from: number, to: number): (value: number) => number {
  const span = most - least;
  return (value) => (span === 0 ? (from + to) / 2 : from + ((value - least) / span) * (to - from));
}
