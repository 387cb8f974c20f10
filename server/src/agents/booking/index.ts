import { FhirError } from '../../fhir/outcome.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { FREE_TIME } from '../../scheduling/terms.ts';
import type { AgentDefinition } from '../agent.ts';
import { wishParameters } from '../availability/request.ts';
import { type BookingAnswer, type BookingRequest, bookingRequest } from './request.ts';

export type { BookingAnswer, BookingRequest } from './request.ts';

/**
 * Holds, books, moves and cancels visits, and puts patients onto the waiting list. It does what its caller has asked for and
 * may do: the caller is whom it acts for, so nobody else is asked.
 */
export const booking: AgentDefinition<BookingRequest, BookingAnswer> = {
  name: 'booking',
  title: 'Booking',
  version: '1.0.0',
  description: 'Books, moves and cancels visits for those who ask for it.',
  wakes: [{ kind: 'conversation', intents: ['booking'] }],
  grants: [
    { types: ['Appointment'], interactions: ['read', 'search-type', 'create', 'update', 'patch'] },
    { types: ['Patient', 'RelatedPerson', 'Practitioner'], interactions: ['read'] },
  ],
  timeout: 20_000,
  actions: [],
  input: bookingRequest,
  async run(request, { fhir, step }) {
    const { path, parameter } = callOf(request);
    try {
      const appointment = await step(request.kind, { path, parameter }, () =>
        fhir.operation(path, { resourceType: 'Parameters', ...(parameter.length > 0 ? { parameter } : {}) }),
      );
      return { done: true, appointment: appointment as Resource };
    } catch (error) {
      const refused = refusalOf(error);
      if (refused === undefined) throw error;
      return refused;
    }
  },
};

/** The operation on Appointments that does it. */
function callOf(request: BookingRequest): { path: string[]; parameter: JsonObject[] } {
  const text = (name: string, value: string | undefined): JsonObject[] =>
    value === undefined ? [] : [{ name, valueString: value }];
  const proposed = (resource: JsonObject): JsonObject => {
    // In words for people; the visit itself is told by its other elements.
    const { description: _, ...rest } = resource;
    return { name: 'appt-resource', resource: rest };
  };
  switch (request.kind) {
    case 'book':
    case 'hold':
      return {
        path: ['Appointment', `$${request.kind}`],
        parameter: [
          proposed(request.proposal),
          ...text('patient-id', request.patient),
          ...text('comment', request.comment),
        ],
      };
    case 'confirm':
      return { path: ['Appointment', '$book'], parameter: text('appt-id', request.appointment) };
    case 'decline':
      return { path: [...of(request.appointment), '$decline'], parameter: [] };
    case 'move':
      return { path: [...of(request.appointment), '$reschedule'], parameter: [proposed(request.proposal)] };
    case 'cancel':
      return { path: [...of(request.appointment), '$cancel'], parameter: text('reason', request.reason) };
    case 'wait':
      return {
        path: ['Appointment', '$wait'],
        parameter: [
          ...wishParameters(request),
          ...text('patient-id', request.patient),
          ...text('when-free', request.whenFree),
          ...text('instead', request.instead),
          ...text('comment', request.comment),
        ],
      };
  }
}

const of = (reference: string): string[] => reference.split('/');

/** What a refusal because of the calendar tells; undefined for any other error. */
function refusalOf(error: unknown): BookingAnswer | undefined {
  if (!(error instanceof FhirError) || (error.status !== 409 && error.status !== 422)) return undefined;
  const next = error.issues
    .flatMap(({ extension = [] }) => extension)
    .flatMap(({ url, valuePeriod }) => {
      if (url !== FREE_TIME || !isObject(valuePeriod)) return [];
      return [{ start: String(valuePeriod['start']), end: String(valuePeriod['end']) }];
    });
  return { done: false, reason: error.message, next };
}
