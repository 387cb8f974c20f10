/** How a result is to be ordered (sort()). */
export type Direction = 'asc' | 'desc';

/** A step after a dot, or the first of an expression. */
export type Invocation =
  | { readonly kind: 'member'; readonly name: string; readonly delimited: boolean }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly args: readonly Expression[];
      /** For sort(): the direction of each argument. */
      readonly directions?: readonly Direction[];
    }
  | { readonly kind: 'special'; readonly name: '$this' | '$index' | '$total' };

/** The literal that stands for one value. */
export type Literal =
  | { readonly type: 'Boolean'; readonly value: boolean }
  | { readonly type: 'String'; readonly text: string }
  | { readonly type: 'Integer' | 'Long' | 'Decimal'; readonly text: string }
  /** Without the `@`; a time without its `T`. */
  | { readonly type: 'Date' | 'DateTime' | 'Time'; readonly text: string }
  /** `unit` is a code of UCUM, or a calendar duration where `calendar` is set. */
  | { readonly type: 'Quantity'; readonly text: string; readonly unit: string; readonly calendar: boolean };

/** A FHIRPath expression (N1, grammar). `at` is where in the text it begins. */
export type Expression = { readonly at: number } & (
  | { readonly kind: 'literal'; readonly literal: Literal }
  | { readonly kind: 'empty' }
  | { readonly kind: 'constant'; readonly name: string }
  | { readonly kind: 'step'; readonly left?: Expression; readonly step: Invocation }
  | { readonly kind: 'index'; readonly left: Expression; readonly index: Expression }
  | { readonly kind: 'sign'; readonly operator: '+' | '-'; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'type';
      readonly operator: 'is' | 'as';
      readonly left: Expression;
      readonly type: string;
    }
);

/** The name that an expression of members only is (`FHIR.Patient`); undefined for another. */
export function nameIn(expression: Expression): string | undefined {
  if (expression.kind !== 'step' || expression.step.kind !== 'member') return undefined;
  if (expression.left === undefined) return expression.step.name;
  const left = nameIn(expression.left);
  return left === undefined ? undefined : `${left}.${expression.step.name}`;
}

/** The expressions that an expression is directly made of. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'step': {
      const args = expression.step.kind === 'call' ? expression.step.args : [];
      return expression.left === undefined ? args : [expression.left, ...args];
    }
    case 'index':
      return [expression.left, expression.index];
    case 'binary':
      return [expression.left, expression.right];
    case 'sign':
      return [expression.operand];
    case 'type':
      return [expression.left];
    default:
      return [];
  }
}
