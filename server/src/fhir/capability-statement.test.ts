import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { type CapabilityInput, capabilityStatement } from './capability-statement.ts';

const definitions = loadDefinitions();
const input: CapabilityInput = {
  definitions,
  tenant: 'demo',
  baseUrl: 'http://localhost:8080/fhir/demo',
  software: { name: 'Vesta', version: '1.0.0' },
  enforceReferences: true,
  operations: [
    {
      name: 'everything',
      definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything',
      types: ['Patient'],
      levels: ['type', 'instance'],
    },
    {
      name: 'meta',
      definition: 'http://hl7.org/fhir/OperationDefinition/Resource-meta',
      types: '*',
      levels: ['system', 'type'],
    },
    {
      name: 'tenant',
      definition: 'http://example.org/OperationDefinition/tenant',
      types: '*',
      levels: ['system'],
    },
  ],
};
const statement = capabilityStatement(input);
const rest = (statement['rest'] as JsonObject[])[0] as JsonObject;
const resources = new Map(
  (rest['resource'] as JsonObject[]).map((resource) => [resource['type'] as string, resource]),
);
const list = (value: JsonValue | undefined) => (value ?? []) as JsonObject[];
const names = (value: JsonValue | undefined) => list(value).map(({ name }) => name as string);

/** Structure errors by the definitions: unknown properties, cardinalities, arrays, JSON types and required codes. */
function errors(object: JsonObject, type: string, at: string): string[] {
  const model = definitions.types.get(type);
  const found = [...(model?.elements.values() ?? [])]
    .filter(({ min, name, choice }) => min > 0 && choice === undefined && object[name] === undefined)
    .map(({ name }) => `${at}.${name} is missing`);
  for (const [name, value] of Object.entries(object)) {
    if (name === 'resourceType') continue;
    const element = model?.elements.get(name);
    if (element === undefined) {
      found.push(`${at}.${name} is unknown`);
      continue;
    }
    if (Array.isArray(value) !== element.array || (Array.isArray(value) && value.length === 0)) {
      found.push(`${at}.${name} is no proper list`);
    }
    const codes =
      element.requiredBinding === undefined ? undefined : definitions.requiredCodes(element.requiredBinding);
    for (const item of Array.isArray(value) ? value : [value]) {
      const primitive = definitions.types.get(element.type)?.kind === 'primitive';
      if (primitive !== (typeof item !== 'object')) found.push(`${at}.${name} has the wrong type`);
      else if (primitive && (item === '' || (codes !== undefined && !codes.has(item as string)))) {
        found.push(`${at}.${name} is '${item}'`);
      } else if (!primitive) found.push(...errors(item as JsonObject, element.type, `${at}.${name}`));
    }
  }
  return found;
}

describe('CapabilityStatement (R4 capabilitystatement.html)', () => {
  it('has the structure of R4', () => {
    expect(errors(statement, 'CapabilityStatement', 'CapabilityStatement')).toEqual([]);
  });

  it('says what and where it is', () => {
    expect(statement).toMatchObject({
      status: 'active',
      kind: 'instance',
      fhirVersion: '4.0.1',
      implementation: { url: 'http://localhost:8080/fhir/demo' },
      software: { version: '1.0.0' },
      format: expect.arrayContaining(['json', 'xml']),
      patchFormat: expect.arrayContaining(['application/json-patch+json', 'application/xml-patch+xml']),
    });
    expect(Date.parse(statement['date'] as string)).not.toBeNaN();
    expect(list(rest['interaction']).map(({ code }) => code)).toEqual([
      'transaction',
      'batch',
      'history-system',
      'search-system',
    ]);
    expect(rest['compartment']).toContain('http://hl7.org/fhir/CompartmentDefinition/patient');
  });

  it('lists every resource type once (cpb-9) with what can be done to it', () => {
    expect([...resources.keys()]).toEqual(definitions.resourceTypes);
    expect(list(rest['resource'])).toHaveLength(resources.size);
    for (const resource of resources.values()) {
      expect(resource).toMatchObject({
        versioning: 'versioned',
        readHistory: true,
        updateCreate: true,
        conditionalCreate: true,
        conditionalRead: 'full-support',
        conditionalUpdate: true,
        conditionalDelete: 'multiple',
        referencePolicy: ['literal', 'logical', 'enforced'],
      });
      expect(resource['interaction']).toHaveLength(9);
    }
  });

  it('names each search parameter once (cpb-12), all of those of the definitions', () => {
    for (const [type, resource] of resources) {
      const found = names(resource['searchParam']);
      expect(new Set(found).size).toBe(found.length);
      const expected = [...definitions.search(type).params.keys()].filter(
        (code) => code !== '_type' && code !== '_query',
      );
      expect([...found].sort()).toEqual(expected.sort());
    }
    const birthdate = list(resources.get('Patient')?.['searchParam']).find(
      ({ name }) => name === 'birthdate',
    );
    expect(birthdate).toEqual({
      name: 'birthdate',
      definition: 'http://hl7.org/fhir/SearchParameter/individual-birthdate',
      type: 'date',
      documentation: "The patient's date of birth",
    });
  });

  it('search across types has the parameters that every type has', () => {
    const found = names(rest['searchParam']);
    expect(found).toEqual(
      expect.arrayContaining(['_id', '_lastUpdated', '_tag', '_profile', '_security', '_source']),
    );
    expect(found.filter((name) => !name.startsWith('_'))).toEqual([]);
  });

  it('includes go along reference parameters, both ways', () => {
    const observation = resources.get('Observation');
    expect(observation?.['searchInclude']).toEqual(
      expect.arrayContaining(['*', 'Observation:subject', 'Observation:patient']),
    );
    expect(resources.get('Patient')?.['searchRevInclude']).toEqual(
      expect.arrayContaining(['Observation:subject', 'Encounter:patient']),
    );
    expect(resources.get('Medication')?.['searchRevInclude']).not.toContain('Observation:subject');
  });

  it('operations stand where they can be called', () => {
    expect(names(resources.get('Patient')?.['operation'])).toEqual(['everything', 'meta']);
    expect(names(resources.get('Observation')?.['operation'])).toEqual(['meta']);
    expect(names(rest['operation'])).toEqual(['meta', 'tenant']);
  });

  it('follows what the caller says: references, own parameters that are ready, fewer interactions, security', () => {
    const birthdate = definitions.search('Patient').params.get('birthdate')!;
    const eye = { ...birthdate, code: 'eye', key: 1, url: 'http://example.org/SearchParameter/eye' };
    const patient = (more: Partial<CapabilityInput>) => {
      const other = capabilityStatement({ ...input, ...more });
      expect(errors(other, 'CapabilityStatement', 'CapabilityStatement')).toEqual([]);
      return list(list(other['rest'])[0]?.['resource']).find(({ type }) => type === 'Patient');
    };
    const reader = patient({
      enforceReferences: false,
      interactions: ['read'],
      security: { cors: false, description: 'SMART' },
    });
    expect(reader).toMatchObject({
      referencePolicy: ['literal', 'logical'],
      conditionalDelete: 'not-supported',
    });
    expect(reader?.['searchParam']).toBeUndefined();
    expect(names(patient({ customSearchParams: [eye] })?.['searchParam'])).toContain('eye');
    expect(names(patient({ pendingSearchParams: [birthdate] })?.['searchParam'])).not.toContain('birthdate');
  });
});
