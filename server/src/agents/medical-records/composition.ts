import { referenceTo } from '../../fhir/references/literal.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { Section } from './collect.ts';
import { confidentialityOf, labelsOf } from './labels.ts';
import type { Row } from './sections.ts';

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
  /** Where it is not the page alone, what a document says besides. */
  readonly title?: string;
  readonly more?: JsonObject;
  /** What it comes with: its labels are the page's too. */
  readonly beside?: readonly Resource[];
}

/**
 * The page as a Composition (R4 composition.html): for each section a table in words, each row with the resource that says
 * it, and these as entries.
 * @param standIns what stands in for rows where a section has none; otherwise it says why it is empty
 * @param entryOf what is the entry of a row; by default the resource that says it
 */
export function compositionOf(
  sections: readonly Section[],
  heading: Heading,
  standIns: (section: Section) => readonly Resource[] = () => [],
  entryOf: (row: Row) => Resource = ({ resource }) => resource,
): Resource {
  const { id, subject, subjectName, author, encounter, now, beside = [] } = heading;
  const title = `Patient summary of ${subjectName}`;
  // Who may not read a row may not read the page.
  const security = labelsOf([
    ...sections.flatMap(({ rows }) => rows.map(({ resource }) => resource)),
    ...beside,
  ]);
  const shown = sections.filter(
    (section) => section.rows.length > 0 || section.plan.unknown !== undefined || section.isWithheld,
  );
  return {
    resourceType: 'Composition',
    id,
    ...(security.length === 0 ? {} : { meta: { security } }),
    text: {
      status: 'generated',
      div: `<div xmlns="${XHTML}"><p>${escaped(`${title}, ${now.toISOString().slice(0, 16)}Z`)}</p></div>`,
    },
    status: 'final',
    type: { coding: [{ system: LOINC, code: '60591-5', display: 'Patient summary Document' }] },
    subject: { reference: subject },
    ...(encounter === undefined ? {} : { encounter: { reference: encounter } }),
    date: now.toISOString(),
    author: [{ reference: author }],
    title: heading.title ?? title,
    confidentiality: confidentialityOf(security),
    ...heading.more,
    section: shown.map((section) =>
      sectionOf(section, section.rows.length > 0 ? section.rows.map(entryOf) : standIns(section)),
    ),
  };
}

function sectionOf(section: Section, entries: readonly Resource[]): JsonObject {
  const { plan, isWithheld } = section;
  return {
    title: plan.title,
    code: {
      coding: [
        {
          system: LOINC,
          code: plan.code,
          ...(plan.display === undefined ? {} : { display: plan.display }),
        },
      ],
    },
    text: { status: 'generated', div: narrativeOf(section) },
    ...(entries.length > 0
      ? { entry: entries.map((one) => ({ reference: referenceTo(one) })) }
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
