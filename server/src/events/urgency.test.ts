import { describe, expect, test } from 'vitest';
import { isUrgent, mayBeUrgent } from './urgency.ts';

/* R4 valueset-request-priority.html: routine, urgent, asap, stat. */
describe('urgency', () => {
  test('urgent, asap and stat are not to wait; routine and none can', () => {
    const all = ['routine', 'urgent', 'asap', 'stat', undefined];
    const resources = all.map((priority) => (priority === undefined ? {} : { priority }));
    const urgent = ['urgent', 'asap', 'stat'].map((priority) => ({ priority }));
    expect(resources.filter(isUrgent)).toEqual(urgent);
    expect(resources.filter((one) => mayBeUrgent(JSON.stringify(one)))).toEqual(urgent);
  });
});
