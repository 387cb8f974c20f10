import type { Expression, Invocation, Literal } from '../../fhirpath/ast.ts';
import { TooCostly } from '../../fhirpath/limits.ts';
import { parseExpression } from '../../fhirpath/parser.ts';
import { numberOf, textOf } from '../../json/exact-number.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { compareNodes } from './compare.ts';
import { FUNCTIONS } from './functions.ts';
import { compileGeneral } from './general.ts';
import {
  bool,
  EMPTY,
  equalNodes,
  FALSE,
  identity,
  type Node,
  type Nodes,
  TRUE,
  type TypeNavigator,
} from './nodes.ts';

/** What an evaluation knows besides its input. One object may serve many evaluations. */
export interface Environment {
  readonly navigator: TypeNavigator;
  resource: Node;
  rootResource: Node;
  context: Node;
  /** `$this` and `$index` of the innermost function with a criteria argument. */
  self: Nodes;
  index: number;
  /** How many steps this evaluation may still take, see {@link spend}. */
  steps: number;
  /** The target of a reference: a resource, or one with only its type where that is all that is known. */
  resolve(reference: Node): Node | undefined;
  /** Whether a coded value is in a value set; undefined if that cannot be told. */
  memberOf(value: Node, valueSet: string): boolean | undefined;
  /** Whether a value conforms to a profile; undefined if the profile is not known. */
  conformsTo(value: Node, profile: string): boolean | undefined;
  /** Whether a code subsumes another of its system; undefined if the system is not known. */
  subsumes?(system: string, code: string, other: string): boolean | undefined;
  /** R4's definition of an element; undefined if that is not known. */
  elementDefinition?(value: Node): JsonObject | undefined;
  /** Whether an element is in a slice of a structure; undefined if there is no such slice. */
  isInSlice?(value: Node, structure: string, name: string): boolean | undefined;
}

/** Counts steps of an evaluation (items that a function visits). @throws TooCostly when there are too many */
export function spend(environment: Environment, steps: number): void {
  environment.steps -= steps;
  if (environment.steps < 0) throw new TooCostly();
}

/** A compiled expression: input to output. */
export type Evaluate = (input: Nodes, environment: Environment) => Nodes;

/** An expression uses a part of FHIRPath that the closures do not know. */
export class UnsupportedExpression extends Error {}

/**
 * Compiles a FHIRPath expression (N1, with FHIR's own functions of R4 fhirpath.html): to closures over JSON where they know
 * all of it, which most invariants need and which are several times as fast, else for the general evaluator.
 * @throws FhirPathError (syntax) for what is no expression
 */
export function compileExpression(text: string): Evaluate {
  const expression = parseExpression(text, { lenient: true });
  try {
    return compileClosures(expression);
  } catch (error) {
    if (error instanceof UnsupportedExpression) return compileGeneral(expression);
    throw error;
  }
}

/**
 * An expression as closures.
 * @throws UnsupportedExpression for literals of dates and quantities and for seldom functions
 */
export function compileClosures(expression: Expression): Evaluate {
  return compile(expression);
}

function compile(expression: Expression): Evaluate {
  switch (expression.kind) {
    case 'literal':
      return literal(expression.literal);
    case 'empty':
      return () => EMPTY;
    case 'constant':
      return constant(expression.name);
    case 'index': {
      const left = compile(expression.left);
      const index = compile(expression.index);
      return (input, environment) => {
        const item = left(input, environment)[numberOf(index(input, environment)[0]?.v)];
        return item === undefined ? EMPTY : [item];
      };
    }
    case 'sign': {
      const operand = compile(expression.operand);
      const sign = expression.operator === '-' ? -1 : 1;
      return (input, environment) =>
        operand(input, environment).map(({ v, t }) => ({ v: sign * numberOf(v), s: undefined, t }));
    }
    case 'type': {
      const left = compile(expression.left);
      const { type } = expression;
      if (expression.operator === 'is') {
        return (input, environment) => {
          const [item] = left(input, environment);
          return item === undefined ? EMPTY : bool(environment.navigator.hasType(item, type));
        };
      }
      return (input, environment) =>
        left(input, environment).filter((item) => environment.navigator.hasType(item, type));
    }
    case 'binary':
      return binary(expression.operator, compile(expression.left), compile(expression.right));
    case 'step':
      return step(expression.left === undefined ? undefined : compile(expression.left), expression.step);
  }
}

function literal(value: Literal): Evaluate {
  switch (value.type) {
    case 'Boolean':
      return value.value ? () => TRUE : () => FALSE;
    case 'String': {
      const result = [{ v: value.text, s: undefined, t: 'System.String' }];
      return () => result;
    }
    case 'Integer':
    case 'Decimal': {
      const result = [{ v: Number(value.text), s: undefined, t: `System.${value.type}` }];
      return () => result;
    }
    default:
      throw new UnsupportedExpression(`a literal of the type ${value.type}`);
  }
}

const CONSTANTS: ReadonlyMap<string, string> = new Map([
  ['ucum', 'http://unitsofmeasure.org'],
  ['sct', 'http://snomed.info/sct'],
  ['loinc', 'http://loinc.org'],
]);

function constant(name: string): Evaluate {
  if (name === 'resource') return (_, environment) => [environment.resource];
  if (name === 'rootResource') return (_, environment) => [environment.rootResource];
  if (name === 'context') return (_, environment) => [environment.context];
  const text =
    CONSTANTS.get(name) ??
    (name.startsWith('vs-')
      ? `http://hl7.org/fhir/ValueSet/${name.slice(3)}`
      : name.startsWith('ext-')
        ? `http://hl7.org/fhir/StructureDefinition/${name.slice(4)}`
        : undefined);
  if (text === undefined) throw new UnsupportedExpression(`%${name}`);
  const result = [{ v: text, s: undefined, t: 'System.String' }];
  return () => result;
}

function step(left: Evaluate | undefined, invocation: Invocation): Evaluate {
  switch (invocation.kind) {
    case 'special':
      if (invocation.name === '$this') return (_, environment) => environment.self;
      if (invocation.name === '$index')
        return (_, environment) => [{ v: environment.index, s: undefined, t: 'System.Integer' }];
      throw new UnsupportedExpression(invocation.name);
    case 'member':
      return member(left, invocation.name);
    case 'call': {
      const make = FUNCTIONS[invocation.name];
      if (make === undefined) throw new UnsupportedExpression(`${invocation.name}()`);
      const run = make(invocation.args, compile);
      if (left === undefined) return run;
      return (input, environment) => run(left(input, environment), environment);
    }
  }
}

function member(left: Evaluate | undefined, name: string): Evaluate {
  if (left === undefined && /^[A-Z]/.test(name)) {
    // The type of the input in front of a path: `Patient.name`.
    return (input, environment) => {
      const same = input.filter((item) => environment.navigator.hasType(item, name));
      return same.length > 0 ? same : navigate(input, name, environment);
    };
  }
  if (left === undefined) return (input, environment) => navigate(input, name, environment);
  return (input, environment) => navigate(left(input, environment), name, environment);
}

function navigate(input: Nodes, name: string, environment: Environment): Nodes {
  if (input.length === 0) return EMPTY;
  if (input.length > 1) spend(environment, input.length);
  const { navigator } = environment;
  const result: Node[] = [];
  for (const node of input) navigator.child(node, name, result);
  return result;
}

/** FHIRPath's three values of a collection taken as boolean: a single item that is no boolean counts as true. */
export function truth(nodes: Nodes): boolean | undefined {
  const [first] = nodes;
  if (first === undefined) return undefined;
  if (nodes.length === 1 && typeof first.v === 'boolean') return first.v;
  return true;
}

function binary(operator: string, left: Evaluate, right: Evaluate): Evaluate {
  switch (operator) {
    case 'and':
      return (input, environment) => {
        const a = truth(left(input, environment));
        if (a === false) return FALSE;
        const b = truth(right(input, environment));
        return b === false ? FALSE : a === true && b === true ? TRUE : EMPTY;
      };
    case 'or':
      return (input, environment) => {
        const a = truth(left(input, environment));
        if (a === true) return TRUE;
        const b = truth(right(input, environment));
        return b === true ? TRUE : a === false && b === false ? FALSE : EMPTY;
      };
    case 'xor':
      return (input, environment) => {
        const a = truth(left(input, environment));
        const b = truth(right(input, environment));
        return a === undefined || b === undefined ? EMPTY : bool(a !== b);
      };
    case 'implies':
      return (input, environment) => {
        const a = truth(left(input, environment));
        if (a === false) return TRUE;
        const b = truth(right(input, environment));
        if (b === true) return TRUE;
        return a === true && b === false ? FALSE : EMPTY;
      };
    case '=':
    case '!=':
      return (input, environment) => {
        const equal = equals(left(input, environment), right(input, environment));
        return equal === undefined ? EMPTY : bool(equal === (operator === '='));
      };
    case '~':
    case '!~':
      return (input, environment) => {
        const a = left(input, environment).map(looseIdentity).sort();
        const b = right(input, environment).map(looseIdentity).sort();
        return bool((a.length === b.length && a.every((text, i) => text === b[i])) === (operator === '~'));
      };
    case '<':
    case '<=':
    case '>':
    case '>=':
      return (input, environment) => {
        const a = left(input, environment);
        const b = right(input, environment);
        if (a.length === 0 || b.length === 0) return EMPTY;
        const order = compareNodes(a[0] as Node, b[0] as Node);
        if (order === undefined) return EMPTY;
        return bool(
          operator === '<'
            ? order < 0
            : operator === '<='
              ? order <= 0
              : operator === '>'
                ? order > 0
                : order >= 0,
        );
      };
    case 'in':
    case 'contains':
      return (input, environment) => {
        const a = left(input, environment);
        const b = right(input, environment);
        const [item] = operator === 'in' ? a : b;
        if (item === undefined) return EMPTY;
        spend(environment, operator === 'in' ? b.length : a.length);
        return bool((operator === 'in' ? b : a).some((other) => equalNodes(item, other)));
      };
    case '|':
      return (input, environment) => {
        const both = [...left(input, environment), ...right(input, environment)];
        spend(environment, both.length);
        return distinct(both);
      };
    case '&':
      return (input, environment) => [
        {
          v: text(left(input, environment)) + text(right(input, environment)),
          s: undefined,
          t: 'System.String',
        },
      ];
    case '+':
    case '-':
    case '*':
    case '/':
    case 'div':
    case 'mod':
      return (input, environment) => {
        const [a] = left(input, environment);
        const [b] = right(input, environment);
        return a === undefined || b === undefined ? EMPTY : arithmetic(operator, a, b);
      };
    default:
      throw new UnsupportedExpression(operator);
  }
}

/** `=` of two collections: undefined if one is empty. */
function equals(a: Nodes, b: Nodes): boolean | undefined {
  if (a.length === 0 || b.length === 0) return undefined;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!equalNodes(a[i] as Node, b[i] as Node)) return false;
  return true;
}

function looseIdentity(node: Node): string {
  return typeof node.v === 'string' ? node.v.trim().replace(/\s+/g, ' ').toLowerCase() : identity(node);
}

export function distinct(nodes: Nodes): Nodes {
  if (nodes.length < 2) return nodes;
  const seen = new Set<string>();
  return nodes.filter((node) => {
    const key = identity(node);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** A collection as the text of its one item; '' if it is empty. */
export function text(nodes: Nodes): string {
  const [first] = nodes;
  return first === undefined ? '' : valueText(first.v);
}

export function valueText(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  return textOf(value) ?? (isObject(value) ? JSON.stringify(value) : '');
}

function arithmetic(operator: string, a: Node, b: Node): Nodes {
  if (operator === '+' && typeof a.v === 'string' && typeof b.v === 'string')
    return [{ v: a.v + b.v, s: undefined, t: 'System.String' }];
  const left = numberOf(a.v);
  const right = numberOf(b.v);
  let value: number;
  if (operator === '+') value = left + right;
  else if (operator === '-') value = left - right;
  else if (operator === '*') value = left * right;
  else if (operator === '/') value = left / right;
  else if (operator === 'div') value = Math.trunc(left / right);
  else value = left % right;
  if (!Number.isFinite(value)) return EMPTY;
  return [{ v: value, s: undefined, t: Number.isInteger(value) ? 'System.Integer' : 'System.Decimal' }];
}
