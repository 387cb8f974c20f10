import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import type { Desk } from './desk.ts';
import { MESSAGE_LANGUAGES, type MessageKind, messageText } from './message-texts.ts';
import { actorsIn, patientOf } from './proposal.ts';
import { VISIT_IDENTIFIER, VISIT_MESSAGE } from './terms.ts';
import { timeInWords } from './time-in-words.ts';

/** On payload.contentString: the language of a text. */
const LANGUAGE = 'http://hl7.org/fhir/StructureDefinition/language';
const CATEGORY = 'http://terminology.hl7.org/CodeSystem/communication-category';

/** What a message is about. */
export interface Told {
  readonly kind: MessageKind;
  /** `Appointment/id`, or what stands for it in the transaction. */
  readonly appointment: string;
  /** The visits as the message tells them, the first with its participants. */
  readonly visits: readonly JsonObject[];
  /** IANA name of the zone that times are told in; by default the offset of the start. */
  readonly zone?: string | undefined;
  /** FHIR instant until when a time is kept. */
  readonly until?: string;
}

/**
 * The CommunicationRequest (R4 communicationrequest.html) that tells a patient of a visit, for whoever delivers such. It says
 * when, with whom and where, and not what for, in all languages: who delivers it knows which is the recipient's.
 * @param now epoch milliseconds
 */
export function visitMessage(now: number, patient: string, told: Told): Resource {
  const { kind, appointment, visits, zone, until } = told;
  const payload = MESSAGE_LANGUAGES.map((language): JsonObject => {
    const times = visits.flatMap(({ start }) =>
      typeof start === 'string' ? [timeInWords(start, zone, language)] : [],
    );
    const visit = [times.join('; '), ...displaysOf(visits[0])].filter((one) => one !== '').join(' · ');
    return {
      contentString: messageText(kind, language, {
        visit,
        ...(until === undefined ? {} : { until: timeInWords(until, zone, language) }),
      }),
      _contentString: { extension: [{ url: LANGUAGE, valueCode: language }] },
    };
  });
  const id = appointment.startsWith('Appointment/') ? appointment.slice('Appointment/'.length) : undefined;
  return {
    resourceType: 'CommunicationRequest',
    ...(id === undefined ? {} : { groupIdentifier: { system: VISIT_IDENTIFIER, value: id } }),
    status: 'active',
    category: [{ coding: [{ system: CATEGORY, code: kind === 'reminder' ? 'reminder' : 'notification' }] }],
    priority: 'routine',
    subject: { reference: patient },
    about: [{ reference: appointment }],
    payload,
    authoredOn: new Date(now).toISOString(),
    recipient: [{ reference: patient }],
    reasonCode: [{ coding: [{ system: VISIT_MESSAGE, code: kind }] }],
  };
}

/** An entry of the transaction that changes the visit; none where it is for nobody. */
export function messageEntries(desk: Desk, patient: string | undefined, told: Told): JsonObject[] {
  if (patient === undefined) return [];
  return [
    {
      resource: visitMessage(desk.now(), patient, told),
      request: { method: 'POST', url: 'CommunicationRequest' },
    },
  ];
}

/** As {@link messageEntries}, for an Appointment that is stored. */
export function tellOf(desk: Desk, kind: MessageKind, visit: Resource): JsonObject[] {
  const patient = patientOf(visit);
  const told = { kind, appointment: `Appointment/${String(visit['id'])}`, visits: [visit] };
  return messageEntries(desk, patient, told);
}

/** With whom and where, as the participants are displayed. */
function displaysOf(visit: JsonObject | undefined): string[] {
  if (visit === undefined || actorsIn(visit).length === 0) return [];
  return ['Practitioner/', 'Location/'].flatMap((type) => {
    const actor = objectsOf(visit['participant'])
      .map((one) => one['actor'])
      .find((one) => isObject(one) && String(one['reference']).startsWith(type));
    return isObject(actor) && typeof actor['display'] === 'string' ? [actor['display']] : [];
  });
}
