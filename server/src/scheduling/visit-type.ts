import { numberOf } from '../json/exact-number.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { VISIT_TYPE } from './terms.ts';

/** What a visit of a kind takes; times in minutes. */
export interface VisitType {
  /** CodeableConcept, as the Appointment's serviceType or appointmentType tells it. */
  readonly code: JsonObject | undefined;
  readonly duration: number;
  /** Time that the practitioner and the resources need before and after, when nobody else can come. */
  readonly bufferBefore: number;
  readonly bufferAfter: number;
  /** Visits begin at multiples of this after the hour. */
  readonly alignment: number;
  /** Groups of places and devices: one of each group is needed for the whole visit. References `Type/id`. */
  readonly resources: readonly (readonly string[])[];
  /** Nobody has stated how long it is: a free Slot that is stored is a visit as it is. */
  readonly isPlain?: true;
}

/** What a visit takes where no service says it. */
export const PLAIN_VISIT: VisitType = {
  code: undefined,
  duration: 30,
  bufferBefore: 0,
  bufferAfter: 0,
  alignment: 15,
  resources: [],
  isPlain: true,
};

/** UCUM units of time that a Duration may have here, in minutes. */
const UNITS: Readonly<Record<string, number>> = { s: 1 / 60, min: 1, h: 60 };
/** Longest visit, in minutes. */
const LONGEST = 24 * 60;

/** The kinds of visits that a HealthcareService offers; none where it tells of none. Those without a duration are passed over. */
export function visitTypesOf(service: JsonObject): VisitType[] {
  return objectsOf(service['extension']).flatMap((extension) => {
    if (extension['url'] !== VISIT_TYPE) return [];
    const parts = objectsOf(extension['extension']);
    const part = (url: string) => parts.find((one) => one['url'] === url);
    const minutes = (url: string) => minutesOf(part(url)?.['valueDuration']);
    const duration = minutes('duration');
    if (duration === undefined || duration < 1 || duration > LONGEST) return [];
    const code = part('code')?.['valueCodeableConcept'];
    return [
      {
        code: isObject(code) ? code : undefined,
        duration,
        bufferBefore: minutes('bufferBefore') ?? 0,
        bufferAfter: minutes('bufferAfter') ?? 0,
        alignment: Math.max(1, minutes('alignment') ?? Math.min(duration, 15)),
        resources: parts.filter((one) => one['url'] === 'resource').map(candidatesOf),
      },
    ];
  });
}

/** The kind of visit that a code (`code` or `system|code`) names; undefined when the service has none such. */
export function visitTypeOf(types: readonly VisitType[], asked: string): VisitType | undefined {
  const bar = asked.indexOf('|');
  const system = bar < 0 ? undefined : asked.slice(0, bar);
  const code = asked.slice(bar + 1);
  return types.find((type) =>
    objectsOf(type.code?.['coding']).some(
      (coding) => coding['code'] === code && (system === undefined || (coding['system'] ?? '') === system),
    ),
  );
}

function candidatesOf(group: JsonObject): string[] {
  return objectsOf(group['extension']).flatMap((one) => {
    const reference = isObject(one['valueReference']) ? one['valueReference']['reference'] : undefined;
    return one['url'] === 'candidate' && typeof reference === 'string' ? [reference] : [];
  });
}

function minutesOf(duration: JsonValue | undefined): number | undefined {
  if (!isObject(duration)) return undefined;
  const { value, code, unit } = duration;
  const factor = UNITS[String(code ?? unit ?? 'min')];
  const amount = numberOf(value);
  return factor === undefined || !(amount >= 0) ? undefined : Math.round(amount * factor);
}
