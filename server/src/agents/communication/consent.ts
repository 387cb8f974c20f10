import { readConsent } from '../../access/consent/consent.ts';
import { type ConsentRequest, decide, patientsPermitting } from '../../access/consent/decide.ts';
import { byNameOnly } from '../../access/consent/rules.ts';
import { CHANNELS, type Channel, CONSENT_SCOPE, CONSENT_SCOPE_CODE } from '../../communication/terms.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { periodRange } from '../../search/dates.ts';
import type { AgentTools } from '../agent.ts';
import { idOf } from '../runtime/run-ids.ts';
import { channelsOf, mediumOf } from './channels.ts';

/*
 * Two things stand in Consents (R4 consent.html). Whether somebody else may be told of a patient: a consent to privacy
 * that permits it to them by name, as caregivers have access by. And what a person does not want to be sent: a Consent
 * with a scope of its own, which has no bearing on access.
 */

const MOST = 200;
/** R4 consent-action: telling is disclosing; consents for caregivers speak of access. */
const ACTIONS = ['disclose', 'access'] as const;

/**
 * Whether a patient's consents let somebody be told: one of them permits it by name, and no other denies it.
 * @param person `RelatedPerson/1`
 * @param isUrgent also what is permitted for an emergency (v3 ActReason ETREAT) counts
 * @param labels `system|code` of what is told
 */
export function mayBeTold(
  consents: readonly Resource[],
  patient: string,
  person: string,
  isUrgent: boolean,
  labels: readonly string[],
  now: number,
): boolean {
  const rules = consents
    .flatMap((consent) => readConsent(consent) ?? [])
    .filter((rule) => `Patient/${rule.patient}` === patient);
  const purposes = ['TREAT', 'PATRQT', ...(isUrgent ? ['ETREAT'] : [])];
  const requests: ConsentRequest[] = ACTIONS.flatMap((action) =>
    purposes.map((purpose) => ({ actors: [person], action, purpose, now })),
  );
  const subject = { reference: 'Communication/', type: 'Communication', labels, codes: [], classes: [] };
  const named = (rule: (typeof rules)[number], request: ConsentRequest) =>
    patientsPermitting([rule], request).length > 0 &&
    decide(byNameOnly(rule, request), request, subject) === 'permit';
  const permitting = rules.filter((rule) => requests.some((request) => named(rule, request)));
  return (
    permitting.length > 0 &&
    rules.every(
      (rule) =>
        permitting.includes(rule) || requests.every((request) => decide(rule, request, subject) === 'permit'),
    )
  );
}

/** The privacy consents of a patient that are active. */
export function privacyConsents(fhir: AgentTools, patient: string): Promise<Resource[]> {
  return fhir.searchAll(
    'Consent',
    [
      ['patient', patient],
      ['status', 'active'],
      ['_count', '100'],
    ],
    MOST,
  );
}

/** The consents in which a person refuses to be sent something. @param person `Patient/1`, `RelatedPerson/1`, ... */
export async function refusalConsents(fhir: AgentTools, person: string): Promise<Resource[]> {
  const ofScope = [
    ['scope', `${CONSENT_SCOPE}|${CONSENT_SCOPE_CODE}`],
    ['status', 'active'],
  ] as const;
  const by = person.startsWith('Patient/') ? 'patient' : 'consentor';
  const found = await fhir.searchAll('Consent', [[by, person], ...ofScope, ['_count', '100']], MOST);
  // Who has consented for a patient has refused nothing for themselves.
  return by === 'patient' ? found : found.filter((consent) => consent['patient'] === undefined);
}

/** The channels that consents of {@link refusalConsents} refuse: those that are named, all where none is. */
export function refusedChannels(consents: readonly Resource[], now: number): Set<Channel> {
  return new Set(consents.flatMap(({ provision }) => denied(provision, now)));
}

function denied(provision: JsonValue | undefined, now: number): Channel[] {
  if (!isObject(provision)) return [];
  const period = isObject(provision['period']) ? provision['period'] : {};
  const range = periodRange(period['start'], period['end']);
  if (range !== undefined && (now < range.low || now > range.high)) return [];
  const nested = objectsOf(provision['provision']).flatMap((one) => denied(one, now));
  if (provision['type'] !== 'deny') return nested;
  const named = channelsOf(provision['code']);
  return [...nested, ...(objectsOf(provision['code']).length === 0 ? CHANNELS : named)];
}

/** Id of the Consent by which a person refuses a channel in a message: there is one. */
export const refusalId = (person: string, channel: Channel): string =>
  idOf('communication-refusal', person, channel);

/** The Consent by which a person refuses a channel. */
export function refusalOf(id: string, person: string, channel: Channel, at: Date): Resource {
  const isPatient = person.startsWith('Patient/');
  return {
    resourceType: 'Consent',
    id,
    status: 'active',
    scope: { coding: [{ system: CONSENT_SCOPE, code: CONSENT_SCOPE_CODE }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0', display: 'Consent Document' }] }],
    ...(isPatient ? { patient: { reference: person } } : {}),
    dateTime: at.toISOString(),
    performer: [{ reference: person }],
    policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTOUT' }] },
    provision: { type: 'deny', code: [mediumOf(channel)] },
  };
}

/** Whether a Consent refuses just this channel: what START takes back. */
export function refusesOnly({ provision }: JsonObject, channel: Channel): boolean {
  if (!isObject(provision) || provision['type'] !== 'deny') return false;
  const named = channelsOf(provision['code']);
  return named.length > 0 && named.every((one) => one === channel);
}
