import { fhirError } from '../../fhir/outcome.ts';
import { localReference } from '../../fhir/references/literal.ts';
import { isObject, isResource, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { TIME_ZONE } from '../../scheduling/terms.ts';
import { type TimeZone, timeZone } from '../../scheduling/zone.ts';
import type { AgentContext, AgentDefinition } from '../agent.ts';
import { answerTo } from './dialogue/route.ts';
import { beforeOf } from './dialogue/state.ts';
import type { Answer } from './dialogue/turn.ts';
import { LANGUAGES, type Language } from './language/types.ts';
import { emergencyOf, understand } from './language/understand.ts';
import { isUnclear, understoodBy } from './model.ts';
import { STRINGS } from './strings/index.ts';

/** A message, and the last reply of its conversation. */
export interface SupervisorInput {
  /** Communication with subject and a text. */
  readonly message: Resource;
  readonly last: Resource | undefined;
  /** Somebody of the staff was asked for and has still to answer. */
  readonly personAsked: boolean;
}

export interface SupervisorAnswer extends Answer {
  readonly language: Language;
}

const READ = ['read', 'search-type'] as const;

/**
 * Understands messages of a conversation and has the right agent answer, or a person. It reads the patient's record under the
 * asker's access and writes nothing: replies are kept by conversation.ts.
 */
export const supervisor: AgentDefinition<SupervisorInput, SupervisorAnswer> = {
  name: 'supervisor',
  title: 'Supervisor',
  version: '1.0.0',
  description: 'Talks with patients: finds out what they want and has the right agent, or a person, answer.',
  // Communication/$converse and Communications to its Device: conversation.ts and wake.ts keep what it says.
  wakes: [],
  grants: [
    {
      types: [
        ...['AllergyIntolerance', 'Appointment', 'Condition', 'Immunization', 'MedicationRequest'],
        ...['MedicationStatement', 'Observation', 'Patient'],
      ],
      interactions: READ,
    },
  ],
  timeout: 45_000,
  actions: [],
  input(value) {
    if (!isObject(value) || !isResource(value['message']))
      throw fhirError(400, 'structure', 'supervisor takes a message', 'supervisor.message');
    const last = value['last'];
    return {
      message: value['message'],
      last: isResource(last) ? last : undefined,
      personAsked: value['personAsked'] === true,
    };
  },
  async run({ message, last, personAsked }, context) {
    const subject = message['subject'];
    const patient = isObject(subject) ? String(subject['reference']) : '';
    const text = textOf(message);
    const record = await context.fhir.follow(patient);
    const before = beforeOf(last);
    const zone = await zoneOf(context, record);
    const today = zone.dayAt(context.now().getTime());
    const usual =
      languageIn(message['language']) ??
      languageIn(before.state.language) ??
      languageOfPatient(record) ??
      'en';
    const understood = await context.step('understand', { text }, async () => {
      const byRules = understand(text, usual, today);
      const emergency = byRules.emergency ?? emergencyOf(text);
      if (emergency !== undefined) return { ...byRules, emergency };
      const { model } = context;
      return model !== undefined && isUnclear(byRules) ? understoodBy(model, text, byRules, today) : byRules;
    });
    const { language } = understood;
    const isOwn = [undefined, patient].includes(localReference(message['sender']));
    const texts = STRINGS[language];
    const turn = {
      context,
      patient,
      isOwn,
      personAsked,
      text,
      understood,
      before,
      language,
      texts,
      today,
      zone,
    };
    const answer = await answerTo(turn);
    return { ...answer, state: { ...answer.state, language }, language };
  },
};

/** The text of a message: of all its parts. */
export function textOf(message: JsonObject): string {
  return objectsOf(message['payload'])
    .flatMap(({ contentString }) => (typeof contentString === 'string' ? [contentString] : []))
    .join('\n');
}

function languageIn(tag: unknown): Language | undefined {
  const primary = typeof tag === 'string' ? tag.toLowerCase().split(/[-_]/)[0] : undefined;
  return LANGUAGES.find((one) => one === primary);
}

function languageOfPatient(patient: Resource | undefined): Language | undefined {
  const stated = objectsOf(patient?.['communication']);
  const chosen = stated.find(({ preferred }) => preferred === true) ?? stated[0];
  const language = chosen?.['language'];
  const [coding] = isObject(language) ? objectsOf(language['coding']) : [];
  return languageIn(coding?.['code']);
}

/** Where the patient's days begin: the patient's own zone, or that of the places of the tenant. */
async function zoneOf({ directory }: AgentContext, patient: Resource | undefined): Promise<TimeZone> {
  const own = [patient, ...objectsOf(patient?.['address'])].map(zoneIn).find((one) => one !== undefined);
  if (own !== undefined) return own;
  const services = await directory.search('HealthcareService', [['_count', '50']]);
  const places = services.flatMap((one) => objectsOf(one['location']));
  const ids = places.flatMap(({ reference }) => /^Location\/(.+)$/.exec(String(reference))?.[1] ?? []);
  const near =
    ids.length === 0 ? [] : await directory.search('Location', [['_id', [...new Set(ids)].join(',')]]);
  const others = async (type: string) => directory.search(type, [['_count', '50']]);
  for (const found of [() => services, () => near, () => others('Location'), () => others('Organization')]) {
    const zone = (await found()).map(zoneIn).find((one) => one !== undefined);
    if (zone !== undefined) return zone;
  }
  return timeZone('UTC');
}

function zoneIn(resource: JsonObject | undefined): TimeZone | undefined {
  const name = objectsOf(resource?.['extension']).find(({ url }) => url === TIME_ZONE)?.['valueCode'];
  if (typeof name !== 'string') return undefined;
  try {
    return timeZone(name);
  } catch {
    return undefined;
  }
}
