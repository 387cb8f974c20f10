import { describe, expect, test } from 'vitest';
import { entriesOf } from './entry.ts';
import { loginEvent } from './login-event.ts';
import { auditEventResource } from './resource.ts';

const resourceOf = (event: Parameters<typeof loginEvent>[0]) =>
  auditEventResource(
    { written: 1, n: 0, entry: entriesOf(loginEvent(event), 0)[0]! },
    { baseUrl: 'http://localhost/fhir/demo' },
  );

describe('what people do about their logins (DICOM PS3.15 A.5.3.11, User Authentication)', () => {
  test('a login and a failed one are 110114 with 110122, and differ in their outcome', () => {
    const good = resourceOf({ kind: 'login', accountId: 'a', address: '192.0.2.1' });
    const bad = resourceOf({ kind: 'login-failed', login: 'ann', address: '192.0.2.1' });
    for (const event of [good, bad]) {
      expect(event).toMatchObject({ type: { code: '110114' }, subtype: [{ code: '110122' }] });
    }
    expect([good['outcome'], bad['outcome']]).toEqual(['0', '4']);
    expect(JSON.stringify(bad)).toContain('ann');
    expect(JSON.stringify(good)).toContain('192.0.2.1');
  });

  test('what an app was let do names the app and the patient', () => {
    const event = loginEvent({
      kind: 'authorized',
      accountId: 'a',
      clientId: 'app',
      patient: 'p',
      scopes: 'x',
    });
    expect(event).toMatchObject({ kind: 'authorization', client: 'app', patients: ['p'] });
    expect(event.detail).toMatchObject({ scopes: 'x' });
  });

  test('the end of a session and of an app are told apart', () => {
    expect(loginEvent({ kind: 'session-ended', accountId: 'a' }).kind).toBe('logout');
    expect(loginEvent({ kind: 'app-revoked', accountId: 'a', clientId: 'app' }).kind).toBe('token-revoked');
  });
});
