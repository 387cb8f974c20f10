import type { Tenant } from '../access/scope.ts';
import type { EventConsumer, EventWant, ResourceEvent } from '../events/event.ts';
import { PollLoop } from '../events/poll-loop.ts';
import type { FhirServer } from '../fhir/fhir-server.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import type { Resource } from '../json/types.ts';
import { dateRange } from '../search/dates.ts';
import { type Connections, isTransient } from '../storage/connections.ts';
import { type TakenTimer, type VisitTimer, VisitTimers } from '../storage/scheduling/timers.ts';
import { cancelVisit } from './change.ts';
import { type Desk, openDesk } from './desk.ts';
import {
  type Freed,
  freedByHours,
  freedBySlot,
  freedByVisit,
  giveBackLeft,
  TELLS_HOURS,
  visitBefore,
} from './freed.ts';
import { endHold, schedulingScope } from './holds.ts';
import { dueReminders, reminderLeads, revokeReminders } from './reminders.ts';
import { holdOf } from './visit-slots.ts';
import { wishOf } from './wish.ts';

/** What the scheduling agent is asked to do. */
export type AgentWork =
  | { readonly kind: 'fill'; readonly freed: Freed }
  | { readonly kind: 'fill'; readonly waiting: string }
  | { readonly kind: 'remind'; readonly appointment: string; readonly lead: number };

export interface UpkeepParts {
  readonly connections: Connections;
  /** Asked for when it is first needed. */
  readonly server: () => FhirServer;
  /** Runs the scheduling agent by itself; undefined where there is none. */
  readonly agent:
    | ((context: TenantContext, work: AgentWork, signal?: AbortSignal) => Promise<void>)
    | undefined;
  readonly onError: (error: unknown) => void;
  /** Milliseconds between looks for what is due; default 5000. */
  readonly poll?: number;
}

/** Milliseconds that a process has for what is due before another one tries; doubled with every try. */
const LEASE = 60_000;
const AT_ONCE = 50;
const ATTEMPTS = 8;

/**
 * What the server does with visits without being asked: it ends holds, reminds patients, and gives times that become free
 * to those who wait. Any number of processes may do so beside each other.
 */
export class VisitUpkeep {
  readonly #parts: UpkeepParts;
  readonly #timers: VisitTimers;
  readonly #stopping = new AbortController();
  readonly #loop: PollLoop;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    this.#timers = new VisitTimers(parts.connections);
    const { poll = 5000, onError } = parts;
    this.#loop = new PollLoop({
      poll,
      look: () => this.tick(),
      onError: (error) => {
        if (!this.#stopping.signal.aborted) onError(error);
      },
    });
  }

  /** Is told of Appointments, whose timers it sets, and of Slots and hours by which time becomes free. */
  consumer(): EventConsumer {
    return {
      name: 'visits',
      canWait: true,
      wants: [
        { type: 'Appointment', methods: ['create', 'update', 'delete'] },
        { type: 'Slot', methods: ['create'], mentions: '"free"' },
        { type: 'Slot', methods: ['update', 'delete'] },
        ...TELLS_HOURS.map((type): EventWant => ({ type, methods: ['update'] })),
        { type: 'PractitionerRole', methods: ['create'], mentions: '"availableTime"' },
        { type: 'PractitionerRole', methods: ['create'], mentions: '"healthcareService"' },
      ],
      handle: (event, signal) =>
        event.type === 'Appointment' ? this.#visitWritten(event, signal) : this.#timeFreed(event, signal),
    };
  }

  /** Begins to do what is due. */
  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop.stop();
  }

  /** Does what is due now, in all tenants. */
  async tick(): Promise<void> {
    for (const tenant of await this.#timers.due()) {
      const desk = await this.#deskOf(tenant);
      for (const timer of await this.#timers.take(tenant, LEASE, AT_ONCE)) {
        if (this.#stopping.signal.aborted) return;
        await this.#due(desk, timer);
      }
    }
  }

  async #due(desk: Desk, timer: TakenTimer): Promise<void> {
    const { tenant } = desk.context;
    try {
      await this.#doDue(desk, timer);
    } catch (error) {
      if (isTransient(error)) return;
      // Somebody has changed the visit meanwhile: what is due is looked at again.
      const isChanged = error instanceof FhirError && (error.status === 409 || error.status === 412);
      if (!isChanged) this.#parts.onError(error);
      if (timer.attempt < ATTEMPTS) return;
    }
    await this.#timers.done(tenant, timer);
  }

  async #doDue(desk: Desk, { kind, appointment }: TakenTimer): Promise<void> {
    if (kind === 'hold') {
      await endHold(desk, appointment);
    } else if (kind === 'wait-ends') {
      const visit = await desk.caller.read('Appointment', appointment);
      if (visit?.['status'] === 'waitlist')
        await cancelVisit(desk, visit, { text: 'No time has become free' });
    } else {
      const lead = Number(kind.slice('remind:'.length));
      await this.#parts.agent?.(
        desk.context,
        { kind: 'remind', appointment: `Appointment/${appointment}`, lead },
        this.#stopping.signal,
      );
    }
  }

  async #visitWritten(event: ResourceEvent, signal: AbortSignal): Promise<void> {
    const { tenant, resourceId, version, method } = event;
    const desk = await this.#deskOf(tenant);
    const visit = method === 'delete' ? undefined : await desk.caller.read('Appointment', resourceId);
    await this.#timers.set(tenant, resourceId, visit === undefined ? [] : await timersOf(desk, visit));
    if (version > 1) await revokeReminders(desk, resourceId, visit);
    const before = await visitBefore(desk, event);
    await giveBackLeft(desk, event, before, visit);
    const freed = freedByVisit(desk, before, visit);
    if (freed !== undefined && (await isAnybodyWaiting(desk)))
      await this.#parts.agent?.(desk.context, { kind: 'fill', freed }, signal);
    if (visit?.['status'] === 'waitlist')
      await this.#parts.agent?.(desk.context, { kind: 'fill', waiting: `Appointment/${resourceId}` }, signal);
  }

  async #timeFreed(event: ResourceEvent, signal: AbortSignal): Promise<void> {
    const { agent } = this.#parts;
    if (agent === undefined) return;
    const desk = await this.#deskOf(event.tenant);
    if (!(await isAnybodyWaiting(desk))) return;
    const freed = await (event.type === 'Slot' ? freedBySlot(desk, event) : freedByHours(desk, event));
    if (freed !== undefined) await agent(desk.context, { kind: 'fill', freed }, signal);
  }

  async #deskOf(tenant: Tenant): Promise<Desk> {
    const { services } = this.#parts.server();
    const context = await services.tenants.recent(tenant);
    const actor = { agent: 'scheduling', client: 'vesta' };
    return openDesk(services, context, schedulingScope(tenant), { actor });
  }
}

async function isAnybodyWaiting(desk: Desk): Promise<boolean> {
  const waiting = await desk.caller.search('Appointment', [
    ['status', 'waitlist'],
    ['_count', '1'],
  ]);
  return waiting.length > 0;
}

/** What is to be done with a visit, and when. */
async function timersOf(desk: Desk, visit: Resource): Promise<Omit<VisitTimer, 'appointment'>[]> {
  const { status } = visit;
  if (status === 'pending') {
    const expires = holdOf(visit);
    return expires === undefined ? [] : [{ kind: 'hold', at: expires }];
  }
  if (status === 'waitlist') {
    const until = dateRange(String(wishOf(visit)?.when.end))?.high;
    return until === undefined ? [] : [{ kind: 'wait-ends', at: until }];
  }
  const start = dateRange(String(visit['start']))?.low;
  if (status !== 'booked' || start === undefined || start <= desk.now()) return [];
  const leads = await reminderLeads(desk, visit);
  return dueReminders(visit, leads, desk.now()).map(({ lead, at }) => ({ kind: `remind:${lead}`, at }));
}
