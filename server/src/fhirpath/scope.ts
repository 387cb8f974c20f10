import type { Environment } from './environment.ts';
import { failure } from './errors.ts';
import type { Items } from './values.ts';

/** Variables that defineVariable() made, each seeing those in front of it. */
export interface Variables {
  readonly name: string;
  readonly value: Items;
  readonly before: Variables | undefined;
}

/**
 * What a part of an expression sees. A chain of steps shares one, so that what defineVariable() adds is seen by the steps
 * behind it; operands and parameters get a scope of their own.
 */
export interface Scope {
  readonly self: Items;
  readonly index: number | undefined;
  readonly total: Items | undefined;
  variables: Variables | undefined;
}

/** A scope of its own for a part of the expression. */
export function child(scope: Scope): Scope {
  return { ...scope };
}

export function lookUp(scope: Scope, name: string): Items | undefined {
  for (let variable = scope.variables; variable !== undefined; variable = variable.before) {
    if (variable.name === name) return variable.value;
  }
  return undefined;
}

/** @throws FhirPathError for a name that is there already */
export function defineVariable(
  scope: Scope,
  { name, value }: { readonly name: string; readonly value: Items },
  environment: Environment,
): void {
  if (lookUp(scope, name) !== undefined || environment.constant(name) !== undefined) {
    throw failure(`the variable %${name} is there already`);
  }
  scope.variables = { name, value, before: scope.variables };
}
