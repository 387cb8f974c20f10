import { type AccessServer, startAccessServer } from './access-server.ts';
import { hours, visitType, WEEK, zone } from './appointment-clinic.ts';
import type { Answer, HeaderMap, Json, TestClient } from './harness.ts';

const CARDIOLOGY = { coding: [{ system: 'http://snomed.info/sct', code: '394579002' }] };
const DERMATOLOGY = { coding: [{ system: 'http://snomed.info/sct', code: '394582007' }] };
const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Directory, patients, a caregiver with a consent for the child c1, one without. */
export function people(): object[] {
  return [
    { resourceType: 'Patient', id: 'p1', name: [{ family: 'Rivera', given: ['Ana'] }] },
    { resourceType: 'Patient', id: 'p2', communication: [{ language: { coding: [{ code: 'es' }] } }] },
    { resourceType: 'Patient', id: 'c1', name: [{ family: 'Okafor', given: ['Theo'] }] },
    {
      resourceType: 'AllergyIntolerance',
      id: 'a1',
      clinicalStatus: {
        coding: [
          { system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' },
        ],
      },
      code: { text: 'Penicillin' },
      patient: { reference: 'Patient/p1' },
    },
    { resourceType: 'RelatedPerson', id: 'carer', patient: { reference: 'Patient/c1' } },
    { resourceType: 'RelatedPerson', id: 'stranger', patient: { reference: 'Patient/c1' } },
    {
      resourceType: 'Consent',
      id: 'consent1',
      status: 'active',
      scope: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
      },
      category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
      patient: { reference: 'Patient/c1' },
      dateTime: '2020-01-01',
      policyRule: { coding: [{ code: 'OPTIN' }] },
      provision: {
        type: 'deny',
        provision: [
          {
            type: 'permit',
            actor: [
              { role: { coding: [{ code: 'PRCP' }] }, reference: { reference: 'RelatedPerson/carer' } },
            ],
          },
        ],
      },
    },
  ];
}

export function directory(): object[] {
  return [
    {
      resourceType: 'Location',
      id: 'main',
      status: 'active',
      name: 'Main Street Clinic',
      extension: [zone('America/New_York')],
      address: { line: ['12 Main Street'], city: 'Worcester', state: 'MA', postalCode: '01608' },
      telecom: [{ system: 'phone', value: '508-555-0100', use: 'work' }],
      hoursOfOperation: [{ daysOfWeek: WEEK, openingTime: '08:00:00', closingTime: '18:00:00' }],
    },
    ...service('cardio', 'Cardiology', CARDIOLOGY, 'Kim', ['09:00', '17:00']),
    ...service('skin', 'Dermatology', DERMATOLOGY, 'Lopez', ['09:00', '12:00']),
    {
      resourceType: 'Library',
      id: 'faq-parking',
      status: 'active',
      language: 'en',
      type: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/library-type', code: 'asset-collection' }],
      },
      title: 'Where can I park?',
      topic: [
        {
          coding: [{ system: 'https://vesta.health/fhir/CodeSystem/library-topic', code: 'faq' }],
          text: 'Parking garage and car',
        },
      ],
      content: [
        { contentType: 'text/markdown', data: base64('Parking is free in the garage behind the clinic.') },
      ],
    },
  ];
}

function service(
  id: string,
  name: string,
  specialty: object,
  family: string,
  open: [string, string],
): object[] {
  return [
    {
      resourceType: 'HealthcareService',
      id,
      active: true,
      name,
      specialty: [specialty],
      location: [{ reference: 'Location/main' }],
      appointmentRequired: true,
      extraDetails: 'Bring your insurance card.',
      extension: [visitType('usual', { duration: 30, alignment: 30 })],
    },
    { resourceType: 'Practitioner', id: `dr-${id}`, name: [{ prefix: ['Dr.'], family, given: ['Sam'] }] },
    {
      resourceType: 'PractitionerRole',
      id: `role-${id}`,
      active: true,
      practitioner: { reference: `Practitioner/dr-${id}`, display: `Dr. Sam ${family}` },
      specialty: [specialty],
      healthcareService: [{ reference: `HealthcareService/${id}` }],
      location: [{ reference: 'Location/main' }],
      availableTime: [hours(...open)],
    },
  ];
}

/** What was answered: the reply's text, options and resource, and what came of the message. */
export interface Said {
  readonly status: number;
  readonly answer: Answer;
  readonly message: Json;
  readonly reply: Json;
  readonly text: string;
  readonly options: { label: string; value: string; appointment: Json }[];
}

/** A conversation of somebody about a patient. */
export class Talk {
  readonly #client: TestClient;
  readonly #headers: HeaderMap | undefined;
  readonly #patient: string;
  last: Json;

  constructor(client: TestClient, patient: string, headers?: HeaderMap) {
    this.#client = client;
    this.#patient = patient;
    this.#headers = headers;
  }

  async say(text: string, more: object = {}): Promise<Said> {
    const answer = await converse(
      this.#client,
      {
        resourceType: 'Communication',
        status: 'completed',
        subject: { reference: this.#patient },
        payload: [{ contentString: text }],
        ...(this.last === undefined
          ? {}
          : { inResponseTo: [{ reference: `Communication/${this.last.id}` }] }),
        ...more,
      },
      this.#headers,
    );
    const said = saidIn(answer);
    if (said.reply !== undefined) this.last = said.reply;
    return said;
  }
}

export function converse(client: TestClient, message: object, headers?: HeaderMap): Promise<Answer> {
  const parameter = [{ name: 'message', resource: message }];
  return client.post('Communication/$converse', { resourceType: 'Parameters', parameter }, headers);
}

export function saidIn(answer: Answer): Said {
  const parts: Json[] = answer.status === 200 ? answer.json.parameter : [];
  const reply = parts.find(({ name }) => name === 'reply')?.resource;
  const contained: Json[] = reply?.contained ?? [];
  const options = ((reply?.extension ?? []) as Json[])
    .filter(({ url }) => url.endsWith('/conversation-option'))
    .map(({ extension }) => {
      const of = (url: string) => extension.find((one: Json) => one.url === url);
      const reference = of('appointment')?.valueReference.reference;
      const appointment = contained.find(({ id }) => `#${id}` === reference);
      return { label: of('label').valueString, value: of('value').valueString, appointment };
    });
  return {
    status: answer.status,
    answer,
    message: parts.find(({ name }) => name === 'message')?.resource,
    reply,
    text: reply?.payload?.[0]?.contentString,
    options,
  };
}

/** A server with a clinic in its tenant `one`, and those who talk. */
export interface Clinic {
  readonly server: AccessServer;
  readonly who: Readonly<
    Record<'ana' | 'second' | 'carer' | 'stranger' | 'nurse' | 'desk' | 'system', HeaderMap>
  >;
  /** What a search finds; by default for a service that may do everything. */
  all(path: string, headers?: HeaderMap): Promise<Json[]>;
}

export async function openClinic(): Promise<Clinic> {
  const server = await startAccessServer();
  await server.put(...people(), ...directory());
  const system = await server.as({ scopes: 'system/*.cruds' });
  return {
    server,
    who: {
      ana: await server.as({ role: 'patient', fhirUser: 'Patient/p1' }),
      second: await server.as({ role: 'patient', fhirUser: 'Patient/p2' }),
      carer: await server.as({ role: 'caregiver', fhirUser: 'RelatedPerson/carer' }),
      stranger: await server.as({ role: 'caregiver', fhirUser: 'RelatedPerson/stranger' }),
      nurse: await server.as({ role: 'nurse', fhirUser: 'Practitioner/dr-skin' }),
      desk: await server.as({ role: 'front_desk', fhirUser: 'Practitioner/dr-skin' }),
      system,
    },
    async all(path, headers = system) {
      const answer = await server.one.get(path, headers);
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
      return (answer.json.entry ?? []).map(({ resource }: Json) => resource);
    },
  };
}

/** The value of a message's conversation. */
export const threadOf = (message: Json): string =>
  message.identifier.find(({ system }: Json) => system.endsWith('/conversation')).value;
