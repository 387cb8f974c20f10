import { isObject } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import { dateRange, periodRange } from '../../search/dates.ts';
import type { AgentContext } from '../agent.ts';
import { versionOf } from './delivery-state.ts';

/** Most Communications of a request that are looked at. */
const MOST = 1000;

/** Whether a request is to be carried out. */
export function isActive(request: Resource): boolean {
  return request['status'] === 'active' && request['doNotPerform'] !== true;
}

/** When a request begins and when it is of no use any more (occurrence[x]), epoch milliseconds. */
export function occurrenceOf(request: Resource): { start: number | undefined; end: number | undefined } {
  const { occurrenceDateTime, occurrencePeriod } = request;
  if (typeof occurrenceDateTime === 'string')
    return { start: dateRange(occurrenceDateTime)?.low, end: undefined };
  if (!isObject(occurrencePeriod)) return { start: undefined, end: undefined };
  const range = periodRange(occurrencePeriod['start'], occurrencePeriod['end']);
  return {
    start: occurrencePeriod['start'] === undefined ? undefined : range?.low,
    end: occurrencePeriod['end'] === undefined ? undefined : range?.high,
  };
}

/** The Communications that were made for a request. */
export function communicationsOf({ fhir }: AgentContext, requestId: string): Promise<Resource[]> {
  return fhir.searchAll(
    'Communication',
    [
      ['based-on', `CommunicationRequest/${requestId}`],
      ['_count', '200'],
    ],
    MOST,
  );
}

/** Writes a new version of what was read. @throws FhirError 412 when somebody else has written it meanwhile */
export function change({ fhir }: AgentContext, next: Resource, read: Resource): Promise<Resource> {
  return fhir.update(next, versionOf(read));
}
