import { expect } from 'vitest';
import { loadDefinitions } from '../../conformance/definitions.ts';
import { FhirError } from '../../fhir/outcome.ts';
import { parseSearch } from './parse.ts';
import type { Criteria, ParsedSearch, SearchContext } from './types.ts';

export const definitions = loadDefinitions();
export const context: SearchContext = {
  definitions,
  strict: true,
  baseUrl: 'http://localhost/fhir/demo',
  now: Date.UTC(2024, 0, 1),
};

export function parse(query: string, more: Partial<SearchContext> = {}): ParsedSearch {
  const [type = '', text = ''] = query.split(/\?(.*)/s);
  const parameters = [...new URLSearchParams(text)];
  return parseSearch(type === '' ? undefined : type, parameters, { ...context, ...more });
}

export function one(query: string): Criteria {
  const { criteria } = parse(query);
  expect(criteria).toHaveLength(1);
  return criteria[0]!;
}

export function refused(query: string, more: Partial<SearchContext> = {}): FhirError {
  try {
    parse(query, more);
  } catch (error) {
    expect(error).toBeInstanceOf(FhirError);
    expect((error as FhirError).status).toBe(400);
    return error as FhirError;
  }
  throw new Error(`${query} was not refused`);
}
