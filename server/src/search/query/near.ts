import { badValue, shown } from './errors.ts';
import { splitEscaped, unescapeValue } from './escape.ts';
import type { Criterion } from './types.ts';
import { decimalRange } from './values.ts';

/** Kilometres in each unit that a distance may have; UCUM codes and what people write for them. */
const KILOMETRES: ReadonlyMap<string, number> = new Map([
  ['km', 1],
  ['m', 0.001],
  ['[mi_us]', 1.609347219],
  ['[mi_i]', 1.609344],
  ['mi', 1.609344],
  ['[nmi_i]', 1.852],
  ['[ft_i]', 0.0003048],
  ['ft', 0.0003048],
  ['[yd_i]', 0.0009144],
]);
/** Where no distance is given the server chooses (R4 location.html#near). */
const DEFAULT_KILOMETRES = 50;

/**
 * `latitude|longitude|distance|units` of Location's `near` (R4 location.html#positional). Distance and units may be
 * left out: 50, km.
 * @throws FhirError 400
 */
export function parseNear(name: string, raw: string): Criterion {
  const parts = splitEscaped(raw, '|').map(unescapeValue);
  const [latitudeText = '', longitudeText = '', distanceText = '', unit = ''] = parts;
  const latitude = decimalRange(latitudeText)?.value;
  const longitude = decimalRange(longitudeText)?.value;
  if (parts.length < 2 || parts.length > 4 || latitude === undefined || longitude === undefined) {
    throw badValue(name, `${shown(raw)} is not of the form latitude|longitude|distance|units.`);
  }
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) {
    throw badValue(
      name,
      `${shown(raw)} is no place on earth: latitude within 90, longitude within 180 degrees.`,
    );
  }
  const distance = distanceText === '' ? DEFAULT_KILOMETRES : decimalRange(distanceText)?.value;
  const factor = unit === '' ? 1 : KILOMETRES.get(unit);
  if (distance === undefined || distance < 0)
    throw badValue(name, `${shown(distanceText)} is not a distance.`);
  if (factor === undefined) {
    throw badValue(
      name,
      `${shown(unit)} is not a unit of distance known here: ${[...KILOMETRES.keys()].join(', ')}.`,
    );
  }
  return { kind: 'near', latitude, longitude, kilometres: distance * factor };
}
