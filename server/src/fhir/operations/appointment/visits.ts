import { shownText } from '../../../access/hidden-elements.ts';
import { grantsFor } from '../../../access/scope.ts';
import type { JsonObject, Resource } from '../../../json/types.ts';
import { bookHeld, bookVisit, holdVisit } from '../../../scheduling/book.ts';
import { cancelVisit, checkIn, noShow, rescheduleVisit } from '../../../scheduling/change.ts';
import { type Desk, deskOf } from '../../../scheduling/desk.ts';
import { fhirError } from '../../outcome.ts';
import type { FhirRequest, FhirResponse } from '../../request.ts';
import type { Route } from '../../route.ts';
import type { Services } from '../../services.ts';
import { AppointmentParameters } from './appointment-parameters.ts';

/*
 * Operations that make and change visits. The caller's scope decides about the Appointment as it would about an update;
 * the Slots are the server's business.
 */

/** Appointment/$hold: keeps a proposed time for a while. @returns 201 with the Appointment, pending */
export async function hold(services: Services, request: FhirRequest): Promise<FhirResponse> {
  assertMay(request, 'create');
  const parameters = new AppointmentParameters(request);
  const order = { appointment: proposed(parameters), patient: parameters.patient('patient-id') };
  return made(request, await holdVisit(deskOf(services, request), order, parameters.minutes()));
}

/**
 * Appointment/$book: books a proposed time (`appt-resource`) or what is held (`appt-id`).
 * @returns 201 with the Appointment, booked; 200 for what was held
 */
export async function book(services: Services, request: FhirRequest): Promise<FhirResponse> {
  const parameters = new AppointmentParameters(request);
  const desk = deskOf(services, request);
  const said = { patient: parameters.patient('patient-id'), comment: parameters.text('comment') };
  const held = parameters.appointmentId();
  if (held !== undefined) {
    assertMay(request, 'update');
    return answer(request, await bookHeld(desk, await stored(desk, held), said));
  }
  assertMay(request, 'create');
  return made(request, await bookVisit(desk, { appointment: proposed(parameters), ...said }));
}

/** Appointment/{id}/$reschedule: moves a visit to `start`, or to what $find proposed (`appt-resource`). */
export async function reschedule(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  return changed(services, request, route, (desk, visit, parameters) => {
    const start = parameters.instant('start');
    const next = parameters.appointment() ?? (start === undefined ? undefined : { start });
    if (next === undefined)
      throw fhirError(400, 'required', '$reschedule needs start or appt-resource', 'http.query.start');
    return rescheduleVisit(desk, visit, next as JsonObject);
  });
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
): Promise<FhirResponse> {
  assertMay(request, 'update');
  const parameters = new AppointmentParameters(request);
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

function answer({ scope }: FhirRequest, visit: Resource): FhirResponse {
  return {
    status: 200,
    text: shownText(JSON.stringify(visit), scope.hidden),
    interaction: 'operation',
    type: 'Appointment',
  };
}
