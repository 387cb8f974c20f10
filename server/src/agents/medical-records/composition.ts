import { referenceTo } from '../../fhir/references/literal.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { Section } from './collect.ts';

const LOINC = 'http://loinc.org';
const EMPTY_REASON = 'http://terminology.hl7.org/CodeSystem/list-empty-reason';
const XHTML = 'http://www.w3.org/1999/xhtml';

/** What a Composition says of itself. */
export interface Heading {
  readonly id: string;
  /** `Patient/id` */
  readonly subject: string;
  readonly subjectName: string;
  /** `Device/id` of the agent. */
  readonly author: string;
  readonly encounter?: string | undefined;
  readonly now: Date;
}

/**
 * The page as a Composition (R4 composition.html): for each section a table in words, each row with the resource that says
 * it, and these as entries.
 * @param entries references of what stands in for rows where a section has none; otherwise it says why it is empty
 */
export function compositionOf(
  sections: readonly Section[],
  { id, subject, subjectName, author, encounter, now }: Heading,
  entries: (section: Section) => readonly string[] = () => [],
): Resource {
  return {
    resourceType: 'Composition',
    id,
    ...labelsOf(sections),
    text: {
      status: 'generated',
      div: `<div xmlns="${XHTML}"><p>${escaped(`Patient summary of ${subjectName}, ${now.toISOString().slice(0, 16)}Z`)}</p></div>`,
    },
    status: 'final',
    type: { coding: [{ system: LOINC, code: '60591-5', display: 'Patient summary Document' }] },
    subject: { reference: subject },
    ...(encounter === undefined ? {} : { encounter: { reference: encounter } }),
    date: now.toISOString(),
    author: [{ reference: author }],
    title: `Patient summary of ${subjectName}`,
    confidentiality: 'N',
    section: sections
      .filter(
        (section) => section.rows.length > 0 || section.plan.unknown !== undefined || section.isWithheld,
      )
      .map((section) => sectionOf(section, entries(section))),
  };
}

/** The labels of all that it repeats (R4 security-labels.html): who may not read a row may not read the page. */
function labelsOf(sections: readonly Section[]): JsonObject {
  const labels = new Map<string, JsonObject>();
  for (const { resource } of sections.flatMap(({ rows }) => rows)) {
    const { meta } = resource;
    for (const label of isObject(meta) ? objectsOf(meta['security']) : [])
      labels.set(`${String(label['system'])}|${String(label['code'])}`, label);
  }
  return labels.size === 0 ? {} : { meta: { security: [...labels.values()] } };
}

function sectionOf(section: Section, standIns: readonly string[]): JsonObject {
  const { plan, rows, isWithheld } = section;
  const references = rows.length > 0 ? rows.map(({ resource }) => referenceTo(resource)) : standIns;
  return {
    title: plan.title,
    code: { coding: [{ system: LOINC, code: plan.code, display: plan.display }] },
    text: { status: 'generated', div: narrativeOf(section) },
    ...(references.length > 0
      ? { entry: references.map((reference) => ({ reference })) }
      : {
          emptyReason: {
            coding: [{ system: EMPTY_REASON, code: isWithheld ? 'withheld' : 'unavailable' }],
          },
        }),
  };
}

/** A table: the columns of the section, and where each row comes from. */
function narrativeOf({ plan, rows, isWithheld, isCut }: Section): string {
  if (rows.length === 0) {
    const reason = isWithheld ? 'Not open to who asked' : (plan.unknown?.display ?? 'None recorded');
    return `<div xmlns="${XHTML}"><p>${escaped(reason)}</p></div>`;
  }
  const row = (tag: 'th' | 'td', cells: readonly string[]) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const body = rows.map(({ cells, resource }) => row('td', [...cells, referenceTo(resource)]));
  const rest = isCut ? `<p>The record has more than these ${rows.length}.</p>` : '';
  return `<div xmlns="${XHTML}"><table><thead>${row('th', [...plan.columns, 'Source'])}</thead><tbody>${body.join('')}</tbody></table>${rest}</div>`;
}

function escaped(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      // Characters that XML 1.0 does not have.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
      .toWellFormed()
  );
}
