import { parentPort } from 'node:worker_threads';
import { isExactNumber } from '../../json/exact-number.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonValue } from '../../json/types.ts';
import { environment } from './fhirpath-constants.ts';
import { type EngineNode, engine, model } from './fhirpath-engine.ts';
import { OWN_FUNCTIONS } from './fhirpath-functions.ts';
import type {
  FhirPathJob,
  FhirPathMessage,
  FhirPathResult,
  FhirPathTrace,
  FhirPathValue,
} from './fhirpath-protocol.ts';

/*
 * The thread in which expressions of clients are evaluated (see fhirpath-evaluator.ts): it may be stopped at any time,
 * and has bounded memory. What would reach out (%terminologies, weight()) is not available: the engine refuses it where it
 * may not be asynchronous.
 */

// What the engine only warns of when it is asked wrongly is an error; other warnings are for nobody who reads this log.
console.warn = (message: unknown) => {
  if (/ wrong arity: /.test(String(message))) throw new Error(String(message));
};

const MAX_VALUES = 20_000;
const MAX_TEXT = 16 * 1024 * 1024;

class TooLarge extends Error {}

const rawJson = JSON as unknown as { rawJSON(text: string): unknown };

let valuesLeft = 0;
let textLeft = 0;

function run(job: FhirPathJob): FhirPathResult[] {
  valuesLeft = MAX_VALUES;
  textLeft = MAX_TEXT;
  // Absent values give empty results, where an empty object would be a value of its own.
  const resource = job.resource === undefined ? [] : exact(parseJson(job.resource));
  // Without a prototype: what objects have by theirs is no variable.
  const variables: Record<string, unknown> = Object.create(null);
  const main = environment(job.expression);
  const outer = environment(job.context ?? '');
  for (const [name, value] of [...main.values, ...outer.values]) variables[name] = value;
  for (const [name, json] of job.variables ?? []) variables[name] = exact(parseJson(json));
  Object.assign(variables, { resource, rootResource: resource });
  if (job.context === undefined) return [evaluate(resource, main.expression, variables, undefined)];
  const contexts = engine.evaluate(resource, outer.expression, copyOf(variables), model, {
    resolveInternalTypes: false,
    preciseMath: true,
    userInvocationTable: OWN_FUNCTIONS,
    // Without one the engine prints.
    traceFn: () => {},
  });
  return contexts.map((context, index) =>
    evaluate(
      context,
      main.expression,
      variables,
      (isNode(context) ? context.fullPropertyName() : undefined) ?? `${job.context}[${index}]`,
    ),
  );
}

function evaluate(
  data: unknown,
  expression: string,
  variables: Record<string, unknown>,
  context: string | undefined,
): FhirPathResult {
  const traces: FhirPathTrace[] = [];
  const results = engine.evaluate(data, expression, copyOf(variables), model, {
    resolveInternalTypes: false,
    preciseMath: true,
    userInvocationTable: OWN_FUNCTIONS,
    traceFn: (traced, name) => {
      traces.push({ name, values: describe(Array.isArray(traced) ? traced : [traced]) });
    },
  });
  return { ...(context === undefined ? {} : { context }), values: describe(results), traces };
}

/** The engine adds to the variables that it is given. */
function copyOf(variables: Record<string, unknown>): Record<string, unknown> {
  return Object.assign(Object.create(null), variables);
}

/** JSON whose numbers are ones that the engine calculates with without losing digits. */
function exact(value: JsonValue): unknown {
  if (isExactNumber(value)) return engine.FP_Decimal.getDecimal(value.rawJSON);
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, exact(inner)]));
}

function describe(values: readonly unknown[]): FhirPathValue[] {
  valuesLeft -= values.length;
  if (valuesLeft < 0) throw new TooLarge();
  const types = engine.types(values);
  return values.map((value, i) => describeOne(value, types[i] ?? ''));
}

function isNode(value: unknown): value is EngineNode {
  return typeof (value as { fullPropertyName?: unknown } | null)?.fullPropertyName === 'function';
}

function describeOne(value: unknown, typeName: string): FhirPathValue {
  const type = bareType(typeName, value);
  const data = isNode(value) ? value.data : value;
  const json = data === undefined || data === null ? undefined : jsonText(data);
  const sibling = isNode(value) && value._data !== null ? jsonText(value._data) : undefined;
  textLeft -= (json?.length ?? 0) + (sibling?.length ?? 0);
  if (textLeft < 0) throw new TooLarge();
  const path = isNode(value) ? value.fullPropertyName() : undefined;
  return {
    type,
    ...(json === undefined ? {} : { json }),
    ...(sibling === undefined || sibling === '{}' ? {} : { siblingJson: sibling }),
    ...(path === undefined || !/^[A-Z]/.test(path) ? {} : { path }),
  };
}

/** The name of a FHIR type; System's types get the name of their FHIR counterpart, and backbone elements that of their path. */
function bareType(name: string, value: unknown): string {
  if (typeof (value as { namespace?: unknown } | null)?.namespace === 'string') return 'TypeInfo';
  const bare = name.slice(name.indexOf('.') + 1);
  if (name.startsWith('System.') && bare !== 'Quantity') return bare.charAt(0).toLowerCase() + bare.slice(1);
  const path = isNode(value) ? value.path : null;
  return (bare === 'BackboneElement' || bare === 'Element') && path !== null ? path : bare;
}

function jsonText(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (isQuantity(value)) return jsonText(quantityOf(value));
  // A replacer sees values after toJSON, which makes doubles of decimals: the holder has them as they were.
  return JSON.stringify(value, function (this: Record<string, unknown>, name, plain: unknown) {
    const original = this[name];
    return original instanceof engine.FP_Decimal ? rawJson.rawJSON(decimalText(String(original))) : plain;
  });
}

/** The engine prints decimals as JSON does, but for a leading or trailing point. */
function decimalText(text: string): string {
  return text.replace(/^(-?)\./, '$10.').replace(/\.$/, '');
}

interface EngineQuantity {
  readonly value: unknown;
  readonly unit: string;
}

function isQuantity(value: unknown): value is EngineQuantity {
  return (value as object | null)?.constructor?.name === 'FP_Quantity';
}

/** R4 fhirpath.html#quantity: units in quotes are of UCUM, others are calendar durations. */
function quantityOf({ value, unit }: EngineQuantity): object {
  const code = /^'(.*)'$/.exec(unit)?.[1];
  return code === undefined
    ? { value, unit }
    : { value, unit: code, system: 'http://unitsofmeasure.org', code };
}

function answer(job: FhirPathJob): FhirPathMessage {
  try {
    return { kind: 'done', results: run(job) };
  } catch (error) {
    if (error instanceof TooLarge) return { kind: 'too-large' };
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', (job: FhirPathJob) => parentPort?.postMessage(answer(job)));
parentPort?.postMessage({ kind: 'ready' } satisfies FhirPathMessage);
