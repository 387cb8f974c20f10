import { CONSENT_SCOPE, CONSENT_SCOPE_CODE, CONVERSATION, TASK } from '../../communication/terms.ts';
import type { AgentDefinition } from '../agent.ts';
import { deliver } from './deliver.ts';
import type { CommunicationDesk } from './desk.ts';
import { takeIn } from './inbound.ts';
import { type CommunicationInput, communicationInput } from './input.ts';
import { plan } from './plan.ts';
import { READABLE } from './readable.ts';
import { forwardReply, mayBeReply } from './reply.ts';
import { takeReport } from './report.ts';
import { notifyStep } from './step.ts';
import { TASK_TEXTS } from './task-texts.ts';

const REFUSALS = `scope=${CONSENT_SCOPE}|${CONSENT_SCOPE_CODE}`;
const TASKS = `code=${Object.keys(TASK_TEXTS)
  .map((code) => `${TASK}|${code}`)
  .join(',')}`;

/** Name of the agent. */
export const COMMUNICATION_AGENT = 'communication';

/**
 * The agent that carries CommunicationRequests out: whom to tell, by which way, when and in which language. It goes by rules
 * alone. What it may send by is given to it.
 */
export function communicationAgent(desk: CommunicationDesk): AgentDefinition<CommunicationInput, unknown> {
  return {
    name: COMMUNICATION_AGENT,
    title: 'Communication',
    version: '1.0.0',
    description: `Sends messages to patients, families and staff as CommunicationRequests ask for, and keeps what comes in (conversations: ${CONVERSATION})`,
    wakes: [
      { kind: 'event', type: 'CommunicationRequest', methods: ['create', 'update'] },
      { kind: 'event', type: 'Communication', methods: ['create'], mentions: CONVERSATION, when: mayBeReply },
      { kind: 'step', code: 'communication' },
    ],
    canWait: true,
    grants: [
      {
        types: ['CommunicationRequest', 'Communication'],
        interactions: ['read', 'vread', 'search-type', 'create', 'update', 'transaction'],
      },
      { types: ['Consent', 'Task'], interactions: ['read', 'search-type', 'transaction'] },
      // Of Consents it writes refusals of messages only, of Tasks those about messages.
      { types: ['Consent'], interactions: ['create', 'update'], search: REFUSALS },
      { types: ['Task'], interactions: ['create', 'update'], search: TASKS },
      { types: READABLE, interactions: ['read', 'vread', 'search-type'] },
    ],
    timeout: 60_000,
    actions: [],
    input: communicationInput,
    async run(input, context) {
      switch (input.kind) {
        case 'request':
          return { communications: await plan(context, desk, input.id) };
        case 'reply':
          return { request: await forwardReply(context, desk, input.id) };
        case 'delivery':
          return { status: await deliver(context, desk, input.id) };
        case 'report':
          return { status: await takeReport(context, desk, input.report) };
        case 'inbound':
          return { communication: await takeIn(context, desk, input.message) };
        case 'step':
          return notifyStep(context, desk, input.step);
      }
    },
  };
}
