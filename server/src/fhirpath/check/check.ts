import { type Expression, type Invocation, type Literal, nameIn } from '../ast.ts';
import { FhirPathError } from '../errors.ts';
import { FUNCTIONS } from '../functions/index.ts';
import type { Model } from '../model.ts';
import { UNKNOWN_TYPE } from '../values.ts';
import { checkOperands } from './operands.ts';
import { SIGNATURES } from './signatures.ts';
import { either, memberTypes, nameOf, never, type Types } from './types.ts';

/** What an expression is to be checked for. */
export interface CheckContext {
  readonly model: Model;
  /** Types of the environment variables by name, `resource`, `context` and so on; undefined where anything may come. */
  readonly constants: ReadonlyMap<string, Types>;
}

/** What a part of an expression sees; a chain of steps shares one, as in an evaluation. */
interface Scope {
  readonly self: Types;
  variables: ReadonlyMap<string, Types>;
}

/**
 * Checks an expression by the types of R4 before it is evaluated (FHIRPath 11, strict evaluation). Only what cannot be
 * right whatever the data is an error: elements that no type in question has, functions, types and variables that there
 * are not, wrong numbers of parameters, operands and parameters of the wrong type.
 *
 * @param input the types of what it is evaluated on; undefined where that may be anything
 * @returns the types that its result can have
 * @throws FhirPathError (semantic)
 */
export function checkExpression(expression: Expression, input: Types, context: CheckContext): Types {
  return check(expression, { self: input, variables: new Map() }, context);
}

function wrong(message: string): FhirPathError {
  return new FhirPathError('semantic', message);
}

function child({ self, variables }: Scope): Scope {
  return { self, variables };
}

function check(expression: Expression, scope: Scope, context: CheckContext): Types {
  const { model } = context;
  switch (expression.kind) {
    case 'empty':
      return [];
    case 'literal':
      return literalType(expression.literal);
    case 'constant':
      return constantType(expression.name, scope, context);
    case 'step':
      return step(expression.left, expression.step, scope, context);
    case 'index': {
      const types = check(expression.left, scope, context);
      const index = check(expression.index, child(scope), context);
      if (never(index, ['Integer'], model)) throw wrong(`an index must be an Integer, not ${nameOf(index)}`);
      return types;
    }
    case 'sign': {
      const types = check(expression.operand, scope, context);
      if (never(types, ['Integer', 'Long', 'Decimal', 'Quantity'], model)) {
        throw wrong(`unary ${expression.operator} takes a number or Quantity, not ${nameOf(types)}`);
      }
      return types;
    }
    case 'type': {
      check(expression.left, scope, context);
      const type = typeNamed(expression.type, model);
      return expression.operator === 'is' ? ['System.Boolean'] : type;
    }
    case 'binary': {
      const left = check(expression.left, child(scope), context);
      const right = check(expression.right, child(scope), context);
      return checkOperands(expression.operator, left, right, model);
    }
  }
}

function literalType({ type }: Literal): Types {
  return [`System.${type}`];
}

/** @throws FhirPathError for a name that is no type */
function typeNamed(text: string, model: Model): Types {
  try {
    const { namespace, name, qualified } = model.resolveType(text);
    if (namespace === 'System') return [`System.${name}`];
    return name === 'Quantity' && !qualified ? [name, 'System.Quantity'] : [name];
  } catch (error) {
    throw wrong((error as Error).message);
  }
}

function constantType(name: string, scope: Scope, { constants }: CheckContext): Types {
  if (scope.variables.has(name)) return scope.variables.get(name);
  if (constants.has(name)) return constants.get(name);
  if (/^(?:ucum|sct|loinc)$|^(?:vs|ext)-/.test(name)) return ['System.String'];
  // A variable whose name is only known when it is evaluated.
  if (scope.variables.has('')) return undefined;
  throw wrong(`there is no environment variable %${name}`);
}

function step(
  left: Expression | undefined,
  invocation: Invocation,
  scope: Scope,
  context: CheckContext,
): Types {
  switch (invocation.kind) {
    case 'special':
      if (invocation.name === '$this') return scope.self;
      return invocation.name === '$index' ? ['System.Integer'] : undefined;
    case 'member':
      return left === undefined
        ? first(invocation.name, scope.self, context)
        : member(check(left, scope, context), invocation.name, context);
    case 'call':
      return call(invocation, left === undefined ? scope.self : check(left, scope, context), scope, context);
  }
}

/** FHIRPath 3: a path may begin with the type of what it is evaluated on. */
function first(name: string, self: Types, context: CheckContext): Types {
  const { model } = context;
  if (!model.isType(name)) return member(self, name, context);
  if (self === undefined || self.includes(UNKNOWN_TYPE)) return [name];
  const same = self.filter((type) => model.isType(type) && model.chain(type).includes(name));
  if (same.length > 0) return same;
  if (self.some((type) => model.chain(name).includes(type))) return [name];
  if (memberTypes(self, name, model) === null) {
    throw wrong(`the path begins with ${name}, but it is evaluated on ${nameOf(self)}`);
  }
  return member(self, name, context);
}

function member(types: Types, name: string, { model }: CheckContext): Types {
  if (types === undefined || types.length === 0) return types;
  const found = memberTypes(types, name, model);
  if (found !== null) return found;
  throw wrong(`${nameOf(types)} has no element ${name}${hint(types, name, model)}`);
}

/** For `valueQuantity`, as JSON has it: FHIRPath calls the element `value`. */
function hint(types: readonly string[], name: string, model: Model): string {
  for (const type of types) {
    for (const [choice, properties] of model.navigator.members(type) ?? []) {
      const property = properties.find((one) => one.name === name && one.name !== choice);
      if (property !== undefined) return `: it is ${choice}.ofType(${property.type})`;
    }
  }
  return '';
}

function call(
  invocation: Extract<Invocation, { kind: 'call' }>,
  input: Types,
  scope: Scope,
  context: CheckContext,
): Types {
  const { name, args } = invocation;
  const definition = FUNCTIONS.get(name);
  const signature = SIGNATURES.get(name);
  if (definition === undefined || signature === undefined) throw wrong(`there is no function ${name}()`);
  const { least, most } = definition;
  if (args.length < least || args.length > most) {
    const takes = least === most ? `${least}` : `${least} to ${most === Infinity ? 'many' : most}`;
    throw wrong(`${name}() takes ${takes} parameters, not ${args.length}`);
  }
  if (signature.takes !== undefined && never(input, signature.takes, context.model)) {
    throw wrong(`${name}() takes ${signature.takes.join(' or ')}, not ${nameOf(input)}`);
  }
  let parameters: Types = [];
  for (const [place, argument] of args.entries()) {
    const parameter = signature.parameters[place] ?? signature.parameters.at(-1);
    if (parameter === undefined) continue;
    if (parameter.scope === 'type') {
      const type = nameIn(argument);
      if (type === undefined) throw wrong(`the parameter of ${name}() must be the name of a type`);
      parameters = typeNamed(type, context.model);
      continue;
    }
    const types = check(
      argument,
      { ...scope, self: parameter.scope === 'outer' ? scope.self : input },
      context,
    );
    if (parameter.takes !== undefined && never(types, parameter.takes, context.model)) {
      throw wrong(
        `parameter ${place + 1} of ${name}() must be ${parameter.takes.join(' or ')}, not ${nameOf(types)}`,
      );
    }
    // The criterion is not a part of what iif() gives.
    if (name !== 'iif' || place > 0) parameters = either(parameters, types);
  }
  if (name === 'defineVariable') defined(args, input, parameters, scope, context);
  switch (signature.gives) {
    case 'input':
      return input;
    case 'parameters':
      return parameters;
    case 'both':
      return either(input, parameters);
    default:
      return signature.gives;
  }
}

/** @throws FhirPathError for a name that is there already */
function defined(
  [name]: readonly Expression[],
  input: Types,
  parameters: Types,
  scope: Scope,
  { constants }: CheckContext,
): void {
  const literal = name?.kind === 'literal' && name.literal.type === 'String' ? name.literal.text : '';
  if (literal !== '' && (scope.variables.has(literal) || constants.has(literal))) {
    throw wrong(`the variable %${literal} is there already`);
  }
  // The name itself is a String and not among the types of the value.
  const value = parameters === undefined || parameters.length > 1 ? undefined : input;
  scope.variables = new Map([...scope.variables, [literal, value]]);
}
