import { randomUUID } from 'node:crypto';
import { grantsFor } from '../../../access/scope.ts';
import type { JsonObject, Resource } from '../../../json/types.ts';
import { type Desk, deskOf } from '../../../scheduling/desk.ts';
import { type FreeTime, findTimes } from '../../../scheduling/find.ts';
import { visitsOf } from '../../../scheduling/patient-visits.ts';
import { patientOf, proposalOf } from '../../../scheduling/proposal.ts';
import { timesForWaiting } from '../../../scheduling/waiting.ts';
import { dateRange } from '../../../search/dates.ts';
import { uuidV7 } from '../../../storage/row-id.ts';
import { fhirError } from '../../outcome.ts';
import { encodeQuery } from '../../query-text.ts';
import type { FhirRequest, FhirResponse } from '../../request.ts';
import type { Services } from '../../services.ts';
import { OperationParameters } from '../parameters.ts';
import { AppointmentParameters } from './appointment-parameters.ts';

/**
 * Appointment/$find: free times as Appointments that are proposed, in order of time. Nothing is held by it. Names of
 * parameters are those of the Argonaut Scheduling implementation guide (patient-based scheduling) where it has them.
 * @throws FhirError 400 for a malformed parameter, 403 where neither Slots may be searched nor Appointments made
 */
export async function find(services: Services, request: FhirRequest): Promise<FhirResponse> {
  const { scope, context } = request;
  const may = [grantsFor(scope, 'Slot', 'search-type'), grantsFor(scope, 'Appointment', 'create')].flat();
  if (may.length === 0)
    throw fhirError(403, 'forbidden', 'Looking for free times is not allowed', 'http.path');
  const parameters = new AppointmentParameters(request);
  const desk = deskOf(services, request);
  const { times, patient } = await timesFor(desk, parameters);
  const pairs = new OperationParameters(request).pairs();
  const url = `${context.baseUrl}/Appointment/$find`;
  const bundle: JsonObject = {
    resourceType: 'Bundle',
    id: uuidV7(),
    type: 'searchset',
    total: times.length,
    link: [{ relation: 'self', url: pairs.length === 0 ? url : `${url}?${encodeQuery(pairs)}` }],
    ...(times.length === 0
      ? {}
      : {
          entry: times.map((time) => ({
            fullUrl: `urn:uuid:${randomUUID()}`,
            resource: proposalOf(time, patient),
            search: { mode: 'match' },
          })),
        }),
  };
  return { status: 200, text: JSON.stringify(bundle), interaction: 'operation', type: 'Appointment' };
}

async function timesFor(
  desk: Desk,
  parameters: AppointmentParameters,
): Promise<{ times: readonly FreeTime[]; patient: string | undefined }> {
  const waiting = parameters.appointmentId('waiting');
  if (waiting !== undefined) {
    const entry = (await desk.caller.call('GET', ['Appointment', waiting])) as Resource;
    const start = instantOf(parameters.instant('start'));
    const end = instantOf(parameters.instant('end'));
    const within =
      start === undefined && end === undefined
        ? undefined
        : { start: start ?? desk.now(), end: end ?? Number.POSITIVE_INFINITY };
    const times = await timesForWaiting(desk, entry, within, parameters.count());
    return { times, patient: patientOf(entry) };
  }
  const patient = parameters.patient('patient');
  const when = parameters.when(desk.now());
  const not = patient === undefined ? [] : await visitsOf(desk, patient, when);
  const { times } = await findTimes(desk, parameters.wanted(), { ...when, not }, parameters.count());
  return { times, patient };
}

const instantOf = (text: string | undefined) => (text === undefined ? undefined : dateRange(text)?.low);
