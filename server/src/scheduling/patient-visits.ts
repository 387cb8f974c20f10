import { dateRange } from '../search/dates.ts';
import type { Desk } from './desk.ts';
import { type When, widestBounds } from './find.ts';
import { type Intervals, union } from './intervals.ts';

const MOST = 500;

/** When a patient has visits already, as far as the caller may see them. @param patient `Patient/id` */
export async function visitsOf(
  desk: Desk,
  patient: string,
  { start, end }: Pick<When, 'start' | 'end'>,
): Promise<Intervals> {
  const bounds = widestBounds(start, end);
  if (bounds === undefined) return [];
  const found = await desk.caller.searchAll(
    'Appointment',
    [
      ['patient', patient],
      ['status', 'pending,booked,arrived,checked-in'],
      ['date', `ge${new Date(bounds.start).toISOString()}`],
      ['date', `le${new Date(bounds.end).toISOString()}`],
    ],
    MOST,
  );
  return union(
    found.flatMap((visit) => {
      const from = dateRange(String(visit['start']))?.low;
      const to = dateRange(String(visit['end']))?.low;
      return from === undefined || to === undefined ? [] : [{ start: from, end: to }];
    }),
  );
}
