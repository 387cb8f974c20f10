import { isUrgent } from '../../events/urgency.ts';
import { referenceTo } from '../../fhir/references/literal.ts';
import type { Resource } from '../../json/types.ts';
import type { AgentContext } from '../agent.ts';
import type { CommunicationDesk } from './desk.ts';

/**
 * Puts down when the agent is to look at a CommunicationRequest or Communication again.
 * @param due epoch milliseconds; now by default
 */
export function putDownFor(
  { tenant }: AgentContext,
  desk: CommunicationDesk,
  resource: Resource,
  due?: number,
): Promise<void> {
  return desk.putDown(tenant, referenceTo(resource), {
    urgent: isUrgent(resource),
    ...(due === undefined ? {} : { due }),
  });
}

/** Puts down that a Communication is to be sent, where it is. */
export async function putDownToSend(
  context: AgentContext,
  desk: CommunicationDesk,
  communication: Resource,
): Promise<void> {
  if (communication['status'] === 'preparation') await putDownFor(context, desk, communication);
}
