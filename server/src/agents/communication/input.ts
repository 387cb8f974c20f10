import { fhirError } from '../../fhir/outcome.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { type StepInput, stepInput } from '../../workflows/step.ts';

/** A message that somebody has sent us. */
export interface InboundMessage {
  /** Its id at the service. */
  readonly sid: string;
  readonly channel: 'sms' | 'whatsapp';
  /** E.164. */
  readonly from: string;
  readonly to: string;
  readonly text: string;
  /** What the service has understood of it: `STOP`, `START`, `HELP`. */
  readonly optOut?: string;
}

/** What a service tells of a message that it has taken over. */
export interface StatusReport {
  readonly sid: string;
  /** Id of the Communication, where the service was told it. */
  readonly communication?: string;
  /** In the service's words. */
  readonly status: string;
  readonly error?: string;
}

/** What wakes the agent. */
export type CommunicationInput =
  /** A CommunicationRequest that was written, or that is due: `CommunicationRequest/1`. */
  | { readonly kind: 'request'; readonly id: string }
  /** A message of a conversation that was written: it may be for somebody who writes by SMS or WhatsApp. */
  | { readonly kind: 'reply'; readonly id: string }
  /** A Communication that has to be sent or asked after. */
  | { readonly kind: 'delivery'; readonly id: string }
  | { readonly kind: 'report'; readonly report: StatusReport }
  | { readonly kind: 'inbound'; readonly message: InboundMessage }
  | { readonly kind: 'step'; readonly step: StepInput };

/** Reads what the agent was given. @throws FhirError 400 naming the member that is wrong */
export function communicationInput(value: JsonValue): CommunicationInput {
  if (!isObject(value)) throw wrong('input', 'an object');
  if (value['task'] !== undefined) return { kind: 'step', step: stepInput(value) };
  const { event, due, report, inbound } = value;
  if (isObject(event)) {
    const id = text(event, 'id', 'event');
    if (event['type'] === 'CommunicationRequest') return { kind: 'request', id };
    if (event['type'] === 'Communication') return { kind: 'reply', id };
    throw wrong('event.type', 'CommunicationRequest or Communication');
  }
  if (typeof due === 'string') {
    const match = /^(CommunicationRequest|Communication)\/([A-Za-z0-9\-.]{1,64})$/.exec(due);
    if (match === null) throw wrong('due', 'CommunicationRequest/id or Communication/id');
    return { kind: match[1] === 'Communication' ? 'delivery' : 'request', id: match[2] as string };
  }
  if (isObject(report))
    return {
      kind: 'report',
      report: {
        sid: text(report, 'sid', 'report'),
        status: text(report, 'status', 'report'),
        ...optional(report, 'communication'),
        ...optional(report, 'error'),
      },
    };
  if (isObject(inbound)) {
    const { channel } = inbound;
    if (channel !== 'sms' && channel !== 'whatsapp') throw wrong('inbound.channel', 'sms or whatsapp');
    const [sid, from, to, body] = ['sid', 'from', 'to', 'text'].map((name) =>
      text(inbound, name, 'inbound'),
    ) as [string, string, string, string];
    return {
      kind: 'inbound',
      message: { sid, channel, from, to, text: body, ...optional(inbound, 'optOut') },
    };
  }
  throw wrong('input', 'a step of a workflow, an event, or what is due, reported or has come in');
}

function text(object: JsonObject, name: string, at: string): string {
  const value = object[name];
  if (typeof value !== 'string') throw wrong(`${at}.${name}`, 'a string');
  return value;
}

function optional<N extends string>(object: JsonObject, name: N): Partial<Record<N, string>> {
  const value = object[name];
  return typeof value === 'string' ? ({ [name]: value } as Record<N, string>) : {};
}

function wrong(member: string, wanted: string): Error {
  return fhirError(400, 'invalid', `${member} must be ${wanted}`, member);
}
