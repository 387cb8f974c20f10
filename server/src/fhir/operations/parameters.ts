import { textOf } from '../../json/exact-number.ts';
import { isObject, isResource } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { fhirError } from '../outcome.ts';
import type { FhirRequest } from '../request.ts';
import { jsonBody } from '../resource-body.ts';

/** The parameters of an operation call (R4 operations.html#request), wherever they stand. */
export class OperationParameters {
  readonly #values: readonly (readonly [string, JsonValue])[];
  readonly #query: readonly (readonly [string, string])[];

  /**
   * @param names the parameter that a bare resource in the body is (e.g. `resource` of $validate), if any
   * @throws FhirError 400 for a body that is neither Parameters nor that resource
   */
  constructor(request: FhirRequest, bareResource?: string) {
    this.#query = request.query;
    if (request.method !== 'POST' || (request.json === undefined && request.body === undefined)) {
      this.#values = [];
      return;
    }
    const body = jsonBody(request);
    if (!isResource(body))
      throw fhirError(400, 'structure', 'The body must be a Parameters resource', 'http.body');
    if (body.resourceType !== 'Parameters') {
      if (bareResource === undefined) {
        throw fhirError(
          400,
          'structure',
          `The body must be a Parameters resource, not a ${body.resourceType}`,
          body.resourceType,
        );
      }
      this.#values = [[bareResource, body]];
      return;
    }
    const parts = body['parameter'] ?? [];
    if (!Array.isArray(parts))
      throw fhirError(400, 'structure', 'Parameters.parameter must be an array', 'Parameters.parameter');
    this.#values = parts.map((part, index) => {
      const at = `Parameters.parameter[${index}]`;
      if (!isObject(part) || typeof part['name'] !== 'string')
        throw fhirError(400, 'required', `${at} needs a name`, `${at}.name`);
      return [part['name'], partValue(part)] as const;
    });
  }

  /** The first value of a parameter: a resource, a data type, or a primitive (text for one in the URL). */
  get(name: string): JsonValue | undefined {
    return this.#values.find(([key]) => key === name)?.[1] ?? this.#query.find(([key]) => key === name)?.[1];
  }

  /** All values of a parameter. */
  all(name: string): JsonValue[] {
    return [...this.#values, ...this.#query].filter(([key]) => key === name).map(([, value]) => value);
  }

  /** The first value as text. */
  text(name: string): string | undefined {
    return primitiveText(this.get(name));
  }

  /** All values that are primitives, as texts. */
  texts(name: string): string[] {
    return this.all(name).flatMap((value) => primitiveText(value) ?? []);
  }

  /** The names of all parameters. */
  names(): string[] {
    return [...this.#values, ...this.#query].map(([name]) => name);
  }

  /** All parameters that are primitives, as a query: names and texts. */
  pairs(): [string, string][] {
    return [...this.#values, ...this.#query].flatMap(([name, value]) => {
      const text = primitiveText(value);
      return text === undefined ? [] : [[name, text] as [string, string]];
    });
  }

  /** The first value if it is a resource. */
  resource(name: string): Resource | undefined {
    const value = this.get(name);
    return isResource(value) ? value : undefined;
  }
}

/** The text of a string, boolean or number; undefined for anything else. */
function primitiveText(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : typeof value === 'boolean' ? String(value) : textOf(value);
}

function partValue(part: JsonObject): JsonValue {
  if (part['resource'] !== undefined) return part['resource'];
  const name = Object.keys(part).find((key) => key.startsWith('value'));
  return name === undefined ? (part['part'] ?? null) : (part[name] as JsonValue);
}
