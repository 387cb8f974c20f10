/** A stretch of time from `start` up to, and without, `end`: epoch milliseconds, `start < end`. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** Intervals in order of time that neither overlap nor touch. */
export type Intervals = readonly Interval[];

/** The union of intervals in any order; empty and reversed ones count for nothing. */
export function union(intervals: Iterable<Interval>): Intervals {
  const sorted = [...intervals].filter(({ start, end }) => start < end).sort((a, b) => a.start - b.start);
  const result: Interval[] = [];
  for (const next of sorted) {
    const last = result.at(-1);
    if (last === undefined || next.start > last.end) result.push(next);
    else if (next.end > last.end) result[result.length - 1] = { start: last.start, end: next.end };
  }
  return result;
}

/** What is in both. */
export function intersection(a: Intervals, b: Intervals): Intervals {
  const result: Interval[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const left = a[i] as Interval;
    const right = b[j] as Interval;
    const start = Math.max(left.start, right.start);
    const end = Math.min(left.end, right.end);
    if (start < end) result.push({ start, end });
    if (left.end < right.end) i++;
    else j++;
  }
  return result;
}

/** What is in `a` and not in `b`. */
export function difference(a: Intervals, b: Intervals): Intervals {
  const result: Interval[] = [];
  let j = 0;
  for (const { start, end } of a) {
    let from = start;
    while (j < b.length && (b[j] as Interval).end <= from) j++;
    for (let k = j; k < b.length && (b[k] as Interval).start < end; k++) {
      const taken = b[k] as Interval;
      if (taken.start > from) result.push({ start: from, end: taken.start });
      from = Math.max(from, taken.end);
    }
    if (from < end) result.push({ start: from, end });
  }
  return result;
}

/** Whether `whole` lies inside one of the intervals. */
export function covers(intervals: Intervals, whole: Interval): boolean {
  let low = 0;
  let high = intervals.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const one = intervals[middle] as Interval;
    if (one.end <= whole.start) low = middle + 1;
    else if (one.start > whole.start) high = middle - 1;
    else return one.end >= whole.end;
  }
  return false;
}
