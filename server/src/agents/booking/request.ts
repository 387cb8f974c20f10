import { fhirError } from '../../fhir/outcome.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { filled, readWishes, type VisitWishes } from '../availability/request.ts';
import { JsonInput } from '../json-input.ts';

/** What is to be done with a visit: input of the agent `booking`. Plain JSON. */
export type BookingRequest =
  | {
      readonly kind: 'book' | 'hold';
      /** An Appointment as the agent `availability` proposed it. */
      readonly proposal: JsonObject;
      /** `Patient/id`. */
      readonly patient: string;
      readonly comment?: string;
    }
  | {
      /** Books what is held or offered, or gives an offer up. */
      readonly kind: 'confirm' | 'decline';
      /** `Appointment/id`. */
      readonly appointment: string;
    }
  | {
      readonly kind: 'move';
      readonly appointment: string;
      readonly proposal: JsonObject;
    }
  | {
      readonly kind: 'cancel';
      readonly appointment: string;
      /** In words. */
      readonly reason?: string;
    }
  | (VisitWishes & {
      /** Onto the waiting list, for a visit that is not free now. */
      readonly kind: 'wait';
      readonly patient: string;
      /** What happens when a time becomes free: it is booked, or held and offered; `offer` by default. */
      readonly whenFree?: 'book' | 'offer';
      /** `Appointment/id` of a booked visit that an earlier time would take the place of. */
      readonly instead?: string;
      readonly comment?: string;
    });

/** Output of the agent `booking`. A time that is gone is no error: the caller goes on with the next ones. */
export type BookingAnswer =
  | {
      readonly done: true;
      /** As it is stored now: booked, pending (held), cancelled or waitlist. */
      readonly appointment: Resource;
    }
  | {
      readonly done: false;
      /** In words, as the server gave it. */
      readonly reason: string;
      /** The next free times, as FHIR Periods. */
      readonly next: readonly { readonly start: string; readonly end: string }[];
    };

const KINDS = ['book', 'hold', 'confirm', 'decline', 'move', 'cancel', 'wait'] as const;

/** @throws FhirError 400 naming the element */
export function bookingRequest(value: JsonValue): BookingRequest {
  const input = new JsonInput(value, 'booking');
  const kind = input.required('kind', input.oneOf('kind', KINDS));
  const appointment = () => input.required('appointment', input.reference('appointment', ['Appointment']));
  const patient = () => input.required('patient', input.reference('patient', ['Patient']));
  switch (kind) {
    case 'book':
    case 'hold':
      return {
        kind,
        proposal: proposal(input),
        patient: patient(),
        ...filled({ comment: input.text('comment') }),
      };
    case 'confirm':
    case 'decline':
      return { kind, appointment: appointment() };
    case 'move':
      return { kind, appointment: appointment(), proposal: proposal(input) };
    case 'cancel':
      return { kind, appointment: appointment(), ...filled({ reason: input.text('reason') }) };
    case 'wait':
      return {
        kind,
        patient: patient(),
        ...readWishes(input),
        ...filled({
          whenFree: input.oneOf('whenFree', ['book', 'offer']),
          instead: input.reference('instead', ['Appointment']),
          comment: input.text('comment'),
        }),
      };
  }
}

function proposal(input: JsonInput): JsonObject {
  const found = input.required('proposal', input.object('proposal'));
  if (found['resourceType'] === 'Appointment') return found;
  throw fhirError(400, 'value', 'proposal must be an Appointment', 'booking.proposal');
}
