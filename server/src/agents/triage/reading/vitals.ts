import type { Consciousness, Vitals } from '../facts.ts';

type Mutable = { -readonly [Name in keyof Vitals]: Vitals[Name] };

/** What comes between a name and its number. */
const IS = String.raw`\s*(?:rate|level)?\s*(?:is|of|was|at|=|:|-|~|de|es|hai|ہے|ka|کا)?\s*(?:about|around|approx\.?)?\s*`;
const NUMBER = String.raw`(\d{1,3}(?:[.,]\d{1,2})?)`;

const namedNumber = (names: string, rest = ''): RegExp =>
  new RegExp(String.raw`(?<![\p{L}\d])(?:${names})${IS}${NUMBER}(?![\d.,]\d)${rest}`, 'giu');

const HEART_RATE = [
  namedNumber(
    String.raw`hr|h\.r\.?|heart rate|heartrate|pulse(?: rate)?|pr|fc|frecuencia cardiaca|pulso|nabz|نبض|دل کی دہڑکن`,
    String.raw`(?!\s*%)`,
  ),
  /(?<![\d./])(\d{2,3})\s*(?:bpm|beats(?: per minute|\/min)|lpm(?!\s*(?:via|on|by|of|o2|oxygen|nc|nasal|mask|nrb|non))|latidos por minuto)(?![\p{L}])/giu,
  // `T 39 P 120 R 24`: a letter alone is one where both stand beside each other.
  /(?<![\p{L}\d])p\s*[:=]?\s*(\d{2,3})(?=[\s,;/]+r\s*[:=]?\s*\d{1,2}(?![\p{L}\d]))/giu,
];
const RESPIRATORY_RATE = [
  namedNumber(
    String.raw`rr|r\.r\.?|resp(?:iratory)?(?: rate)?|resps?|respirations?|breathing rate|fr|frecuencia respiratoria|سانس کی رفتار`,
  ),
  /(?<![\d./])(\d{1,3})\s*(?:breaths(?: per minute|\/min)?|rpm|respiraciones por minuto)(?![\p{L}])/giu,
  /(?<=(?<![\p{L}\d])p\s*[:=]?\s*\d{2,3}[\s,;/]+)r\s*[:=]?\s*(\d{1,2})(?![\p{L}\d])/giu,
];
const SATURATION = [
  namedNumber(
    String.raw`sp\s?o2|sa\s?o2|o2 ?sats?|sats?|o2 saturation|oxygen(?: saturation)?|saturation|saturacion(?: de oxigeno)?|sato2|pulse ox|oximetry|اکسیجن`,
    String.raw`\s*%?(?!\s*(?:l\b|lpm|litre|liter))`,
  ),
];
const KILOPASCAL =
  /(?<![\d/.,-])(\d{1,2}(?:[.,]\d{1,2})?)\s*\/\s*(\d{1,2}(?:[.,]\d{1,2})?)\s*kpa(?!\p{L})/giu;
const PRESSURE = [
  new RegExp(
    String.raw`(?<![\p{L}\d])(?:bp|b\.p\.?|blood pressure|pressure|t\.?a\.?|pa|presion(?: arterial)?|tension(?: arterial)?|بلڈ پریشر|بی پی)${IS}(\d{2,3})\s*(?:\/|over|sobre|\\)\s*(\d{2,3})`,
    'giu',
  ),
  /(?<![\d/.-])(\d{2,3})\s*\/\s*(\d{2,3})\s*(?:mm\s?hg)?(?![\d/%])/giu,
];
const SYSTOLIC = [
  namedNumber(
    'sbp|systolic(?: bp| blood pressure)?|sistolica|presion sistolica|bp',
    String.raw`(?!\s*(?:\/|over|sobre))`,
  ),
  /(?<![\d./])(\d{2,3})\s*(?:palp|palpable|systolic|\/\s*p(?:alp)?)(?![\p{L}])/giu,
];
const TEMPERATURE = new RegExp(
  String.raw`(?:(?<![\p{L}\d])(?:temp(?:erature)?|temperatura|t|fever(?: of)?|fiebre(?: de)?|bukhar|درجہ حرارت|بخار)${IS})(\d{2,3}(?:[.,]\d{1,2})?)\s*(?:°|º|deg(?:rees)?\.?|grados)?\s*(celsius|fahrenheit|centigrade|centigrados|[cf](?![\p{L}]))?(?![\d/])`,
  'giu',
);
/** Without a name: with a degree sign, a decimal place, or a number that is no age: `72 F` is a woman. */
const BARE_TEMPERATURE =
  /(?<![\d.,/])(?:(\d{2,3}(?:[.,]\d{1,2})?)\s*(?:°|º|deg(?:rees)?\.?|grados)\s*(celsius|fahrenheit|centigrade|centigrados|[cf])?|(\d{2,3}[.,]\d{1,2})\s*([cf])|(?<=\s)(3[4-9]|4[0-3])\s*(c)|(?<=\s)(9[7-9]|10\d|11[0-3])\s*(f)|(\d{2,3})\s*(celsius|fahrenheit|centigrade|centigrados))(?![\p{L}\d])/giu;
const GCS = namedNumber(String.raw`gcs|g\.c\.s\.?|glasgow(?: coma)?(?: scale| score)?|escala de glasgow`);
const GCS_PARTS = /(?<![\p{L}\d])e([1-4])\s*v([1-5])\s*m([1-6])(?!\d)/giu;
const GLUCOSE = new RegExp(
  String.raw`(?<![\p{L}\d])(?:bgl?|bsl|bsr|rbs|cbg|glucose|blood sugar|sugar(?: level)?|glucosa|glucemia|azucar|شوگر)${IS}(\d{1,4}(?:[.,]\d{1,2})?)\s*(mg\s?\/?\s?dl|mmol(?:s)?(?:\s?\/?\s?l)?)?(?![\d/])`,
  'giu',
);
const PAIN = [
  /(?<![\d/]|\d[.,])(10|\d)\s*(?:\/|out of|of|over|de|sobre|میں سے)\s*10(?![\d/]|[.,]\d)/giu,
  /(?<![\p{L}\d])(?:pain(?: score| scale| level)?|dolor|dard|درد)\s*(?:is|=|:)?\s*(10|\d)(?![\d/.,:-]|\s*(?:h|d|m|x|y|day|hour|min|week|dia|hora))/giu,
];
const OXYGEN_FLOW =
  /(?<![\d.,])(\d{1,2}(?:[.,]\d)?)\s*(?:l(?:pm|itres?|iters?)?|litros?)(?:\s*(?:\/|per|por)\s*min(?:ute|uto)?)?\s*(?:of|via|on|by|de|\()?\s*(?:o2|oxygen|oxigeno|nc|nasal|mask|mascarilla|nrb|non-?rebreather|canul)/giu;
const ON_OXYGEN =
  /(?<!\p{L})(?:on|with|needs|given|con)\s+(?:supplemental\s+)?(?:o2|oxygen|oxigeno)(?!\s*(?:sat|de\b))(?!\p{L})|non-?rebreather|\bbipap\b|\bcpap\b|nasal cannula|canula nasal/giu;
const ROOM_AIR = /(?<!\p{L})(?:room air|on air|\(?ra\)?|aire ambiente)(?!\p{L})/giu;

const AVPU = /(?<!\p{L})avpu\s*(?:is|=|:|-)?\s*(alert|voice|verbal|pain|unresponsive|[acvpu])(?!\p{L})/giu;
const CONSCIOUSNESS: readonly (readonly [Consciousness, RegExp])[] = [
  [
    'P',
    /(?<!\p{L})(?:responds?|responsive|responding|reacts?|responde)\s*(?:only)?\s*(?:to|al?)\s*(?:el\s*)?(?:pain|dolor)/giu,
  ],
  [
    'V',
    /(?<!\p{L})(?:responds?|responsive|responding|reacts?|responde)\s*(?:only)?\s*(?:to|al?|a la)\s*(?:la\s*)?(?:voice|verbal|voz)/giu,
  ],
];

/** What a measurement can be: other numbers are misread, or written wrongly. */
const PLAUSIBLE = {
  heartRate: [10, 350],
  respiratoryRate: [1, 120],
  systolic: [30, 300],
  diastolic: [10, 220],
  temperature: [20, 45],
  oxygenSaturation: [30, 100],
  oxygenFlow: [0.1, 80],
  gcs: [3, 15],
  glucose: [5, 2000],
  pain: [0, 10],
} as const satisfies Partial<Record<keyof Vitals, readonly [number, number]>>;

export type MeasuredVital = keyof typeof PLAUSIBLE;

/** Whether a value can be one of a living person's. */
export function isPlausible(name: MeasuredVital, value: number): boolean {
  const [low, high] = PLAUSIBLE[name];
  return value >= low && value <= high;
}

/** `heart rate 900` */
export function doubtOf(name: MeasuredVital, value: number): string {
  return `${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)} ${value}`;
}

/** `F` and `C` as they are written; without one, what is above 45 is Fahrenheit: nobody has 45 degrees Celsius. */
export function celsius(value: number, unit: string | undefined): number {
  const fahrenheit = unit === undefined || unit === '' ? value > 45 : /^f/i.test(unit);
  return fahrenheit ? Math.round(((value - 32) / 1.8) * 10) / 10 : value;
}

/** mg/dL of glucose: without a unit, what is below 35 is in mmol/L. */
export function milligrams(value: number, unit: string | undefined): number {
  const isMolar = unit === undefined || unit === '' ? value < 35 : /^mmol/i.test(unit);
  return isMolar ? Math.round(value * 18.016) : value;
}

/** Millimetres of mercury. @param unit `kPa`, else mmHg */
export function mercury(value: number, unit: string | undefined): number {
  return unit?.toLowerCase() === 'kpa' ? Math.round(value * 7.50062) : value;
}

/** What was measured, and what was written as if it had been and cannot be. */
export interface Measured {
  readonly vitals: Vitals;
  /** Names and values, for people: somebody must measure again. */
  readonly doubtful: readonly string[];
}

/**
 * The vital signs that a text tells, in units of {@link Vitals}. Where it tells one several times the last counts: it is
 * the newest. What cannot be a measurement is no vital sign, but is told of.
 * @param text as normalize() gives it
 */
export function readVitals(text: string): Measured {
  const found: Mutable = {};
  const doubtful: string[] = [];
  const put = (name: MeasuredVital, value: number | undefined): void => {
    if (value === undefined) return;
    if (isPlausible(name, value)) found[name] = value;
    else doubtful.push(doubtOf(name, value));
  };
  const metric = last(text, KILOPASCAL);
  const pressure = metric ?? last(text, PRESSURE[0] as RegExp) ?? lastPressure(text);
  if (pressure !== undefined) {
    const [high, low] = pressure
      .slice(1, 3)
      .map((one) => mercury(Number(one.replace(',', '.')), metric && 'kPa')) as [number, number];
    if (high > low) {
      put('systolic', high);
      put('diastolic', low);
    } else doubtful.push(`blood pressure ${high}/${low}`);
  } else put('systolic', number(lastOf(text, SYSTOLIC)));
  put('heartRate', number(lastOf(text, HEART_RATE)));
  put('respiratoryRate', number(lastOf(text, RESPIRATORY_RATE)));
  put('oxygenSaturation', number(lastOf(text, SATURATION)));
  const named = last(text, TEMPERATURE);
  const [, value, unit] = named ?? last(text, BARE_TEMPERATURE)?.filter((one) => one !== undefined) ?? [];
  const degrees = value === undefined ? undefined : celsius(Number(value.replace(',', '.')), unit);
  // `T 12` may be a vertebra, 120° an angle: doubted is only what clearly is meant as a temperature.
  const isMeant = unit !== undefined || /^(?:temp|fever|fiebre|bukhar|درجہ|بخار)/iu.test(named?.[0] ?? '');
  if (degrees !== undefined && (isMeant || isPlausible('temperature', degrees))) put('temperature', degrees);
  const parts = last(text, GCS_PARTS);
  put(
    'gcs',
    parts === undefined ? number(last(text, GCS)) : Number(parts[1]) + Number(parts[2]) + Number(parts[3]),
  );
  const glucose = last(text, GLUCOSE);
  if (glucose !== undefined) put('glucose', milligrams(number(glucose) as number, glucose[2]));
  put('pain', number(lastOf(text, PAIN)));
  const flow = last(text, OXYGEN_FLOW);
  put('oxygenFlow', number(flow));
  if (flow !== undefined || last(text, ON_OXYGEN) !== undefined) found.onOxygen = true;
  else if (last(text, ROOM_AIR) !== undefined) found.onOxygen = false;
  const consciousness = consciousnessIn(text);
  if (consciousness !== undefined) found.consciousness = consciousness;
  return { vitals: found, doubtful };
}

function consciousnessIn(text: string): Consciousness | undefined {
  const told = last(text, AVPU)?.[1]?.[0]?.toUpperCase();
  if (told !== undefined) return told as Consciousness;
  return CONSCIOUSNESS.find(([, pattern]) => last(text, pattern) !== undefined)?.[0];
}

/** A pair of numbers without a name is a pressure where it can be one: a date or a pain score is none. */
function lastPressure(text: string): RegExpMatchArray | undefined {
  return [...text.matchAll(PRESSURE[1] as RegExp)].findLast(([, high, low]) => {
    const [systolic, diastolic] = [Number(high), Number(low)];
    return systolic >= 50 && systolic > diastolic && diastolic >= 20;
  });
}

function last(text: string, pattern: RegExp): RegExpMatchArray | undefined {
  return [...text.matchAll(pattern)].at(-1);
}

function lastOf(text: string, patterns: readonly RegExp[]): RegExpMatchArray | undefined {
  for (const pattern of patterns) {
    const found = last(text, pattern);
    if (found !== undefined) return found;
  }
  return undefined;
}

function number(match: RegExpMatchArray | undefined): number | undefined {
  return match === undefined ? undefined : Number(match[1]?.replace(',', '.'));
}
