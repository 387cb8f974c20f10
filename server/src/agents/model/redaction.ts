/** What stands in the place of what was taken out; the same value has the same mark throughout. */
export type RedactionKind = 'NAME' | 'EMAIL' | 'PHONE' | 'ID' | 'URL' | 'ADDRESS' | 'DATE' | 'PLACE';

export interface Redacted {
  /** `[NAME-1] says ...` */
  readonly text: string;
  /** What the marks stand for: kept here, never sent. */
  readonly marks: ReadonlyMap<string, string>;
}

/** What is known of the people whom a text may be about. */
export interface KnownValues {
  /** Parts of names. */
  readonly names?: readonly string[];
  /** Identifiers, telephone numbers, addresses, as resources have them. */
  readonly values?: readonly { readonly kind: RedactionKind; readonly value: string }[];
}

/** Titles that tell that a name follows. */
const TITLE = String.raw`(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sr|Sra|Señor|Señora|Herr|Frau|Begum|Sahib|Maulana)\.?`;
const WORD = String.raw`\p{Lu}[\p{L}\p{M}'’\-]+`;

/** In this order: what is longer and surer comes first. */
const PATTERNS: readonly (readonly [RedactionKind, RegExp])[] = [
  ['URL', /\bhttps?:\/\/[^\s<>"')]+/giu],
  ['EMAIL', /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/giu],
  ['ID', /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/giu],
  // FHIR references to people.
  ['ID', /\b(?:Patient|RelatedPerson|Practitioner|Person|PractitionerRole)\/[A-Za-z0-9\-.]{1,64}/gu],
  // US social security, Pakistani CNIC, UK NHS number.
  ['ID', /\b\d{3}-\d{2}-\d{4}\b|\b\d{5}-\d{7}-\d\b|\b\d{3} \d{3} \d{4}\b/gu],
  [
    'ID',
    /\b(?:MRN|SSN|CNIC|NHS|NHI|passport|policy|member|account|record)(?:\s*(?:no|number|nr|id|#))?\.?\s*[:#=]?\s*(?=[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9-]{3,}/giu,
  ],
  [
    'DATE',
    /\b(?:born|dob|date of birth|birth ?date)\s*(?:on|:|is|=)?\s*[^\s,;]+(?:\s\p{L}{3,9}\.?,?\s\d{4})?/giu,
  ],
  ['PHONE', /(?<![\p{L}\p{N}/.])(?:\+|00)\d{1,3}[\s.\-/]?(?:\(?\d{1,4}\)?[\s.\-/]?){2,5}\d(?!\d)/gu],
  ['PHONE', /(?<![\p{L}\p{N}/.])\(?\d{3,4}\)?[\s.-]\d{3}[\s.-]?\d{3,4}(?!\d)/gu],
  ['PHONE', /(?<![\p{L}\p{N}/.])0\d{9,10}(?!\d)/gu],
  // Long numbers are somebody's; measurements are short.
  ['ID', /(?<![\p{L}\p{N}.,])\d{7,}(?![\p{N}])/gu],
  [
    'ADDRESS',
    /\b\d{1,5}[A-Za-z]?,?\s(?:\p{Lu}[\p{L}'’-]+\s){1,4}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Court|Ct|Boulevard|Blvd|Way|Place|Pl|Square|Sq|Terrace|Close)\b\.?/gu,
  ],
  ['NAME', new RegExp(String.raw`\b${TITLE}\s+${WORD}(?:\s+${WORD}){0,3}`, 'gu')],
  [
    'NAME',
    new RegExp(
      String.raw`(?<=\b(?:[Mm]y name is|[Nn]ame is|[Nn]amed|[Nn]ame:|I am called|[Pp]atient name:?)\s+)${WORD}(?:\s+${WORD}){0,3}`,
      'gu',
    ),
  ],
];

/**
 * Takes out of a text what tells who somebody is: names, identifiers, contacts, addresses, dates of birth (the direct
 * identifiers of 45 CFR 164.514(b)(2) that free text has). Known values are found whatever they look like; for the rest it
 * goes by patterns and may take out too much rather than too little. Ages, measurements and codes stay.
 */
export function redact(text: string, known: KnownValues = {}): Redacted {
  const marks = new Map<string, string>();
  const byValue = new Map<string, string>();
  const counts = new Map<RedactionKind, number>();
  const mark = (kind: RedactionKind, value: string): string => {
    const key = `${kind} ${value.toLowerCase()}`;
    let made = byValue.get(key);
    if (made === undefined) {
      const number = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, number);
      made = `[${kind}-${number}]`;
      byValue.set(key, made);
      marks.set(made, value);
    }
    return made;
  };
  // A text that brings marks of its own would be given somebody's values when marks are put back.
  let result = text.normalize('NFC').replace(/\[([A-Z]{2,8}-\d+)\]/g, '($1)');
  for (const { kind, value } of knownValues(known)) {
    const pattern = new RegExp(
      String.raw`(?<![\p{L}\p{N}])${RegExp.escape(value.normalize('NFC'))}(?![\p{L}\p{N}])`,
      'giu',
    );
    result = outsideMarks(result, (part) => part.replace(pattern, (found) => mark(kind, found)));
  }
  for (const [kind, pattern] of PATTERNS)
    result = outsideMarks(result, (part) => part.replace(pattern, (found) => mark(kind, found)));
  return { text: result, marks };
}

/** Puts back what was taken out of a text, where an answer repeats the marks. */
export function restore(text: string, { marks }: Pick<Redacted, 'marks'>): string {
  return text.replace(/\[[A-Z]{2,8}-\d+\]/g, (mark) => marks.get(mark) ?? mark);
}

/** Longest first, so that a part of a value does not hide the whole; names of one letter would hide too much. */
function knownValues({ names = [], values = [] }: KnownValues): { kind: RedactionKind; value: string }[] {
  return [...names.map((value) => ({ kind: 'NAME' as const, value })), ...values]
    .map(({ kind, value }) => ({ kind, value: value.trim() }))
    .filter(({ value }) => value.length > 1)
    .sort((a, b) => b.value.length - a.value.length);
}

function outsideMarks(text: string, change: (part: string) => string): string {
  return text
    .split(/(\[[A-Z]{2,8}-\d+\])/)
    .map((part, i) => (i % 2 === 1 ? part : change(part)))
    .join('');
}
