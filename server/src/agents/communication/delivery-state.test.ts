import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeliveryReport } from '../../communication/adapter.ts';
import { messageState } from '../../communication/twilio/client.ts';
import type { Resource } from '../../json/types.ts';
import { claimed, deliveryOf, MOST_TRIES, reported, retryAfter, withDelivery } from './delivery-state.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const ROUTE = { channel: 'sms', address: '+15551230001', place: 0, tries: 0 } as const;
const prepared: Resource = withDelivery({ resourceType: 'Communication', status: 'preparation' }, ROUTE);

const MESSAGE = { system: 's', value: 'm' };
const reports: DeliveryReport[] = [
  { state: 'sent', message: MESSAGE },
  { state: 'delivered', message: MESSAGE, received: NOW },
  { state: 'failed', reason: 'system-error', text: 'x', message: MESSAGE },
  { state: 'later', text: 'x' },
  { state: 'unclear', text: 'x' },
];

describe('states of a Communication (R4 event-status)', () => {
  test('what is claimed counts its try, and what cannot be sent now goes back until its tries are used up', () => {
    let one = prepared;
    for (let i = 1; i <= MOST_TRIES; i++) {
      one = claimed(one, deliveryOf(one)!);
      expect(deliveryOf(one)?.tries).toBe(i);
      one = reported(one, { state: 'later', text: 'busy' }, NOW) as Resource;
      expect(one['status']).toBe(i < MOST_TRIES ? 'preparation' : 'not-done');
    }
  });

  test('reports in any order, late and repeated: what has ended stays as it is, and nothing goes back to be sent again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...reports.filter(({ state }) => state !== 'later')), { maxLength: 8 }),
        (many) => {
          let one = claimed(prepared, ROUTE);
          for (const report of many) {
            const ended = one['status'] === 'completed' || one['status'] === 'not-done';
            const next = reported(one, report, NOW);
            if (ended) expect(next).toBeUndefined();
            one = next ?? one;
            expect(one['status']).not.toBe('preparation');
          }
        },
      ),
    );
  });

  test('only what was claimed is reported on: a report about what is only prepared changes nothing', () => {
    for (const report of reports) expect(reported(prepared, report, NOW)).toBeUndefined();
  });

  test('sent and received are kept, and the message’s id once', () => {
    const sent = reported(claimed(prepared, ROUTE), reports[0]!, NOW)!;
    expect(sent).toMatchObject({
      status: 'in-progress',
      sent: new Date(NOW).toISOString(),
      identifier: [MESSAGE],
    });
    const done = reported(sent, reports[1]!, NOW + 1000)!;
    expect(done).toMatchObject({ status: 'completed', sent: sent['sent'], identifier: [MESSAGE] });
  });

  test('what Twilio says: states and error codes', () => {
    const of = (status: string, error?: string) => {
      const report = messageState('SM1', status, error);
      return report.state === 'failed' ? report.reason : report.state;
    };
    expect(['accepted', 'queued', 'sending', 'sent', 'scheduled'].map((one) => of(one))).toEqual(
      Array(5).fill('sent'),
    );
    expect([of('delivered'), of('read')]).toEqual(['delivered', 'delivered']);
    expect(of('undelivered', '30003')).toBe('recipient-unavailable');
    expect(of('failed', '21614')).toBe('invalid-phone-number');
    expect(of('failed', '21610')).toBe('patient-objection');
    expect(of('failed')).toBe('system-error');
  });

  test('waits grow, to hours at most, and not below what the service asks for', () => {
    const waits = [1, 2, 3, 4, 5, 6].map((tries) => retryAfter(tries));
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(30_000 * 4 ** Math.min(index, 4));
      expect(wait).toBeLessThan(3 * 3_600_000);
    }
    expect(retryAfter(1, 600_000)).toBeGreaterThanOrEqual(600_000);
  });
});
