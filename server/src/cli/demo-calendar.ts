import type { JsonObject } from '../json/types.ts';
import { TIME_ZONE, VISIT_REMINDER, VISIT_TYPE } from '../scheduling/terms.ts';
import { closedDays } from './demo-holidays.ts';

/* What the demo tenant has to book: the calendar of the clinic that server/demo/us-core has the people of. All invented. */

const ORGANIZATION = 'juniper-hollow-health';
const CLINIC = 'juniper-hollow-clinic';
/** What people call the clinic, and the zone that it lives by. */
export const CLINIC_NAME = 'Juniper Hollow Clinic';
export const CLINIC_ZONE = 'America/New_York';
const SNOMED = 'http://snomed.info/sct';
const NUCC = 'http://nucc.org/provider-taxonomy';
/** HL7 v2 table 0276, which R4's Appointment.appointmentType has its codes of. */
const REASONS = 'http://terminology.hl7.org/CodeSystem/v2-0276';
const WEEK = ['mon', 'tue', 'wed', 'thu', 'fri'];

interface Visit {
  readonly code: string;
  readonly text: string;
  /** Minutes. */
  readonly duration: number;
  readonly before?: number;
  readonly after?: number;
  readonly alignment: number;
  /** Ids of rooms, one of which is needed; those of devices. */
  readonly rooms?: readonly string[];
  readonly devices?: readonly string[];
}

interface Service {
  readonly id: string;
  readonly name: string;
  readonly comment: string;
  readonly instructions: string;
  readonly snomed: readonly [code: string, display: string] | undefined;
  readonly nucc: readonly [code: string, display: string];
  readonly phone: string;
  readonly visits: readonly Visit[];
}

interface Post {
  readonly practitioner: string;
  readonly name: string;
  readonly service: string;
  /** Days, from and to. */
  readonly hours: readonly (readonly [readonly string[], string, string])[];
}

const ROOMS = [
  ['exam-1', 'Examination room 1'],
  ['exam-2', 'Examination room 2'],
  ['exam-3', 'Examination room 3'],
  ['exam-4', 'Examination room 4'],
  ['procedures', 'Procedure room'],
] as const;
const EXAM = ['exam-1', 'exam-2', 'exam-3', 'exam-4'];
const ECHO = 'juniper-hollow-echo';

const SERVICES: readonly Service[] = [
  {
    id: 'cardiology',
    name: 'Cardiology',
    comment: 'Heart and circulation: first visits, follow-ups and ultrasound of the heart',
    instructions:
      'Bring a list of your medicines and earlier ECGs if you have them. There is nothing to prepare for an ultrasound of the heart.',
    snomed: ['394579002', 'Cardiology'],
    nucc: ['207RC0000X', 'Cardiovascular Disease Physician'],
    phone: '+1-802-555-0161',
    visits: [
      { code: 'ROUTINE', text: 'First visit', duration: 40, after: 5, alignment: 15, rooms: EXAM },
      { code: 'FOLLOWUP', text: 'Follow-up visit', duration: 20, alignment: 10, rooms: EXAM },
      {
        code: 'CHECKUP',
        text: 'Ultrasound of the heart',
        duration: 45,
        before: 5,
        after: 10,
        alignment: 15,
        rooms: ['procedures'],
        devices: [ECHO],
      },
    ],
  },
  {
    id: 'general-practice',
    name: 'General practice',
    comment: 'Family medicine: check-ups, acute complaints, vaccinations for adults',
    instructions:
      'Bring your insurance card and a list of your medicines. For blood tests come without breakfast.',
    snomed: ['394814009', 'General practice'],
    nucc: ['207Q00000X', 'Family Medicine Physician'],
    phone: '+1-802-555-0162',
    visits: [
      { code: 'ROUTINE', text: 'Visit', duration: 20, alignment: 10, rooms: EXAM },
      { code: 'CHECKUP', text: 'Check-up', duration: 40, alignment: 20, rooms: EXAM },
      { code: 'FOLLOWUP', text: 'Follow-up visit', duration: 15, alignment: 15, rooms: EXAM },
    ],
  },
  {
    id: 'paediatrics',
    name: 'Paediatrics',
    comment: 'Children from birth to 18 years: check-ups, vaccinations, acute complaints',
    instructions: 'Bring the vaccination record. A parent or another caregiver comes along.',
    snomed: ['394537008', 'Pediatric specialty'],
    nucc: ['208000000X', 'Pediatrics Physician'],
    phone: '+1-802-555-0163',
    visits: [
      { code: 'ROUTINE', text: 'Visit', duration: 20, alignment: 10, rooms: EXAM },
      {
        code: 'CHECKUP',
        text: 'Check-up with vaccination',
        duration: 30,
        after: 5,
        alignment: 15,
        rooms: EXAM,
      },
      { code: 'FOLLOWUP', text: 'Follow-up visit', duration: 15, alignment: 15, rooms: EXAM },
    ],
  },
  {
    id: 'dermatology',
    name: 'Dermatology',
    comment: 'Skin: first visits, checks of moles, small procedures',
    instructions: 'Come without make-up and nail varnish.',
    snomed: ['394582007', 'Dermatology'],
    nucc: ['207N00000X', 'Dermatology Physician'],
    phone: '+1-802-555-0164',
    visits: [
      { code: 'ROUTINE', text: 'Visit', duration: 20, alignment: 10, rooms: EXAM },
      { code: 'CHECKUP', text: 'Skin check', duration: 30, alignment: 15, rooms: ['procedures'] },
    ],
  },
  {
    id: 'vaccination',
    name: 'Vaccination and blood tests',
    comment: 'Vaccinations and blood samples by the nurse; no physician is needed',
    instructions: 'Bring the vaccination record. For blood tests come without breakfast.',
    snomed: undefined,
    nucc: ['163W00000X', 'Registered Nurse'],
    phone: '+1-802-555-0165',
    visits: [{ code: 'ROUTINE', text: 'Visit to the nurse', duration: 10, alignment: 10 }],
  },
];

const POSTS: readonly Post[] = [
  {
    practitioner: 'beatrix-calloway',
    name: 'Dr. Beatrix Calloway',
    service: 'cardiology',
    hours: [
      [WEEK, '09:00', '12:00'],
      [['mon', 'tue', 'wed', 'thu'], '13:00', '17:00'],
    ],
  },
  {
    practitioner: 'lionel-marchetti',
    name: 'Dr. Lionel Marchetti',
    service: 'cardiology',
    hours: [[['tue', 'thu', 'fri'], '12:30', '18:30']],
  },
  {
    practitioner: 'imogen-tarrow',
    name: 'Dr. Imogen Tarrow',
    service: 'general-practice',
    hours: [
      [WEEK, '08:00', '12:00'],
      [['mon', 'wed', 'thu'], '13:30', '17:30'],
    ],
  },
  {
    practitioner: 'soren-abernathy',
    name: 'Dr. Soren Abernathy',
    service: 'general-practice',
    hours: [
      [['tue', 'fri'], '09:00', '13:00'],
      [['tue', 'thu'], '15:00', '20:00'],
    ],
  },
  {
    practitioner: 'casimir-bellweather',
    name: 'Dr. Casimir Bellweather',
    service: 'paediatrics',
    hours: [
      [WEEK, '08:30', '12:30'],
      [['mon', 'tue', 'thu'], '14:00', '17:00'],
    ],
  },
  {
    practitioner: 'priscilla-hartwell',
    name: 'Dr. Priscilla Hartwell',
    service: 'dermatology',
    hours: [[['mon', 'wed', 'fri'], '09:00', '16:00']],
  },
  {
    practitioner: 'odalys-finch',
    name: 'Odalys Finch, RN',
    service: 'vaccination',
    hours: [[WEEK, '08:00', '16:00']],
  },
];

/** Who works there: given name, family name, and what comes before or after it. */
const PEOPLE: readonly (readonly [id: string, given: string, family: string, prefix?: string])[] = [
  ['beatrix-calloway', 'Beatrix', 'Calloway', 'Dr.'],
  ['lionel-marchetti', 'Lionel', 'Marchetti', 'Dr.'],
  ['soren-abernathy', 'Soren', 'Abernathy', 'Dr.'],
  ['priscilla-hartwell', 'Priscilla', 'Hartwell', 'Dr.'],
  ['imogen-tarrow', 'Imogen', 'Tarrow', 'Dr.'],
  ['casimir-bellweather', 'Casimir', 'Bellweather', 'Dr.'],
  ['odalys-finch', 'Odalys', 'Finch'],
];

/** What the calendar refers to and may be there already, from server/demo/us-core: references. */
export const DEMO_STAFF: readonly string[] = [
  `Organization/${ORGANIZATION}`,
  ...PEOPLE.map(([id]) => `Practitioner/${id}`),
];

/**
 * The calendar as a transaction that may be sent again: a place with rooms, services with their kinds of visits, and posts
 * with their hours; public holidays of this year and the next two are closed.
 * @param year for which it is made
 * @param known those of {@link DEMO_STAFF} that are there already, all by default: they stay as they are
 */
export function demoCalendar(year: number, known: ReadonlySet<string> = new Set(DEMO_STAFF)): JsonObject {
  const closed = closedDays(year, 3);
  const resources: JsonObject[] = [
    clinic(),
    ...ROOMS.map(([id, name]) => room(id, name)),
    {
      resourceType: 'Device',
      id: ECHO,
      status: 'active',
      deviceName: [{ name: 'Ultrasound of the heart', type: 'user-friendly-name' }],
      type: { text: 'Cardiac ultrasound system' },
      location: reference(`Location/${roomId('procedures')}`),
    },
    ...staff().filter((one) => !known.has(`${one['resourceType']}/${one['id']}`)),
    ...SERVICES.map((service) => healthcareService(service, closed)),
    ...POSTS.map(practitionerRole),
  ];
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: resources.map((resource) => ({
      resource,
      request: { method: 'PUT', url: `${resource['resourceType']}/${resource['id']}` },
    })),
  };
}

function staff(): JsonObject[] {
  return [
    { resourceType: 'Organization', id: ORGANIZATION, active: true, name: 'Juniper Hollow Health' },
    ...PEOPLE.map(([id, given, family, prefix]) => ({
      resourceType: 'Practitioner',
      id,
      active: true,
      name: [
        { use: 'official', family, given: [given], ...(prefix === undefined ? {} : { prefix: [prefix] }) },
      ],
    })),
  ];
}

const reference = (to: string, display?: string): JsonObject => ({
  reference: to,
  ...(display === undefined ? {} : { display }),
});
const roomId = (id: string): string => `${CLINIC}-${id}`;
const coding = (system: string, [code, display]: readonly [string, string]): JsonObject => ({
  coding: [{ system, code, display }],
  text: display,
});
const minutes = (value: number): JsonObject => ({
  value,
  unit: 'min',
  system: 'http://unitsofmeasure.org',
  code: 'min',
});

function clinic(): JsonObject {
  return {
    resourceType: 'Location',
    id: CLINIC,
    extension: [{ url: TIME_ZONE, valueCode: CLINIC_ZONE }],
    status: 'active',
    name: CLINIC_NAME,
    description: 'Ground floor, step-free; parking behind the house',
    mode: 'instance',
    type: [
      {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/v3-RoleCode',
            code: 'OF',
            display: 'Outpatient facility',
          },
        ],
      },
    ],
    telecom: [
      { system: 'phone', value: '+1-802-555-0160', use: 'work' },
      { system: 'email', value: 'visits@juniper-hollow-health.example' },
    ],
    address: {
      line: ['14 Granary Lane'],
      city: 'Juniper Hollow',
      state: 'VT',
      postalCode: '05499',
      country: 'US',
    },
    managingOrganization: reference(`Organization/${ORGANIZATION}`),
    hoursOfOperation: [{ daysOfWeek: WEEK, openingTime: '08:00:00', closingTime: '20:00:00' }],
    availabilityExceptions: 'Closed on public holidays',
  };
}

function room(id: string, name: string): JsonObject {
  return {
    resourceType: 'Location',
    id: roomId(id),
    extension: [{ url: TIME_ZONE, valueCode: CLINIC_ZONE }],
    status: 'active',
    name: `${CLINIC_NAME}, ${name.toLowerCase()}`,
    mode: 'instance',
    physicalType: {
      coding: [
        {
          system: 'http://terminology.hl7.org/CodeSystem/location-physical-type',
          code: 'ro',
          display: 'Room',
        },
      ],
    },
    managingOrganization: reference(`Organization/${ORGANIZATION}`),
    partOf: reference(`Location/${CLINIC}`),
  };
}

function healthcareService(service: Service, closed: readonly JsonObject[]): JsonObject {
  const { snomed, nucc } = service;
  return {
    resourceType: 'HealthcareService',
    id: service.id,
    extension: [
      ...service.visits.map(visitType),
      ...[24 * 60, 2 * 60].map((ahead) => ({ url: VISIT_REMINDER, valueDuration: minutes(ahead) })),
    ],
    active: true,
    providedBy: reference(`Organization/${ORGANIZATION}`, 'Juniper Hollow Health'),
    specialty: [...(snomed === undefined ? [] : [coding(SNOMED, snomed)]), coding(NUCC, nucc)],
    location: [reference(`Location/${CLINIC}`, CLINIC_NAME)],
    name: service.name,
    comment: service.comment,
    extraDetails: service.instructions,
    telecom: [{ system: 'phone', value: service.phone, use: 'work' }],
    appointmentRequired: true,
    notAvailable: [...closed],
  };
}

function visitType({ code, text, duration, before, after, alignment, rooms, devices }: Visit): JsonObject {
  const time = (url: string, value: number | undefined) =>
    value === undefined ? [] : [{ url, valueDuration: minutes(value) }];
  const group = (references: readonly string[] | undefined) =>
    references === undefined
      ? []
      : [
          {
            url: 'resource',
            extension: references.map((one) => ({ url: 'candidate', valueReference: reference(one) })),
          },
        ];
  return {
    url: VISIT_TYPE,
    extension: [
      { url: 'code', valueCodeableConcept: { coding: [{ system: REASONS, code }], text } },
      ...time('duration', duration),
      ...time('bufferBefore', before),
      ...time('bufferAfter', after),
      ...time('alignment', alignment),
      ...group(rooms?.map((id) => `Location/${roomId(id)}`)),
      ...group(devices?.map((id) => `Device/${id}`)),
    ],
  };
}

function practitionerRole({ practitioner, name, service, hours }: Post): JsonObject {
  const { snomed, nucc } = SERVICES.find(({ id }) => id === service) as Service;
  return {
    resourceType: 'PractitionerRole',
    id: `${practitioner}-visits`,
    active: true,
    practitioner: reference(`Practitioner/${practitioner}`, name),
    organization: reference(`Organization/${ORGANIZATION}`, 'Juniper Hollow Health'),
    specialty: [...(snomed === undefined ? [] : [coding(SNOMED, snomed)]), coding(NUCC, nucc)],
    location: [reference(`Location/${CLINIC}`, CLINIC_NAME)],
    healthcareService: [reference(`HealthcareService/${service}`)],
    availableTime: hours.map(([days, from, to]) => ({
      daysOfWeek: [...days],
      availableStartTime: `${from}:00`,
      availableEndTime: `${to}:00`,
    })),
  };
}
