import type { Communication } from '@vesta/app-kit';
import { expect, test } from 'vitest';
import { inOrder, optionsOf } from './conversation.ts';

const message = (id: string, more: Partial<Communication> = {}): Communication => ({
  resourceType: 'Communication',
  id,
  status: 'completed',
  ...more,
});

test('each message is shown once, in the order in which they were sent', () => {
  const [a, b] = [
    message('a', { sent: '2024-01-01T10:00:00Z' }),
    message('b', { sent: '2024-01-01T11:00:00+02:00' }),
  ];
  expect(inOrder([a, b, a]).map(({ id }) => id)).toEqual(['b', 'a']);
});

test('options have a label, what is sent for it, and the visit that they are about', () => {
  const url = 'https://vesta.health/fhir/StructureDefinition/conversation-option';
  const visit = { resourceType: 'Appointment', id: 't1', status: 'proposed', participant: [] };
  const options = optionsOf(
    message('a', {
      contained: [visit],
      extension: [
        {
          url,
          extension: [
            { url: 'label', valueString: 'Monday' },
            { url: 'value', valueString: 'the first' },
            { url: 'appointment', valueReference: { reference: '#t1' } },
          ],
        },
        { url, extension: [{ url: 'label', valueString: 'More' }] },
        { url: 'http://example.org/other' },
      ],
    }),
  );
  expect(options).toEqual([
    { label: 'Monday', value: 'the first', appointment: visit },
    { label: 'More', value: 'More', appointment: undefined },
  ]);
});
