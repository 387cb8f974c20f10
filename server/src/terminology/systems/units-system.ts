import { canonicalQuantity, UCUM } from '../../search/units.ts';
import type { Concept } from '../model.ts';
import { GrammarSystem, plainConcept } from './grammar-system.ts';

/**
 * UCUM (https://ucum.org): every expression of its grammar is a code. The property `canonical` is the unit in base units,
 * which value sets filter by.
 * @param displays texts of common units, from the value set ucum-common
 */
export function unitsSystem(displays: () => ReadonlyMap<string, string>): GrammarSystem {
  const parse = (code: string): Concept | undefined => {
    const canonical = canonicalQuantity(1, code);
    if (canonical === undefined) return undefined;
    return {
      ...plainConcept(code, displays().get(code) ?? code),
      property: [{ code: 'canonical', valueString: canonical.unit }],
    };
  };
  const system = new GrammarSystem(
    {
      url: UCUM,
      name: 'UCUM',
      title: 'Unified Code for Units of Measure (UCUM)',
      caseSensitive: true,
      status: 'active',
      compositional: true,
      properties: [{ code: 'canonical', type: 'string' }],
      enumeration: 'http://hl7.org/fhir/ValueSet/ucum-common',
    },
    parse,
  );
  const prepare = system.prepare.bind(system);
  // `canonical = m`: the value is a unit too, and means all units of its kind.
  system.prepare = (filter) =>
    filter.property === 'canonical' && filter.op === '='
      ? prepare({ ...filter, value: canonicalQuantity(1, filter.value)?.unit ?? filter.value })
      : prepare(filter);
  return system;
}
