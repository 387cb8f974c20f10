import { Counter, Gauge, type Registry } from 'prom-client';
import type { AuditLog } from './audit-log.ts';
import type { Detector } from './detection/detector.ts';

/** Shows the audit log's and the detection's numbers in /metrics. */
export function watchAudit(registry: Registry, log: AuditLog, detector: Detector): void {
  const registers = [registry];
  const counter = (name: string, help: string, value: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  counter('audit_events_recorded_total', 'Events recorded', () => log.stats().recorded);
  counter('audit_events_sealed_total', 'Events added to the hash chains', () => log.stats().sealed);
  counter(
    'audit_failures_total',
    'Failed tries to write events to spool or database',
    () => log.stats().failures,
  );
  counter(
    'audit_events_damaged_total',
    'Lines of spool files that could not be read',
    () => log.stats().damaged,
  );
  new Gauge({
    name: 'audit_events_pending',
    help: 'Events in memory that the database does not have yet',
    registers,
    collect() {
      this.set(log.stats().pending);
    },
  });
  new Counter({
    name: 'security_alerts_total',
    help: 'Alerts raised by the detection rules',
    labelNames: ['rule'],
    registers,
    collect() {
      this.reset();
      for (const [rule, count] of detector.counts()) this.inc({ rule }, count);
    },
  });
}
