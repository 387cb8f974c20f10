import { describe, expect, it } from 'vitest';
import { areMembersOnly, membershipAllows, readCompartments } from './row-compartments.ts';
import type { Grant } from './scope.ts';

const anna = { type: 'Patient', id: 'anna' };
const ben = { type: 'Patient', id: 'ben' };
const base: Grant = { types: '*', interactions: '*' };
const member: Grant = { ...base, compartments: [anna], reach: 'member' };
const resource = { type: 'Observation', id: '1', content: '{"resourceType":"Observation"}' };
const labelled = {
  ...resource,
  content: '{"resourceType":"Observation","meta":{"security":[{"system":"s","code":"R"}]}}',
};
const inAnna = ({ id }: { id: string }) => id === 'anna';
const nowhere = () => false;

describe('reads by id within compartments (SMART App Launch 2.2 patient scopes; R4 compartmentdefinition.html)', () => {
  it('are decided with the row where compartments and labels are all that bears on them', () => {
    expect(readCompartments([member, { ...base, compartment: ben }])).toEqual([anna, ben]);
    expect(readCompartments([{ ...base, compartments: [anna], reach: 'about' }])).toEqual([anna]);
    expect(readCompartments([base])).toBeUndefined();
    expect(readCompartments([{ ...member, search: 'category=laboratory' }])).toBeUndefined();
    expect(
      readCompartments([{ ...member, except: [{ kind: 'row', types: ['Observation'] }] }]),
    ).toBeUndefined();
    expect(readCompartments([member, { ...member, reach: 'referred' }])).toBeUndefined();
  });

  it('only what is about a member may be allowed in another way', () => {
    expect(areMembersOnly([member, base])).toBe(true);
    expect(areMembersOnly([member, { ...member, reach: 'about' }])).toBe(false);
  });

  it('a member is allowed, and the resource that the compartment is named after', () => {
    expect(membershipAllows([member], resource, inAnna)).toBe(true);
    expect(membershipAllows([member], { ...resource, type: 'Patient', id: 'anna' }, nowhere)).toBe(true);
  });

  it('nothing else is, whatever its id', () => {
    expect(membershipAllows([member], resource, nowhere)).toBe(false);
    expect(membershipAllows([member], { ...resource, id: 'anna' }, nowhere)).toBe(false);
    expect(membershipAllows([{ ...member, compartments: [ben] }], resource, inAnna)).toBe(false);
    expect(membershipAllows([{ ...member, compartments: [] }], resource, inAnna)).toBe(false);
    // Both must hold where a grant has both.
    expect(membershipAllows([{ ...member, compartment: ben }], resource, inAnna)).toBe(false);
  });

  it('a label keeps a member back unless another grant allows it', () => {
    const hiding: Grant = { ...member, hiddenLabels: ['s|R'] };
    expect(membershipAllows([hiding], labelled, inAnna)).toBe(false);
    expect(membershipAllows([hiding], resource, inAnna)).toBe(true);
    expect(membershipAllows([hiding, { ...base, compartments: [ben] }], labelled, inAnna)).toBe(false);
    expect(membershipAllows([hiding, member], labelled, inAnna)).toBe(true);
  });
});
