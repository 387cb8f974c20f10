import { TWILIO_MESSAGE } from '../../communication/terms.ts';
import { messageState } from '../../communication/twilio/client.ts';
import type { Resource } from '../../json/types.ts';
import type { AgentContext } from '../agent.ts';
import { record } from './deliver.ts';
import { deliveryOf, isSettled, messageIdOf } from './delivery-state.ts';
import type { CommunicationDesk } from './desk.ts';
import type { StatusReport } from './input.ts';
import { putDownFor } from './put-down.ts';

const MINUTE = 60_000;

/**
 * Writes down what a service tells of a message. What belongs to no Communication, or to one of another message, is
 * passed over.
 * @returns the Communication's status; `none` where there is none
 */
export async function takeReport(
  context: AgentContext,
  desk: CommunicationDesk,
  report: StatusReport,
): Promise<string> {
  const communication = await reportedOn(context, report);
  const delivery = communication && deliveryOf(communication);
  if (communication === undefined || (delivery?.channel !== 'sms' && delivery?.channel !== 'whatsapp'))
    return 'none';
  const known = messageIdOf(communication, [TWILIO_MESSAGE]);
  if (known !== undefined && known.value !== report.sid) return 'none';
  // What follows is done later where this process dies before.
  if (!isSettled(communication))
    await putDownFor(context, desk, communication, context.now().getTime() + MINUTE);
  return record(context, desk, communication, messageState(report.sid, report.status, report.error));
}

async function reportedOn({ fhir }: AgentContext, report: StatusReport): Promise<Resource | undefined> {
  const { communication, sid } = report;
  // The report may be here before we have written down the message's id.
  if (communication !== undefined && /^[A-Za-z0-9\-.]{1,64}$/.test(communication)) {
    const found = await fhir.read('Communication', communication);
    if (found !== undefined) return found;
  }
  const [found] = await fhir.search('Communication', [['identifier', `${TWILIO_MESSAGE}|${sid}`]]);
  return found;
}
