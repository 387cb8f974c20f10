/** A parameter of an operation, as OperationDefinition.parameter says it. */
export interface ParameterDefinition {
  readonly name: string;
  readonly use: 'in' | 'out';
  readonly min: number;
  readonly max: string;
  readonly documentation: string;
  /** Code of R4's all-types; `Any` where there are several, which the documentation names. Absent where there are parts. */
  readonly type?: string;
  readonly part?: readonly ParameterDefinition[];
}

/** What an OperationDefinition says that the table of operations does not. */
export interface OperationText {
  readonly title: string;
  readonly description: string;
  readonly parameters: readonly ParameterDefinition[];
}

export type Cardinality = '0..1' | '1..1' | '0..*' | '1..*';

/** Makes parameters of one use. */
function parameter(use: 'in' | 'out') {
  return (
    name: string,
    cardinality: Cardinality,
    type: string | readonly ParameterDefinition[],
    documentation: string,
  ): ParameterDefinition => {
    const [min, max] = cardinality.split('..') as [string, string];
    const shape = typeof type === 'string' ? { type } : { part: type };
    return { name, use, min: Number(min), max, documentation, ...shape };
  };
}

/** A parameter that is taken, and one that is answered; the type, or parts, and what it is. */
export const given = parameter('in');
export const answered = parameter('out');
