import { AGGREGATES } from './aggregates.ts';
import type { FunctionDefinition, FunctionGroup } from './call.ts';
import { COLLECTIONS } from './collections.ts';
import { CONVERSIONS } from './conversions.ts';
import { DATES } from './dates.ts';
import { FHIR } from './fhir.ts';
import { MATH } from './math.ts';
import { STRINGS } from './strings.ts';
import { UTILITIES } from './utilities.ts';

export { Call } from './call.ts';

const groups: readonly FunctionGroup[] = [
  COLLECTIONS,
  CONVERSIONS,
  STRINGS,
  MATH,
  DATES,
  UTILITIES,
  AGGREGATES,
  FHIR,
];

/** All functions by name. */
export const FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map(
  groups.flatMap((group) =>
    Object.entries(group).map(([name, [least, most, run]]) => [name, { least, most, run }] as const),
  ),
);
