import type { Sex } from '../facts.ts';

const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^(?:y|yo|y\/o|yr|yrs|year|years|ano|anos|saal|sal|سال|برس)$/u, 1],
  [/^(?:m|mo|mos|m\/o|mth|mths|month|months|mes|meses|mahine|maheene|mah|ماہ|مہینے|مہینہ)$/u, 12],
  [/^(?:w|wk|wks|week|weeks|semana|semanas|hafte|ہفتے|ہفتہ)$/u, 365.25 / 7],
  [/^(?:d|day|days|dia|dias|din|دن)$/u, 365.25],
];
const UNIT =
  'y/o|years?|yrs?|yo|y|months?|mths?|mos?|m|weeks?|wks?|w|days?|d|anos?|meses|mes|semanas?|dias?|saal|sal|mahine|maheene|mah|hafte|din|سال|برس|ماہ|مہینے|مہینہ|ہفتے|ہفتہ|دن';
const OLD = String.raw`(?:\s*-?\s*(?:old|of age|de edad|ka|ki|ke|کا|کی|کے)(?!\p{L}))`;

/** `62 years old`, `3 week old`, `2 meses de edad`. */
const WITH_OLD = new RegExp(String.raw`(?<![\d./])(\d{1,3}(?:\.5)?)\s*-?\s*(${UNIT})${OLD}`, 'giu');
/** `age 62`, `aged: 5 months`, `edad 62`, `عمر 62`. */
const WITH_AGE = new RegExp(
  String.raw`(?<!\p{L})(?:aged?|edad|umar|umr|عمر)\s*(?:is|=|:|-|de)?\s*(\d{1,3})\s*(${UNIT})?(?!\p{L})`,
  'giu',
);
/** `4yo`, `9mo f`: shorthand that means nothing else. What is `6mo` without a sex may be a duration. */
const YO = /(?<![\p{L}\d./]|\blas )(\d{1,3})\s*-?\s*(yo|y\/o)(?![\p{L}])/giu;
const MO =
  /(?<![\p{L}\d./])(\d{1,2})\s*-?\s*(mo|mos|m\/o)(?=\s*,?\s*(?:m|f|male|female|boy|girl|infant|baby|child)(?!\p{L}))|^\s*(\d{1,2})(mo)(?!\p{L})/giu;
/** `62M`, `62 yo`, `62 y female`, `62/M`, `mujer de 62 anos`: not a duration. */
const SHORT =
  /(?<![\p{L}\d./])(\d{1,3})\s*-?\s*(?:(yo|y\/o|yrs?|years?|y|anos?|saal|سال)\s*(?=$|[,;.\n]|\/?\s*(?:m|f|male|female|man|woman|boy|girl|hombre|mujer|varon|mard|aurat|مرد|عورت)(?!\p{L}))|\s*\/?\s*(?=(?:m|f|male|female|man|woman|boy|girl|hombre|mujer|varon|mard|aurat|مرد|عورت)(?!\p{L})))/giu;
const OF_AGE = new RegExp(
  String.raw`(?:hombre|mujer|varon|nino|nina|bebe|paciente|man|woman|boy|girl|male|female|child|baby|infant)\s*(?:de|of|,)?\s*(\d{1,3})\s*(${UNIT})?(?!\p{L})`,
  'giu',
);
/** A number that begins the text, alone before a comma: `62, crushing chest pain`. */
const FIRST = /^\s*(\d{1,3})\s*(?=[,;\n]|$)/gu;
/** Ages that are looked at; more are a list of something else. */
const MOST_AGES = 4;
const NEWBORN = /(?<!\p{L})(?:newborn|neonate|recien nacid[oa]|nau-?zaeeda|نوزاییدہ|نومولود)(?!\p{L})/giu;

const SEXES: readonly (readonly [Sex, RegExp])[] = [
  [
    'female',
    /(?<![\p{L}'])(?:female|woman|girl|lady|she|her|mujer|femenin[oa]|nina|senora|ella|aurat|khatoon|larki|عورت|خاتون|لڑکی)(?!\p{L})|(?<![\d.,])(?:[0-8]?\d|9[0-6])\s*(?:y|yo|yrs?|years?)?\s*\/?\s*f(?![\p{L}\d])/giu,
  ],
  [
    'male',
    /(?<![\p{L}'])(?:male|man|boy|gentleman|he|his|him|hombre|masculin[oa]|varon|nino|senor|el paciente|mard|aadmi|admi|larka|مرد|ادمی|لڑکا)(?!\p{L})|(?<![\d.,])\d{1,3}\s*(?:y|yo|yrs?|years?)?\s*\/?\s*m(?![\p{L}\d])/giu,
  ],
];

const PREGNANT =
  /(?<!\p{L})(?:pregnan(?:t|cy)|gravid|gestation|weeks pregnant|embarazad[ae]|embarazo|gestante|hamila|haamla|hamal|حاملہ|حمل)(?!\p{L})|\bg\d+\s?p\d+\b/giu;
const NOT_PREGNANT =
  /(?<!\p{L})(?:not|no|nahi|isn't|no esta)\s+(?:currently\s+)?(?:pregnant|embarazada|hamila)|(?:hamila|حاملہ|pregnant)\s+(?:nahi|nahin|نہیں)|pregnancy test (?:is )?negative|negative pregnancy/giu;

/** Who a text is about, as far as triage goes by it. @param text as normalize() gives it */
export function readPerson(text: string): {
  age?: number;
  ages?: readonly number[];
  sex?: Sex;
  pregnant?: boolean;
} {
  const ages = agesIn(text);
  const [age] = ages;
  // Where both words stand, the one that comes first is the patient's: the other is who came along.
  const sex = SEXES.map(([code, pattern]) => ({ code, at: text.matchAll(pattern).next().value?.index }))
    .filter((one): one is { code: Sex; at: number } => one.at !== undefined)
    .sort((a, b) => a.at - b.at)[0]?.code;
  const isDenied = has(text, NOT_PREGNANT);
  const pregnant = isDenied ? false : has(text, PREGNANT) ? true : undefined;
  return {
    ...(age === undefined ? {} : { age }),
    ...(ages.length > 1 ? { ages } : {}),
    ...(sex === undefined ? {} : { sex }),
    ...(pregnant === undefined ? {} : { pregnant }),
  };
}

/** The ages that a text tells, in the order of how sure they are. */
function agesIn(text: string): number[] {
  const found = new Set<number>();
  for (const pattern of [WITH_OLD, WITH_AGE, YO, MO, SHORT, OF_AGE, FIRST]) {
    for (const { index, 0: whole, ...groups } of text.matchAll(pattern)) {
      const [value, unit] = [groups[1] ?? groups[3], groups[2] ?? groups[4]];
      const next = text[index + whole.length];
      // `101F` is a temperature, `4 m` a height.
      const isTemperature = index > 0 && Number(value) >= 97 && next === 'f';
      const isLength =
        pattern === SHORT && unit === undefined && Number(value) < 16 && /\s$/.test(whole) && next === 'm';
      const age =
        isTemperature || (isLength && !isWord(text, index + whole.length))
          ? undefined
          : yearsOf(Number(value), unit);
      if (age !== undefined && found.size < MOST_AGES) found.add(age);
    }
  }
  if (found.size === 0 && has(text, NEWBORN)) found.add(0.01);
  return [...found];
}

/** Whether more than a letter begins at a place. */
const isWord = (text: string, at: number): boolean => /^\p{L}{2}/u.test(text.slice(at, at + 4));

/** Without a unit it is years. */
function yearsOf(value: number, unit: string | undefined): number | undefined {
  const divisor = unit === undefined ? 1 : UNITS.find(([pattern]) => pattern.test(unit))?.[1];
  if (divisor === undefined) return undefined;
  const years = value / divisor;
  return years <= 125 ? years : undefined;
}

function has(text: string, pattern: RegExp): boolean {
  return !text.matchAll(pattern).next().done;
}
