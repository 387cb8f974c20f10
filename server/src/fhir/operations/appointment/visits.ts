import { shownText } from '../../../access/hidden-elements.ts';
import { grantsFor, isUnrestricted } from '../../../access/scope.ts';
import { parseJson } from '../../../json/parse.ts';
import type { JsonObject, Resource } from '../../../json/types.ts';
import { bookHeld, bookVisit, holdVisit } from '../../../scheduling/book.ts';
import { type BookedSeries, bookSeries } from '../../../scheduling/book-series.ts';
import { cancelVisit, checkIn, noShow, rescheduleVisit } from '../../../scheduling/change.ts';
import { type Desk, deskOf } from '../../../scheduling/desk.ts';
import { backToWaiting, giveToWaiting, waitForVisit } from '../../../scheduling/waiting.ts';
import { fhirError, operationOutcome } from '../../outcome.ts';
import type { FhirRequest, FhirResponse } from '../../request.ts';
import type { Route } from '../../route.ts';
import type { Services } from '../../services.ts';
import { AppointmentParameters } from './appointment-parameters.ts';

/*
 * Operations that make and change visits. The caller's scope decides about the Appointment as it would about an update;
 * the Slots are the server's business.
 */

/** Minutes that a time may be offered to somebody who waits, by those who may change all Appointments. */
const LONGEST_OFFER = 7 * 24 * 60;

/**
 * Appointment/$hold: keeps a proposed time for a while; with `appt-id` for somebody who waits.
 * @returns 201 with the Appointment, pending; 200 for one that waited
 */
export async function hold(services: Services, request: FhirRequest): Promise<FhirResponse> {
  const parameters = new AppointmentParameters(request, 'appt-resource');
  const desk = deskOf(services, request);
  const waiting = parameters.appointmentId('appt-id');
  if (waiting !== undefined) {
    assertMay(request, 'update');
    const entry = await stored(desk, waiting);
    const minutes = parameters.minutes(
      isUnrestricted(request.scope, 'Appointment', 'update') ? LONGEST_OFFER : undefined,
    );
    const expires = desk.now() + minutes * 60_000;
    return answer(request, await giveToWaiting(desk, entry, proposed(parameters), expires));
  }
  assertMay(request, 'create');
  const order = {
    appointment: proposed(parameters),
    patient: parameters.patient('patient-id'),
    comment: parameters.text('comment'),
  };
  return made(request, await holdVisit(desk, order, parameters.minutes()));
}

/**
 * Appointment/$book: books a proposed time (`appt-resource`), what is held (`appt-id`), a proposed time for somebody who
 * waits (both), or a visit that is repeated (`recurrence`).
 * @returns 201 with the Appointment, booked; 200 for one that was there before; a Bundle for a series
 */
export async function book(services: Services, request: FhirRequest): Promise<FhirResponse> {
  const parameters = new AppointmentParameters(request, 'appt-resource');
  const desk = deskOf(services, request);
  const said = { patient: parameters.patient('patient-id'), comment: parameters.text('comment') };
  const known = parameters.appointmentId('appt-id');
  if (known !== undefined) {
    assertMay(request, 'update');
    if (parameters.series() !== undefined)
      throw fhirError(400, 'business-rule', 'Only a proposed time is repeated', 'http.query.recurrence');
    const visit = await stored(desk, known);
    const proposal = parameters.appointment();
    if (proposal === undefined) return answer(request, await bookHeld(desk, visit, said));
    return answer(request, await giveToWaiting(desk, visit, proposal, undefined));
  }
  assertMay(request, 'create');
  const order = { appointment: proposed(parameters), ...said };
  const series = parameters.series();
  if (series === undefined) return made(request, await bookVisit(desk, order));
  return seriesAnswer(request, await bookSeries(desk, order, series, parameters.flag('partial')));
}

/** Appointment/$wait: joins the waiting list. @returns 201 with the Appointment, waitlist */
export async function wait(services: Services, request: FhirRequest): Promise<FhirResponse> {
  assertMay(request, 'create');
  const parameters = new AppointmentParameters(request);
  const desk = deskOf(services, request);
  const patient = parameters.patient('patient-id');
  if (patient === undefined)
    throw fhirError(400, 'required', 'Who waits must be said: patient-id', 'http.query.patient-id');
  const comment = parameters.text('comment');
  const waiting = { wish: parameters.wish(desk.now()), patient, comment, said: parameters.said() };
  return made(request, await waitForVisit(desk, waiting));
}

/** Appointment/{id}/$decline: does not take the time that is offered, and goes on waiting. */
export async function decline(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  return changed(services, request, route, (desk, visit) => backToWaiting(desk, visit));
}

/** Appointment/{id}/$reschedule: moves a visit to `start`, or to what $find proposed (`appt-resource`). */
export async function reschedule(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  return changed(
    services,
    request,
    route,
    (desk, visit, parameters) => {
      const start = parameters.instant('start');
      const next = parameters.appointment() ?? (start === undefined ? undefined : { start });
      if (next === undefined)
        throw fhirError(400, 'required', '$reschedule needs start or appt-resource', 'http.query.start');
      return rescheduleVisit(desk, visit, next as JsonObject);
    },
    'appt-resource',
  );
}

/** Appointment/{id}/$cancel, with a `reason`. */
export async function cancel(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  return changed(services, request, route, (desk, visit, parameters) =>
    cancelVisit(desk, visit, parameters.concept('reason')),
  );
}

/** Appointment/{id}/$check-in: the patient has come. */
export async function checkedIn(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  return changed(services, request, route, (desk, visit) => checkIn(desk, visit));
}

/** Appointment/{id}/$no-show: the patient has not come. */
export async function missed(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  return changed(services, request, route, (desk, visit) => noShow(desk, visit));
}

async function changed(
  services: Services,
  request: FhirRequest,
  route: Route,
  change: (desk: Desk, visit: Resource, parameters: AppointmentParameters) => Promise<Resource>,
  bare?: 'appt-resource',
): Promise<FhirResponse> {
  assertMay(request, 'update');
  const parameters = new AppointmentParameters(request, bare);
  const desk = deskOf(services, request);
  return answer(request, await change(desk, await stored(desk, route.id as string), parameters));
}

function assertMay({ scope }: FhirRequest, interaction: 'create' | 'update'): void {
  if (grantsFor(scope, 'Appointment', interaction).length === 0)
    throw fhirError(403, 'forbidden', `To ${interaction} an Appointment is not allowed`, 'http.path');
}

function proposed(parameters: AppointmentParameters): JsonObject {
  const appointment = parameters.appointment();
  if (appointment === undefined)
    throw fhirError(400, 'required', 'An Appointment is needed: appt-resource', 'http.query.appt-resource');
  return appointment;
}

/** @throws FhirError 404 when there is none that the caller may see */
function stored(desk: Desk, id: string): Promise<Resource> {
  return desk.caller.call('GET', ['Appointment', id]) as Promise<Resource>;
}

function made(request: FhirRequest, visit: Resource): FhirResponse {
  const location = `${request.context.baseUrl}/Appointment/${visit['id']}`;
  return { ...answer(request, visit), status: 201, headers: { Location: location } };
}

/** The visits of a series, and an OperationOutcome for each time that was not free. */
function seriesAnswer({ scope, context }: FhirRequest, { booked, missed }: BookedSeries): FhirResponse {
  const shown = booked.map(
    (visit): JsonObject => ({
      fullUrl: `${context.baseUrl}/Appointment/${String(visit['id'])}`,
      resource: parseJson(shownText(JSON.stringify(visit), scope.hidden)),
    }),
  );
  const refused = missed.map(({ issues }) => ({
    resource: operationOutcome(issues) as unknown as JsonObject,
  }));
  const bundle = { resourceType: 'Bundle', type: 'collection', entry: [...shown, ...refused] };
  return { status: 201, text: JSON.stringify(bundle), interaction: 'operation', type: 'Appointment' };
}

function answer({ scope }: FhirRequest, visit: Resource): FhirResponse {
  return {
    status: 200,
    text: shownText(JSON.stringify(visit), scope.hidden),
    interaction: 'operation',
    type: 'Appointment',
  };
}
