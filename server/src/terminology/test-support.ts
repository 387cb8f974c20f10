import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import type { Connections } from '../storage/connections.ts';
import { TxContext } from './context.ts';
import { TxParameters } from './parameters.ts';
import { TerminologyService } from './service.ts';
import { Sources } from './sources.ts';

/** A service without a database: for what comes with a request and what is built in. */
export const service = new TerminologyService({} as Connections);

/** A run of an operation over these resources. @param values parameters of the request */
export function contextOf(
  resources: readonly object[],
  values: readonly (readonly [string, JsonValue])[] = [],
  validating = false,
): TxContext {
  const sources = new Sources({ service, extra: resources as readonly Resource[] });
  return new TxContext(sources, new TxParameters(values, undefined, validating));
}

export const SYSTEM = 'http://example.org/s';

/** A code system with the hierarchy a(b(d) c), e; c has a second parent e, d is inactive, a is abstract. */
export const LETTERS: JsonObject = {
  resourceType: 'CodeSystem',
  url: SYSTEM,
  version: '1.0.0',
  status: 'active',
  content: 'complete',
  caseSensitive: true,
  hierarchyMeaning: 'is-a',
  language: 'en',
  property: [
    { code: 'weight', type: 'integer' },
    { code: 'kind', type: 'code', uri: 'http://example.org/kind' },
    { code: 'inactive', type: 'boolean', uri: 'http://hl7.org/fhir/concept-properties#inactive' },
    { code: 'not-for-use', type: 'boolean', uri: 'http://hl7.org/fhir/concept-properties#notSelectable' },
    { code: 'parent', type: 'code' },
  ],
  concept: [
    {
      code: 'a',
      display: 'Letter A',
      property: [{ code: 'not-for-use', valueBoolean: true }],
      concept: [
        {
          code: 'b',
          display: 'Letter B',
          property: [{ code: 'weight', valueInteger: 2 }],
          concept: [{ code: 'd', display: 'Letter D', property: [{ code: 'inactive', valueBoolean: true }] }],
        },
        {
          code: 'c',
          display: 'Letter C',
          property: [
            { code: 'parent', valueCode: 'e' },
            { code: 'kind', valueCode: 'soft' },
          ],
        },
      ],
    },
    {
      code: 'e',
      display: 'Letter E',
      definition: 'The fifth',
      property: [{ code: 'kind', valueCode: 'open' }],
    },
  ],
};

export function valueSet(compose: object, more: object = {}): Resource {
  return {
    resourceType: 'ValueSet',
    url: 'http://example.org/vs',
    status: 'active',
    compose,
    ...more,
  } as unknown as Resource;
}
