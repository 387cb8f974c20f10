import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redact, restore } from './redaction.ts';

/* Issue 6, section 2: patient data is redacted before it leaves. Direct identifiers of 45 CFR 164.514(b)(2). */

describe('what tells who somebody is does not leave', () => {
  test.each([
    ['email', 'write to jane.doe+x@mail.example.org please', 'jane.doe'],
    ['telephone with country code', 'call +92 300 1234567 now', '1234567'],
    ['US telephone', 'call (555) 123-4567', '123-4567'],
    ['local mobile number', 'number 03001234567', '03001234567'],
    ['US social security number', 'SSN 123-45-6789', '6789'],
    ['Pakistani CNIC', '35202-1234567-1', '1234567'],
    ['UK NHS number', 'NHS 943 476 5919', '5919'],
    ['medical record number', 'MRN: A12345', 'A12345'],
    ['long number', 'id 987654321', '987654321'],
    ['UUID', '8f14e45f-ceea-467f-a9c0-1d2e3f405162', '8f14e45f'],
    ['FHIR reference to a person', 'see Patient/smith-1', 'smith-1'],
    ['URL', 'https://example.org/p/jane', 'jane'],
    ['street address', 'lives at 12 Old Mill Road in town', 'Mill'],
    ['name after a title', 'Mrs. Jane Roe has pain', 'Jane Roe'],
    ['name that is said', 'my name is Ali Raza and', 'Raza'],
    ['date of birth', 'DOB 1961-04-02, pain', '1961-04-02'],
    ['date of birth in words', 'born on 2 April 1961', '1961'],
  ])('%s', (_what, text, secret) => {
    expect(redact(text).text).not.toContain(secret);
  });

  test('known names and values, whatever they look like and however they are written', () => {
    const known = { names: ['Zoë', 'Müller'], values: [{ kind: 'PLACE' as const, value: 'Gulberg III' }] };
    const { text } = redact('ZOË MÜLLER of gulberg iii, zoe\u0308 again', known);
    expect(text).toBe('[NAME-2] [NAME-1] of [PLACE-1], [NAME-2] again');
  });

  test('what a triage needs stays', () => {
    const text =
      '62 y male, crushing chest pain since 2 h, BP 90/60, HR 128, SpO2 91 %, T 38.4, GCS 14, ESI 2';
    expect(redact(text).text).toBe(text);
  });

  test('a part of a word is no name', () => {
    expect(redact('painful', { names: ['Pain'] }).text).toBe('painful');
  });
});

describe('marks', () => {
  test('the same value has the same mark, and restore puts it back', () => {
    const source = 'a@b.org, c@d.org, A@b.org';
    const redacted = redact(source);
    expect(redacted.text).toBe('[EMAIL-1], [EMAIL-2], [EMAIL-1]');
    expect(restore(redacted.text, redacted)).toBe('a@b.org, c@d.org, a@b.org');
  });

  test('a text that brings marks of its own is given nobody’s values', () => {
    const redacted = redact('[EMAIL-1] and a@b.org');
    expect(redacted.text).toBe('(EMAIL-1) and [EMAIL-1]');
  });

  test('property: no known value is left in any text, and restore gives the text back', () => {
    const word = fc.stringMatching(/^[A-Z][a-z]{2,9}$/);
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 4 }),
        fc.array(fc.lorem({ maxCount: 3 })),
        (names, rest) => {
          const text = names.flatMap((name, i) => [rest[i] ?? 'x', name]).join(' ');
          const redacted = redact(text, { names });
          const bare = redacted.text.replace(/\[[A-Z]+-\d+\]/g, '');
          for (const name of names) expect(bare).not.toMatch(new RegExp(`\\b${name}\\b`, 'i'));
          expect(restore(redacted.text, redacted).toLowerCase()).toBe(text.toLowerCase());
        },
      ),
    );
  });
});
