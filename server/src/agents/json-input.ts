import { fhirError } from '../fhir/outcome.ts';
import { numberOf } from '../json/exact-number.ts';
import { isObject } from '../json/objects.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';

const ID = /^[A-Za-z0-9\-.]{1,64}$/;

/** Reads the input of an agent. Every reader throws FhirError 400 naming the element (`booking.patient`). */
export class JsonInput {
  readonly #value: JsonObject;
  readonly #agent: string;

  /** @param agent whose input it is */
  constructor(value: JsonValue, agent: string) {
    if (!isObject(value)) throw fhirError(400, 'structure', `${agent} takes an object`, agent);
    this.#value = value;
    this.#agent = agent;
  }

  get(name: string): JsonValue | undefined {
    return this.#value[name];
  }

  text(name: string): string | undefined {
    const value = this.#value[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value === '') throw this.#wrong(name, 'a text');
    return value;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text !== undefined && !allowed.includes(text as T)) throw this.#wrong(name, allowed.join(' or '));
    return text as T | undefined;
  }

  listOf<T extends string>(name: string, allowed: readonly T[]): readonly T[] | undefined {
    const value = this.#value[name];
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || !value.every((one) => allowed.includes(one as T)))
      throw this.#wrong(name, `a list of ${allowed.join(', ')}`);
    return value as unknown as readonly T[];
  }

  /** `Type/id` of one of the types. */
  reference(name: string, types: readonly string[]): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const [type, id, ...more] = text.split('/');
    if (!types.includes(type as string) || !ID.test(id ?? '') || more.length > 0)
      throw this.#wrong(name, types.map((one) => `${one}/id`).join(' or '));
    return text;
  }

  whole(name: string, least: number, most: number): number | undefined {
    const value = this.#value[name];
    if (value === undefined) return undefined;
    const number = numberOf(value);
    if (!Number.isInteger(number) || number < least || number > most)
      throw this.#wrong(name, `a whole number from ${least} to ${most}`);
    return number;
  }

  object(name: string): JsonObject | undefined {
    const value = this.#value[name];
    if (value === undefined) return undefined;
    if (!isObject(value)) throw this.#wrong(name, 'an object');
    return value;
  }

  /** What must be there. */
  required<T>(name: string, value: T | undefined): T {
    if (value !== undefined) return value;
    throw fhirError(400, 'required', `${this.#agent} needs ${name}`, `${this.#agent}.${name}`);
  }

  #wrong(name: string, what: string) {
    return fhirError(400, 'value', `${name} must be ${what}`, `${this.#agent}.${name}`);
  }
}
