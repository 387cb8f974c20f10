import type { Resource } from '../../json/types.ts';
import { visitMessage } from '../../scheduling/messages.ts';
import { patientOf } from '../../scheduling/proposal.ts';
import { reminderValue } from '../../scheduling/reminders.ts';
import { REMINDER_IDENTIFIER } from '../../scheduling/terms.ts';
import { dateRange } from '../../search/dates.ts';
import type { AgentContext } from '../agent.ts';

/**
 * Reminds a patient of a visit, once: by a CommunicationRequest, which has an identifier of the visit, its start and lead.
 * @param appointment `Appointment/id`
 * @param lead minutes before the visit
 * @returns the CommunicationRequest; undefined when the visit is not to come any more
 */
export async function remind(
  { fhir, now }: AgentContext,
  appointment: string,
  lead: number,
): Promise<Resource | undefined> {
  const visit = await fhir.follow(appointment);
  const patient = visit && patientOf(visit);
  const start = dateRange(String(visit?.['start']))?.low ?? 0;
  if (visit?.['status'] !== 'booked' || patient === undefined || start <= now().getTime()) return undefined;
  const value = reminderValue(visit, lead);
  const told = { kind: 'reminder', appointment, visits: [visit] } as const;
  return fhir.create(
    {
      ...visitMessage(now().getTime(), patient, told),
      identifier: [{ system: REMINDER_IDENTIFIER, value }],
    },
    `identifier=${REMINDER_IDENTIFIER}|${value}`,
  );
}
