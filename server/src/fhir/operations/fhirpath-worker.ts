import { parentPort } from 'node:worker_threads';
import { loadDefinitions } from '../../conformance/definitions.ts';
import type { Expression } from '../../fhirpath/ast.ts';
import { checkExpression } from '../../fhirpath/check/check.ts';
import type { Types } from '../../fhirpath/check/types.ts';
import { textOf } from '../../fhirpath/decimal.ts';
import { Environment } from '../../fhirpath/environment.ts';
import { FhirPathError } from '../../fhirpath/errors.ts';
import { evaluate } from '../../fhirpath/evaluate.ts';
import { limited, TooCostly } from '../../fhirpath/limits.ts';
import { Model } from '../../fhirpath/model.ts';
import { parseExpression } from '../../fhirpath/parser.ts';
import { temporalText } from '../../fhirpath/temporal.ts';
import { type Item, type Items, itemOf, type Node } from '../../fhirpath/values.ts';
import { isResource } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import { AskingKnowledge } from './fhirpath-knowledge.ts';
import type {
  FhirPathJob,
  FhirPathMessage,
  FhirPathResult,
  FhirPathTrace,
  FhirPathValue,
} from './fhirpath-protocol.ts';

/*
 * The thread in which expressions of clients are evaluated (see fhirpath-evaluator.ts): it may be stopped at any time,
 * and has bounded memory. Nothing in it reaches out.
 */

/** What one evaluation may take, of the thread's memory too. */
const MAX_STEPS = 20_000_000;
const MAX_VALUES = 20_000;
const MAX_TEXT = 16 * 1024 * 1024;

class TooLarge extends Error {}

const model = new Model(loadDefinitions());

let valuesLeft = 0;
let textLeft = 0;

function run(job: FhirPathJob, knowledge: AskingKnowledge): FhirPathResult[] {
  const started = performance.now();
  valuesLeft = MAX_VALUES;
  textLeft = MAX_TEXT;
  const json = job.resource === undefined ? undefined : parseJson(job.resource);
  const resource: Items = isResource(json) ? [model.resource(json)] : [];
  const constants = new Map<string, Items>();
  for (const [name, values] of job.variables ?? []) {
    constants.set(
      name,
      values.flatMap(({ json, type }) => itemOf(parseJson(json), type, model)),
    );
  }
  constants.set('resource', resource);
  constants.set('rootResource', resource);
  const now = new Date();
  const spend = limited(MAX_STEPS, started + job.timeLimit);
  const main = parseExpression(job.expression);
  const check = (expression: Expression, input: Items) => {
    if (job.lenient === true) return;
    const types = new Map([...constants].map(([name, items]) => [name, typesOf(items)]));
    types.set('context', typesOf(input));
    checkExpression(expression, typesOf(input), { model, constants: types });
  };
  const traces: FhirPathTrace[] = [];
  const on = (expression: Expression, input: Items): Items =>
    evaluate(
      expression,
      input,
      new Environment(model, new Map([...constants, ['context', input]]), {
        knowledge,
        now,
        spend,
        trace: (name, items) => traces.push({ name, values: items.map(describe) }),
      }),
    );
  if (job.context === undefined) {
    check(main, resource);
    return [{ values: on(main, resource).map(describe), traces }];
  }
  const outer = parseExpression(job.context);
  check(outer, resource);
  const contexts = on(outer, resource);
  return contexts.map((context, index) => {
    check(main, [context]);
    traces.length = 0;
    const values = on(main, [context]).map(describe);
    const path = context.kind === 'Node' ? context.path : undefined;
    return { context: path ?? `${job.context}[${index}]`, values, traces: [...traces] };
  });
}

/** Nothing says nothing about what might be there. */
function typesOf(items: Items): Types {
  if (items.length === 0) return undefined;
  return [...new Set(items.map((item) => (item.kind === 'Node' ? item.type : `System.${item.kind}`)))];
}

function describe(item: Item): FhirPathValue {
  valuesLeft--;
  const described =
    item.kind === 'Node' ? describeNode(item) : { type: typeName(item), json: valueJson(item) };
  textLeft -= (described.json?.length ?? 0) + (described.siblingJson?.length ?? 0);
  if (valuesLeft < 0 || textLeft < 0) throw new TooLarge();
  return described;
}

function describeNode({ type, value, extra, path }: Node): FhirPathValue {
  const json = value === undefined || value === null ? undefined : JSON.stringify(value);
  return {
    type,
    ...(json === undefined ? {} : { json }),
    ...(extra === undefined ? {} : { siblingJson: JSON.stringify(extra) }),
    ...(path === undefined ? {} : { path }),
  };
}

/** FHIRPath's types get the name of their FHIR counterpart. */
function typeName({ kind }: Exclude<Item, Node>): string {
  return kind === 'Quantity' || kind === 'TypeInfo' ? kind : kind.charAt(0).toLowerCase() + kind.slice(1);
}

function valueJson(item: Exclude<Item, Node>): string {
  switch (item.kind) {
    case 'Boolean':
    case 'Integer':
    case 'Long':
      return String(item.value);
    case 'Decimal':
      return textOf(item.value);
    case 'Quantity': {
      const { value, unit, calendar, written } = item.value;
      const name = JSON.stringify(written ?? unit);
      const coded = calendar ? '' : `,"system":"http://unitsofmeasure.org","code":${name}`;
      return `{"value":${textOf(value)},"unit":${name}${coded}}`;
    }
    case 'TypeInfo':
      return JSON.stringify(item.value);
    case 'String':
      return JSON.stringify(item.value);
    default:
      return JSON.stringify(temporalText(item.value));
  }
}

function answer(job: FhirPathJob): FhirPathMessage {
  const knowledge = new AskingKnowledge(model, new Map(job.answers));
  try {
    const results = run(job, knowledge);
    const { questions } = knowledge;
    return questions.length > 0 ? { kind: 'asks', questions } : { kind: 'done', results };
  } catch (error) {
    // With the answers it might not fail.
    if (knowledge.questions.length > 0) return { kind: 'asks', questions: knowledge.questions };
    if (error instanceof TooLarge) return { kind: 'too-large' };
    if (error instanceof TooCostly) return { kind: 'too-costly', message: error.message };
    if (error instanceof FhirPathError) return { kind: 'failed', message: error.message };
    // The stack, or memory for one text, is used up.
    if (error instanceof RangeError) return { kind: 'too-large' };
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', (job: FhirPathJob | 'end') => {
  // Closing the port lets the thread end by itself.
  if (job === 'end') parentPort?.close();
  else parentPort?.postMessage(answer(job));
});
parentPort?.postMessage({ kind: 'ready' } satisfies FhirPathMessage);
