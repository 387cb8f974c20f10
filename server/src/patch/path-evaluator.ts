import { type Expression, type Invocation, type Literal, nameIn } from '../fhirpath/ast.ts';
import { limited } from '../fhirpath/limits.ts';
import { isNumber, numberOf } from '../json/exact-number.ts';
import { isObject } from '../json/objects.ts';
import type { ElementTree, Node } from './element-tree.ts';
import { jsonEquals } from './json-value.ts';
import { evaluateCriterion } from './path-fallback.ts';

/** A part of FHIRPath that the locator does not evaluate itself. */
export class Unsupported extends Error {}
/** A path that goes wrong on this resource. */
export class PathError extends Error {}

/** Nodes that the evaluation of one path may visit. */
const NODE_LIMIT = 200_000;
/** Steps that the general evaluator may take for all criteria of a path. */
const CRITERIA_STEPS = 1_000_000;

interface Focus {
  readonly nodes: readonly Node[];
  readonly self: Node | undefined;
  readonly index: number;
}

/**
 * Evaluates the FHIRPath of a patch operation so that every result keeps its place in the resource: navigation with
 * choice elements, indexers, where, first, last, tail, skip, take, single, ofType, as, extension, children, descendants,
 * union, iif, and resolve() of contained resources (R4 fhirpatch.html). Conditions may use the usual operators and functions;
 * those beyond are handed to the general evaluator.
 */
export class PathEvaluator {
  readonly #tree: ElementTree;
  #visited = 0;
  readonly #spend = limited(CRITERIA_STEPS);

  constructor(tree: ElementTree) {
    this.#tree = tree;
  }

  /**
   * The nodes that a path finds from the resource.
   * @throws PathError, Unsupported
   */
  locate(expression: Expression): readonly Node[] {
    const { root } = this.#tree;
    return this.#evaluate(expression, { nodes: [root], self: root, index: 0 });
  }

  #evaluate(expression: Expression, focus: Focus): readonly Node[] {
    switch (expression.kind) {
      case 'literal':
        return [literal(expression.literal)];
      case 'empty':
        return [];
      case 'constant':
        if (
          expression.name === 'resource' ||
          expression.name === 'context' ||
          expression.name === 'rootResource'
        ) {
          return [this.#tree.root];
        }
        throw new Unsupported(`%${expression.name}`);
      case 'step': {
        const nodes = expression.left === undefined ? focus.nodes : this.#evaluate(expression.left, focus);
        return this.#step(expression.step, { ...focus, nodes }, expression.left === undefined);
      }
      case 'index': {
        const nodes = this.#evaluate(expression.left, focus);
        const at = this.#integer(expression.index, focus);
        const node = at === undefined ? undefined : nodes[at];
        return node === undefined ? [] : [node];
      }
      case 'sign':
        return this.#sign(expression.operator, this.#evaluate(expression.operand, focus));
      case 'type':
        return this.#typeStep(expression.operator, this.#evaluate(expression.left, focus), expression.type);
      case 'binary':
        return this.#binary(expression.operator, expression.left, expression.right, focus);
    }
  }

  #step(step: Invocation, focus: Focus, first: boolean): readonly Node[] {
    if (step.kind === 'special') {
      if (step.name === '$this') return focus.self === undefined ? [] : [focus.self];
      if (step.name === '$index') return [system(focus.index)];
      throw new Unsupported(step.name);
    }
    if (step.kind === 'call') return this.#call(step.name, step.args, focus);
    const found = focus.nodes.flatMap((node) => this.#count(this.#tree.children(node, step.name)));
    // At the start of a path the name of the type stands for the node itself.
    if (found.length === 0 && first && /^[A-Z]/.test(step.name)) {
      return focus.nodes.filter((node) => this.#tree.isType(node.type, step.name));
    }
    return found;
  }

  #call(name: string, args: readonly Expression[], focus: Focus): readonly Node[] {
    const { nodes } = focus;
    const argument = (position: number): Expression => {
      const expression = args[position];
      if (expression === undefined) throw new PathError(`${name}() lacks an argument`);
      return expression;
    };
    switch (name) {
      case 'where':
        return this.#where(nodes, argument(0));
      case 'first':
        return nodes.slice(0, 1);
      case 'last':
        return nodes.slice(-1);
      case 'tail':
        return nodes.slice(1);
      case 'skip':
        return nodes.slice(Math.max(0, this.#integer(argument(0), focus) ?? 0));
      case 'take':
        return nodes.slice(0, Math.max(0, this.#integer(argument(0), focus) ?? 0));
      case 'single':
        if (nodes.length > 1) throw new PathError(`single() finds ${nodes.length} elements`);
        return nodes;
      case 'ofType':
      case 'as':
      case 'is':
        return this.#typeStep(name, nodes, nameIn(argument(0)) ?? '');
      case 'extension': {
        const url = this.#evaluate(argument(0), focus)[0]?.value;
        return nodes
          .flatMap((node) => this.#count(this.#tree.children(node, 'extension')))
          .filter((extension) => isObject(extension.value) && extension.value['url'] === url);
      }
      case 'children':
        return nodes.flatMap((node) => this.#count(this.#tree.allChildren(node)));
      case 'descendants':
        return nodes.flatMap((node) => this.#descendants(node));
      case 'resolve':
        return nodes.flatMap((node) => this.#resolve(node));
      case 'iif': {
        const branch = this.#test(argument(0), focus) === true ? args[1] : args[2];
        return branch === undefined ? [] : this.#evaluate(branch, focus);
      }
      case 'exists':
        return [system((args[0] === undefined ? nodes : this.#where(nodes, args[0])).length > 0)];
      case 'empty':
        return [system(nodes.length === 0)];
      case 'count':
        return [system(nodes.length)];
      case 'all':
        return [system(this.#where(nodes, argument(0)).length === nodes.length)];
      case 'hasValue':
        return [system(nodes.length === 1 && nodes[0]?.value !== undefined && !isObject(nodes[0].value))];
      case 'not': {
        const value = truth(nodes);
        return value === undefined ? [] : [system(!value)];
      }
      case 'startsWith':
      case 'endsWith':
      case 'contains': {
        const text = singleton(nodes)?.value;
        const part = singleton(this.#evaluate(argument(0), focus))?.value;
        if (typeof text !== 'string' || typeof part !== 'string') return [];
        return [system(name === 'contains' ? text.includes(part) : text[name](part))];
      }
      default:
        throw new Unsupported(`${name}()`);
    }
  }

  #where(nodes: readonly Node[], criterion: Expression): readonly Node[] {
    return nodes.filter((node, index) => {
      this.#visit(1);
      try {
        return this.#test(criterion, { nodes: [node], self: node, index }) === true;
      } catch (error) {
        if (!(error instanceof Unsupported)) throw error;
        this.#visit(500);
        const { root, definitions } = this.#tree;
        const result = evaluateCriterion(criterion, node, root, definitions, this.#spend);
        if (result === undefined) throw error;
        return result;
      }
    });
  }

  #test(expression: Expression, focus: Focus): boolean | undefined {
    return truth(this.#evaluate(expression, focus));
  }

  #integer(expression: Expression, focus: Focus): number | undefined {
    const value = singleton(this.#evaluate(expression, focus))?.value;
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value))
      throw new PathError('an index must be an integer');
    return value;
  }

  #sign(operator: string, operand: readonly Node[]): readonly Node[] {
    const value = singleton(operand)?.value;
    if (value === undefined) return [];
    if (typeof value !== 'number') throw new PathError(`'${operator}' needs a number`);
    return [system(operator === '-' ? -value : value)];
  }

  #typeStep(name: 'is' | 'as' | 'ofType', nodes: readonly Node[], type: string): readonly Node[] {
    if (type.startsWith('System.') || nodes.some((node) => node.type.startsWith('System.'))) {
      throw new Unsupported('System types');
    }
    if (!this.#tree.definitions.types.has(type.replace(/^FHIR\./, '')))
      throw new PathError(`'${type}' is no FHIR type`);
    if (name !== 'is') return nodes.filter((node) => this.#tree.isType(node.type, type));
    const node = singleton(nodes);
    return node === undefined ? [] : [system(this.#tree.isType(node.type, type))];
  }

  #binary(operator: string, left: Expression, right: Expression, focus: Focus): readonly Node[] {
    switch (operator) {
      case 'and':
      case 'or':
      case 'xor':
      case 'implies':
        return logical(operator, this.#test(left, focus), this.#test(right, focus));
    }
    const a = this.#evaluate(left, focus);
    const b = this.#evaluate(right, focus);
    switch (operator) {
      case '|':
        return [...a, ...b].filter((node, i, all) => all.findIndex((other) => same(node, other)) === i);
      case '=':
      case '!=': {
        if (a.length === 0 || b.length === 0) return [];
        const equal = a.length === b.length && a.every((node, i) => equals(node, b[i] as Node));
        return [system(equal === (operator === '='))];
      }
      case 'in':
      case 'contains': {
        const [member, list] = operator === 'in' ? [singleton(a), b] : [singleton(b), a];
        return member === undefined ? [] : [system(list.some((node) => equals(member, node)))];
      }
      case '<':
      case '<=':
      case '>':
      case '>=':
        return compare(operator, singleton(a), singleton(b));
      default:
        throw new Unsupported(`operator ${operator}`);
    }
  }

  #descendants(node: Node): Node[] {
    const found: Node[] = [];
    for (const child of this.#count(this.#tree.allChildren(node)))
      found.push(child, ...this.#descendants(child));
    return found;
  }

  /** R4 fhirpatch.html: resolve() only reaches resources that are contained in the one being patched. */
  #resolve(node: Node): readonly Node[] {
    const reference = isObject(node.value) ? node.value['reference'] : node.value;
    if (typeof reference !== 'string') return [];
    if (!reference.startsWith('#')) throw new PathError('resolve() reaches contained resources only');
    if (reference === '#') return [this.#tree.root];
    return this.#tree
      .children(this.#tree.root, 'contained')
      .filter((contained) => isObject(contained.value) && contained.value['id'] === reference.slice(1));
  }

  #count<T extends readonly Node[]>(nodes: T): T {
    this.#visit(nodes.length);
    return nodes;
  }

  #visit(nodes: number): void {
    this.#visited += nodes;
    if (this.#visited > NODE_LIMIT) throw new PathError('the path takes too many steps');
  }
}

/** @throws Unsupported for dates, times, quantities and Longs */
function literal(value: Literal): Node {
  switch (value.type) {
    case 'Boolean':
      return system(value.value);
    case 'String':
      return system(value.text);
    case 'Integer':
    case 'Decimal':
      return system(Number(value.text));
    default:
      throw new Unsupported('date, time and quantity literals');
  }
}

function system(value: string | number | boolean): Node {
  const type = typeof value === 'string' ? 'String' : typeof value === 'boolean' ? 'Boolean' : 'Decimal';
  return { value, extra: undefined, type: `System.${type}` };
}

function singleton(nodes: readonly Node[]): Node | undefined {
  if (nodes.length > 1) throw new PathError('a single value is needed where there are several');
  return nodes[0];
}

/** Singleton evaluation of collections (FHIRPath N1 section 4.5): a single value that is no boolean counts as true. */
function truth(nodes: readonly Node[]): boolean | undefined {
  const value = singleton(nodes)?.value;
  return nodes.length === 0 ? undefined : typeof value === 'boolean' ? value : true;
}

/** Three-valued logic (FHIRPath N1 section 6.5); empty is undefined. */
function logical(operator: string, a: boolean | undefined, b: boolean | undefined): readonly Node[] {
  let result: boolean | undefined;
  if (operator === 'and')
    result = a === false || b === false ? false : a === undefined || b === undefined ? undefined : true;
  else if (operator === 'or') result = a || b ? true : a === undefined || b === undefined ? undefined : false;
  else if (operator === 'xor') result = a === undefined || b === undefined ? undefined : a !== b;
  else result = a === false || b === true ? true : a === undefined || b === undefined ? undefined : !a || b;
  return result === undefined ? [] : [system(result)];
}

/** Whether two nodes are the same: the same place, or equal values without one. */
function same(a: Node, b: Node): boolean {
  if (a.place === undefined || b.place === undefined) return a === b || (a.place === b.place && equals(a, b));
  return (
    a.value === b.value &&
    a.place.element === b.place.element &&
    a.place.index === b.place.index &&
    same(a.place.parent, b.place.parent)
  );
}

const TEMPORAL = new Set(['date', 'dateTime', 'instant', 'time']);

function equals(a: Node, b: Node): boolean {
  const left = a.value ?? null;
  const right = b.value ?? null;
  if (jsonEquals(left, right)) return true;
  // Two dates may be the same moment in other words or another precision.
  if (TEMPORAL.has(a.type) && TEMPORAL.has(b.type)) throw new Unsupported('comparing dates');
  return false;
}

function compare(operator: string, a: Node | undefined, b: Node | undefined): readonly Node[] {
  const left = a?.value;
  const right = b?.value;
  if (left === undefined || right === undefined) return [];
  let order: number;
  if (isNumber(left) && isNumber(right)) order = numberOf(left) - numberOf(right);
  else if (
    typeof left !== 'string' ||
    typeof right !== 'string' ||
    TEMPORAL.has(a?.type ?? '') ||
    TEMPORAL.has(b?.type ?? '')
  )
    throw new Unsupported('comparing these values');
  else order = left < right ? -1 : left > right ? 1 : 0;
  return [
    system(
      operator === '<'
        ? order < 0
        : operator === '<='
          ? order <= 0
          : operator === '>'
            ? order > 0
            : order >= 0,
    ),
  ];
}
