import { isObject, isResource, objectsOf } from '../../../json/objects.ts';
import type { JsonObject, Resource } from '../../../json/types.ts';
import { OPTION, STATE } from '../terms.ts';

/** What the conversation waits for. */
export const STEPS = [
  'choose-time',
  'choose-visit',
  'confirm-cancel',
  'choose-service',
  'offer-wait',
  'confirm-offer',
] as const;
export type Step = (typeof STEPS)[number];
export const GOALS = ['book', 'move', 'cancel', 'wait'] as const;
export type Goal = (typeof GOALS)[number];

/** How far a conversation has come: what a reply holds for the next message. Values are texts as Parameters hold them. */
export interface State {
  readonly step?: Step;
  readonly goal?: Goal;
  /** `Appointment/id` of the visit that is talked about. */
  readonly visit?: string;
  readonly specialty?: string;
  readonly service?: string;
  readonly practitioner?: string;
  readonly visitType?: string;
  /** Dates. */
  readonly from?: string;
  readonly to?: string;
  readonly days?: string;
  readonly part?: string;
  /** Minutes since midnight. */
  readonly at?: string;
  readonly after?: string;
  readonly before?: string;
  /** Starts that were offered already, with commas between. */
  readonly seen?: string;
  /** References that can be chosen, with commas between. */
  readonly choices?: string;
  /** `Task/id` of the person who was asked for. */
  readonly task?: string;
  readonly language?: string;
}

const NAMES: readonly (keyof State)[] = [
  ...([
    'step',
    'goal',
    'visit',
    'specialty',
    'service',
    'practitioner',
    'visitType',
    'from',
    'to',
    'days',
  ] as const),
  ...(['part', 'at', 'after', 'before', 'seen', 'choices', 'task', 'language'] as const),
];

/** Something that can be chosen. */
export interface Option {
  readonly label: string;
  /** What is sent when it is chosen. */
  readonly value: string;
  /** The time that is proposed. */
  readonly appointment?: Resource;
}

/** What the last reply of a conversation has left: its state and what it offered. */
export interface Before {
  readonly state: State;
  readonly options: readonly Option[];
  /** When it was sent. */
  readonly sent: string | undefined;
}

/** The elements of a reply that hold state and options: extensions, and what they refer to. */
export function heldBy(
  state: State,
  options: readonly Option[],
): { extension: JsonObject[]; contained: JsonObject[] } {
  const parameter = NAMES.flatMap((name): JsonObject[] => {
    const value = state[name];
    return value === undefined || value === '' ? [] : [{ name, valueString: value }];
  });
  const hasState = parameter.length > 0;
  const contained: JsonObject[] = hasState ? [{ resourceType: 'Parameters', id: 'state', parameter }] : [];
  const extension: JsonObject[] = options.map(({ label, value, appointment }, index) => {
    const id = `time-${index + 1}`;
    if (appointment !== undefined) contained.push({ ...appointment, id });
    return {
      url: OPTION,
      extension: [
        { url: 'label', valueString: label },
        { url: 'value', valueString: value },
        ...(appointment === undefined
          ? []
          : [{ url: 'appointment', valueReference: { reference: `#${id}` } }]),
      ],
    };
  });
  if (hasState) extension.push({ url: STATE, valueReference: { reference: '#state' } });
  return { extension, contained };
}

/** What a reply holds, as {@link heldBy} has put it there; what makes no sense is passed over. */
export function beforeOf(reply: Resource | undefined): Before {
  const contained = objectsOf(reply?.['contained']);
  const extensions = objectsOf(reply?.['extension']);
  const parameters = contained.find(
    ({ resourceType, id }) => resourceType === 'Parameters' && id === 'state',
  );
  const texts = Object.fromEntries(
    objectsOf(parameters?.['parameter']).flatMap(({ name, valueString }) =>
      NAMES.includes(name as keyof State) && typeof valueString === 'string'
        ? [[name as string, valueString]]
        : [],
    ),
  );
  const isOf = <T extends string>(list: readonly T[], text: string | undefined) => list.includes(text as T);
  if (!isOf(STEPS, texts['step'])) delete texts['step'];
  if (!isOf(GOALS, texts['goal'])) delete texts['goal'];
  const options = extensions.flatMap((one): Option[] => {
    if (one['url'] !== OPTION) return [];
    const parts = objectsOf(one['extension']);
    const of = (url: string) => parts.find((part) => part['url'] === url);
    const label = of('label')?.['valueString'];
    const value = of('value')?.['valueString'];
    if (typeof label !== 'string' || typeof value !== 'string') return [];
    const reference = of('appointment')?.['valueReference'];
    const target = isObject(reference) ? String(reference['reference']) : undefined;
    const appointment = contained.find(
      (resource) => resource['resourceType'] === 'Appointment' && `#${String(resource['id'])}` === target,
    );
    const { id: _, ...proposal } = appointment ?? {};
    return [{ label, value, ...(isResource(proposal) ? { appointment: proposal } : {}) }];
  });
  const sent = reply?.['sent'];
  return { state: texts as State, options, sent: typeof sent === 'string' ? sent : undefined };
}
