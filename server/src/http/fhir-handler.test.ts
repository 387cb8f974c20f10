import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FhirError } from '../fhir/outcome.ts';
import { encodeQuery } from '../fhir/query-text.ts';
import { parseQuery } from './fhir-handler.ts';
import { prettyJson } from './written.ts';

describe('parseQuery', () => {
  it('decodes names and values in order, plus as space', () => {
    expect(parseQuery('name=van+der%20Berg&name=a%2Cb&x&=y')).toEqual([
      ['name', 'van der Berg'],
      ['name', 'a,b'],
      ['x', ''],
      ['', 'y'],
    ]);
  });

  it('is the inverse of encodeQuery', () => {
    const text = fc
      .string({ unit: 'grapheme' })
      .filter((value) => !value.includes('\0') && value.isWellFormed());
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            text.filter((name) => name !== ''),
            text,
          ),
          { maxLength: 5 },
        ),
        (query) => {
          expect(parseQuery(encodeQuery(query))).toEqual(query);
        },
      ),
    );
  });

  it('throws nothing but FhirError 400, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseQuery(text);
        } catch (error) {
          expect(error).toBeInstanceOf(FhirError);
          expect((error as FhirError).status).toBe(400);
        }
      }),
    );
  });
});

describe('prettyJson', () => {
  it('changes white space only (R4 http.html#pretty)', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.parse(prettyJson(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('keeps the digits of decimals (R4 datatypes.html#decimal)', () => {
    expect(prettyJson('{"value":1.50,"empty":{},"text":"a:{,\\"b"}')).toBe(
      '{\n  "value": 1.50,\n  "empty": {},\n  "text": "a:{,\\"b"\n}',
    );
  });
});
