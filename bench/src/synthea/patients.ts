import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type BundleFacts, type BundleJson, factsOf } from './facts.ts';

/** Where the data lies when nothing else is said, from the repository's root. */
export const SYNTHEA_DIRECTORY = resolve(import.meta.dirname, '../../../../shared/data/synthea');

/** The Synthea patients as they lie on disk. */
export interface Synthea {
  /** Bundles of hospitals and practitioners (type batch), to be loaded first. */
  readonly shared: readonly { readonly name: string; readonly text: string; readonly resources: number }[];
  readonly patients: readonly SyntheaPatient[];
  /** UUIDs of the shared bundles: every copy of a patient refers to the same hospitals. */
  readonly sharedUuids: ReadonlySet<string>;
}

export interface SyntheaPatient {
  readonly name: string;
  /** The transaction bundle, gzipped; 60 of them unpacked would be 250 MB. */
  readonly gzipped: Buffer;
  readonly facts: BundleFacts;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/**
 * Reads the Synthea bundles of a directory.
 * @throws Error, in words for the person at the terminal, when they are not there
 */
export function readSynthea(directory: string): Synthea {
  if (!existsSync(directory)) {
    throw new Error(
      `The Synthea patients are not there: ${directory} does not exist. ` +
        'The benchmark needs hospitals.json.gz, practitioners.json.gz and patient-*.json.gz; --data DIR names another place.',
    );
  }
  const names = readdirSync(directory).sort();
  const patientNames = names.filter((name) => /^patient-\d+\.json\.gz$/.test(name));
  const missing = ['hospitals.json.gz', 'practitioners.json.gz'].filter((name) => !names.includes(name));
  if (patientNames.length === 0) missing.push('patient-*.json.gz');
  if (missing.length > 0) throw new Error(`${directory} lacks ${missing.join(', ')}`);
  const sharedUuids = new Set<string>();
  const shared = ['hospitals', 'practitioners'].map((name) => {
    const text = gunzipSync(readFileSync(join(directory, `${name}.json.gz`))).toString('utf8');
    for (const [uuid] of text.matchAll(UUID)) sharedUuids.add(uuid);
    return { name, text, resources: (JSON.parse(text) as BundleJson).entry.length };
  });
  const patients = patientNames.map((name) => {
    const gzipped = readFileSync(join(directory, name));
    return { name, gzipped, facts: factsOf(JSON.parse(gunzipSync(gzipped).toString('utf8')) as BundleJson) };
  });
  return { shared, patients, sharedUuids };
}

/** What is changed in a patient's bundle to make another person of it. */
export interface Identity {
  /** 1 is the patient as Synthea made it. */
  readonly number: number;
  readonly uuid: (uuid: string) => string;
  readonly family: (family: string) => string;
  readonly identifier: (value: string) => string;
}

/**
 * The identity of this number: every UUID that is not a hospital's, every identifier of the patient and every family
 * name is another one. The same number gives the same identity.
 */
export function identity(number: number, sharedUuids: ReadonlySet<string>): Identity {
  const same = (text: string) => text;
  if (number === 1) return { number, uuid: same, family: same, identifier: same };
  const mask = Math.imul(number, 0x9e3779b1) >>> 0;
  return {
    number,
    uuid: (uuid) =>
      sharedUuids.has(uuid)
        ? uuid
        : ((Number.parseInt(uuid.slice(0, 8), 16) ^ mask) >>> 0).toString(16).padStart(8, '0') +
          uuid.slice(8),
    family: (family) => `${family}${number}`,
    identifier: (value) => (isUuid(value) ? identity(number, sharedUuids).uuid(value) : `${value}-${number}`),
  };
}

/** The bundle's text under an identity. Only texts are exchanged: whatever else is in it stays as it is written. */
export function underIdentity(text: string, facts: BundleFacts, other: Identity): string {
  if (other.number === 1) return text;
  let result = text.replace(UUID, other.uuid);
  for (const family of facts.patient.families) result = result.replaceAll(family, other.family(family));
  for (const [, value] of facts.patient.identifiers) {
    if (!isUuid(value)) {
      result = result.replaceAll(`"${value}"`, `"${other.identifier(value)}"`);
    }
  }
  return result;
}

function isUuid(text: string): boolean {
  return text.length === 36 && text.search(UUID) === 0;
}
