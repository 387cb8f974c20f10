import { FHIR, type NamespaceScope, XHTML } from './namespaces.ts';
import { type AttributeNode, type ElementNode, stringValue, type TextNode } from './tree.ts';

/** A selector or an expression in it that is none of the supported ones. */
export class SelectorError extends Error {}

/** A place that a selector names: a node, the element it belongs to (none for the root), and the elements around that. */
export interface Located {
  readonly node: ElementNode | AttributeNode | TextNode;
  /** The elements from the root to the node's parent. */
  readonly ancestors: readonly ElementNode[];
}

type NodeTest =
  | { readonly kind: 'element'; readonly local: string; readonly namespaces: readonly string[] | undefined }
  | { readonly kind: 'attribute'; readonly local: string; readonly namespace: string }
  | { readonly kind: 'text' }
  | { readonly kind: 'self' };

interface Step {
  readonly test: NodeTest;
  readonly predicates: readonly Predicate[];
}

type Predicate =
  | { readonly kind: 'position'; readonly position: number }
  | { readonly kind: 'last' }
  | {
      readonly kind: 'path';
      readonly steps: readonly Step[];
      readonly equals: string | undefined;
      readonly negated: boolean;
    }
  | { readonly kind: 'and' | 'or'; readonly left: Predicate; readonly right: Predicate }
  | { readonly kind: 'not'; readonly operand: Predicate };

/** Prefixes that need no declaration. */
const WELL_KNOWN: ReadonlyMap<string, string> = new Map([
  ['f', FHIR],
  ['h', XHTML],
  ['xhtml', XHTML],
]);

const TOKEN =
  /\s*(?:(?<name>[A-Za-z_][\w.-]*(?::[A-Za-z_*][\w.-]*)?)|(?<number>[0-9]+)|"(?<double>[^"]*)"|'(?<single>[^']*)'|(?<symbol>::|\/\/|!=|\.\.|[/@[\]()=*.,|<>+-]))/y;
const MAX_SELECTOR = 4096;
const MAX_NESTING = 8;
/** How many nodes the evaluation of one selector may look at. */
const MAX_VISITS = 2_000_000;

/**
 * The places in a document that a selector names, in document order.
 *
 * Supported is what RFC 5261 section 4.1 takes from XPath 1.0, as far as it makes sense for FHIR: child steps by name or
 * `*`, ending in an element, `@attribute` or `text()`; predicates by position, `last()`, `position()=n`, and relative paths,
 * alone or compared with a text, joined by `and`, `or` and `not()`. A name without prefix is in the default namespace of
 * the patch (RFC 5261 section 4.2.1), or in any if there is none.
 *
 * @param scope the namespaces in force where the selector stands; `f` is FHIR's, `h` and `xhtml` XHTML's anyway
 * @throws SelectorError for a selector that is not supported, has an unknown prefix or takes too long
 */
export function select(root: ElementNode, selector: string, scope: NamespaceScope): Located[] {
  const steps = new SelectorParser(selector, scope).parse();
  visits = 0;
  const [first, ...rest] = steps as [Step, ...Step[]];
  if (first.test.kind !== 'element')
    throw new SelectorError('A selector begins with the name of the resource');
  const start = matchesTest(root, first.test)
    ? filter([{ node: root, ancestors: [] }], first.predicates)
    : [];
  return follow(start, rest);
}

let visits = 0;

function follow(from: readonly Located[], steps: readonly Step[]): Located[] {
  let current = [...from];
  for (const { test, predicates } of steps) {
    current = current.flatMap((place) => filter(stepFrom(place, test), predicates));
  }
  return current;
}

function stepFrom(place: Located, test: NodeTest): Located[] {
  if (test.kind === 'self') return [place];
  const { node } = place;
  if (node.kind !== 'element') return [];
  const ancestors = [...place.ancestors, node];
  const candidates = test.kind === 'attribute' ? node.attributes : node.children;
  visits += candidates.length + 1;
  if (visits > MAX_VISITS) throw new SelectorError('The selector takes too long');
  const found: Located[] = [];
  for (const candidate of candidates) {
    if (candidate.kind !== 'comment' && matchesTest(candidate, test))
      found.push({ node: candidate, ancestors });
  }
  return found;
}

function matchesTest(node: Located['node'], test: NodeTest): boolean {
  switch (test.kind) {
    case 'self':
      return true;
    case 'text':
      return node.kind === 'text';
    case 'attribute':
      return node.kind === 'attribute' && node.local === test.local && node.namespace === test.namespace;
    default:
      return (
        node.kind === 'element' &&
        (test.local === '*' || node.local === test.local) &&
        (test.namespaces === undefined || test.namespaces.includes(node.namespace))
      );
  }
}

function filter(places: Located[], predicates: readonly Predicate[]): Located[] {
  let current = places;
  for (const predicate of predicates) {
    const { length } = current;
    current = current.filter((place, index) => holds(predicate, place, index + 1, length));
  }
  return current;
}

function holds(predicate: Predicate, place: Located, position: number, size: number): boolean {
  switch (predicate.kind) {
    case 'position':
      return position === predicate.position;
    case 'last':
      return position === size;
    case 'and':
      return holds(predicate.left, place, position, size) && holds(predicate.right, place, position, size);
    case 'or':
      return holds(predicate.left, place, position, size) || holds(predicate.right, place, position, size);
    case 'not':
      return !holds(predicate.operand, place, position, size);
    default: {
      const { equals, negated } = predicate;
      const found = follow([place], predicate.steps);
      if (equals === undefined) return found.length > 0;
      return found.some(({ node }) => (stringValue(node) === equals) !== negated);
    }
  }
}

type TokenValue = { readonly kind: 'name' | 'number' | 'literal' | 'symbol' | 'end'; readonly text: string };

class SelectorParser {
  readonly #tokens: TokenValue[] = [];
  readonly #scope: NamespaceScope;
  #at = 0;
  #nesting = 0;

  constructor(selector: string, scope: NamespaceScope) {
    this.#scope = scope;
    if (selector.length > MAX_SELECTOR) throw new SelectorError('The selector is too long');
    const text = selector.trim();
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.length) {
      const { lastIndex } = TOKEN;
      const groups = TOKEN.exec(text)?.groups;
      if (groups === undefined)
        throw new SelectorError(`The selector is not understood at character ${lastIndex + 1}`);
      const { name, number, double, single, symbol } = groups;
      if (name !== undefined) this.#tokens.push({ kind: 'name', text: name });
      else if (number !== undefined) this.#tokens.push({ kind: 'number', text: number });
      else if (symbol !== undefined) this.#tokens.push({ kind: 'symbol', text: symbol });
      else this.#tokens.push({ kind: 'literal', text: double ?? single ?? '' });
    }
    this.#tokens.push({ kind: 'end', text: 'the end' });
  }

  /** A whole selector. */
  parse(): Step[] {
    this.#takes('/');
    const steps = this.#path();
    if (this.#next.kind !== 'end') this.#unexpected();
    return steps;
  }

  get #next(): TokenValue {
    return this.#tokens[this.#at] as TokenValue;
  }

  /** Whether a symbol is next; goes past it. */
  #takes(symbol: string): boolean {
    const { kind, text } = this.#next;
    if (kind !== 'symbol' || text !== symbol) return false;
    this.#at++;
    return true;
  }

  #expect(symbol: string): void {
    if (!this.#takes(symbol)) this.#unexpected(symbol);
  }

  #unexpected(expected?: string): never {
    const { kind, text } = this.#next;
    const found = kind === 'end' ? text : `"${text}"`;
    const hint =
      expected === undefined
        ? 'only child, attribute and text() steps are supported'
        : `"${expected}" is expected`;
    throw new SelectorError(`The selector is not understood at ${found}: ${hint}`);
  }

  #path(): Step[] {
    const steps = [this.#step()];
    while (this.#takes('/')) {
      if (steps.at(-1)?.test.kind !== 'element' && steps.at(-1)?.test.kind !== 'self') this.#unexpected();
      steps.push(this.#step());
    }
    return steps;
  }

  #step(): Step {
    const test = this.#test();
    const predicates: Predicate[] = [];
    while (this.#takes('[')) {
      if (++this.#nesting > MAX_NESTING) throw new SelectorError('The selector is nested too deeply');
      predicates.push(this.#or());
      this.#nesting--;
      this.#expect(']');
    }
    return { test, predicates };
  }

  #test(): NodeTest {
    if (this.#takes('.')) return { kind: 'self' };
    if (this.#takes('*')) return { kind: 'element', local: '*', namespaces: undefined };
    const isAttribute = this.#takes('@');
    const { kind, text } = this.#next;
    if (kind !== 'name') return this.#unexpected();
    this.#at++;
    if (this.#takes('(')) {
      if (text !== 'text' || isAttribute)
        throw new SelectorError(`The selector has ${text}(), which is not supported here`);
      this.#expect(')');
      return { kind: 'text' };
    }
    const colon = text.indexOf(':');
    const local = text.slice(colon + 1);
    const namespace = colon < 0 ? undefined : this.#namespace(text.slice(0, colon));
    if (isAttribute) return { kind: 'attribute', local, namespace: namespace ?? '' };
    const unprefixed = this.#scope.default === '' ? undefined : [this.#scope.default];
    return { kind: 'element', local, namespaces: namespace === undefined ? unprefixed : [namespace] };
  }

  #namespace(prefix: string): string {
    const namespace = this.#scope.get(prefix) ?? WELL_KNOWN.get(prefix);
    if (namespace === undefined)
      throw new SelectorError(`The prefix ${prefix} of the selector is not declared`);
    return namespace;
  }

  #or(): Predicate {
    let left = this.#and();
    while (this.#takesWord('or')) left = { kind: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Predicate {
    let left = this.#comparison();
    while (this.#takesWord('and')) left = { kind: 'and', left, right: this.#comparison() };
    return left;
  }

  #takesWord(word: string): boolean {
    if (this.#next.kind !== 'name' || this.#next.text !== word) return false;
    this.#at++;
    return true;
  }

  #comparison(): Predicate {
    const { kind, text } = this.#next;
    if (kind === 'number') {
      this.#at++;
      return { kind: 'position', position: Number(text) };
    }
    if (kind === 'name' && this.#tokens[this.#at + 1]?.text === '(' && text !== 'text')
      return this.#call(text);
    const steps = this.#path();
    const negated = this.#takes('!=');
    if (!negated && !this.#takes('=')) return { kind: 'path', steps, equals: undefined, negated };
    const literal = this.#next;
    if (literal.kind !== 'literal') this.#unexpected();
    this.#at++;
    return { kind: 'path', steps, equals: literal.text, negated };
  }

  #call(name: string): Predicate {
    this.#at += 2;
    if (name === 'not') {
      if (++this.#nesting > MAX_NESTING) throw new SelectorError('The selector is nested too deeply');
      const operand = this.#or();
      this.#nesting--;
      this.#expect(')');
      return { kind: 'not', operand };
    }
    if (name !== 'last' && name !== 'position') {
      throw new SelectorError(`The selector has ${name}(), which is not supported`);
    }
    this.#expect(')');
    if (name === 'last') return { kind: 'last' };
    this.#expect('=');
    const number = this.#next;
    this.#at++;
    if (number.kind === 'number') return { kind: 'position', position: Number(number.text) };
    if (number.kind !== 'name' || number.text !== 'last') {
      this.#at--;
      this.#unexpected('a number');
    }
    this.#expect('(');
    this.#expect(')');
    return { kind: 'last' };
  }
}
