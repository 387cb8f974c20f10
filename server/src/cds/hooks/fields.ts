import { type FhirError, fhirError } from '../../fhir/outcome.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';

/** A fault of a message of CDS Hooks. @param at the field, such as `context.patientId` */
export function fault(
  at: string,
  problem: string,
  code: 'required' | 'value' | 'structure' = 'value',
): FhirError {
  return fhirError(400, code, `${at} ${problem}`, at);
}

/** The fields of a JSON object of CDS Hooks, each read with the checks of its table in the specification. */
export class Fields {
  readonly #value: JsonObject;
  readonly #at: string;

  /** @throws FhirError 400 when it is no object */
  constructor(value: JsonValue | undefined, at: string) {
    if (value === undefined) throw fault(at, 'is missing', 'required');
    if (!isObject(value)) throw fault(at, 'must be an object', 'structure');
    this.#value = value;
    this.#at = at;
  }

  at(name: string): string {
    return this.#at === '' ? name : `${this.#at}.${name}`;
  }

  /** What stands there; null and what is missing are undefined. */
  raw(name: string): JsonValue | undefined {
    return this.#value[name] ?? undefined;
  }

  /** @throws FhirError 400 when it is missing, empty, too long or no string */
  text(name: string, most = 10_000): string {
    const value = this.optionalText(name, most);
    if (value === undefined) throw fault(this.at(name), 'is missing', 'required');
    return value;
  }

  optionalText(name: string, most = 10_000): string | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw fault(this.at(name), 'must be a string', 'structure');
    if (value.trim() === '') throw fault(this.at(name), 'must not be empty');
    if (value.length > most) throw fault(this.at(name), `has more than ${most} characters`);
    return value;
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw fault(this.at(name), 'must be true or false', 'structure');
  }

  /** @throws FhirError 400 when it is none of the values */
  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const value = this.text(name);
    if (!(values as readonly string[]).includes(value))
      throw fault(this.at(name), `must be ${values.join(', ').replace(/, ([^,]*)$/, ' or $1')}`);
    return value as T;
  }

  object(name: string): Fields {
    return new Fields(this.raw(name), this.at(name));
  }

  optionalObject(name: string): Fields | undefined {
    return this.raw(name) === undefined ? undefined : this.object(name);
  }

  /** The elements of an array with their places. @throws FhirError 400 when it is no array, or longer than `most` */
  optionalList(name: string, most = 200): { value: JsonValue; at: string }[] | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw fault(this.at(name), 'must be an array', 'structure');
    if (value.length > most) throw fault(this.at(name), `has more than ${most} elements`);
    return value.map((one, index) => ({ value: one, at: `${this.at(name)}[${index}]` }));
  }

  /** As {@link optionalList}. @throws FhirError 400 when it is missing too */
  list(name: string, most?: number): { value: JsonValue; at: string }[] {
    const list = this.optionalList(name, most);
    if (list === undefined) throw fault(this.at(name), 'is missing', 'required');
    return list;
  }

  /** An absolute http(s) URL. */
  optionalUrl(name: string): string | undefined {
    const value = this.optionalText(name);
    if (value !== undefined && !isWebUrl(value))
      throw fault(this.at(name), 'must be an absolute http(s) URL');
    return value;
  }

  /** `extension`: an object that is handed on as it is; empty ones are not to be sent (Null and empty JSON elements). */
  extension(): { extension?: JsonObject } {
    const value = this.raw('extension');
    return isObject(value) && Object.keys(value).length > 0 ? { extension: value } : {};
  }
}

/** Whether a text is an absolute URL that a browser loads by http or https, without credentials in it. */
export function isWebUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}
