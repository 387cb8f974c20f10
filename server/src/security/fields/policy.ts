import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';

/** Which identifiers are stored encrypted. */
export interface FieldPolicy {
  /** Identifier.system values. */
  readonly systems: ReadonlySet<string>;
  /** Codes of Identifier.type in HL7's table 0203; one that ends with `*` stands for all that begin so. */
  readonly types: ReadonlySet<string>;
}

/** Table 0203 as a code system, in R4 and as it was called before. */
const IDENTIFIER_TYPES: ReadonlySet<JsonValue | undefined> = new Set([
  'http://terminology.hl7.org/CodeSystem/v2-0203',
  'http://hl7.org/fhir/v2/0203',
]);

/** Name of the tenant setting with systems, and of the one with types. */
export const SYSTEMS_SETTING = 'encryption.systems';
export const TYPES_SETTING = 'encryption.types';

/**
 * US social security numbers by system (the URL and the OID that stands for it) and by type, national person
 * identifiers (NI, and NN with a country), taxpayers' and passport numbers.
 */
export const DEFAULT_FIELD_POLICY: FieldPolicy = {
  systems: new Set(['http://hl7.org/fhir/sid/us-ssn', 'urn:oid:2.16.840.1.113883.4.1']),
  types: new Set(['SS', 'NI', 'NN*', 'TAX', 'PPN']),
};

export const NO_FIELDS: FieldPolicy = { systems: new Set(), types: new Set() };

/**
 * The policy that a tenant's settings make: `encryption.systems` and `encryption.types`, arrays of strings. An empty
 * array stands for none; what is absent, or no array of strings, for the default.
 */
export function fieldPolicyOf(config: JsonObject): FieldPolicy {
  const listed = (name: string, fallback: ReadonlySet<string>): ReadonlySet<string> => {
    const value = config[name];
    return Array.isArray(value) && value.every((item) => typeof item === 'string')
      ? new Set(value)
      : fallback;
  };
  return {
    systems: listed(SYSTEMS_SETTING, DEFAULT_FIELD_POLICY.systems),
    types: listed(TYPES_SETTING, DEFAULT_FIELD_POLICY.types),
  };
}

/**
 * Checks the text of a setting: systems or types separated by commas, or `none`.
 * @returns the list to be kept
 * @throws RangeError naming what is wrong
 */
export function checkFieldSetting(name: string, value: string): string[] {
  const items = value.split(',').map((item) => item.trim());
  if (items.length === 1 && items[0] === 'none') return [];
  const pattern = name === SYSTEMS_SETTING ? /^[a-z][a-z0-9+.-]*:\S+$/i : /^[A-Z0-9]+\*?$/i;
  const wrong = items.find((item) => !pattern.test(item));
  if (wrong !== undefined) {
    const what = name === SYSTEMS_SETTING ? 'no URI of an identifier system' : 'no code of table 0203';
    throw new RangeError(`${name}: "${wrong}" is ${what}`);
  }
  return items;
}

/** US social security numbers by system, for which also a string by itself that is written like one counts. */
const SSN_SYSTEMS = ['http://hl7.org/fhir/sid/us-ssn', 'urn:oid:2.16.840.1.113883.4.1'];
const SSN = /^\s*\d{3}-\d{2}-\d{4}\s*$/;

/** Whether the policy protects anything. */
export const protectsNothing = ({ systems, types }: FieldPolicy): boolean =>
  systems.size === 0 && types.size === 0;

/** Whether the policy protects US social security numbers. */
export const protectsSsn = ({ systems }: FieldPolicy): boolean =>
  SSN_SYSTEMS.some((system) => systems.has(system));

/**
 * The element of an object whose text the policy has encrypted: `value` of an Identifier, `code` of a Coding of an
 * identifier system. Undefined for all other objects.
 */
export function protectedElement(value: JsonObject, policy: FieldPolicy): 'value' | 'code' | undefined {
  if (typeof value['value'] === 'string') return isProtected(value, policy) ? 'value' : undefined;
  const { system } = value;
  if (typeof value['code'] !== 'string' || typeof system !== 'string') return undefined;
  return policy.systems.has(system) ? 'code' : undefined;
}

/**
 * Whether a string element is a social security number by itself, such as a form's answer: nothing but `valueString`
 * can hold one without an Identifier around it that tells what it is.
 */
export const isSsn = (element: string, text: string): boolean => element === 'valueString' && SSN.test(text);

function isProtected(value: JsonObject, policy: FieldPolicy): boolean {
  if (typeof value['system'] === 'string' && policy.systems.has(value['system'])) return true;
  const { type } = value;
  if (policy.types.size === 0 || !isObject(type) || !Array.isArray(type['coding'])) return false;
  return type['coding'].some(
    (coding) =>
      isObject(coding) &&
      typeof coding['code'] === 'string' &&
      hasProtectedType(policy, coding['system'], coding['code']),
  );
}

/** Whether identifiers of a type, a coding, are encrypted. */
export function hasProtectedType(policy: FieldPolicy, system: JsonValue | undefined, code: string): boolean {
  return IDENTIFIER_TYPES.has(system) && hasType(policy, code);
}

function hasType({ types }: FieldPolicy, code: string): boolean {
  if (types.has(code)) return true;
  for (let end = code.length; end > 0; end--) if (types.has(`${code.slice(0, end)}*`)) return true;
  return false;
}
