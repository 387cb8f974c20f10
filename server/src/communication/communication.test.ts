import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wishOf } from '../agents/communication/stop-words.ts';
import { e164, hasNumber, isMailAddress, spellings } from './address.ts';
import { communicationFault, communicationPolicyOf } from './tenant-settings.ts';
import { AccountError, checkAccount } from './twilio/account.ts';
import { isSigned, webhookSignature } from './twilio/signature.ts';

describe('signatures of webhooks (Twilio, Webhooks security)', () => {
  const form = new URLSearchParams({
    CallSid: 'CA1234567890ABCDE',
    Caller: '+14158675309',
    Digits: '1234',
    From: '+14158675309',
    To: '+18005551212',
  });
  const url = 'https://mycompany.com/myapp.php?foo=1&bar=2';

  test('Twilio’s own example', () => {
    expect(webhookSignature('12345', url, form)).toBe('RSOYDt4T1cUTdK1PDd93/VVr8B8=');
    expect(isSigned('12345', url, form, 'RSOYDt4T1cUTdK1PDd93/VVr8B8=')).toBe(true);
  });

  test('any other token, URL, field, order of the query, or text that is no signature is refused', () => {
    const signature = webhookSignature('12345', url, form);
    const changed = new URLSearchParams([...form, ['Digits', '12345']]);
    expect(isSigned('12346', url, form, signature)).toBe(false);
    expect(isSigned('12345', 'https://mycompany.com/myapp.php?bar=2&foo=1', form, signature)).toBe(false);
    expect(isSigned('12345', url, changed, signature)).toBe(false);
    for (const wrong of [
      undefined,
      '',
      'x',
      signature.slice(0, -1),
      `${signature}=`,
      signature.toLowerCase(),
    ])
      expect(isSigned('12345', url, form, wrong)).toBe(false);
  });

  test('the default port may be written or not; another port counts', () => {
    const signature = webhookSignature('t', 'https://a.example:443/x', form);
    expect(isSigned('t', 'https://a.example/x', form, signature)).toBe(true);
    expect(isSigned('t', 'https://a.example:8443/x', form, signature)).toBe(false);
    expect(
      isSigned('t', 'https://a.example:443/x', form, webhookSignature('t', 'https://a.example/x', form)),
    ).toBe(true);
  });

  test('a field that comes twice is signed once for each value, in the order of values', () => {
    const twice = new URLSearchParams([
      ['b', '2'],
      ['a', 'z'],
      ['a', 'y'],
      ['a', 'z'],
    ]);
    const once = new URLSearchParams([
      ['a', 'y'],
      ['a', 'z'],
      ['b', '2'],
    ]);
    expect(webhookSignature('t', url, twice)).toBe(webhookSignature('t', url, once));
  });
});

describe('addresses', () => {
  test.each([
    ['+1 (555) 123-0001', undefined, '+15551230001'],
    ['tel:+92-300-1234567', undefined, '+923001234567'],
    ['0092 300 1234567', undefined, '+923001234567'],
    ['(555) 222-0001', '1', '+15552220001'],
    ['1-555-222-0001 x12', '1', '+15552220001'],
    ['0300 1234567', '92', '+923001234567'],
    ['555-0100', '1', undefined],
    ['(555) 222-0001', undefined, undefined],
    ['+1', undefined, undefined],
    ['call me', '1', undefined],
    ['+15551230001;evil', undefined, '+15551230001'],
  ])('%s in %s is %s (E.164)', (text, country, expected) => {
    expect(e164(text, country)).toBe(expected);
  });

  test('every spelling that is searched for is of the number', () => {
    for (const [number, country] of [
      ['+15551230001', '1'],
      ['+923001234567', '92'],
      ['+442071234567', '44'],
    ] as const) {
      const own = spellings(number).filter((value) =>
        hasNumber({ resourceType: 'Patient', telecom: [{ system: 'other', value }] }, number, country),
      );
      expect(own.length).toBeGreaterThan(8);
      expect(own).toContain(number);
    }
  });

  test('a mail address is one address', () => {
    for (const good of ['a@x.org', 'a.b+c@mail.example.org', 'آنا@example.org'])
      expect(isMailAddress(good)).toBe(true);
    for (const bad of [
      'a',
      'a@b@c',
      'a@x.org,b@x.org',
      'a@x.org\nBcc:b@x.org',
      '<a@x.org>',
      'a b@x.org',
      '"a"@x.org',
    ])
      expect(isMailAddress(bad)).toBe(false);
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (isMailAddress(text)) expect(text).not.toMatch(/[\s,;<>]/);
      }),
    );
  });
});

describe('words that end messages', () => {
  test.each([
    ['STOP', undefined, false, 'stop'],
    [' stop! ', undefined, false, 'stop'],
    ['Baja', undefined, false, 'stop'],
    ['بند کریں', undefined, false, 'stop'],
    ['do not stop', undefined, false, undefined],
    ['START', undefined, false, 'start'],
    ['yes', undefined, false, undefined],
    ['yes', undefined, true, 'start'],
    ['anything', 'STOP', false, 'stop'],
    ['anything', 'HELP', false, undefined],
  ] as const)('%s (%s, ended before: %s): %s', (text, optOut, isStopped, wish) => {
    expect(wishOf(text, optOut, isStopped)).toBe(wish);
  });
});

describe('settings', () => {
  const fault = (name: string, value: string) =>
    communicationFault(`communication.${name}`, value) !== undefined;

  test('are checked', () => {
    for (const [name, value] of [
      ['quietHours', '21:00-08:00'],
      ['quietHours', 'off'],
      ['timeZone', 'Asia/Karachi'],
      ['countryCode', '92'],
      ['contents', 'notice'],
      ['channels', 'email, sms'],
      ['name', 'North Clinic'],
    ] as const)
      expect([name, value, fault(name, value)]).toEqual([name, value, false]);
    for (const [name, value] of [
      ['quietHours', '24:00-08:00'],
      ['quietHours', '08:00-08:00'],
      ['timeZone', 'Mars/Base'],
      ['timeZone', '+05:00'],
      ['countryCode', '+1'],
      ['contents', 'some'],
      ['channels', 'email,email'],
      ['channels', 'pigeon'],
      ['channels', 'log'],
      ['name', 'a\nb'],
    ] as const)
      expect([name, value, fault(name, value)]).toEqual([name, value, true]);
  });

  test('what is not understood counts as not set', () => {
    const policy = communicationPolicyOf({
      'communication.quietHours': 'never',
      'communication.channels': 'email',
      'communication.countryCode': 1,
    });
    expect(policy).toMatchObject({
      quietHours: { from: 1260, until: 480 },
      channels: ['email'],
      countryCode: undefined,
    });
    expect(communicationPolicyOf({ 'communication.quietHours': 'off' }).quietHours).toBeUndefined();
  });

  test('an account at Twilio has the shape that Twilio gives it', () => {
    const account = { accountSid: `AC${'0'.repeat(32)}`, authToken: 'f'.repeat(32), smsFrom: '+15551230000' };
    expect(checkAccount(account)).toEqual(account);
    for (const [name, value] of [
      ['accountSid', 'AC/../x'],
      ['authToken', ''],
      ['smsFrom', 'javascript:x'],
      ['smsFrom', undefined],
      ['whatsAppFrom', 'whatsapp:+1555'],
      ['other', 'x'],
    ] as const)
      expect(() => checkAccount({ ...account, [name]: value })).toThrow(AccountError);
  });
});
