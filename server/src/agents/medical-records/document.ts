import { localReference, referenceTo } from '../../fhir/references/literal.ts';
import { isObject } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import type { AgentTools } from '../agent.ts';
import type { Collected, Section } from './collect.ts';
import { compositionOf } from './composition.ts';
import { linkedOf } from './linked.ts';
import { completed } from './required.ts';
import type { Row } from './sections.ts';
import { absentOf, statementFor } from './stand-ins.ts';

const IPS = 'http://hl7.org/fhir/uv/ips';
const PCPR = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActClass', code: 'PCPR' };

/** What a document has besides its rows: who did it, where and with what, and the parts of results. No other Patients. */
export const BESIDE = [
  'CareTeam',
  'Device',
  'Encounter',
  'Goal',
  'ImagingStudy',
  'Location',
  'Medication',
  'MedicationRequest',
  'Observation',
  'Organization',
  'Practitioner',
  'PractitionerRole',
  'RelatedPerson',
  'Specimen',
  'Substance',
] as const;
/** How far references are followed: from an Observation to a PractitionerRole to a Practitioner. */
const STEPS = 2;

export interface DocumentContext {
  readonly fhir: Pick<AgentTools, 'searchAll'>;
  readonly baseUrl: string;
  readonly patient: Resource;
  readonly author: Resource;
  readonly now: Date;
  readonly idFor: (name: string) => string;
}

/**
 * The International Patient Summary as a document (Bundle-uv-ips of IPS 1.1.0 and 2.0.0): Composition, Patient, author, all
 * that the sections name and what these refer to, as far as it is open. Where a section that the profile requires has no
 * rows, a resource says that nothing is known (IPS 1 wants an entry there, IPS 2 allows it); what the profiles require of a
 * resource and nobody has recorded is said to be unknown.
 */
export async function documentOf(collected: Collected, context: DocumentContext): Promise<Resource> {
  const { sections } = collected;
  const { patient, author, now, baseUrl, idFor } = context;
  const subject = referenceTo(patient);
  const rows = sections.flatMap((section) => section.rows);
  const beside = await besides(collected, context);
  const standIns = new Map<Section | Row, Resource>();
  for (const section of sections) {
    const made = section.rows.length === 0 ? absentOf(section, subject, idFor) : undefined;
    if (made !== undefined) standIns.set(section, made);
  }
  for (const row of rows) {
    const made = statementFor(row.resource, subject, idFor);
    if (made !== undefined) standIns.set(row, made);
  }
  const custodian = localReference(patient['managingOrganization']);
  const id = idFor('composition');
  const page = compositionOf(
    sections,
    {
      id,
      subject,
      subjectName: personName(patient),
      author: referenceTo(author),
      now,
      title: 'International Patient Summary',
      more: {
        identifier: uuid(id),
        ...(custodian !== undefined && beside.has(custodian) ? { custodian: { reference: custodian } } : {}),
        event: [{ code: [{ coding: [PCPR] }], period: { end: now.toISOString() } }],
      },
      beside: [patient, ...beside.values()],
    },
    (section) => [standIns.get(section)].filter((one) => one !== undefined),
    (row) => standIns.get(row) ?? row.resource,
  );
  const labels = isObject(page['meta']) ? page['meta'] : {};
  const profile = (name: string): string[] => [`${IPS}/StructureDefinition/${name}-uv-ips`];
  const all = [
    { ...page, meta: { ...labels, profile: profile('Composition') } } as Resource,
    completed(patient),
    author,
    ...rows.map(({ resource }) => completed(resource)),
    ...[...standIns.values(), ...beside.values()].map(completed),
  ];
  const distinct = new Map(all.map((one) => [referenceTo(one), one]));
  return {
    resourceType: 'Bundle',
    id: idFor('document'),
    meta: { ...labels, profile: profile('Bundle') },
    identifier: uuid(idFor('document')),
    type: 'document',
    timestamp: now.toISOString(),
    entry: [...distinct].map(([reference, resource]) => ({ fullUrl: `${baseUrl}/${reference}`, resource })),
  };
}

const uuid = (id: string) => ({ system: 'urn:ietf:rfc:3986', value: `urn:uuid:${id}` });

/** What the patient and the rows refer to, step by step. */
async function besides(
  { sections, linked }: Collected,
  { fhir, patient, author }: DocumentContext,
): Promise<Map<string, Resource>> {
  const types = new Set<string>(BESIDE);
  const rows = sections.flatMap((section) => section.rows.map(({ resource }) => resource));
  const inside = new Set([patient, author, ...rows].map(referenceTo));
  const found = new Map([...linked].filter(([reference]) => !inside.has(reference)));
  let last: readonly Resource[] = [patient, ...rows, ...found.values()];
  for (let step = 0; step < STEPS && last.length > 0; step++) {
    const more = await linkedOf(fhir, last, types, new Set([...inside, ...found.keys()]));
    for (const [reference, resource] of more) found.set(reference, resource);
    last = [...more.values()];
  }
  return found;
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
