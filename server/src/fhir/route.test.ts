import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FhirError } from './outcome.ts';
import { route } from './route.ts';

const path = (text: string): string[] => text.split('/').filter(Boolean);

describe('route: the interactions of R4 http.html#summary', () => {
  it.each([
    ['GET', 'Patient/1', { interaction: 'read', type: 'Patient', id: '1' }],
    ['HEAD', 'Patient/1', { interaction: 'read', type: 'Patient', id: '1' }],
    ['GET', 'Patient/1/_history/2', { interaction: 'vread', type: 'Patient', id: '1', version: 2 }],
    ['PUT', 'Patient/1', { interaction: 'update', type: 'Patient', id: '1' }],
    ['PUT', 'Patient', { interaction: 'update', type: 'Patient', conditional: true }],
    ['PATCH', 'Patient/1', { interaction: 'patch', type: 'Patient', id: '1' }],
    ['DELETE', 'Patient', { interaction: 'delete', type: 'Patient', conditional: true }],
    ['POST', 'Patient', { interaction: 'create', type: 'Patient' }],
    ['GET', 'Patient', { interaction: 'search-type', type: 'Patient' }],
    ['POST', 'Patient/_search', { interaction: 'search-type', type: 'Patient' }],
    ['GET', '', { interaction: 'search-system' }],
    ['POST', '_search', { interaction: 'search-system' }],
    ['POST', '', { interaction: 'batch' }],
    ['GET', 'metadata', { interaction: 'capabilities' }],
    ['GET', '_history', { interaction: 'history-system' }],
    ['GET', 'Patient/_history', { interaction: 'history-type', type: 'Patient' }],
    ['GET', 'Patient/1/_history', { interaction: 'history-instance', type: 'Patient', id: '1' }],
    [
      'GET',
      'Patient/1/Observation',
      { interaction: 'search-type', type: 'Observation', compartment: { type: 'Patient', id: '1' } },
    ],
    ['GET', 'Patient/1/*', { interaction: 'search-system', compartment: { type: 'Patient', id: '1' } }],
    [
      'POST',
      'Patient/1/Observation/_search',
      { interaction: 'search-type', type: 'Observation', compartment: { type: 'Patient', id: '1' } },
    ],
    [
      'GET',
      'Patient/1/$everything',
      { interaction: 'operation', type: 'Patient', id: '1', operation: '$everything' },
    ],
    ['POST', '$reindex', { interaction: 'operation', operation: '$reindex' }],
    [
      'GET',
      'Patient/1/_history/2/$meta',
      { interaction: 'operation', type: 'Patient', id: '1', version: 2, operation: '$meta' },
    ],
  ])('%s %s', (method, text, expected) => {
    expect(route(method, path(text))).toEqual(expected);
  });

  it.each([
    ['GET', 'Pateint/1', 404],
    ['GET', 'Patient/a_b', 404],
    ['GET', 'Patient/1/_history/0', 404],
    ['DELETE', 'metadata', 405],
    ['POST', 'Patient/1', 405],
    ['DELETE', '', 405],
    ['GET', 'Patient/1/x/y/z/u', 404],
  ])('%s %s is %d', (method, text, status) => {
    expect(() => route(method, path(text))).toThrow(expect.objectContaining({ status }));
  });

  it('throws nothing but FhirError, whatever the path', () => {
    const segment = fc.oneof(
      fc.string(),
      fc.constantFrom('Patient', '_history', '_search', '$meta', '1', '*'),
    );
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'),
        fc.array(segment),
        (method, segments) => {
          try {
            route(method, segments);
          } catch (error) {
            expect(error).toBeInstanceOf(FhirError);
          }
        },
      ),
    );
  });
});
