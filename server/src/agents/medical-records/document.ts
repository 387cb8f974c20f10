import { FhirError } from '../../fhir/outcome.ts';
import { referenceTo } from '../../fhir/references/literal.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { AgentTools } from '../agent.ts';
import type { Section } from './collect.ts';
import { compositionOf } from './composition.ts';

const IPS = 'http://hl7.org/fhir/uv/ips';
const ABSENT = `${IPS}/CodeSystem/absent-unknown-uv-ips`;

export interface DocumentContext {
  readonly fhir: Pick<AgentTools, 'follow'>;
  readonly baseUrl: string;
  readonly patient: Resource;
  readonly author: Resource;
  readonly now: Date;
  readonly idFor: (name: string) => string;
}

/**
 * The International Patient Summary as a document (Bundle-uv-ips): Composition, Patient, author, all that the sections
 * name and the Medications these refer to. Where a section that the profile requires has no rows, a resource says that
 * nothing is known (code system absent-unknown-uv-ips).
 */
export async function documentOf(sections: readonly Section[], context: DocumentContext): Promise<Resource> {
  const { fhir, baseUrl, patient, author, now, idFor } = context;
  const subject = referenceTo(patient);
  const absent = new Map<Section, Resource>();
  for (const section of sections) {
    const made = section.rows.length === 0 ? absentOf(section, subject, idFor) : undefined;
    if (made !== undefined) absent.set(section, made);
  }
  const page = compositionOf(
    sections,
    {
      id: idFor('composition'),
      subject,
      subjectName: personName(patient),
      author: referenceTo(author),
      now,
    },
    (section) => [absent.get(section)].filter((one) => one !== undefined).map(referenceTo),
  );
  const labels = isObject(page['meta']) ? page['meta'] : {};
  const profile = (name: string): string[] => [`${IPS}/StructureDefinition/${name}-uv-ips`];
  const composition: Resource = { ...page, meta: { ...labels, profile: profile('Composition') } };
  const named = sections.flatMap(({ rows }) => rows.map(({ resource }) => resource));
  const medications = await Promise.all(
    [...new Set(named.flatMap(({ medicationReference: medication }) => referredTo(medication)))].map((one) =>
      fhir.follow(one).catch(unlessForbidden),
    ),
  );
  const all = [
    composition,
    patient,
    author,
    ...named,
    ...absent.values(),
    ...medications.filter((one) => one !== undefined),
  ];
  const distinct = new Map(all.map((one) => [referenceTo(one), one]));
  return {
    resourceType: 'Bundle',
    id: idFor('document'),
    meta: { ...labels, profile: profile('Bundle') },
    identifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${idFor('document')}` },
    type: 'document',
    timestamp: now.toISOString(),
    entry: [...distinct].map(([reference, resource]) => ({ fullUrl: `${baseUrl}/${reference}`, resource })),
  };
}

/** What is not open to who asks is left out. */
function unlessForbidden(error: unknown): undefined {
  if (error instanceof FhirError && error.status === 403) return undefined;
  throw error;
}

function referredTo(reference: unknown): string[] {
  const text = isObject(reference as JsonObject) ? (reference as JsonObject)['reference'] : undefined;
  return typeof text === 'string' && /^Medication\/[A-Za-z0-9\-.]{1,64}$/.test(text) ? [text] : [];
}

/** What stands in a required section of which nothing is known; undefined for others, and for what is withheld. */
function absentOf(
  { plan: { name, unknown }, isWithheld }: Section,
  subject: string,
  idFor: (name: string) => string,
): Resource | undefined {
  if (unknown === undefined || isWithheld) return undefined;
  const code = { coding: [{ system: ABSENT, code: unknown.code, display: unknown.display }] };
  const id = idFor(unknown.code);
  const active = (system: string) => ({
    coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code: 'active' }],
  });
  switch (name) {
    case 'allergies':
      return {
        resourceType: 'AllergyIntolerance',
        id,
        clinicalStatus: active('allergyintolerance-clinical'),
        code,
        patient: { reference: subject },
      };
    case 'problems':
      return {
        resourceType: 'Condition',
        id,
        clinicalStatus: active('condition-clinical'),
        code,
        subject: { reference: subject },
      };
    case 'medications':
      return {
        resourceType: 'MedicationStatement',
        id,
        status: 'unknown',
        medicationCodeableConcept: code,
        subject: { reference: subject },
        _effectiveDateTime: {
          extension: [
            {
              url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason',
              valueCode: 'not-applicable',
            },
          ],
        },
      };
    default:
      return undefined;
  }
}

/** A Patient's name in one line. */
export function personName({ name }: Resource): string {
  const names = Array.isArray(name) ? name.filter(isObject) : [];
  const chosen = names.find(({ use }) => use === 'official' || use === 'usual') ?? names[0];
  if (chosen === undefined) return 'an unknown patient';
  if (typeof chosen['text'] === 'string') return chosen['text'];
  const given = Array.isArray(chosen['given']) ? chosen['given'] : [];
  return (
    [...given, chosen['family']].filter((part) => typeof part === 'string').join(' ') || 'an unknown patient'
  );
}
