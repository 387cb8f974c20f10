import { FhirError } from '../../fhir/outcome.ts';
import { localReferences } from '../../fhir/references/literal.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { AgentContext } from '../agent.ts';
import { communicationsOf } from './communications.ts';
import { isSettled, versionOf } from './delivery-state.ts';
import { askPeople } from './tasks.ts';

/** Reasons that are somebody's will: there is nothing to look after. */
const WILL = ['patient-objection', 'family-objection'];

/**
 * Ends a request when all its Communications have ended: completed when somebody was reached, else revoked. What nobody
 * could deliver becomes a Task.
 */
export async function settleRequest(context: AgentContext, id: string): Promise<void> {
  const all = await communicationsOf(context, id);
  const byRecipient = Map.groupBy(all, (one) => localReferences(one['recipient'])[0] ?? '');
  const lasts: Resource[] = [];
  for (const several of byRecipient.values()) {
    const ended = several.every((one) => isSettled(one) || one['status'] === 'unknown');
    if (!ended) return;
    const reached = several.find(({ status }) => status === 'completed' || status === 'unknown');
    const last = reached ?? several.find((one) => !isWill(one)) ?? several[0];
    if (last !== undefined) lasts.push(last);
  }
  if (lasts.length === 0) return;
  for (const one of lasts)
    if (one['status'] === 'not-done' && !isWill(one)) await tellOfFailure(context, one);
  await endRequest(
    context,
    id,
    lasts.some(({ status }) => status === 'completed' || status === 'unknown'),
  );
}

async function tellOfFailure(context: AgentContext, communication: Resource): Promise<void> {
  const focus = `Communication/${String(communication['id'])}`;
  const reason = isObject(communication['statusReason']) ? communication['statusReason']['text'] : undefined;
  await askPeople(
    context,
    'message-not-delivered',
    focus,
    String(reason ?? 'It was not delivered'),
    patientOf(communication),
  );
}

async function endRequest(context: AgentContext, id: string, isReached: boolean): Promise<void> {
  const { fhir } = context;
  const request = await fhir.read('CommunicationRequest', id);
  if (request === undefined || request['status'] !== 'active') return;
  const next: JsonObject & Resource = isReached
    ? { ...request, status: 'completed' }
    : { ...request, status: 'revoked', statusReason: { text: 'Nobody could be reached' } };
  try {
    await fhir.update(next, versionOf(request));
  } catch (error) {
    // Who has written it meanwhile wakes the agent again.
    if (!(error instanceof FhirError) || (error.status !== 409 && error.status !== 412)) throw error;
  }
}

function isWill({ statusReason }: Resource): boolean {
  return (
    isObject(statusReason) &&
    objectsOf(statusReason['coding']).some(({ code }) => WILL.includes(String(code)))
  );
}

export function patientOf({ subject, recipient }: Resource): string | undefined {
  return localReferences([...(isObject(subject) ? [subject] : []), ...objectsOf(recipient)]).find((one) =>
    one.startsWith('Patient/'),
  );
}
