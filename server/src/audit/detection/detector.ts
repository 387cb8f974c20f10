import type { Tenant } from '../../access/scope.ts';
import type { AuditEntry, AuditInput } from '../entry.ts';
import type { Alert, AlertName, PeopleFacts, Rule } from './rule.ts';

export interface DetectorOptions {
  readonly rules: readonly Rule[];
  /** What is known of the people of an event, from memory: it is asked for every event and must be quick. */
  readonly facts?: (tenant: Tenant, entry: AuditEntry) => PeopleFacts | undefined;
  /** Told of every alert: log line, metric, notification. Must not throw. */
  readonly onAlert: (tenant: Tenant, alert: Alert) => void;
}

/** Watches the stream of events of a process. */
export class Detector {
  readonly #options: DetectorOptions;
  readonly #counts = new Map<AlertName, number>();

  constructor(options: DetectorOptions) {
    this.#options = options;
    for (const { name } of options.rules) this.#counts.set(name, 0);
  }

  /** For {@link AuditOptions.observe}. */
  observe(tenant: Tenant, entry: AuditEntry): void {
    // An alert is an event as well, and raises none.
    if (this.#counts.has(entry.kind as AlertName)) return;
    const facts = this.#options.facts?.(tenant, entry);
    const event = { tenantId: tenant.id, entry, ...(facts === undefined ? {} : { facts }) };
    for (const rule of this.#options.rules) {
      const alert = rule.see(event);
      if (alert === undefined) continue;
      this.#counts.set(rule.name, (this.#counts.get(rule.name) ?? 0) + 1);
      this.#options.onAlert(tenant, alert);
    }
  }

  /** How often each rule has raised an alert: for /metrics. */
  counts(): ReadonlyMap<AlertName, number> {
    return this.#counts;
  }
}

/** An alert as an event of the audit log. */
export function alertEvent({ rule, time, text, about, patients, entry }: Alert): AuditInput {
  return {
    time,
    kind: rule,
    outcome: 4,
    detail: { reason: text, about },
    ...pick(entry, ['agent', 'client', 'login', 'role', 'purpose', 'address', 'token', 'request', 'what']),
    ...(patients === undefined ? {} : { patients }),
  };
}

function pick<const K extends keyof AuditEntry>(entry: AuditEntry, names: readonly K[]): Pick<AuditEntry, K> {
  const found: Partial<AuditEntry> = {};
  for (const name of names) if (entry[name] !== undefined) Object.assign(found, { [name]: entry[name] });
  return found as Pick<AuditEntry, K>;
}
