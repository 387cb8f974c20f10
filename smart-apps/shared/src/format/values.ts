import type {
  Address,
  CodeableConcept,
  Coding,
  Dosage,
  HumanName,
  Quantity,
  Range,
  Reference,
  ValueElements,
} from '../fhir/types.ts';
import { dateText, periodText } from './dates.ts';

/** The name that a person goes by: usual, official, then any; temporary ones last (R4 valueset-name-use.html). */
export function nameText(names: readonly HumanName[] | undefined): string | undefined {
  const order = ['usual', 'official', undefined, 'nickname', 'anonymous', 'temp', 'maiden', 'old'];
  const rank = ({ use }: HumanName) => {
    const at = order.indexOf(use);
    return at < 0 ? order.length : at;
  };
  const [best] = (names ?? []).toSorted((a, b) => rank(a) - rank(b));
  if (best === undefined) return undefined;
  const parts = [...(best.prefix ?? []), ...(best.given ?? []), best.family, ...(best.suffix ?? [])];
  return best.text ?? (parts.filter(Boolean).join(' ') || undefined);
}

/**
 * What a coded concept means, in words: its text, else the display of the first coding that has one, without what is
 * only for those who code.
 */
export function conceptText(concept: CodeableConcept | undefined): string | undefined {
  const codings = concept?.coding ?? [];
  return concept?.text ?? codingText(codings.find(({ display }) => display !== undefined) ?? codings[0]);
}

export function conceptsText(concepts: readonly CodeableConcept[] | undefined): string | undefined {
  const texts = (concepts ?? []).map(conceptText).filter((text) => text !== undefined);
  return texts.length === 0 ? undefined : texts.join(', ');
}

/** A coding in words: SNOMED CT's names without their semantic tag, LOINC's without the kind of property. */
export function codingText(coding: Coding | undefined): string | undefined {
  const { system, code, display } = coding ?? {};
  if (display === undefined) return code;
  if (system === 'http://snomed.info/sct') return display.replace(/ \([a-z /]+\)$/, '');
  if (system === 'http://loinc.org') return display.replace(/ \[[^\]]*\](?= in | by | of |$)/, '');
  return display;
}

/** Whether a concept has a code; of a system, if one is named. */
export function hasCode(concept: CodeableConcept | undefined, code: string, system?: string): boolean {
  return (concept?.coding ?? []).some(
    (one) => one.code === code && (system === undefined || one.system === system),
  );
}

/** UCUM codes that people write otherwise. */
const UNITS: Readonly<Record<string, string>> = {
  'mm[Hg]': 'mmHg',
  Cel: '°C',
  '[degF]': '°F',
  '[lb_av]': 'lb',
  '[in_i]': 'in',
  '/min': '/min',
  '{score}': '',
  '1': '',
};

export function quantityText(quantity: Quantity | undefined, language: string): string | undefined {
  if (quantity?.value === undefined) return undefined;
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 4 }).format(quantity.value);
  const unit = quantity.unit ?? quantity.code ?? '';
  const shown = UNITS[unit] ?? UNITS[quantity.code ?? ''] ?? unit;
  return [`${quantity.comparator ?? ''}${number}`, shown].filter(Boolean).join(shown === '%' ? '' : ' ');
}

export function rangeText(range: Range | undefined, language: string): string | undefined {
  const [low, high] = [range?.low, range?.high].map((one) => quantityText(one, language));
  if (low !== undefined && high !== undefined) return `${low} – ${high}`;
  return low !== undefined ? `≥ ${low}` : high !== undefined ? `≤ ${high}` : undefined;
}

/** Any `value[x]` in words. @param words for yes and no */
export function valueText(
  value: ValueElements,
  language: string,
  words: { yes: string; no: string },
): string | undefined {
  if (value.valueQuantity !== undefined) return quantityText(value.valueQuantity, language);
  if (value.valueCodeableConcept !== undefined) return conceptText(value.valueCodeableConcept);
  if (value.valueBoolean !== undefined) return value.valueBoolean ? words.yes : words.no;
  const number = value.valueInteger ?? value.valueDecimal;
  if (number !== undefined) return new Intl.NumberFormat(language).format(number);
  if (value.valueRange !== undefined) return rangeText(value.valueRange, language);
  if (value.valueRatio !== undefined) {
    const { numerator, denominator } = value.valueRatio;
    return [numerator, denominator].map((one) => quantityText(one, language) ?? '?').join(' / ');
  }
  const date = value.valueDateTime ?? value.valueDate;
  if (date !== undefined) return dateText(date, language);
  if (value.valuePeriod !== undefined) return periodText(value.valuePeriod, language);
  return value.valueString ?? value.valueTime;
}

/** How a medicine is to be taken, as the prescriber wrote it, or put together from dose, route and times. */
export function dosageText(dosages: readonly Dosage[] | undefined, language: string): string | undefined {
  const texts = (dosages ?? []).map((dosage) => {
    if (dosage.patientInstruction !== undefined || dosage.text !== undefined)
      return dosage.patientInstruction ?? dosage.text;
    const [rate] = dosage.doseAndRate ?? [];
    const dose = quantityText(rate?.doseQuantity, language) ?? rangeText(rate?.doseRange, language);
    const { frequency, period, periodUnit } = dosage.timing?.repeat ?? {};
    const times =
      conceptText(dosage.timing?.code) ??
      (period === undefined ? undefined : `${frequency ?? 1} × / ${period} ${periodUnit ?? ''}`.trim());
    return [dose, conceptText(dosage.route), times].filter(Boolean).join(', ');
  });
  return texts.filter(Boolean).join('; ') || undefined;
}

export function addressText(address: Address | undefined): string | undefined {
  if (address === undefined) return undefined;
  const { text, line = [], city, state, postalCode, country } = address;
  return (
    text ??
    ([...line, [postalCode, city].filter(Boolean).join(' '), state, country].filter(Boolean).join(', ') ||
      undefined)
  );
}

/** Who or what a reference is about, as far as it says so itself. */
export function referenceText(reference: Reference | undefined): string | undefined {
  return reference?.display ?? reference?.identifier?.value;
}
