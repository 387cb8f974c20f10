import type { Expression, Invocation } from '../ast.ts';
import type { Environment } from '../environment.ts';
import { failure } from '../errors.ts';
import { type Spend, textSteps } from '../limits.ts';
import { truth } from '../operators.ts';
import { child, type Scope } from '../scope.ts';
import { describe, type Item, type Items, plainValue, type Value } from '../values.ts';

type Run = (expression: Expression, scope: Scope, environment: Environment) => Items;

/** A call of a function: its input, and its parameters, which it evaluates as it needs them. */
export class Call {
  readonly name: string;
  readonly input: Items;
  readonly environment: Environment;
  readonly #invocation: Extract<Invocation, { kind: 'call' }>;
  readonly #scope: Scope;
  readonly #run: Run;
  /** Set by a function that defines a variable for what follows. */
  variable: { readonly name: string; readonly value: Items } | undefined;

  constructor(
    invocation: Extract<Invocation, { kind: 'call' }>,
    input: Items,
    scope: Scope,
    environment: Environment,
    run: Run,
  ) {
    this.name = invocation.name;
    this.input = input;
    this.environment = environment;
    this.#invocation = invocation;
    this.#scope = scope;
    this.#run = run;
  }

  /** Counts work of the evaluation. */
  get spend(): Spend {
    return this.environment.spend;
  }

  /** Number of parameters. */
  get count(): number {
    return this.#invocation.args.length;
  }

  /** The expression of a parameter. */
  expression(place: number): Expression {
    return this.#invocation.args[place] as Expression;
  }

  isDescending(place: number): boolean {
    return this.#invocation.directions?.[place] === 'desc';
  }

  /** A parameter that is evaluated once, on what the call is in. */
  argument(place: number): Items {
    return this.#run(this.expression(place), child(this.#scope), this.environment);
  }

  /** A parameter that is evaluated on one item of the input. */
  on(place: number, item: Item, index: number | undefined, total = this.#scope.total): Items {
    const scope = { ...this.#scope, self: [item], index: index ?? this.#scope.index, total };
    return this.#run(this.expression(place), scope, this.environment);
  }

  /** A parameter that is evaluated once on the whole input. */
  onInput(place: number): Items {
    return this.#run(this.expression(place), { ...this.#scope, self: this.input }, this.environment);
  }

  /** A parameter that is a condition, for one item. */
  test(place: number, item: Item, index: number): boolean | undefined {
    return truth(this.on(place, item, index), `the condition of ${this.name}()`, this.environment);
  }

  /** The only item of the input; undefined if there is none. @throws FhirPathError for several */
  get item(): Item | undefined {
    return this.#single(this.input, `${this.name}()`, 'takes');
  }

  /** The value of the only item of the input; undefined for none and for a primitive without a value. */
  get value(): Value | undefined {
    const { item } = this;
    return item === undefined ? undefined : plainValue(item);
  }

  /** The input as a String. @throws FhirPathError for several items and for one of another type */
  get text(): string | undefined {
    const { item, value } = this;
    if (item === undefined || (value === undefined && item.kind === 'Node' && item.value === undefined))
      return undefined;
    if (value?.kind === 'String') return this.#read(value.value);
    throw failure(`${this.name}() takes a String, not ${describe(item)}`);
  }

  /** A parameter as a single value; undefined if it is empty or not given. @throws FhirPathError for several items */
  parameter(place: number): Value | undefined {
    if (place >= this.count) return undefined;
    const item = this.#single(this.argument(place), `parameter ${place + 1} of ${this.name}()`, 'must be');
    if (item === undefined) return undefined;
    const value = plainValue(item);
    if (value === undefined && item.kind === 'Node' && typeof item.value === 'object')
      throw this.wrongParameter(place, 'a value', item);
    return value;
  }

  /** A parameter as a String. @throws FhirPathError for several items and for one of another type */
  textParameter(place: number): string | undefined {
    const value = this.parameter(place);
    if (value === undefined) return undefined;
    if (value.kind === 'String') return this.#read(value.value);
    throw this.wrongParameter(place, 'a String', value);
  }

  /** A parameter as an Integer. @throws FhirPathError for several items and for one of another type */
  wholeParameter(place: number): number | undefined {
    const value = this.parameter(place);
    if (value === undefined) return undefined;
    if (value.kind === 'Integer' || value.kind === 'Long') return Number(value.value);
    throw this.wrongParameter(place, 'an Integer', value);
  }

  #read(text: string): string {
    this.environment.spend(textSteps(text.length));
    return text;
  }

  #single(items: Items, what: string, verb: string): Item | undefined {
    if (items.length > 1 && !this.environment.isLenient)
      throw failure(`${what} ${verb} a single item, not ${items.length}`);
    return items[0];
  }

  wrongParameter(place: number, wanted: string, item: Item): Error {
    return failure(`parameter ${place + 1} of ${this.name}() must be ${wanted}, not ${describe(item)}`);
  }

  wrongInput(): Error {
    const [item] = this.input;
    return failure(`${this.name}() does not take ${item === undefined ? 'this' : describe(item)}`);
  }
}

/** A function: how many parameters it takes, and what it does. */
export interface FunctionDefinition {
  readonly least: number;
  readonly most: number;
  readonly run: (call: Call) => Items;
}

/** Functions by name, of one group. */
export type FunctionGroup = Readonly<
  Record<string, readonly [least: number, most: number, run: (call: Call) => Items]>
>;
