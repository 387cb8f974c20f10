import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Random } from '../random.ts';
import type { BundleJson } from './facts.ts';
import { type Identity, identity, type Synthea, type SyntheaPatient, underIdentity } from './patients.ts';

/** A bundle that is ready to be sent. */
export interface PreparedBundle {
  /** Path of the JSON text. */
  readonly file: string;
  readonly resources: number;
  readonly bytes: number;
}

/** One patient under one identity. */
export interface PreparedPatient extends PreparedBundle {
  /** Path of the same resources for the insert floor: a line each, `type TAB id TAB content`. */
  readonly rowsFile: string;
  readonly patient: SyntheaPatient;
  readonly identity: Identity;
}

export interface PreparedData {
  readonly shared: readonly PreparedBundle[];
  /** In the order in which they are to be loaded. */
  readonly patients: readonly PreparedPatient[];
  /** Resources in the patients' bundles. */
  readonly resources: number;
  readonly bytes: number;
}

/** The greatest bundle that may stand in the first and the last tenth, where one great bundle would be all of it. */
const GREATEST_AT_THE_ENDS = 1500;

/**
 * Which patients are loaded under which identities, in order: about `target` resources. The first and the last tenth
 * are the same patients under two identities, so that the same work is compared; the order between is random. The last
 * ones become smaller and smaller, so that no connection idles at the end.
 *
 * @param sizes resources of each patient's bundle
 * @returns patient's index and identity's number
 */
export function loadOrder(
  sizes: readonly number[],
  target: number,
  seed: number,
): { patient: number; identity: number }[] {
  const random = new Random(seed);
  const ends: number[] = [];
  let inEnds = 0;
  for (const patient of random.shuffled([...sizes.keys()])) {
    if (inEnds >= target / 10) break;
    if (sizes[patient]! > Math.min(GREATEST_AT_THE_ENDS, target / 10)) continue;
    ends.push(patient);
    inEnds += sizes[patient]!;
  }
  const used = sizes.map((_, patient) => (ends.includes(patient) ? 1 : 0));
  const between: { patient: number; identity: number }[] = [];
  let total = 2 * inEnds;
  while (total < target) {
    let added = false;
    for (const patient of random.shuffled([...sizes.keys()])) {
      if (total >= target) break;
      // A great bundle at the very end of the list would carry the total far over what was asked for.
      if (total + sizes[patient]! > target * 1.03 + 500) continue;
      total += sizes[patient]!;
      between.push({ patient, identity: ++used[patient]! });
      added = true;
    }
    if (!added) break;
  }
  const last = ends
    .toSorted((a, b) => sizes[b]! - sizes[a]!)
    .map((patient) => ({ patient, identity: used[patient]! + 1 }));
  return [...ends.map((patient) => ({ patient, identity: 1 })), ...between, ...last];
}

/**
 * Writes the bundles for a load of about `target` resources, and the same resources for the insert floor.
 * @param directory where to write; made when absent
 */
export function prepareData(synthea: Synthea, target: number, seed: number, directory: string): PreparedData {
  mkdirSync(directory, { recursive: true });
  const shared = synthea.shared.map(({ name, text, resources }) => {
    const file = join(directory, `${name}.json`);
    writeFileSync(file, text);
    return { file, resources, bytes: Buffer.byteLength(text) };
  });
  const order = loadOrder(
    synthea.patients.map((patient) => patient.facts.types.length),
    target,
    seed,
  );
  const patients: PreparedPatient[] = Array.from({ length: order.length });
  const placesOf = Map.groupBy(order.keys(), (place) => order[place]!.patient);
  for (const [index, places] of placesOf) {
    const patient = synthea.patients[index]!;
    // Unpacked once for all its identities.
    const text = gunzipSync(patient.gzipped).toString('utf8');
    for (const place of places) {
      const other = identity(order[place]!.identity, synthea.sharedUuids);
      const bundle = underIdentity(text, patient.facts, other);
      const file = join(directory, `${String(place).padStart(4, '0')}.json`);
      writeFileSync(file, bundle);
      const rowsFile = file.replace(/json$/, 'rows');
      writeFileSync(rowsFile, rowsOf(JSON.parse(bundle) as BundleJson));
      patients[place] = {
        file,
        rowsFile,
        patient,
        identity: other,
        resources: patient.facts.types.length,
        bytes: Buffer.byteLength(bundle),
      };
    }
  }
  return {
    shared,
    patients,
    resources: patients.reduce((sum, { resources }) => sum + resources, 0),
    bytes: patients.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function rowsOf(bundle: BundleJson): string {
  return bundle.entry
    .map(({ resource }) => `${resource.resourceType}\t${resource.id}\t${JSON.stringify(resource)}\n`)
    .join('');
}
