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

  it('sees a name in whole words only', () => {
    const penicillin = named('Allergy to Penicillin');
    expect(relationOf(penicillin, named('Penicillin V Potassium 250 MG Oral Tablet'))).toMatchObject({
      by: 'name',
    });
    expect(relationOf(named('Cillin'), named('Benzylpenicillin'))).toBeUndefined();
    expect(relationOf(named('Ibuprofène'), named('IBUPROFENE 400 mg'))).toMatchObject({ by: 'name' });
    expect(relationOf(named('Oral tablet allergy'), named('Ibuprofen Oral Tablet'))).toBeUndefined();
  });

  it('sees that a medicine is of the class that is recorded, by name or code of the class (ATC J01C, J01E, M01A)', () => {
    for (const [allergen, medicine, title] of [
      ['Penicillin -class of antibiotic- (substance)', 'Amoxicillin 250 MG Oral Capsule', 'Penicillins'],
      ['Penicillins', 'Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet', 'Penicillins'],
      [
        'Allergy to sulfonamide (finding)',
        'Sulfamethoxazole 800 MG / Trimethoprim 160 MG',
        'Sulfonamide antibacterials',
      ],
      ['Sulfa drugs', 'Bactrim DS', 'Sulfonamide antibacterials'],
      ['NSAIDs', 'Naproxen sodium 220 MG Oral Tablet', 'Non-steroidal anti-inflammatory drugs'],
      ['Non-steroidal anti-inflammatory agent', 'Ibuprofen 200 MG', 'Non-steroidal anti-inflammatory drugs'],
      ['Beta-lactam', 'Cefuroxime 250 MG Oral Tablet', 'Cephalosporins'],
    ] as const)
      expect([allergen, relationOf(named(allergen), named(medicine))]).toMatchObject([
        allergen,
        { by: 'class', what: title },
      ]);
    const byCode = { codings: ['http://snomed.info/sct|91936005'], names: [] };
    expect(relationOf(byCode, named('Ampicillin 1 g'))).toMatchObject({ by: 'class' });
    expect(relationOf(named('Sulfa drugs'), named('Furosemide 40 MG'))).toBeUndefined();
    expect(relationOf(named('Opioids'), named('Acetaminophen 325 MG Oral Tablet'))).toBeUndefined();
  });

  it('sees another medicine of a class that cross-reacts, and of others not (2022 practice parameter)', () => {
    expect(relationOf(named('Ampicillin'), named('Piperacillin 4 g'))).toMatchObject({
      by: 'same-class',
      what: 'Penicillins',
    });
    expect(relationOf(named('Lisinopril'), named('Enalapril 5 MG'))).toMatchObject({ by: 'same-class' });
    expect(relationOf(named('Codeine'), named('Fentanyl'))).toBeUndefined();
    expect(relationOf(named('Penicillin V'), named('Ceftriaxone 1 g'))).toBeUndefined();
  });

  it('sees the same R1 side chain across classes (2022 practice parameter)', () => {
    expect(relationOf(named('Amoxicillin'), named('Cefadroxil 500 MG'))).toMatchObject({
      by: 'side-chain',
      what: 'amoxicillin',
    });
    expect(relationOf(named('Amoxicillin'), named('Cefuroxime 250 MG'))).toBeUndefined();
  });
});
