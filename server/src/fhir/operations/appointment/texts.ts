import type { OperationText, ParameterDefinition } from '../../vesta-definitions/parameters.ts';

type Cardinality = '0..1' | '1..1' | '0..*';

function given(
  name: string,
  cardinality: Cardinality,
  type: string,
  documentation: string,
): ParameterDefinition {
  const [min, max] = cardinality.split('..') as [string, string];
  return { name, use: 'in', min: Number(min), max, type, documentation };
}

const answered = (type: string, documentation: string): ParameterDefinition => ({
  name: 'return',
  use: 'out',
  min: 1,
  max: '1',
  type,
  documentation,
});

const PROPOSED = given(
  'appt-resource',
  '0..1',
  'Appointment',
  'An Appointment as $find proposes it; of it count start, end, serviceType, participants, reasons and comment. In place of start and participants it may name free Slots (slot). It may be the body itself.',
);
const PATIENT = given(
  'patient-id',
  '0..1',
  'string',
  'Id of the Patient, or Patient/id; not needed where the Appointment names the patient.',
);
const VISIT = answered('Appointment', 'The Appointment as it is stored now.');

/** Parameters of what visit is wished for. */
const WISHES: readonly ParameterDefinition[] = [
  given('start', '0..1', 'dateTime', 'No visit begins before; now by default. A date is that of the place.'),
  given('end', '0..1', 'dateTime', 'No visit ends after; 60 days after start by default.'),
  given(
    'practitioner',
    '0..*',
    'Any',
    'Practitioner or PractitionerRole: an id, a reference or a Reference.',
  ),
  given('organization', '0..*', 'Any', 'Organization of the role.'),
  given('location', '0..*', 'Any', 'Location of the role.'),
  given('healthcare-service', '0..*', 'Any', 'HealthcareService of the role, or one that is booked itself.'),
  given('specialty', '0..*', 'Any', 'Specialty of the role: system|code, Coding or CodeableConcept.'),
  given('visit-type', '0..1', 'Any', 'Kind of visit of the service: system|code, Coding or CodeableConcept.'),
  given('time-of-day', '0..*', 'string', "'morning', 'afternoon', 'evening', or like '13:00-17:00'."),
  given('days-of-week', '0..*', 'code', 'mon, tue, wed, thu, fri, sat, sun.'),
];

/** What the OperationDefinitions of the operations on Appointments say, by their names. */
export const APPOINTMENT_TEXTS: Readonly<Record<string, OperationText>> = {
  find: {
    title: 'Find free times',
    description:
      'Free times for a visit in order, as Appointments with status proposed: opening hours less what is taken, at which the practitioner and all that the kind of visit needs are free.',
    parameters: [
      ...WISHES,
      given('patient', '0..1', 'Any', 'Patient: times at which there is another visit are left out.'),
      given(
        'waiting',
        '0..1',
        'Any',
        'An Appointment of the waiting list: times that suit it, without those that were offered; of the other parameters only start, end and _count count then.',
      ),
      given('_count', '0..1', 'integer', 'How many times at most; 20 by default, never more than 500.'),
      answered('Bundle', 'A searchset of Appointments with status proposed.'),
    ],
  },
  hold: {
    title: 'Hold a free time',
    description:
      'Keeps a proposed time for a while: an Appointment with status pending. When the hold ends the time is free again. 409 with the next free times when it is not free.',
    parameters: [
      PROPOSED,
      given(
        'appt-id',
        '0..1',
        'string',
        'Id of an Appointment of the waiting list, which the time is offered to: it becomes pending.',
      ),
      PATIENT,
      given('comment', '0..1', 'string', 'Appointment.comment.'),
      given(
        'minutes',
        '0..1',
        'integer',
        'How long, 1 to 120; 10 by default. For an offer up to 10080, by those who may change all Appointments.',
      ),
      VISIT,
    ],
  },
  book: {
    title: 'Book a visit',
    description:
      'Books a proposed time, or one that is held. 409 with the next free times (extension free-time of the issue) when it is not free.',
    parameters: [
      PROPOSED,
      given(
        'appt-id',
        '0..1',
        'string',
        'Id of an Appointment that $hold has made, in place of appt-resource; with appt-resource one of the waiting list, which gets that time.',
      ),
      PATIENT,
      given('comment', '0..1', 'string', 'Appointment.comment.'),
      given(
        'recurrence',
        '0..1',
        'Timing',
        'Books a series: repeat with period, periodUnit (d, wk, mo), count or boundsPeriod, dayOfWeek; at the same time of day by the clocks of the place.',
      ),
      given(
        'partial',
        '0..1',
        'boolean',
        'Of a series: book what is free. By default all visits are booked, or none and the issues name the times that are not free.',
      ),
      answered(
        'Any',
        'The Appointment as it is stored now; of a series a Bundle of type collection with the Appointments and an OperationOutcome for each time that was not free.',
      ),
    ],
  },
  wait: {
    title: 'Join the waiting list',
    description:
      'Makes an Appointment with status waitlist. When a time becomes free that suits it, it is booked, or held and offered: the Appointment becomes pending and is booked by $book with appt-id. The patient is told by a CommunicationRequest.',
    parameters: [
      { ...PATIENT, min: 1, documentation: 'Id of the Patient, or Patient/id.' },
      ...WISHES,
      given('when-free', '0..1', 'code', 'What becomes of a free time: book or offer; offer by default.'),
      given('instead', '0..1', 'Any', 'A booked visit that an earlier time takes the place of.'),
      given('reason', '0..1', 'CodeableConcept', 'Appointment.reasonCode.'),
      given('priority', '0..1', 'integer', 'Appointment.priority, 1 the most urgent to 9; 0 for none.'),
      given('comment', '0..1', 'string', 'Appointment.comment.'),
      VISIT,
    ],
  },
  decline: {
    title: 'Decline an offer',
    description: 'Gives the time back that was offered to somebody who waits; the Appointment waits on.',
    parameters: [VISIT],
  },
  reschedule: {
    title: 'Move a visit',
    description:
      'Moves a booked visit: the new time is taken and the old one given back together. 409 with the next free times when it is not free.',
    parameters: [
      given('start', '0..1', 'dateTime', 'The new start, with the same people.'),
      { ...PROPOSED, documentation: 'The new time as $find proposes it, in place of start.' },
      VISIT,
    ],
  },
  cancel: {
    title: 'Cancel a visit',
    description: 'Cancels a visit that is still to come and gives its time back.',
    parameters: [given('reason', '0..1', 'CodeableConcept', 'Appointment.cancelationReason.'), VISIT],
  },
  'check-in': {
    title: 'Check in',
    description: 'Notes that the patient has come: status checked-in.',
    parameters: [VISIT],
  },
  'no-show': {
    title: 'Note that the patient has not come',
    description: 'Status noshow, once the visit was to have begun.',
    parameters: [VISIT],
  },
};
