/** A Synthea bundle as far as the benchmark looks into it. */
export interface BundleJson {
  readonly entry: readonly { readonly fullUrl: string; readonly resource: ResourceJson }[];
}

export interface ResourceJson {
  readonly resourceType: string;
  readonly id: string;
  readonly [element: string]: unknown;
}

/** What the searches need to know of one patient's bundle; resources are named by their entry's index. */
export interface BundleFacts {
  readonly types: readonly string[];
  readonly patient: PatientFacts;
  readonly observations: readonly ObservationFacts[];
  readonly encounters: readonly number[];
  /** Indexes of what each Provenance has as target. */
  readonly provenances: readonly { readonly index: number; readonly targets: ReadonlySet<number> }[];
}

export interface PatientFacts {
  readonly index: number;
  readonly families: readonly string[];
  readonly birthDate: string;
  /** System and value. */
  readonly identifiers: readonly (readonly [string, string])[];
}

export interface ObservationFacts {
  readonly index: number;
  /** `system|code`. */
  readonly codes: readonly string[];
  /** Codes of the categories. */
  readonly categories: readonly string[];
  /** effectiveDateTime in epoch milliseconds. */
  readonly date: number;
  /** valueQuantity.value, if it has one. */
  readonly value: number | undefined;
  /** Index of the encounter, -1 for none. */
  readonly encounter: number;
}

interface Coding {
  readonly system: string;
  readonly code: string;
}
interface Concept {
  readonly coding?: readonly Coding[];
}
interface Reference {
  readonly reference?: string;
}

/** Reads the facts of a patient's transaction bundle. @throws Error when it has no patient */
export function factsOf(bundle: BundleJson): BundleFacts {
  const indexes = new Map(bundle.entry.map((entry, index) => [entry.fullUrl, index]));
  const types: string[] = [];
  const observations: ObservationFacts[] = [];
  const encounters: number[] = [];
  const provenances: { index: number; targets: ReadonlySet<number> }[] = [];
  let patient: PatientFacts | undefined;
  for (const [index, { resource }] of bundle.entry.entries()) {
    types.push(resource.resourceType);
    if (resource.resourceType === 'Observation') {
      observations.push({ index, ...observation(resource, indexes) });
    } else if (resource.resourceType === 'Encounter') {
      encounters.push(index);
    } else if (resource.resourceType === 'Provenance') {
      const targets = (resource['target'] as Reference[]).map((target) =>
        indexes.get(target.reference ?? ''),
      );
      provenances.push({ index, targets: new Set(targets.filter((one) => one !== undefined)) });
    } else if (resource.resourceType === 'Patient') {
      patient = {
        index,
        families: (resource['name'] as { family: string }[]).map((name) => name.family),
        birthDate: resource['birthDate'] as string,
        identifiers: (resource['identifier'] as { system: string; value: string }[]).map(
          ({ system, value }) => [system, value] as const,
        ),
      };
    }
  }
  if (patient === undefined) throw new Error('A bundle has no Patient');
  return { types, patient, observations, encounters, provenances };
}

function observation(
  resource: ResourceJson,
  indexes: ReadonlyMap<string, number>,
): Omit<ObservationFacts, 'index'> {
  const concepts = (resource['category'] ?? []) as readonly Concept[];
  return {
    codes: codings(resource['code'] as Concept).map(({ system, code }) => `${system}|${code}`),
    categories: concepts.flatMap((concept) => codings(concept).map(({ code }) => code)),
    date: Date.parse(resource['effectiveDateTime'] as string),
    value: (resource['valueQuantity'] as { value?: number } | undefined)?.value,
    encounter: indexes.get((resource['encounter'] as Reference | undefined)?.reference ?? '') ?? -1,
  };
}

function codings(concept: Concept): readonly Coding[] {
  return concept.coding ?? [];
}
