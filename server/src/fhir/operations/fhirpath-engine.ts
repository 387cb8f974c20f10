import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/*
 * fhirpath.js as the thread for expressions of clients uses it (fhirpath-worker.ts), with what it does otherwise than the
 * FHIRPath specification mended. It changes classes of the engine: it must not be loaded where the engine serves others.
 */

/** A function of ours in an expression; `this` is the engine's context. */
export interface OwnFunction {
  readonly fn: (this: EngineContext, inputs: readonly unknown[], ...parameters: never[]) => unknown;
  /** Types of the parameters by their number. */
  readonly arity: Readonly<Record<number, readonly string[]>>;
  /** Parameters that are empty make the result empty. */
  readonly nullable?: boolean;
  /** Inputs come as the engine has them, not as plain values. */
  readonly internalStructures?: boolean;
}

/** The part of the engine's context that is used. */
export interface EngineContext {
  readonly dataRoot: readonly unknown[];
}

/** An element of a resource, as the engine has it. */
export interface EngineNode {
  readonly path: string | null;
  readonly data: unknown;
  readonly _data: object | null;
  readonly parentResNode: EngineNode | null;
  readonly fhirNodeDataType: string | null;
  fullPropertyName(): string | undefined;
  /** The value: a string, boolean or one of the engine's types. */
  convertData(): unknown;
}

interface EngineDecimal {
  readonly asStr: string;
  readonly decimalPlaces: number;
  isInteger(): boolean;
}

interface EngineDateTime {
  readonly asStr: string;
  _getDateObj(): Date;
  plus(quantity: unknown): EngineDateTime;
}

interface EngineTypes {
  readonly FP_Decimal: new (...parameters: never[]) => object;
  readonly FP_Decimal_Precise: new (value: unknown) => EngineDecimal;
  readonly FP_DateTime: { new (context: unknown, text: string): EngineDateTime; prototype: EngineDateTime };
  readonly FP_TimeBase: new (...parameters: never[]) => { readonly asStr: string };
  readonly ResourceNode: {
    new (...parameters: never[]): EngineNode;
    makeResNode(
      context: EngineContext,
      data: unknown,
      parent: EngineNode | null,
      path: string | null,
      sibling: null,
      type: string | null,
    ): EngineNode;
  };
}

/** The part of the `fhirpath` package that is used. */
export interface Engine {
  evaluate(
    data: unknown,
    expression: string,
    variables: Record<string, unknown>,
    model: unknown,
    options: {
      resolveInternalTypes: boolean;
      preciseMath: boolean;
      userInvocationTable?: Readonly<Record<string, OwnFunction>>;
      traceFn?: (value: unknown, label: string) => void;
    },
  ): unknown[];
  types(values: readonly unknown[]): string[];
  FP_Decimal: { getDecimal(text: string): object; new (...args: never[]): object };
}

const require = createRequire(import.meta.url);
const inside = <T>(file: string): T => require(join(dirname(require.resolve('fhirpath')), file)) as T;

/** Operations whose result is an Integer only if all operands are (FHIRPath 6.6), and those that always give a Decimal. */
const MIXED = ['plus', 'minus', 'mul', 'power'];
const DECIMAL = ['div', 'exp', 'ln', 'log', 'sqrt'];

/** The classes of the engine. */
export const engineTypes = inside<EngineTypes>('types.js');
mendEquivalence();
mendDecimals(engineTypes);
mendDates(engineTypes);

/** The engine. */
export const engine = require('fhirpath') as Engine;

/** The R4 model: what elements there are, and the ancestors of types. */
export const model = require('fhirpath/fhir-context/r4') as {
  readonly type2Parent: Readonly<Record<string, string | undefined>>;
};

/** FHIRPath 6.1.2: collections are equivalent whatever the order of their items. Comes before the engine takes up the operators. */
function mendEquivalence(): void {
  type Operator = (this: unknown, left: readonly unknown[], right: readonly unknown[]) => boolean;
  const operators = inside<{ equival: Operator; unequival: Operator }>('equality.js');
  const { equival } = operators;
  operators.equival = function (left, right) {
    if (left.length !== right.length) return false;
    if (left.length === 1) return equival.call(this, left, right);
    const unmatched = [...right];
    return left.every((item) => {
      const match = unmatched.findIndex((other) => equival.call(this, [item], [other]));
      if (match >= 0) unmatched.splice(match, 1);
      return match >= 0;
    });
  };
  operators.unequival = function (left, right) {
    return !operators.equival.call(this, left, right);
  };
}

type Operation = (this: EngineDecimal, ...operands: unknown[]) => unknown;

/** The engine takes a Decimal for an Integer when it happens to be whole. */
function mendDecimals({ FP_Decimal_Precise: Precise }: EngineTypes): void {
  const operations = Precise.prototype as unknown as Record<string, Operation | undefined>;
  for (const name of [...MIXED, ...DECIMAL]) {
    const operation = operations[name];
    if (operation === undefined) throw new Error(`the FHIRPath engine has no decimal operation ${name}`);
    operations[name] = function (...operands) {
      const result = operation.apply(this, operands);
      if (!(result instanceof Precise) || !result.isInteger() || /e/i.test(result.asStr)) return result;
      const whole = (operand: unknown) => !(operand instanceof Precise) || operand.isInteger();
      if (MIXED.includes(name) && [this, ...operands].every(whole)) return result;
      return new Precise(`${result.asStr}.0`);
    };
  }
}

/** FHIRPath 6.7: what is added to a time leaves its offset alone; the engine's result has the offset of this machine. */
function mendDates({ FP_DateTime: DateTime }: EngineTypes): void {
  const { plus } = DateTime.prototype;
  DateTime.prototype.plus = function (quantity) {
    const [, local, offset] = /^(.*T.*?)(Z|[+-]\d\d:\d\d)$/.exec(this.asStr) ?? [];
    if (local === undefined || offset === undefined) return plus.call(this, quantity);
    const { ctx } = this as unknown as { ctx: unknown };
    const moved = plus.call(new DateTime(ctx, `${local}Z`), quantity);
    const text = moved._getDateObj().toISOString().slice(0, local.length);
    return new DateTime(ctx, `${text}${offset}`);
  };
}
