import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { TextHasher } from '../../search/hash.ts';
import { type IndexEntries, IndexKeys, ZERO } from '../../search/index-model.ts';
import { normalizeString } from '../../search/normalize.ts';
import { TamperedError } from '../keys/aead.ts';
import { DataKey, KeyRing, UnknownKeyError } from '../keys/data-key.ts';
import { ENVELOPE, fieldCipher } from './cipher.ts';
import {
  decryptFields,
  encryptFields,
  isSealedText,
  keysOf,
  openText,
  protectedValues,
  sealedText,
} from './fields.ts';
import { withoutSecrets } from './index-entries.ts';
import {
  checkFieldSetting,
  DEFAULT_FIELD_POLICY,
  fieldPolicyOf,
  NO_FIELDS,
  SYSTEMS_SETTING,
  TYPES_SETTING,
} from './policy.ts';

const SSN = 'http://hl7.org/fhir/sid/us-ssn';
const TABLE_0203 = 'http://terminology.hl7.org/CodeSystem/v2-0203';
const ring = (tenant: number, fill: number, number = 1) =>
  new KeyRing(tenant, [new DataKey(number, 0, Buffer.alloc(32, fill))]);
const cipher = fieldCipher(ring(1, 1));
const policy = DEFAULT_FIELD_POLICY;

const patient = (identifier: JsonValue[], more: JsonObject = {}): Resource => ({
  resourceType: 'Patient',
  id: 'p1',
  meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:00.000Z' },
  identifier,
  ...more,
});

/** Resources with identifiers of all kinds in any place, some of them quoted in other strings. */
const resources = (): fc.Arbitrary<Resource> => {
  const value = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.stringMatching(/^\d{3}-\d{2}-\d{4}$/),
    fc.constant(`${ENVELOPE}1:abc`),
    fc.constant('x"vesta:sealed:1:1:abc'),
  );
  const identifier = fc.record(
    {
      system: fc.constantFrom(SSN, 'urn:oid:2.16.840.1.113883.4.1', 'http://example.org/mrn'),
      type: fc.record({
        coding: fc.array(
          fc.record({ system: fc.constant(TABLE_0203), code: fc.constantFrom('SS', 'MR', 'NNESP') }),
          { maxLength: 2 },
        ),
      }),
      value,
    },
    { requiredKeys: ['value'] },
  );
  const tree = fc.letrec<{ any: JsonValue }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      value,
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((each) => !Object.is(each, -0)),
      fc.boolean(),
      identifier as fc.Arbitrary<JsonValue>,
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom('identifier', 'contained', 'valueIdentifier', 'note'),
        tie('any'),
      ) as fc.Arbitrary<JsonValue>,
    ),
  })).any;
  return fc
    .record({ identifiers: fc.array(identifier, { maxLength: 3 }), tree, div: value })
    .map(({ identifiers, tree: other, div }) => {
      const said = identifiers.map((each) => each.value).join(' and ');
      const more = { text: { status: 'additional', div: `<div>${said} ${div}</div>` }, extension: [other] };
      return patient(identifiers as unknown as JsonValue[], more);
    });
};

const copy = (resource: Resource): Resource => JSON.parse(JSON.stringify(resource));

describe('encrypted fields', () => {
  test('an SSN by system is stored as an envelope, all else as it is', () => {
    const resource = patient([
      { system: SSN, value: '123-45-6789' },
      { system: 'http://example.org/mrn', value: 'MRN-1' },
    ]);
    const before = copy(resource);
    const encrypted = encryptFields(resource, policy, cipher);
    const [ssn, mrn] = encrypted['identifier'] as JsonObject[];
    expect(ssn?.['value']).toMatch(/^vesta:sealed:1:1:[\w-]+$/);
    expect(ssn?.['system']).toBe(SSN);
    expect(mrn).toEqual({ system: 'http://example.org/mrn', value: 'MRN-1' });
    expect(resource).toEqual(before);
    expect(decryptFields(encrypted, cipher)).toEqual(before);
  });

  test.each([
    ['SS', true],
    ['NI', true],
    ['NNUSA', true],
    ['NN', true],
    ['MR', false],
    ['N', false],
  ])('table 0203 code %s: protected %s', (code, expected) => {
    const typed = patient([{ type: { coding: [{ system: TABLE_0203, code }] }, value: '42-4242' }]);
    expect(protectedValues(typed, policy).has('42-4242')).toBe(expected);
    const elsewhere = patient([
      { type: { coding: [{ system: 'http://example.org', code }] }, value: '42-4242' },
    ]);
    expect(protectedValues(elsewhere, policy).size).toBe(0);
  });

  test('round trip of objects and of stored texts, for any resource', () => {
    fc.assert(
      fc.property(resources(), (resource) => {
        const served = JSON.stringify(resource);
        const encrypted = encryptFields(resource, policy, cipher);
        const stored = sealedText(resource, policy, cipher);
        if (stored === undefined) {
          expect(encrypted).toBe(resource);
          expect(openText(served, cipher)).toBe(served);
          return;
        }
        expect(isSealedText(stored)).toBe(true);
        expect(openText(stored, cipher)).toBe(served);
        expect(JSON.stringify(decryptFields(encrypted, cipher))).toBe(served);
      }),
      { numRuns: 500 },
    );
  });

  test('no stored text tells a protected value of five characters or more, wherever it was quoted', () => {
    fc.assert(
      fc.property(resources(), (resource) => {
        const secrets = [...protectedValues(resource, policy)].filter(({ length }) => length >= 5);
        const stored = sealedText(resource, policy, cipher);
        if (stored === undefined) {
          expect(secrets).toEqual([]);
          return;
        }
        const strings: string[] = [];
        JSON.parse(stored, (_, value) => {
          if (typeof value === 'string' && !value.startsWith(ENVELOPE)) strings.push(value);
          return value;
        });
        for (const secret of secrets) for (const text of strings) expect(text).not.toContain(secret);
      }),
      { numRuns: 500 },
    );
  });

  test('a narrative or note that writes the value otherwise is encrypted too', () => {
    const stored = sealedText(
      patient([{ system: SSN, value: '123-45-6789' }], {
        text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">SSN 123 45 6789</div>' },
        contact: [{ name: { text: 'SSN:123456789' } }],
      }),
      policy,
      cipher,
    ) as string;
    expect(stored).not.toMatch(/123.?45.?6789/);
    expect(stored.split(ENVELOPE)).toHaveLength(4);
  });

  test('digits of decimals and the order of elements stay (R4 datatypes.html#decimal)', () => {
    const text =
      '{"resourceType":"Observation","id":"o","meta":{},"identifier":[{"system":"http://hl7.org/fhir/sid/us-ssn","value":"123-45-6789"}],"valueQuantity":{"value":1.50},"z":1,"a":2}';
    const stored = sealedText(parseJson(text) as Resource, policy, cipher) as string;
    expect(stored).toContain('"value":1.50');
    expect(openText(stored, cipher)).toBe(text);
    expect(JSON.stringify(decryptFields(parseJson(stored.slice(1)) as Resource, cipher))).toBe(text);
  });

  test('a resource with nothing to protect is the same object, and its text is not touched', () => {
    const resource = patient([{ system: 'http://example.org', value: '1' }]);
    expect(encryptFields(resource, policy, cipher)).toBe(resource);
    expect(encryptFields(patient([{ system: SSN, value: '1' }]), NO_FIELDS, cipher)).toMatchObject({
      identifier: [{ value: '1' }],
    });
    expect(decryptFields(resource, cipher)).toBe(resource);
    const forged = `{"resourceType":"Basic","id":"b","note":"${ENVELOPE}1:abcd"}`;
    expect(openText(forged, cipher)).toBe(forged);
  });

  test('tampering is found: changed envelopes, those of another resource, tenant or key', () => {
    const stored = sealedText(patient([{ system: SSN, value: '123-45-6789' }]), policy, cipher) as string;
    const at = stored.indexOf(ENVELOPE) + ENVELOPE.length + 2;
    for (let i = at; stored[i] !== '"'; i++) {
      const other = stored[i] === 'A' ? 'B' : 'A';
      // The last character of base64url holds bits that do not count: change one that does.
      if (stored[i + 1] === '"') continue;
      expect(() => openText(stored.slice(0, i) + other + stored.slice(i + 1), cipher)).toThrow(TamperedError);
    }
    expect(() => openText(stored.replace('"id":"p1"', '"id":"p2"'), cipher)).toThrow(TamperedError);
    expect(() => openText(stored.replace('"Patient"', '"Person"'), cipher)).toThrow(TamperedError);
    expect(() => openText(stored, fieldCipher(ring(2, 1)))).toThrow(TamperedError);
    expect(() => openText(stored, fieldCipher(ring(1, 2)))).toThrow(TamperedError);
    expect(() => openText(stored, fieldCipher(ring(1, 1, 9)))).toThrow(UnknownKeyError);
  });

  test('the keys of a stored text are known without opening it', () => {
    const two = fieldCipher(ring(1, 1, 2));
    const resource = patient([{ system: SSN, value: '123-45-6789' }]);
    expect([...keysOf(sealedText(resource, policy, two) as string)]).toEqual([2]);
    expect(keysOf(JSON.stringify(resource)).size).toBe(0);
  });

  test('equal values have envelopes that differ: the database does not tell who shares one', () => {
    const make = () => sealedText(patient([{ system: SSN, value: '123-45-6789' }]), policy, cipher);
    expect(make()).not.toBe(make());
  });
});

describe('index entries of protected values', () => {
  test('strings and display texts with the value go, tokens stay: equality still finds the resource', () => {
    const keys = new IndexKeys(new TextHasher(Buffer.alloc(16, 1)), 1);
    const token = keys.systemCode(5, SSN, '123-45-6789');
    const entries: IndexEntries = {
      dateLow: null,
      dateHigh: null,
      patient: null,
      tokens: [token],
      referenceCount: 0,
      present: [5],
      dates: [],
      strings: [
        { param: 6, value: normalizeString('123-45-6789') },
        { param: 6, value: normalizeString('Müller 123456789') },
        { param: 6, value: 'muller' },
      ],
      quantities: [],
      texts: [
        { param: 5, text: 'ssn 123-45-6789', token: ZERO },
        { param: 5, text: 'social security number', token: ZERO },
      ],
    };
    const kept = withoutSecrets(entries, new Set(['123-45-6789']));
    expect(kept.tokens).toEqual([token]);
    expect(kept.present).toEqual([5]);
    expect(kept.strings).toEqual([{ param: 6, value: 'muller' }]);
    expect(kept.texts.map(({ text }) => text)).toEqual(['social security number']);
    expect(withoutSecrets(entries, new Set())).toBe(entries);
  });

  test('a value is found in a folded string whatever its case and accents', () => {
    const entries = { strings: [{ param: 1, value: normalizeString('ÄB-1234x') }], texts: [] };
    expect(withoutSecrets(entries as unknown as IndexEntries, new Set(['Äb-1234X'])).strings).toEqual([]);
  });
});

describe('the policy of a tenant', () => {
  test('settings replace the defaults, one by one; an empty list protects nothing', () => {
    expect(fieldPolicyOf({})).toEqual(DEFAULT_FIELD_POLICY);
    const own = fieldPolicyOf({ [SYSTEMS_SETTING]: ['urn:x'], [TYPES_SETTING]: [] });
    expect([...own.systems]).toEqual(['urn:x']);
    expect(own.types.size).toBe(0);
    expect(fieldPolicyOf({ [SYSTEMS_SETTING]: 'urn:x', [TYPES_SETTING]: [1] })).toEqual(DEFAULT_FIELD_POLICY);
  });

  test('settings are checked before they are kept', () => {
    expect(checkFieldSetting(SYSTEMS_SETTING, 'urn:a, http://b/c')).toEqual(['urn:a', 'http://b/c']);
    expect(checkFieldSetting(TYPES_SETTING, 'SS,NN*')).toEqual(['SS', 'NN*']);
    expect(checkFieldSetting(TYPES_SETTING, 'none')).toEqual([]);
    expect(() => checkFieldSetting(SYSTEMS_SETTING, 'ssn')).toThrow(/"ssn" is no URI/);
    expect(() => checkFieldSetting(TYPES_SETTING, 'S*S')).toThrow(/"S\*S" is no code/);
  });
});
