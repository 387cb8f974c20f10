import { loadDefinitions } from '../../conformance/definitions.ts';
import { RESOURCE_TYPES } from '../../conformance/resource-types.ts';
import type { Reach } from '../scope.ts';
import { DIRECTORY, KNOWLEDGE, PROVIDERS } from './types.ts';

const REFERRED = new Set<string>(DIRECTORY);
/** Of these everybody sees all who may see the type: no patient is in them, or what a booking needs to know. */
const OPEN = new Set<string>([...KNOWLEDGE, ...PROVIDERS, 'Schedule', 'Slot']);
// R4's Patient compartment lacks Device, which has a patient all the same, and US Core's searches by it.
const ABOUT = new Set<string>(['Binary', 'Device', 'Provenance']);

const known = new Map<string, Reach | 'open' | undefined>();

/**
 * How resources of a type belong to the records of patients: `open` where they belong to none and are for all; undefined
 * where nothing ties them to a patient, so that who is confined to patients sees none of them.
 */
export function reachOf(type: string): Reach | 'open' | undefined {
  if (known.size === 0) {
    const members = loadDefinitions().compartments.get('Patient')?.params;
    for (const one of RESOURCE_TYPES) {
      const isMember = one === 'Patient' || (members?.get(one)?.length ?? 0) > 0;
      known.set(
        one,
        OPEN.has(one)
          ? 'open'
          : REFERRED.has(one)
            ? 'referred'
            : ABOUT.has(one)
              ? 'about'
              : isMember
                ? 'member'
                : undefined,
      );
    }
  }
  return known.get(type);
}
