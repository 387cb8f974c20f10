import type { JsonObject } from '../../json/types.ts';
import { code, coding, concept } from '../codes.ts';
import { dateTime, period } from '../dates.ts';
import { asObject, asObjects, asText, type Context, read } from '../element.ts';
import { attachment, identifier, reference, signature } from '../parties.ts';
import { cell, choice, choiceOf, each, made, type Part, row, type Template, table } from '../parts.ts';
import { join, wrap } from '../text.ts';

const identifiers = row('Identifiers', 'identifier', identifier);

const contextRows: readonly Part[] = (
  [
    ['Encounter', cell('encounter', reference)],
    ['Event', cell('event', concept)],
    ['Care given', cell('period', period)],
    ['Facility', cell('facilityType', concept)],
    ['Setting', cell('practiceSetting', concept)],
    ['Source patient', cell('sourcePatientInfo', reference)],
    ['Related to', cell('related', reference)],
  ] as const
).map(([label, ofContext]) =>
  made(label, (document, page) => {
    const element = asObject(document['context']);
    return element === undefined ? undefined : ofContext(element, page);
  }),
);

/** R4 document-relationship-type in words. */
const RELATIONS: Readonly<Record<string, string>> = {
  replaces: 'replaces',
  transforms: 'transforms',
  signs: 'signs',
  appends: 'adds to',
};

export const DocumentReference: Template = {
  title: (document, context) =>
    read(document, 'type', concept, context) ?? read(document, 'description', asText, context),
  parts: [
    row('Status', 'status', code),
    row('Status of the document', 'docStatus', code),
    row('Type', 'type', concept),
    row('Category', 'category', concept),
    row('Description', 'description', asText),
    row('Patient', 'subject', reference),
    row('Date', 'date', dateTime),
    row('Author', 'author', reference),
    row('Authenticated by', 'authenticator', reference),
    row('Kept by', 'custodian', reference),
    table('Content', 'content', [
      ['Document', cell('attachment', attachment)],
      ['Format', cell('format', coding)],
    ]),
    ...contextRows,
    each('Relation', 'relatesTo', (relation, context) => {
      const kind = asText(relation['code']);
      const words = kind !== undefined && Object.hasOwn(RELATIONS, kind) ? RELATIONS[kind] : kind;
      return join(' ', words, read(relation, 'target', reference, context));
    }),
    row('Security', 'securityLabel', concept),
    row('Version identifier', 'masterIdentifier', identifier),
    identifiers,
  ],
};

const agent = (element: JsonObject, context: Context): string | undefined =>
  join(
    ' ',
    read(element, 'who', reference, context),
    wrap(read(element, 'onBehalfOf', reference, context), 'on behalf of ', ''),
  );

export const Provenance: Template = {
  title: cell('activity', concept),
  parts: [
    row('Of', 'target', reference),
    row('Activity', 'activity', concept),
    choice('Happened', 'occurred', 'Period dateTime'),
    row('Recorded', 'recorded', dateTime),
    table('Agents', 'agent', [
      ['Who', agent],
      ['Part taken', cell('type', concept)],
      ['Role', cell('role', concept)],
    ]),
    table('Sources', 'entity', [
      ['What', cell('what', reference)],
      ['Used as', cell('role', code)],
    ]),
    row('Location', 'location', reference),
    row('Reason', 'reason', concept),
    row('Policy', 'policy', asText),
    row('Signature', 'signature', signature),
  ],
};

const ANSWER = choiceOf(
  'value',
  'boolean decimal integer date dateTime time string uri Attachment Coding Quantity Reference',
);

/** How deep the groups of a form are followed. */
const MOST_DEPTH = 20;
/** Most questions that are shown. */
const MOST_QUESTIONS = 300;

/** Questions and answers, each as deep as its group is, in the order of the form. */
const answers: Part = (response, page) => {
  const rows: (string | undefined)[][] = [];
  let left = 0;
  const collect = (parent: JsonObject, depth: number): void => {
    for (const item of asObjects(parent['item'])) {
      if (rows.length >= MOST_QUESTIONS || depth > MOST_DEPTH) {
        left++;
        continue;
      }
      const question = read(item, 'text', asText, page) ?? read(item, 'linkId', asText, page) ?? '';
      const given = asObjects(item['answer']);
      const said = given
        .slice(0, MOST_QUESTIONS)
        .map((answer) => ANSWER(answer, page))
        .filter((text) => text !== undefined)
        .join('; ');
      rows.push([`${'– '.repeat(depth)}${question}`, said]);
      collect(item, depth + 1);
      for (const answer of given) collect(answer, depth + 1);
    }
  };
  collect(response, 0);
  page.table('Answers', ['Question', 'Answer'], rows);
  if (left > 0) page.paragraph('There are more questions than are shown here.');
};

export const QuestionnaireResponse: Template = {
  title: (response, context) => {
    const name = asObject(response['_questionnaire']);
    const display = asObjects(name?.['extension']).find(
      (one) => one['url'] === 'http://hl7.org/fhir/StructureDefinition/display',
    );
    const text = asText(display?.['valueString']);
    if (text !== undefined) context.usesExtensions = true;
    return text;
  },
  parts: [
    row('Status', 'status', code),
    row('Form', 'questionnaire', asText),
    row('About', 'subject', reference),
    row('Answered', 'authored', dateTime),
    row('Answered by', 'source', reference),
    row('Recorded by', 'author', reference),
    row('Encounter', 'encounter', reference),
    row('Ordered by', 'basedOn', reference),
    row('Part of', 'partOf', reference),
    row('Identifier', 'identifier', identifier),
    answers,
  ],
};
