import { isExactNumber, textOf as numberText } from '../json/exact-number.ts';
import { isObject } from '../json/objects.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { type Decimal, fromInteger, parseDecimal, textOf } from './decimal.ts';
import { type Quantity, quantityOf } from './quantity.ts';
import { parseDate, parseDateTime, parseTime, type Temporal, temporalText } from './temporal.ts';

/** A value of one of FHIRPath's own types. */
export type Value =
  | { readonly kind: 'Boolean'; readonly value: boolean }
  | { readonly kind: 'String'; readonly value: string }
  | { readonly kind: 'Integer' | 'Long'; readonly value: bigint }
  | { readonly kind: 'Decimal'; readonly value: Decimal }
  | { readonly kind: 'Date' | 'DateTime' | 'Time'; readonly value: Temporal }
  | { readonly kind: 'Quantity'; readonly value: Quantity }
  | { readonly kind: 'TypeInfo'; readonly value: TypeInfo };

/** What type() gives. */
export interface TypeInfo {
  readonly namespace: 'System' | 'FHIR';
  readonly name: string;
  readonly baseType: string;
}

/** An element or resource. */
export interface Node {
  readonly kind: 'Node';
  /** FHIR type: `HumanName`, `code`, `Patient.contact` for a backbone element. */
  readonly type: string;
  /** Undefined for a primitive that has only an id or extensions. */
  readonly value: JsonValue | undefined;
  /** Id and extensions of a primitive. */
  readonly extra: JsonObject | undefined;
  /** Where it is in the resource that is evaluated: `Patient.name[0].given[1]`; undefined outside of it. */
  readonly path: string | undefined;
  readonly parent: Node | undefined;
}

export type Item = Value | Node;
export type Items = readonly Item[];

export const EMPTY: Items = [];
export const TRUE: Items = [{ kind: 'Boolean', value: true }];
export const FALSE: Items = [{ kind: 'Boolean', value: false }];

export function boolean(value: boolean | undefined): Items {
  return value === undefined ? EMPTY : value ? TRUE : FALSE;
}

export function string(value: string): Items {
  return [{ kind: 'String', value }];
}

const INTEGER_LIMIT = 2n ** 31n;
const LONG_LIMIT = 2n ** 63n;

/** Empty for what an Integer cannot hold. */
export function integer(value: bigint | number): Items {
  const whole = BigInt(value);
  return whole >= INTEGER_LIMIT || whole < -INTEGER_LIMIT ? EMPTY : [{ kind: 'Integer', value: whole }];
}

/** Empty for what a Long cannot hold. */
export function long(value: bigint): Items {
  return value >= LONG_LIMIT || value < -LONG_LIMIT ? EMPTY : [{ kind: 'Long', value }];
}

export function decimal(value: Decimal | undefined): Items {
  return value === undefined ? EMPTY : [{ kind: 'Decimal', value }];
}

export function quantity(value: Quantity | undefined): Items {
  return value === undefined ? EMPTY : [{ kind: 'Quantity', value }];
}

export function temporal(value: Temporal | undefined): Items {
  return value === undefined ? EMPTY : [{ kind: value.type, value }];
}

type SystemKind = 'Boolean' | 'String' | 'Integer' | 'Decimal' | 'Date' | 'DateTime' | 'Time';

/** Which of FHIRPath's types a primitive type of R4 is converted to (fhirpath.html#types); the rest are Strings. */
const KINDS: Readonly<Record<string, SystemKind>> = {
  boolean: 'Boolean',
  integer: 'Integer',
  unsignedInt: 'Integer',
  positiveInt: 'Integer',
  decimal: 'Decimal',
  date: 'Date',
  dateTime: 'DateTime',
  instant: 'DateTime',
  time: 'Time',
};

/** The FHIRPath type of a primitive type's values. */
export function systemKind(type: string): SystemKind {
  return Object.hasOwn(KINDS, type) ? (KINDS[type] as SystemKind) : 'String';
}

const QUANTITIES = new Set(['Quantity', 'Age', 'Count', 'Distance', 'Duration']);

/** Whether a type is Quantity or one that derives from it. */
export function isQuantityType(type: string): boolean {
  return QUANTITIES.has(type);
}

/** The FHIRPath value of an item; undefined for a complex one and a primitive without a value. */
export function plainValue(item: Item): Value | undefined {
  if (item.kind !== 'Node') return item;
  const { value, type } = item;
  if (value === undefined || value === null) return undefined;
  if (isObject(value)) return QUANTITIES.has(type) ? quantityValue(value) : undefined;
  if (typeof value === 'string') return stringValue(value, systemKind(type));
  if (typeof value === 'boolean') return { kind: 'Boolean', value };
  const number = parseDecimal(numberText(value) ?? '');
  if (number === undefined) return undefined;
  return systemKind(type) === 'Decimal' || number.scale > 0
    ? { kind: 'Decimal', value: number }
    : { kind: 'Integer', value: number.digits };
}

function stringValue(value: string, kind: SystemKind): Value {
  if (kind === 'Date' || kind === 'DateTime' || kind === 'Time') {
    const parse = kind === 'Date' ? parseDate : kind === 'Time' ? parseTime : parseDateTime;
    const parsed = parse(value);
    if (parsed !== undefined) return { kind, value: parsed };
  }
  return { kind: 'String', value };
}

/** One with a comparator stands for no single value. */
function quantityValue(quantity: JsonObject): Value | undefined {
  const value = parseDecimal(numberText(quantity['value']) ?? '');
  if (value === undefined || quantity['comparator'] !== undefined) return undefined;
  const { code, unit } = quantity;
  const name = typeof code === 'string' ? code : typeof unit === 'string' ? unit : '1';
  return { kind: 'Quantity', value: { ...quantityOf(value, name, false), ofResource: true } };
}

/** A numeric value as a Decimal; undefined for others. */
export function decimalOf(value: Value): Decimal | undefined {
  if (value.kind === 'Decimal') return value.value;
  return value.kind === 'Integer' || value.kind === 'Long' ? fromInteger(value.value) : undefined;
}

/** A number or quantity as a Quantity: numbers have the unit '1' (FHIRPath 5.5, implicit conversion). */
export function asQuantity(value: Value): Quantity | undefined {
  if (value.kind === 'Quantity') return value.value;
  const number = decimalOf(value);
  return number === undefined ? undefined : quantityOf(number, '1', false);
}

/** FHIRPath 5.5.8 (toString()); undefined for what has no text. */
export function valueText(value: Value): string | undefined {
  switch (value.kind) {
    case 'Boolean':
      return String(value.value);
    case 'String':
      return value.value;
    case 'Integer':
    case 'Long':
      return value.value.toString();
    case 'Decimal':
      return textOf(value.value);
    case 'Quantity':
      return value.value.calendar
        ? `${textOf(value.value.value)} ${value.value.written ?? value.value.unit}`
        : `${textOf(value.value.value)} '${value.value.unit}'`;
    case 'TypeInfo':
      return undefined;
    default:
      return temporalText(value.value);
  }
}

/** An item as a person would name it in a message. */
export function describe(item: Item): string {
  return item.kind === 'Node' ? item.type : `System.${item.kind}`;
}

/** Whether a JSON value is a number. */
export function isJsonNumber(value: JsonValue | undefined): boolean {
  return typeof value === 'number' || isExactNumber(value);
}

/** The type of an object of which only the JSON is known. */
export const UNKNOWN_TYPE = 'unknown';

/**
 * The item that a JSON value from outside stands for; nothing for null and arrays.
 * @param type its FHIR type, where that is known
 */
export function itemOf(
  value: JsonValue,
  type: string | undefined,
  model: { isResource(name: string): boolean },
): Items {
  const node = (name: string): Items =>
    value === null || Array.isArray(value)
      ? EMPTY
      : [{ kind: 'Node', type: name, value, extra: undefined, path: undefined, parent: undefined }];
  const own = isObject(value) ? value['resourceType'] : undefined;
  if (typeof own === 'string' && model.isResource(own)) return node(own);
  if (type !== undefined) return node(type);
  if (typeof value === 'string') return string(value);
  if (typeof value === 'boolean') return boolean(value);
  if (isObject(value)) return node(UNKNOWN_TYPE);
  const number = parseDecimal(numberText(value) ?? '');
  if (number === undefined) return EMPTY;
  return number.scale === 0 ? integer(number.digits) : decimal(number);
}
