import type { Adapter } from './adapter.ts';

/** What the log adapter writes with. */
export interface LineLogger {
  info(fields: object, message: string): void;
}

/**
 * For installations without services that send: a message stays in its Communication, where apps show it. The log line
 * says that there was one, nothing of what it says or whom it is for.
 */
export function logAdapter(log: LineLogger): Adapter {
  return {
    name: 'log',
    async send(tenant, { id, language, isUrgent }) {
      log.info({ tenant: tenant.name, communication: id, language, urgent: isUrgent }, 'message');
      return { state: 'delivered' };
    },
  };
}
