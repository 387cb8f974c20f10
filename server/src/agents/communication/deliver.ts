import type { Adapter, DeliveryReport } from '../../communication/adapter.ts';
import { MAIL_MESSAGE, type NotDoneReason, TWILIO_MESSAGE } from '../../communication/terms.ts';
import { isUrgent } from '../../events/urgency.ts';
import { FhirError } from '../../fhir/outcome.ts';
import { localReferences } from '../../fhir/references/literal.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import { dateRange } from '../../search/dates.ts';
import type { AgentContext } from '../agent.ts';
import { change, communicationsOf, isActive, occurrenceOf } from './communications.ts';
import { refusalId, refusalOf } from './consent.ts';
import {
  askAfter,
  claimed,
  type Delivery,
  deliveryOf,
  messageIdOf,
  notDone,
  reported,
  retryAfter,
} from './delivery-state.ts';
import type { CommunicationDesk } from './desk.ts';
import { prepare, waysTo } from './plan.ts';
import { putDownFor, putDownToSend } from './put-down.ts';
import { quietUntil, zoneOf } from './quiet-hours.ts';
import { type Recipient, stillRecipient } from './recipients.ts';
import { patientOf, settleRequest } from './settle.ts';
import { askPeople, settleTask } from './tasks.ts';
import { wordedFor } from './wording.ts';

/** Channels that ring. */
const RINGING = ['push', 'whatsapp', 'sms'];
/** How often a state is written again that somebody else has written meanwhile. */
const MOST_ATTEMPTS = 5;

/**
 * Does what is to be done about a Communication: sends it, or asks what has become of it. That it is sent stands in the
 * database before it is, so that it is never sent twice: after a crash in between nobody can tell, and a person is asked.
 * @returns its status afterwards
 */
export async function deliver(context: AgentContext, desk: CommunicationDesk, id: string): Promise<string> {
  const communication = await context.fhir.read('Communication', id);
  const delivery = communication && deliveryOf(communication);
  if (communication === undefined || delivery === undefined) return 'none';
  if (communication['status'] === 'preparation') return send(context, desk, communication, delivery);
  if (communication['status'] === 'in-progress') return askAbout(context, desk, communication, delivery);
  // A process may have died before it did what follows.
  return follow(context, desk, communication, true);
}

async function send(
  context: AgentContext,
  desk: CommunicationDesk,
  communication: Resource,
  delivery: Delivery,
): Promise<string> {
  const { fhir, tenant } = context;
  const id = String(communication['id']);
  const request = await fhir.follow(objectsOf(communication['basedOn'])[0]);
  const now = context.now().getTime();
  const withdrawn = async (reason: string, code?: NotDoneReason) => {
    await change(context, notDone(communication, reason, code), communication);
    if (request !== undefined) await settleRequest(context, String(request['id']));
    return 'not-done';
  };
  if (request === undefined || !isActive(request)) return withdrawn('The request was withdrawn');
  const { start, end } = occurrenceOf(request);
  if (end !== undefined && end < now) return withdrawn('Its time was over before it could be sent');
  const policy = await desk.policy(tenant);
  const reference = localReferences(communication['recipient'])[0] ?? '';
  const recipient = await stillRecipient(fhir, request, reference, now);
  const { person, objection } = recipient;
  if (person === undefined)
    return withdrawn('The recipient does not exist any more', 'recipient-unavailable');
  if (objection !== undefined) return withdrawn(objection, 'patient-objection');
  const { ways, refused } = await waysTo(context, desk, request, reference, person);
  if (!ways.some(({ channel, address }) => channel === delivery.channel && address === delivery.address)) {
    const gone = refused.has(delivery.channel)
      ? notDone(communication, 'The recipient has refused this channel meanwhile', 'patient-objection')
      : notDone(communication, 'The recipient has another address now', 'recipient-unavailable');
    await change(context, gone, communication);
    return goOn(context, desk, request, recipient);
  }
  const urgent = isUrgent(request);
  const quiet =
    urgent || policy.quietHours === undefined || !RINGING.includes(delivery.channel)
      ? undefined
      : quietUntil(now, policy.quietHours, zoneOf(person, policy.timeZone));
  const later = Math.max(quiet ?? 0, start ?? 0);
  if (later > now) {
    await putDownFor(context, desk, communication, later);
    return 'preparation';
  }
  const adapter = (await desk.adapters(tenant)).get(delivery.channel) as Adapter;
  const wording = await wordedFor(context, request, { reference, person }, policy);
  const content = objectsOf(communication['payload'])[0]?.['contentString'];
  const text = policy.contents === 'notice' ? wording.notice : String(content ?? wording.text);
  const claim = await change(context, claimed(communication, delivery), communication);
  const report = await context.step(
    'send',
    { communication: `Communication/${id}`, channel: delivery.channel },
    () =>
      adapter.send(
        tenant,
        {
          id,
          recipient: reference,
          address: delivery.address,
          language: wording.language,
          subject: wording.subject,
          text:
            delivery.channel === 'email' && wording.greeting !== '' ? `${wording.greeting}\n\n${text}` : text,
          notice: wording.notice,
          isUrgent: urgent,
        },
        context.signal,
      ),
  );
  return record(context, desk, claim, report);
}

/** What is in progress was taken over, or a process has died while it sent it. */
async function askAbout(
  context: AgentContext,
  desk: CommunicationDesk,
  communication: Resource,
  delivery: Delivery,
): Promise<string> {
  const message = messageIdOf(communication, [TWILIO_MESSAGE, MAIL_MESSAGE]);
  if (message === undefined)
    return record(context, desk, communication, {
      state: 'unclear',
      text: 'The server ended while it sent the message: nobody can tell whether it was sent',
    });
  const now = context.now().getTime();
  const adapter = (await desk.adapters(context.tenant)).get(delivery.channel);
  const report = await adapter?.ask?.(context.tenant, message, context.signal);
  if (report !== undefined && (report.state === 'delivered' || report.state === 'failed'))
    return record(context, desk, communication, report);
  const sentAt =
    typeof communication['sent'] === 'string' ? dateRange(communication['sent'])?.low : undefined;
  const again = askAfter(sentAt ?? now, now);
  if (again === undefined)
    return record(context, desk, communication, {
      state: 'unclear',
      text: 'The service has not said for three days whether the message has arrived',
    });
  await putDownFor(context, desk, communication, now + again);
  return 'in-progress';
}

/**
 * Writes down what has become of a Communication, and does what follows. What others have written meanwhile counts.
 * @returns its status afterwards
 */
export async function record(
  context: AgentContext,
  desk: CommunicationDesk,
  read: Resource,
  report: DeliveryReport,
): Promise<string> {
  const now = context.now().getTime();
  if (report.state === 'failed' && report.isRefusal === true) await noteRefusal(context, read);
  const done = await write(context, read, report, now);
  if (done === undefined) return String(read['status']);
  const { before, written } = done;
  const delivery = deliveryOf(written);
  if (delivery !== undefined) desk.reported(delivery.channel, report.state);
  if (written['status'] === 'preparation') {
    const tries = delivery?.tries ?? 1;
    const after = report.state === 'later' ? report.after : undefined;
    await putDownFor(context, desk, written, now + retryAfter(tries, after));
    return 'preparation';
  }
  if (written['status'] === 'in-progress') {
    await putDownFor(context, desk, written, now + (askAfter(now, now) as number));
    return 'in-progress';
  }
  return follow(context, desk, written, before['status'] === 'unknown');
}

/**
 * What follows when it is known, or cannot be known, what has become of a Communication: Tasks, another way, the end.
 * @param mayBeAsked whether people may have been asked what has become of it
 */
async function follow(
  context: AgentContext,
  desk: CommunicationDesk,
  communication: Resource,
  mayBeAsked: boolean,
): Promise<string> {
  const status = String(communication['status']);
  const reference = `Communication/${String(communication['id'])}`;
  const request = await context.fhir.follow(objectsOf(communication['basedOn'])[0]);
  if (status === 'unknown') {
    const { statusReason } = communication;
    const reason = isObject(statusReason) ? String(statusReason['text']) : 'Nobody can tell';
    await askPeople(context, 'message-unclear', reference, reason, patientOf(communication));
  } else if (mayBeAsked)
    await settleTask(context, 'message-unclear', reference, 'It is known now what has become of it');
  if (request === undefined) return status;
  if (status === 'not-done' && isActive(request)) {
    const recipient = localReferences(communication['recipient'])[0] ?? '';
    return goOn(
      context,
      desk,
      request,
      await stillRecipient(context.fhir, request, recipient, context.now().getTime()),
    );
  }
  await settleRequest(context, String(request['id']));
  return status;
}

async function write(
  context: AgentContext,
  read: Resource,
  report: DeliveryReport,
  now: number,
): Promise<{ before: Resource; written: Resource } | undefined> {
  let current: Resource | undefined = read;
  for (let attempt = 1; current !== undefined; attempt++) {
    const next = reported(current, report, now);
    if (next === undefined) return undefined;
    try {
      return { before: current, written: await change(context, next, current) };
    } catch (error) {
      const isChanged = error instanceof FhirError && (error.status === 409 || error.status === 412);
      if (!isChanged || attempt === MOST_ATTEMPTS) throw error;
      current = await context.fhir.read('Communication', String(read['id']));
    }
  }
  return undefined;
}

/** Tries the next way to a recipient; where there is none, that is the end. */
async function goOn(
  context: AgentContext,
  desk: CommunicationDesk,
  request: Resource,
  recipient: Recipient,
): Promise<string> {
  const tried = (await communicationsOf(context, String(request['id']))).filter((one) =>
    localReferences(one['recipient']).includes(recipient.reference),
  );
  if (recipient.person !== undefined && recipient.objection === undefined) {
    const { ways } = await waysTo(context, desk, request, recipient.reference, recipient.person);
    const isNew = ways.some(({ channel, address }) =>
      tried.every((one) => {
        const delivery = deliveryOf(one);
        return delivery?.channel !== channel || delivery.address !== address;
      }),
    );
    if (isNew) await putDownToSend(context, desk, await prepare(context, desk, request, recipient, tried));
  }
  await settleRequest(context, String(request['id']));
  return 'not-done';
}

/** A refusal that the service knows of is one here too. */
async function noteRefusal(context: AgentContext, communication: Resource): Promise<void> {
  const person = localReferences(communication['recipient'])[0] ?? '';
  const channel = deliveryOf(communication)?.channel;
  if (
    channel === undefined ||
    !/^(Patient|RelatedPerson|Practitioner|PractitionerRole|Organization)\//.test(person)
  )
    return;
  const id = refusalId(person, channel);
  await context.fhir.update(refusalOf(id, person, channel, context.now()));
}
