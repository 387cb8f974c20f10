import type { Operation, OperationHandler } from '../operations.ts';
import { find } from './find.ts';
import { book, cancel, checkedIn, decline, hold, missed, reschedule, wait } from './visits.ts';

const OWN = 'https://vesta.health/fhir/OperationDefinition/';

/** The operations by which visits are found, made and changed. */
export const APPOINTMENT_OPERATIONS: readonly Operation[] = [
  operation('find', 'type', true, find),
  operation('hold', 'type', false, hold),
  operation('book', 'type', false, book),
  operation('wait', 'type', false, wait),
  operation('decline', 'instance', false, decline),
  operation('reschedule', 'instance', false, reschedule),
  operation('cancel', 'instance', false, cancel),
  operation('check-in', 'instance', false, checkedIn),
  operation('no-show', 'instance', false, missed),
];

function operation(
  name: string,
  level: 'type' | 'instance',
  safe: boolean,
  handle: OperationHandler,
): Operation {
  return { name, definition: `${OWN}${name}`, types: ['Appointment'], levels: [level], safe, handle };
}
