import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { type Projection, project } from './projection.ts';

const definitions = loadDefinitions();
const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };

const observation: Resource = {
  resourceType: 'Observation',
  id: 'o',
  meta: { versionId: '1', tag: [{ code: 'a' }] },
  implicitRules: 'http://example.org/rules',
  language: 'en',
  text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
  contained: [{ resourceType: 'Patient', id: 'p' }],
  extension: [{ url: 'http://example.org/e', valueString: 'x' }],
  modifierExtension: [{ url: 'http://example.org/m', valueString: 'x' }],
  status: 'final',
  _status: { id: 's' },
  code: {
    id: 'c',
    coding: [{ system: 'http://loinc.org', code: '1', extension: [{ url: 'u' }] }],
    text: 't',
  },
  valueQuantity: { value: 1, unit: 'g' },
  note: [{ text: 'n' }],
  component: [
    {
      id: 'x',
      code: { text: 'c' },
      valueInteger: 1,
      interpretation: [{ text: 'i' }],
      modifierExtension: [{ url: 'm' }],
    },
  ],
};

function projected(projection: Projection, resource = observation): Resource {
  const before = JSON.stringify(resource);
  const result = project(resource, projection, definitions);
  expect(JSON.stringify(resource)).toBe(before);
  return result;
}

const names = (resource: Resource) => Object.keys(resource).sort();

describe('_summary (R4 search.html#summary)', () => {
  it('true: the elements that the definitions mark, at every depth; SUBSETTED', () => {
    expect(projected({ summary: 'true' })).toEqual({
      resourceType: 'Observation',
      id: 'o',
      meta: { versionId: '1', tag: [{ code: 'a' }, SUBSETTED] },
      implicitRules: 'http://example.org/rules',
      modifierExtension: [{ url: 'http://example.org/m', valueString: 'x' }],
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: '1' }], text: 't' },
      valueQuantity: { value: 1, unit: 'g' },
      component: [{ code: { text: 'c' }, valueInteger: 1, modifierExtension: [{ url: 'm' }] }],
    });
  });

  it('true: an extension that stands in for a value stays, and nothing is left empty', () => {
    const patient: Resource = {
      resourceType: 'Patient',
      id: 'p',
      name: [
        { given: ['A', null], _given: [null, { extension: [{ url: 'u' }] }] },
        { extension: [{ url: 'u' }] },
      ],
      photo: [{ data: 'AAAA', title: 't' }],
      _birthDate: { extension: [{ url: 'u' }] },
      communication: [{ language: { text: 'x' } }],
    };
    expect(projected({ summary: 'true' }, patient)).toEqual({
      resourceType: 'Patient',
      id: 'p',
      meta: { tag: [SUBSETTED] },
      name: [{ given: ['A', null], _given: [null, { extension: [{ url: 'u' }] }] }],
      _birthDate: { extension: [{ url: 'u' }] },
    });
    const status: Resource = {
      resourceType: 'Observation',
      _status: { extension: [{ url: 'u' }] },
      code: {},
    };
    expect(projected({ summary: 'true' }, status)['_status']).toEqual({ extension: [{ url: 'u' }] });
  });

  it('text: id, meta, text and mandatory elements', () => {
    const result = projected({ summary: 'text' });
    expect(names(result)).toEqual(
      [
        '_status',
        'code',
        'id',
        'implicitRules',
        'meta',
        'modifierExtension',
        'resourceType',
        'status',
        'text',
      ].sort(),
    );
    expect(result['code']).toEqual(observation['code']);
  });

  it('text: an element of the name that is no narrative does not count', () => {
    const action: Resource = { resourceType: 'Consent', id: 'c', text: { status: 'empty' }, note: 'x' };
    expect(names(projected({ summary: 'text' }, action))).toEqual(['id', 'meta', 'resourceType', 'text']);
  });

  it('data: all but text; false and count: as it is', () => {
    const { text: _text, ...rest } = observation;
    expect(projected({ summary: 'data' })).toEqual({
      ...rest,
      meta: { versionId: '1', tag: [{ code: 'a' }, SUBSETTED] },
    });
    for (const projection of [
      { summary: 'false' },
      { summary: 'count' },
      {},
      { elements: [] },
    ] as Projection[]) {
      expect(projected(projection)).toBe(observation);
    }
  });
});

describe('_elements (R4 search.html#elements)', () => {
  it('the named elements and the mandatory ones; choice elements by their base name; SUBSETTED once', () => {
    const result = projected({ elements: ['value', 'note', 'nonsense'] });
    expect(names(result)).toEqual(
      [
        '_status',
        'code',
        'id',
        'implicitRules',
        'meta',
        'modifierExtension',
        'note',
        'resourceType',
        'status',
        'valueQuantity',
      ].sort(),
    );
    expect((projected({ elements: ['note'] }, result)['meta'] as JsonObject)['tag']).toEqual([
      { code: 'a' },
      SUBSETTED,
    ]);
    expect(projected({ elements: ['value[x]'] })['valueQuantity']).toBeDefined();
    expect(projected({ elements: ['valueQuantity'] })['valueQuantity']).toBeDefined();
  });

  it('Type.name counts for that type only; a type without names stays whole', () => {
    expect(projected({ elements: ['Observation.note', 'Patient.value'] })['valueQuantity']).toBeUndefined();
    expect(projected({ elements: ['Patient.name'] })).toBe(observation);
    expect(projected({ elements: ['note.text', 'component.code'] })['component']).toEqual(
      observation['component'],
    );
  });

  it('primitive extensions go with their element', () => {
    const patient: Resource = {
      resourceType: 'Patient',
      birthDate: '1980',
      _birthDate: { id: 'b' },
      gender: 'male',
    };
    expect(projected({ elements: ['birthDate'] }, patient)).toEqual({
      resourceType: 'Patient',
      birthDate: '1980',
      _birthDate: { id: 'b' },
      meta: { tag: [SUBSETTED] },
    });
  });

  it('every type can be projected, and keeps what it must have', () => {
    for (const type of definitions.resourceTypes) {
      const model = definitions.types.get(type);
      const mandatory = [...(model?.elements.values() ?? [])].filter(
        ({ min, choice }) => min > 0 && choice === undefined,
      );
      const resource: Resource = { resourceType: type, id: 'x' };
      for (const { name } of mandatory) resource[name] = 'x';
      for (const projection of [
        { summary: 'true' },
        { summary: 'text' },
        { elements: ['id'] },
      ] as Projection[]) {
        expect(projected(projection, resource)).toEqual({ ...resource, meta: { tag: [SUBSETTED] } });
      }
    }
  });
});
