import { describe, expect, test } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import type { Resource } from '../json/types.ts';
import { patchShown, shownResource, shownText, tellsHidden } from './hidden-elements.ts';
import { looksAtHidden, visibleDefinitions } from './hidden-parameters.ts';

const definitions = loadDefinitions();
const patient: Resource = {
  resourceType: 'Patient',
  id: '1',
  text: { status: 'generated', div: '<div>Jane</div>' },
  name: [{ family: 'Doe' }],
  _birthDate: { extension: [] },
  birthDate: '1970-02-03',
  deceasedBoolean: true,
  address: [{ city: 'Town', postalCode: '12345' }, { city: 'Only' }],
};

describe('elements that are hidden', () => {
  test('whole elements, choices, elements within, years and areas; the narrative goes with them', () => {
    const hidden = {
      Patient: ['name', 'deceased[x]', 'address.city', 'address.postalCode@zip3', 'birthDate@year'],
    };
    expect(shownResource(patient, hidden)).toEqual({
      resourceType: 'Patient',
      id: '1',
      birthDate: '1970',
      address: [{ postalCode: '123' }],
    });
  });

  test('in contained resources and in those of a Bundle, too; other types keep theirs', () => {
    const hidden = { Patient: ['name'] };
    const list: Resource = { resourceType: 'List', text: { div: 'kept' }, contained: [patient] };
    expect(shownResource(list, hidden)).toMatchObject({ text: { div: 'kept' } });
    expect(shownText(JSON.stringify(list), hidden)).not.toContain('Doe');
    const bundle: Resource = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: patient }] };
    expect(shownText(JSON.stringify(bundle), hidden)).not.toMatch(/Doe|Jane/);
    const text = JSON.stringify({ resourceType: 'Basic', name: 'x' });
    expect(shownText(text, hidden)).toBe(text);
  });

  test('the names that references give their targets', () => {
    const hidden = { '*': ['Reference.display'] };
    const observation: Resource = {
      resourceType: 'Observation',
      code: { coding: [{ system: 's', code: 'c', display: 'kept' }] },
      subject: { reference: 'Patient/1', display: 'Jane Doe' },
      performer: [{ display: 'John Doe' }],
    };
    const shown = JSON.stringify(shownResource(observation, hidden));
    expect(shown).toContain('kept');
    expect(shown).not.toContain('Doe');
  });

  test('a body tells something hidden if it has one of them', () => {
    expect(tellsHidden(patient, { Patient: ['name'] })).toBe(true);
    expect(tellsHidden(patient, { Patient: ['telecom'] })).toBe(false);
  });

  test('a patch leaves what is hidden as it was', () => {
    const hidden = { Patient: ['name', 'address.city'] };
    const done = patchShown(patient, hidden, (shown) => ({ ...shown, gender: 'female' }));
    expect(done).toMatchObject({ gender: 'female', name: [{ family: 'Doe' }], address: patient['address'] });
    expect(done).not.toHaveProperty('text');
    expect(patchShown(patient, hidden, (shown) => ({ ...shown, name: [{ family: 'X' }] }))).toBeUndefined();
    expect(patchShown(patient, hidden, ({ address: _, ...shown }) => shown as Resource)).toBeUndefined();
  });
});

describe('search parameters that look at hidden elements', () => {
  test.each([
    ['Patient', 'family', ['name'], true],
    ['Patient', 'phone', ['telecom'], true],
    ['Patient', 'address', ['address.city'], true],
    ['Patient', 'address-city', ['address.city'], true],
    ['Patient', 'address-state', ['address.city'], false],
    ['Patient', 'death-date', ['deceased[x]'], true],
    ['Patient', 'deceased', ['deceased[x]'], true],
    ['Patient', 'gender', ['name', 'birthDate'], false],
    ['Patient', '_id', ['name'], false],
    ['Condition', 'patient', ['note'], false],
    ['Condition', 'patient', ['subject'], true],
    ['Observation', 'code-value-quantity', ['value[x]'], true],
    ['Observation', 'code-value-quantity', ['note'], false],
    ['Observation', 'combo-code', ['component.code'], true],
  ])('%s.%s with hidden %j: %s', (type, code, paths, expected) => {
    const model = definitions.search(type);
    expect(looksAtHidden(model.params.get(code)!, model, { [type]: paths })).toBe(expected);
    const seen = visibleDefinitions(definitions, { [type]: paths })
      .search(type)
      .params.has(code);
    expect(seen).toBe(!expected);
  });
});
