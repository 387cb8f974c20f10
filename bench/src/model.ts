import { readFileSync } from 'node:fs';
import type { ObservationFacts } from './synthea/facts.ts';
import type { PreparedBundle, PreparedPatient } from './synthea/prepare.ts';

/** A patient as the server has stored it. */
export interface StoredPatient {
  readonly prepared: PreparedPatient;
  /** `Type/id` of each entry of the bundle. */
  readonly references: readonly string[];
  /** Reference and id of the Patient. */
  readonly reference: string;
  readonly id: string;
  readonly families: readonly string[];
  readonly birthDate: string;
  readonly identifiers: readonly (readonly [string, string])[];
  readonly observations: readonly ObservationFacts[];
}

/** What the server has been given: from it follows what each search has to find. */
export interface Model {
  readonly patients: readonly StoredPatient[];
  /** All `Type/id` of the patients' bundles. */
  readonly references: readonly string[];
  /** Resources by type, hospitals and practitioners included. */
  readonly counts: ReadonlyMap<string, number>;
}

interface ResponseBundle {
  readonly type: string;
  readonly entry?: readonly {
    readonly response?: { readonly status?: string; readonly location?: string };
  }[];
}

/**
 * Reads the answer to a bundle of creates, which lies beside the bundle.
 * @returns `Type/id` of each entry
 * @throws Error when an entry was not created
 */
export function createdReferences(bundle: PreparedBundle): string[] {
  const response = JSON.parse(readFileSync(`${bundle.file}.response`, 'utf8')) as ResponseBundle;
  const entries = response.entry ?? [];
  if (entries.length !== bundle.resources) {
    throw new Error(`${bundle.file}: ${entries.length} entries were answered, ${bundle.resources} were sent`);
  }
  return entries.map((entry, index) => {
    const { status, location } = entry.response ?? {};
    const found = /([A-Za-z]+\/[A-Za-z0-9.-]+)\/_history\/1$/.exec(location ?? '');
    if (!status?.startsWith('201') || found === null) {
      throw new Error(
        `${bundle.file}: entry ${index} was not created: ${JSON.stringify(entry).slice(0, 500)}`,
      );
    }
    return found[1]!;
  });
}

/** Makes the model of what was loaded. @throws Error when something was not created, or has another type */
export function buildModel(shared: readonly PreparedBundle[], patients: readonly PreparedPatient[]): Model {
  const counts = new Map<string, number>();
  const count = (reference: string) => {
    const type = reference.slice(0, reference.indexOf('/'));
    counts.set(type, (counts.get(type) ?? 0) + 1);
    return type;
  };
  for (const bundle of shared) createdReferences(bundle).forEach(count);
  const stored = patients.map((prepared) => {
    const { facts } = prepared.patient;
    const references = createdReferences(prepared);
    for (const [index, reference] of references.entries()) {
      if (count(reference) !== facts.types[index])
        throw new Error(`${reference} should be a ${facts.types[index]}`);
    }
    const reference = references[facts.patient.index]!;
    return {
      prepared,
      references,
      reference,
      id: reference.slice('Patient/'.length),
      families: facts.patient.families.map(prepared.identity.family),
      birthDate: facts.patient.birthDate,
      identifiers: facts.patient.identifiers.map(
        ([system, value]) => [system, prepared.identity.identifier(value)] as const,
      ),
      observations: facts.observations,
    };
  });
  return { patients: stored, references: stored.flatMap(({ references }) => references), counts };
}
