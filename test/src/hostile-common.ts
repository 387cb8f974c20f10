import { mangle, type Node, print } from './hostile-values.ts';
import type { Random } from './random.ts';

export const JSON_TYPE = { 'Content-Type': 'application/fhir+json' };

/** Types that much is known about, besides those chosen at random. */
export const TYPES = [
  'Patient',
  'Observation',
  'Encounter',
  'Condition',
  'ValueSet',
  'Location',
  'Group',
  'List',
  'Bundle',
  'Binary',
  'SearchParameter',
];

/** FHIRPath expressions, usable or not. */
export const FHIR_PATHS = [
  'Patient',
  'Patient.name',
  'Patient.name[0]',
  'Patient.name.first()',
  "Patient.name.where(use = 'x')",
  'Patient.nothing',
  '',
  '(((',
  'Patient.name.where($this.matches("(a+)+$"))',
  "Patient.name.given.where(matches('(a+)+$'))",
  '%context',
  '%resource.id',
  'Patient.descendants()',
  'Patient.repeat(children())',
  "'" + 'a'.repeat(500) + "'",
  'iif(true, Patient, {})',
  'Patient.name.select(given)',
  '1/0',
  'today()',
  'Patient.' + 'name.'.repeat(200),
  '('.repeat(300) + 'Patient' + ')'.repeat(300),
  'Patient.name[9999999999]',
  'resolve()',
  "Patient.name.given.replaceMatches('(.*)*x', 'y')",
  'Patient.birthDate + 999999999 years',
  'Patient.__proto__',
  'constructor',
];

/** The text of a body, now and then damaged. */
export function body(node: Node, random: Random): string | Buffer {
  const text = print(node);
  return random.chance(0.1) ? mangle(text, random) : text;
}
