import { describe, expect, it } from 'vitest';
import { relationOf, substanceNames } from './allergies.ts';

const named = (...names: string[]) => ({ codings: [], names });

describe('relation of a medicine with a recorded allergy', () => {
  it('takes the wording off what an allergy is called', () => {
    expect(substanceNames('Allergy to penicillin (finding)')).toEqual(['penicillin']);
    expect(substanceNames('Sulfamethoxazole / Trimethoprim')).toEqual(['sulfamethoxazole', 'trimethoprim']);
    expect(substanceNames('Drug allergy')).toEqual([]);
    expect(substanceNames('No known allergies')).toEqual([]);
  });

  it('sees the same code of the same system, not of another', () => {
    const allergen = { codings: ['http://rx|7980'], names: [] };
    expect(relationOf(allergen, { codings: ['http://rx|7980'], names: [] })).toMatchObject({ by: 'code' });
    expect(relationOf(allergen, { codings: ['http://other|7980'], names: [] })).toBeUndefined();
  });

  it('sees a name in whole words only, and no class that nobody has named', () => {
    const penicillin = named('Allergy to Penicillin');
    expect(relationOf(penicillin, named('Penicillin V Potassium 250 MG Oral Tablet'))).toMatchObject({
      by: 'name',
    });
    expect(relationOf(penicillin, named('Benzylpenicillin'))).toBeUndefined();
    expect(relationOf(penicillin, named('Amoxicillin 250 MG Oral Capsule'))).toBeUndefined();
    expect(relationOf(named('Ibuprofène'), named('IBUPROFENE 400 mg'))).toMatchObject({ by: 'name' });
    expect(relationOf(named('Oral tablet allergy'), named('Ibuprofen Oral Tablet'))).toBeUndefined();
  });
});
