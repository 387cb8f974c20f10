/** A step after a dot, or the first of an expression. */
export type Invocation =
  | { readonly kind: 'member'; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  /** `$this`, `$index`, `$total`. */
  | { readonly kind: 'special'; readonly name: string };

/** A FHIRPath expression (N1 grammar). `source` is its text, for evaluation elsewhere and for messages. */
export type Expression = { readonly source: string } & (
  | { readonly kind: 'literal'; readonly value: string | boolean }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'empty' }
  /** A date, time or quantity literal: the locator does not evaluate these itself. */
  | { readonly kind: 'temporal' }
  /** `%resource`, `%context`, `%ucum`... */
  | { readonly kind: 'constant'; readonly name: string }
  | { readonly kind: 'step'; readonly left?: Expression; readonly step: Invocation }
  | { readonly kind: 'index'; readonly left: Expression; readonly index: Expression }
  | { readonly kind: 'sign'; readonly operator: string; readonly operand: Expression }
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
