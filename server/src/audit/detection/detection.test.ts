import { describe, expect, test } from 'vitest';
import type { AuditEntry } from '../entry.ts';
import { alertEvent, Detector } from './detector.ts';
import { networkOf } from './network.ts';
import { type Alert, type PeopleFacts, Recent } from './rule.ts';
import { DETECTION_DEFAULTS, detectionRules } from './rules.ts';

const tenant = { id: 1, name: 'one' };
const other = { id: 2, name: 'two' };
const MINUTE = 60_000;

/** Feeds events to all rules and tells what was raised. */
function watch(facts?: PeopleFacts, settings = {}) {
  const alerts: Alert[] = [];
  const detector = new Detector({
    rules: detectionRules(settings),
    ...(facts === undefined ? {} : { facts: () => facts }),
    onAlert: (_tenant, alert) => alerts.push(alert),
  });
  const see = (entry: Partial<AuditEntry>, of = tenant): string[] => {
    const before = alerts.length;
    detector.observe(of, { time: 0, kind: 'read', outcome: 0, ...entry });
    return alerts.slice(before).map(({ rule }) => rule);
  };
  return { see, alerts, detector };
}

describe('repeated failed logins', () => {
  const fail = { kind: 'login', outcome: 4, login: 'ida', address: '203.0.113.1' } as const;

  test('the tenth failure within the window raises one alert, and then none for a while', () => {
    const { see } = watch();
    for (let i = 0; i < 9; i++) expect(see({ ...fail, time: i * 1000 })).toEqual([]);
    expect(see({ ...fail, time: 9000 })).toEqual(['failed-logins']);
    // The address has failed as often: that is an alert of its own.
    expect(see({ ...fail, time: 9500 })).toEqual(['failed-logins']);
    expect(see({ ...fail, time: 10_000 })).toEqual([]);
  });

  test('slow failures, successes in between, and other tenants do not add up', () => {
    const { see } = watch();
    for (let i = 0; i < 30; i++) expect(see({ ...fail, time: i * 2 * MINUTE })).toEqual([]);
    const names = watch();
    for (let i = 0; i < 30; i++) {
      const address = `203.0.113.${i}`;
      expect(names.see({ ...fail, address, time: i, outcome: i % 9 === 8 ? 0 : 4 })).toEqual([]);
    }
    const tenants = watch();
    for (let i = 0; i < 18; i++)
      expect(tenants.see({ ...fail, time: i }, i % 2 === 0 ? tenant : other)).toEqual([]);
  });

  test('many names from one address', () => {
    const { see } = watch();
    for (let i = 0; i < 9; i++) expect(see({ ...fail, login: `name${i}`, time: i })).toEqual([]);
    expect(see({ ...fail, login: 'last', time: 10 })).toEqual(['failed-logins']);
  });
});

describe('impossible travel', () => {
  const at = (address: string, minute: number, agent = 'Practitioner/1') => ({
    agent,
    client: 'app',
    address,
    time: minute * MINUTE,
  });

  test('one move is none; back and forth is, and so are three networks', () => {
    const { see } = watch();
    expect(see(at('203.0.113.1', 0))).toEqual([]);
    expect(see(at('198.51.100.1', 1))).toEqual([]);
    expect(see(at('198.51.100.9', 2))).toEqual([]);
    expect(see(at('203.0.113.1', 3))).toEqual(['impossible-travel']);
    const three = watch();
    expect(['203.0.113.1', '198.51.100.1', '192.0.2.1'].flatMap((a, i) => three.see(at(a, i)))).toEqual([
      'impossible-travel',
    ]);
  });

  test('slow moves, the house’s own addresses, and programs are none', () => {
    const { see } = watch();
    for (let i = 0; i < 8; i++)
      expect(see(at(i % 2 === 0 ? '203.0.113.1' : '198.51.100.1', i * 40))).toEqual([]);
    const house = watch();
    for (let i = 0; i < 8; i++)
      expect(house.see(at(i % 2 === 0 ? '203.0.113.1' : '10.1.2.3', i))).toEqual([]);
    const program = watch();
    for (let i = 0; i < 8; i++) expect(program.see({ ...at(`2${i}.0.0.1`, i), agent: 'app' })).toEqual([]);
  });

  test('networks: 16 bits of IPv4, 32 of IPv6, none for private ones', () => {
    expect(networkOf('203.0.113.77')).toBe(networkOf('203.0.1.1'));
    expect(networkOf('::ffff:203.0.113.77')).toBe(networkOf('203.0.1.1'));
    expect(networkOf('2001:db8:1::1')).toBe(networkOf('2001:db8:ffff::2'));
    expect(networkOf('2001:db9::1')).not.toBe(networkOf('2001:db8::1'));
    for (const address of [
      '127.0.0.1',
      '10.0.0.1',
      '172.20.0.1',
      '192.168.1.1',
      '::1',
      'fe80::1%eth0',
      'fd00::1',
      'x',
    ])
      expect(networkOf(address), address).toBeUndefined();
  });
});

describe('mass reading', () => {
  const settings = { massReading: 5 };
  const read = (id: string, more = {}) => ({
    agent: 'Practitioner/1',
    client: 'app',
    patients: [id],
    ...more,
  });

  test('as many different patients as the limit, in single reads or one search', () => {
    const { see } = watch(undefined, settings);
    for (let i = 0; i < 20; i++) expect(see(read('same'))).toEqual([]);
    for (let i = 0; i < 3; i++) expect(see(read(`p${i}`))).toEqual([]);
    expect(see(read('p3'))).toEqual(['mass-reading']);
    expect(see(read('p4'))).toEqual([]);
    const search = watch(undefined, settings);
    expect(search.see({ ...read('x'), kind: 'search-type', patients: ['1', '2', '3', '4', '5'] })).toEqual([
      'mass-reading',
    ]);
  });

  test('slow reading, failures, writes, exempt roles, and open mode are none', () => {
    const { see } = watch(undefined, settings);
    for (let i = 0; i < 30; i++) {
      expect(see(read(`slow${i}`, { time: i * 20 * MINUTE }))).toEqual([]);
      expect(see(read(`failed${i}`, { outcome: 4, agent: 'Practitioner/2' }))).toEqual([]);
      expect(see(read(`written${i}`, { kind: 'create', agent: 'Practitioner/3' }))).toEqual([]);
      expect(see(read(`study${i}`, { role: 'researcher', agent: 'Practitioner/4' }))).toEqual([]);
      expect(see(read(`open${i}`, { agent: 'anonymous' }))).toEqual([]);
    }
  });
});

describe('records that one should not read', () => {
  const facts = { self: new Set(['me']), family: new Set(['son']), vip: new Set(['star']) };
  const read = (id: string, more = {}) => ({
    agent: 'Practitioner/1',
    client: 'app',
    patients: [id],
    ...more,
  });

  test.each([
    ['me', 'own-record'],
    ['son', 'family-record'],
    ['star', 'vip-record'],
  ])('%s', (id, rule) => {
    const { see, alerts } = watch(facts);
    expect(see(read('somebody'))).toEqual([]);
    expect(see({ ...read(id), kind: 'search-type', patients: ['somebody', id] })).toEqual([rule]);
    expect(alerts[0]?.patients).toEqual([id]);
    expect(see(read(id, { time: 1000 }))).toEqual([]);
    expect(see(read(id, { time: DETECTION_DEFAULTS.pause }))).toEqual([rule]);
  });

  test('patients and caregivers read their own and their family’s by right; refusals are no reading', () => {
    const { see } = watch(facts);
    expect(see(read('me', { agent: 'Patient/me' }))).toEqual([]);
    expect(see(read('son', { agent: 'RelatedPerson/1' }))).toEqual([]);
    expect(see(read('star', { outcome: 4 }))).toEqual([]);
    expect(see(read('star', { kind: 'update' }))).toEqual([]);
  });
});

describe('cross-tenant tries', () => {
  test('every one raises an alert', () => {
    const { see } = watch();
    const entry = { outcome: 4, agent: 'Practitioner/9', detail: { otherTenant: 'two' } } as const;
    expect(see(entry)).toEqual(['cross-tenant']);
    expect(see(entry)).toEqual(['cross-tenant']);
    expect(see({ outcome: 4, agent: 'Practitioner/9' })).toEqual([]);
  });
});

describe('the detector', () => {
  test('counts by rule, and makes an event of an alert that raises no other', () => {
    const { see, alerts, detector } = watch();
    see({ detail: { otherTenant: 'two' }, agent: 'Practitioner/9', address: '203.0.113.1' });
    expect(detector.counts().get('cross-tenant')).toBe(1);
    expect(detector.counts().get('vip-record')).toBe(0);
    const event = alertEvent(alerts[0] as Alert);
    expect(event).toMatchObject({
      kind: 'cross-tenant',
      outcome: 4,
      agent: 'Practitioner/9',
      address: '203.0.113.1',
    });
    expect(see({ ...event, time: 0, outcome: 4 })).toEqual([]);
  });

  test('what rules remember is bounded', () => {
    const recent = new Recent<number>(3);
    for (let i = 0; i < 10; i++) recent.set(String(i), i);
    recent.get('7');
    recent.set('new', 1);
    expect(recent.size).toBe(3);
    expect(recent.get('7')).toBe(7);
    expect(recent.get('8')).toBeUndefined();
  });
});
