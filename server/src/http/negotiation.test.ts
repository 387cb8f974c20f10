import { describe, expect, it } from 'vitest';
import type { FhirError } from '../fhir/outcome.ts';
import { acceptedTypes, contentCoding, preferences, resourceFormat, wantedFormat } from './negotiation.ts';

const statusOf = (work: () => void): number => {
  try {
    work();
    return 200;
  } catch (error) {
    return (error as FhirError).status;
  }
};

describe('content negotiation', () => {
  it('orders media types by quality, then by position (RFC 9110 12.5.1)', () => {
    expect(acceptedTypes('text/html;q=0.5, application/fhir+json, application/json;q=0')).toEqual([
      'application/fhir+json',
      'text/html',
    ]);
  });

  it('takes every spelling of the formats in _format before Accept (R4 http.html#parameters)', () => {
    for (const format of [
      'json',
      'application/json',
      'application/fhir+json',
      'application/fhir json',
      'text/json',
    ]) {
      expect(wantedFormat(format, 'application/fhir+xml')).toBe('json');
    }
    for (const format of ['xml', 'text/xml', 'application/xml', 'application/fhir+xml']) {
      expect(wantedFormat(format, 'application/fhir+json')).toBe('xml');
    }
    expect(statusOf(() => wantedFormat('ttl', 'application/fhir+json'))).toBe(406);
  });

  it('takes the format that the client wants most, 406 if none is written here (R4 http.html#mime-type)', () => {
    expect(wantedFormat(undefined, 'application/fhir+xml')).toBe('xml');
    expect(wantedFormat(undefined, 'application/fhir+xml;q=0.5, application/fhir+json')).toBe('json');
    expect(wantedFormat(undefined, 'text/turtle, */*;q=0.1')).toBe('json');
    expect(wantedFormat(undefined, undefined)).toBe('json');
    expect(wantedFormat(undefined, 'text/html,application/xml;q=0.9,*/*;q=0.8')).toBe('json');
    expect(statusOf(() => wantedFormat(undefined, 'text/turtle'))).toBe(406);
  });

  it('takes no name of what every JavaScript object has for a format', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf']) {
      expect(statusOf(() => wantedFormat(name, undefined))).toBe(406);
      expect(statusOf(() => wantedFormat(undefined, name))).toBe(406);
      expect(resourceFormat(name)).toBeUndefined();
    }
  });

  it('reads the preferences of R4 http.html#ops and passes over others (RFC 7240)', () => {
    expect(preferences('return=minimal; handling=strict, respond-async, wait=10')).toEqual({
      return: 'minimal',
      handling: 'strict',
      respondAsync: true,
    });
    expect(preferences('return="representation"').return).toBe('representation');
    expect(preferences('return=everything').return).toBeUndefined();
  });

  it('compresses by the best coding that the client takes (RFC 9110 12.5.3)', () => {
    expect(contentCoding('gzip, br')).toBe('br');
    expect(contentCoding('gzip;q=1, br;q=0')).toBe('gzip');
    expect(contentCoding('identity')).toBeUndefined();
    expect(contentCoding(undefined)).toBeUndefined();
  });
});
