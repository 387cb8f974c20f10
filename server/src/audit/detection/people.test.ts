import { describe, expect, test } from 'vitest';
import type { Resource } from '../../json/types.ts';
import { isSamePerson, People, relationTo } from './people.ts';

const name = [{ family: 'Brandt', given: ['Ida'] }];
const home = [{ line: ['Main Street 1'], city: 'Springfield', postalCode: '12345' }];
const doctor: Resource = {
  resourceType: 'Practitioner',
  id: '1',
  name,
  birthDate: '1980-01-01',
  address: home,
};
const patient = (more: object): Resource => ({ resourceType: 'Patient', id: 'p', ...more });

describe('who a patient is to a member of staff', () => {
  test('the same person: an identifier in common, or full name and birth date', () => {
    const id = [{ system: 'urn:x', value: '1' }];
    expect(isSamePerson({ ...doctor, identifier: id }, patient({ identifier: id }))).toBe(true);
    expect(
      isSamePerson({ ...doctor, identifier: [{ value: '1' }] }, patient({ identifier: [{ value: '1' }] })),
    ).toBe(false);
    expect(
      relationTo(
        doctor,
        patient({ name: [{ family: 'BRANDT', given: ['ida', 'M.'] }], birthDate: '1980-01-01' }),
        true,
      ),
    ).toBe('self');
    expect(relationTo(doctor, patient({ name, birthDate: '1980-01-02' }), true)).toBeUndefined();
  });

  test('family: surname and address, where that is configured', () => {
    const son = patient({
      name: [{ family: 'Brandt', given: ['Max'] }],
      address: [{ line: ['main street 1'], city: 'SPRINGFIELD' }],
    });
    expect(relationTo(doctor, son, true)).toBe('family');
    expect(relationTo(doctor, son, false)).toBeUndefined();
    expect(relationTo(doctor, patient({ name: [{ family: 'Other' }], address: home }), true)).toBeUndefined();
    expect(
      relationTo(doctor, patient({ name: [{ family: 'Brandt' }], address: [{ city: 'Springfield' }] }), true),
    ).toBeUndefined();
  });
});

describe('looking people up', () => {
  test('is done once beside the requests, and then known: self, household, RelatedPerson, protected persons', async () => {
    const asked: string[] = [];
    const people = new People({
      find: async (_tenant, type, query) => {
        asked.push(`${type}?${query}`);
        if (type === 'Practitioner') return [doctor];
        if (type === 'RelatedPerson')
          return [{ ...doctor, resourceType: 'RelatedPerson', patient: { reference: 'Patient/child' } }];
        if (query.startsWith('_security')) return [patient({ id: 'star' })];
        return [
          patient({ id: 'me', name, birthDate: '1980-01-01' }),
          patient({ id: 'son', name: [{ family: 'Brandt' }], address: home }),
        ];
      },
    });
    const tenant = { id: 1, name: 'one' };
    const entry = { time: 0, kind: 'read', outcome: 0, agent: 'Practitioner/1', patients: ['x'] } as const;
    expect(people.facts(tenant, entry)).toBeUndefined();
    await expect.poll(() => people.facts(tenant, entry)?.self.size).toBe(1);
    await expect.poll(() => people.facts(tenant, entry)?.vip.size).toBe(1);
    expect(people.facts(tenant, entry)).toEqual({
      self: new Set(['me']),
      family: new Set(['son', 'child']),
      vip: new Set(['star']),
    });
    expect(asked).toHaveLength(4);
    expect(people.facts(tenant, { ...entry, agent: 'Patient/1' })).toBeUndefined();
  });
});
