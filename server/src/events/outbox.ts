import type { AccessScope, Tenant } from '../access/scope.ts';
import { typeName } from '../conformance/resource-types.ts';
import type { SqlStatement } from '../storage/connections.ts';
import { insertEvents, type NewEvent } from '../storage/events/outbox-rows.ts';
import type { NewVersion } from '../storage/rows.ts';
import type { EventConsumer, EventMethod, EventWant } from './event.ts';
import { mayBeUrgent } from './urgency.ts';

interface Wanting {
  readonly consumer: string;
  readonly want: EventWant;
}

/** What the write engine puts into the outbox: a row for each version and consumer that wants it. */
export class Outbox {
  readonly #wanted = new Map<string, Wanting[]>();
  readonly #onCommitted: (consumers: ReadonlySet<string>) => void;

  /**
   * @param consumers of this and of all other server processes: whichever process writes, all of them are told
   * @param onCommitted told for which consumers events may have been committed; must not throw
   */
  constructor(
    consumers: readonly Pick<EventConsumer, 'name' | 'wants'>[],
    onCommitted: (consumers: ReadonlySet<string>) => void = () => {},
  ) {
    this.#onCommitted = onCommitted;
    for (const { name, wants } of consumers) {
      for (const want of wants) {
        const known = this.#wanted.get(want.type) ?? [];
        this.#wanted.set(want.type, [...known, { consumer: name, want }]);
      }
    }
  }

  /** The statements that belong into the transaction that writes the versions; none where nobody wants them. */
  statements(scope: AccessScope, tenant: Tenant, versions: readonly NewVersion[]): SqlStatement[] {
    if (this.#wanted.size === 0) return [];
    const events: NewEvent[] = [];
    for (const version of versions) {
      const type = typeName(version.typeCode);
      const wanting = this.#wanted.get(type);
      if (wanting === undefined) continue;
      const method = methodOf(version);
      const consumers = new Set(
        wanting
          .filter(
            ({ consumer, want }) => consumer !== scope.unheardBy && wants(want, method, version.content),
          )
          .map(({ consumer }) => consumer),
      );
      if (consumers.size === 0) continue;
      const urgent = mayBeUrgent(version.content);
      for (const consumer of consumers) events.push({ consumer, type, version, urgent });
    }
    return insertEvents(tenant, scope, events);
  }

  /** To be told of what was committed: consumers in this process begin at once. */
  committed(outcomes: readonly { readonly type: string }[]): void {
    if (this.#wanted.size === 0) return;
    const consumers = new Set<string>();
    for (const { type } of outcomes)
      for (const { consumer } of this.#wanted.get(type) ?? []) consumers.add(consumer);
    if (consumers.size > 0) this.#onCommitted(consumers);
  }
}

function wants({ methods, mentions }: EventWant, method: EventMethod, content: string): boolean {
  if (!methods.includes(method)) return false;
  // A deletion has no content.
  return mentions === undefined || method === 'delete' || content.includes(mentions);
}

/** A resource that is written after its deletion is created anew. */
function methodOf({ deleted, version, method }: NewVersion): EventMethod {
  if (deleted) return 'delete';
  return version === 1 || method === 1 ? 'create' : 'update';
}
