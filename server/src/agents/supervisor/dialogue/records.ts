import type { Query } from '../../../fhir/internal-client.ts';
import { referenceTo } from '../../../fhir/references/literal.ts';
import { isObject, objectsOf } from '../../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../../json/types.ts';
import type { Topic } from '../language/types.ts';
import { type Answer, kept, said, type Turn } from './turn.ts';

const MOST = 20;
const TOLD = 10;

/** Where each topic stands in a record: type, and the search besides the patient. */
const PLACES: Readonly<Record<Topic, readonly (readonly [type: string, query: Query])[]>> = {
  medications: [
    [
      'MedicationRequest',
      [
        ['status', 'active'],
        ['_sort', '-authoredon'],
      ],
    ],
    ['MedicationStatement', [['status', 'active']]],
  ],
  allergies: [['AllergyIntolerance', [['clinical-status', 'active']]]],
  conditions: [
    [
      'Condition',
      [
        ['clinical-status', 'active'],
        ['_sort', '-recorded-date'],
      ],
    ],
  ],
  results: [
    [
      'Observation',
      [
        ['category', 'laboratory'],
        ['_sort', '-date'],
      ],
    ],
  ],
  immunizations: [
    [
      'Immunization',
      [
        ['status', 'completed'],
        ['_sort', '-date'],
      ],
    ],
  ],
};

/** Tells what a record says of a topic: as the asker may see it, with what it was read from. */
export async function tellRecord(turn: Turn, topic: Topic): Promise<Answer> {
  const { context, patient } = turn;
  const found = await Promise.all(
    PLACES[topic].map(([type, query]) =>
      context.fhir.search(type, [['patient', patient], ...query, ['_count', String(MOST)]]),
    ),
  );
  const lines = new Map<string, string>();
  for (const resource of found.flat()) {
    const line = lineOf(turn, resource);
    // The newest of what is told alike.
    if (line !== undefined && !lines.has(line)) lines.set(line, referenceTo(resource));
  }
  const told = [...lines].slice(0, TOLD);
  if (told.length === 0) return { text: said(turn, 'recordNone'), ...kept(turn) };
  return {
    text: [said(turn, 'record'), ...told.map(([line]) => `• ${line}`), said(turn, 'recordAdvice')].join('\n'),
    ...kept(turn),
    about: told.map(([, reference]) => reference),
  };
}

function lineOf({ language }: Turn, resource: Resource): string | undefined {
  const name =
    conceptText(resource['medicationCodeableConcept']) ??
    displayOf(resource['medicationReference']) ??
    conceptText(resource['vaccineCode']) ??
    conceptText(resource['code']);
  if (name === undefined) return undefined;
  const dated = resource['effectiveDateTime'] ?? resource['occurrenceDateTime'];
  const isDated = resource.resourceType === 'Observation' || resource.resourceType === 'Immunization';
  const value = valueText(resource);
  const date = isDated && typeof dated === 'string' ? ` (${dateInWords(dated, language)})` : '';
  return `${name}${value === undefined ? '' : `: ${value}`}${date}`;
}

function conceptText(value: JsonValue | undefined): string | undefined {
  if (!isObject(value)) return undefined;
  const [coding] = objectsOf(value['coding']).filter(({ display }) => typeof display === 'string');
  const text = value['text'] ?? coding?.['display'];
  return typeof text === 'string' ? text : undefined;
}

function displayOf(value: JsonValue | undefined): string | undefined {
  return isObject(value) && typeof value['display'] === 'string' ? value['display'] : undefined;
}

function valueText(resource: JsonObject): string | undefined {
  const quantity = resource['valueQuantity'];
  if (isObject(quantity) && quantity['value'] !== undefined) {
    // JSON keeps the digits as they were stored.
    return `${JSON.stringify(quantity['value'])} ${typeof quantity['unit'] === 'string' ? quantity['unit'] : ''}`.trim();
  }
  const text = resource['valueString'];
  return typeof text === 'string' ? text : conceptText(resource['valueCodeableConcept']);
}

function dateInWords(date: string, language: string): string {
  const day = new Date(date.length >= 10 ? date.slice(0, 10) : date);
  if (Number.isNaN(day.getTime())) return date;
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone: 'UTC' }).format(day);
}
