import { describe, expect, test } from 'vitest';
import { DEFAULT_COMMUNICATION } from '../../communication/tenant-settings.ts';
import type { Channel } from '../../communication/terms.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { type RouteQuestion, routesTo } from './channels.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const person = (telecom: JsonObject[], more: JsonObject = {}): Resource => ({
  resourceType: 'Patient',
  telecom,
  ...more,
});
const ways = (patient: Resource, more: Partial<RouteQuestion> = {}): string[] =>
  routesTo({
    person: patient,
    policy: DEFAULT_COMMUNICATION,
    available: new Set<Channel>(['push', 'sms', 'whatsapp', 'email']),
    refused: new Set<Channel>(),
    takesPush: false,
    media: undefined,
    now: NOW,
    ...more,
  }).map(({ channel, address }) => (address === '' ? channel : `${channel} ${address}`));

const sms = (value: string, more: JsonObject = {}): JsonObject => ({ system: 'sms', value, ...more });
const mail = (value: string, more: JsonObject = {}): JsonObject => ({ system: 'email', value, ...more });

describe('the choice of the channel', () => {
  test('follows ContactPoint.rank, 1 first and none last, then the tenant’s order (R4 datatypes.html#contactpoint)', () => {
    expect(
      ways(person([mail('c@x.org'), mail('a@x.org', { rank: 1 }), sms('+15551230002', { rank: 2 })])),
    ).toEqual(['email a@x.org', 'sms +15551230002', 'email c@x.org']);
    expect(ways(person([mail('a@x.org'), sms('+15551230002')]))).toEqual([
      'sms +15551230002',
      'email a@x.org',
    ]);
  });

  test('leaves out what is old, not yet or no longer in use, and what is no address', () => {
    const telecom = [
      mail('old@x.org', { use: 'old' }),
      mail('past@x.org', { period: { end: '2026-11-20' } }),
      mail('future@x.org', { period: { start: '2026-11-22' } }),
      mail('today@x.org', { period: { start: '2026-11-21', end: '2026-11-21' } }),
      mail('two@x.org, evil@x.org'),
      mail('a@x.org\r\nBcc: b@x.org'),
      sms('555-0100'),
      { system: 'phone', value: '+15551230003', use: 'home' },
    ];
    expect(ways(person(telecom))).toEqual(['email today@x.org']);
  });

  test('the person’s preferred channels come before ranks', () => {
    const extension = [
      { url: 'https://vesta.health/fhir/StructureDefinition/preferred-channel', valueCode: 'email' },
    ];
    const telecom = [sms('+15551230002', { rank: 1 }), mail('a@x.org', { rank: 2 })];
    expect(ways(person(telecom, { extension }))[0]).toBe('email a@x.org');
  });

  test('refused channels, those the tenant does not use and those that nothing sends by are not ways', () => {
    const patient = person([sms('+15551230002'), mail('a@x.org')]);
    expect(ways(patient, { refused: new Set<Channel>(['sms']) })).toEqual(['email a@x.org']);
    expect(ways(patient, { available: new Set<Channel>(['sms']) })).toEqual(['sms +15551230002']);
    expect(ways(patient, { policy: { ...DEFAULT_COMMUNICATION, channels: ['push'] } })).toEqual([]);
  });

  test('channels that the request names are the only ones (CommunicationRequest.medium)', () => {
    const media = [
      { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationMode', code: 'SMSWRIT' }] },
    ];
    expect(ways(person([mail('a@x.org', { rank: 1 }), sms('+15551230002')]), { media })).toEqual([
      'sms +15551230002',
    ]);
    expect(ways(person([mail('a@x.org')]), { media })).toEqual([]);
  });

  test('push comes first for who has asked for it', () => {
    expect(ways(person([sms('+15551230002', { rank: 1 })]), { takesPush: true })).toEqual([
      'push',
      'sms +15551230002',
    ]);
  });

  test('WhatsApp is a way only where the person has given the number for it', () => {
    const telecom = [
      { system: 'other', value: 'whatsapp:+1 555 123 0004' },
      { system: 'url', value: 'https://wa.me/15551230005' },
    ];
    expect(ways(person(telecom))).toEqual(['whatsapp +15551230004', 'whatsapp +15551230005']);
  });

  test('where nothing leaves the server all goes to the log, unless the person wants nothing', () => {
    const available = new Set<Channel>(['log']);
    expect(ways(person([]), { available })).toEqual(['log']);
    expect(ways(person([]), { available, refused: new Set<Channel>(['sms']) })).toEqual(['log']);
    expect(
      ways(person([]), { available, refused: new Set<Channel>(['push', 'whatsapp', 'sms', 'email']) }),
    ).toEqual([]);
  });
});
