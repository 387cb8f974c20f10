import { isObject } from '../../json/objects.ts';
import type { JsonObject } from '../../json/types.ts';

const LOINC = 'http://loinc.org';
const CORE = 'http://hl7.org/fhir/StructureDefinition/';
/** R4's profile that all its profiles of vital signs derive from. */
export const VITAL_SIGNS = `${CORE}vitalsigns`;

/** R4 observation-vitalsigns.html: the LOINC codes of the table, and the profile that an observation with one must follow. */
const PROFILES: ReadonlyMap<unknown, string> = new Map(
  Object.entries({
    '85353-1': 'vitalspanel',
    '9279-1': 'resprate',
    '8867-4': 'heartrate',
    '2708-6': 'oxygensat',
    '8310-5': 'bodytemp',
    '8302-2': 'bodyheight',
    '9843-4': 'headcircum',
    '29463-7': 'bodyweight',
    '39156-5': 'bmi',
    '85354-9': 'bp',
  }).map(([code, name]) => [code, CORE + name]),
);

/** The canonical of R4's own vital signs profile that an Observation must follow by its code; undefined for none. */
export function vitalSignsProfile(observation: JsonObject): string | undefined {
  const { code } = observation;
  const codings = isObject(code) ? code['coding'] : undefined;
  if (!Array.isArray(codings)) return undefined;
  for (const coding of codings) {
    if (!isObject(coding) || coding['system'] !== LOINC) continue;
    const profile = PROFILES.get(coding['code']);
    if (profile !== undefined) return profile;
  }
  return undefined;
}
