import type { JsonObject } from '../json/types.ts';

/** Codes of request-priority (R4 valueset-request-priority.html) that say that something is not to wait. */
const URGENT: readonly unknown[] = ['urgent', 'asap', 'stat'];
const URGENT_TEXT = /"priority":"(?:urgent|asap|stat)"/;

/** Whether a resource's own `priority` says that it is not to wait. */
export function isUrgent({ priority }: JsonObject): boolean {
  return URGENT.includes(priority);
}

/** As {@link isUrgent}, of the JSON text of a resource, for what is to be decided for every write; an inner priority counts too. */
export function mayBeUrgent(content: string): boolean {
  return URGENT_TEXT.test(content);
}
