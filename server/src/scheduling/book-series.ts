import { FhirError } from '../fhir/outcome.ts';
import { isResource, objectsOf } from '../json/objects.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { type Order, patientOfOrder, visitAt } from './book.ts';
import { notFree } from './conflict.ts';
import type { Desk } from './desk.ts';
import { messageEntries } from './messages.ts';
import { withNamedSlots } from './named-slots.ts';
import { wantedOf } from './proposal.ts';
import { type Series, startsOfSeries } from './series.ts';
import { ATTEMPTS, isTaken, someCandidates, timeAt, timeOf } from './take.ts';
import { SERIES_IDENTIFIER } from './terms.ts';
import { visitSlots } from './visit-slots.ts';
import { writeVisit } from './write-visit.ts';

/** What came of a series. */
export interface BookedSeries {
  /** In order of time, all with one identifier (`visit-series`). */
  readonly booked: readonly Resource[];
  /** Why the others were not booked, each with the next free times; none unless some are enough. */
  readonly missed: readonly FhirError[];
}

/**
 * Books a visit that is repeated, in one transaction: all, or those that are free.
 * @param some whether it is enough when some can be booked
 * @throws FhirError 409 with an issue for each time that is not free when all are wanted, or when none is free
 */
export async function bookSeries(
  desk: Desk,
  given: Order,
  series: Series,
  some: boolean,
): Promise<BookedSeries> {
  const patient = patientOfOrder(given);
  const order = { ...given, appointment: await withNamedSlots(desk, given.appointment), patient };
  const wanted = wantedOf(order.appointment);
  const { start: first, end } = timeOf(order.appointment);
  const candidates = await someCandidates(desk, wanted);
  const zone = (candidates[0] as (typeof candidates)[number]).zone;
  const starts = startsOfSeries(series, first, zone);
  const identifier = { system: SERIES_IDENTIFIER, value: crypto.randomUUID() };
  for (let attempt = 1; ; attempt++) {
    const made = new Map<string, string>();
    const slotEntries: JsonObject[] = [];
    const visits: { fullUrl: string; resource: Resource }[] = [];
    const missed: FhirError[] = [];
    for (const start of starts) {
      const { time, calendars } = await timeAt(
        desk,
        candidates,
        start,
        end === undefined ? undefined : start + (end - first),
      );
      if (time === undefined) {
        missed.push(await notFree(desk, wanted, `${new Date(start).toISOString()} is not free`, start));
        continue;
      }
      const { entries, slots } = visitSlots(time, calendars, undefined, made);
      slotEntries.push(...entries);
      const resource = visitAt(desk, order, time, slots, undefined);
      visits.push({
        fullUrl: `urn:uuid:${crypto.randomUUID()}`,
        resource: { ...resource, identifier: [...objectsOf(resource['identifier']), identifier] },
      });
    }
    if (visits.length === 0 || (missed.length > 0 && !some))
      throw new FhirError(
        409,
        missed.flatMap(({ issues }) => issues),
      );
    const told = {
      kind: 'series',
      appointment: (visits[0] as (typeof visits)[number]).fullUrl,
      visits: visits.map(({ resource }) => resource),
      zone: zone.name,
    } as const;
    try {
      const answer = await writeVisit(desk, [
        ...slotEntries,
        ...visits.map((visit) => ({ ...visit, request: { method: 'POST', url: 'Appointment' } })),
        ...messageEntries(desk, patient, told),
      ]);
      return { booked: appointmentsIn(answer), missed };
    } catch (error) {
      if (!isTaken(error) || attempt === ATTEMPTS) throw error;
    }
  }
}

function appointmentsIn(answer: JsonObject): Resource[] {
  return objectsOf(answer['entry']).flatMap(({ resource }) =>
    isResource(resource) && resource.resourceType === 'Appointment' ? [resource] : [],
  );
}
