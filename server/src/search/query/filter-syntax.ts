import { badValue, shown } from './errors.ts';

/** Operators of R4 search_filter.html. */
export const FILTER_OPERATORS = [
  'eq',
  'ne',
  'co',
  'sw',
  'ew',
  'gt',
  'lt',
  'ge',
  'le',
  'ap',
  'sa',
  'eb',
  'pr',
  'po',
  'ss',
  'sb',
  'in',
  'ni',
  're',
] as const;
export type FilterOperator = (typeof FILTER_OPERATORS)[number];

/** One name of a path: `subject`, with a type (`subject:Patient`) or a filter on what it points to (`subject[...]`). */
export interface FilterSegment {
  readonly name: string;
  readonly type?: string;
  readonly filter?: FilterNode;
}

export type FilterNode =
  | { readonly kind: 'and' | 'or'; readonly of: readonly FilterNode[] }
  | { readonly kind: 'not'; readonly of: FilterNode }
  | {
      readonly kind: 'test';
      readonly path: readonly FilterSegment[];
      readonly operator: FilterOperator;
      readonly value: string;
    };

const NAME = /[A-Za-z_][A-Za-z0-9_-]*/y;
const TYPE = /:([A-Za-z]+)/y;
const SPACE = /\s+/y;
const STRING = /"(?:[^"\\]|\\.)*"/sy;
const TOKEN = /[^\s\])]+/y;
const MAX_DEPTH = 40;

/**
 * Parses the text of `_filter` (grammar of R4 search_filter.html). `not` binds closest, then `and`, then `or`.
 * @throws FhirError 400 with the place of the first error
 */
export function parseFilterSyntax(label: string, text: string): FilterNode {
  const reader = new FilterReader(label, text);
  return reader.whole();
}

class FilterReader {
  readonly #label: string;
  readonly #text: string;
  #at = 0;

  constructor(label: string, text: string) {
    this.#label = label;
    this.#text = text;
  }

  whole(): FilterNode {
    const node = this.#either(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#error('"and", "or" or the end');
    return node;
  }

  #either(depth: number): FilterNode {
    const of = [this.#both(depth)];
    while (this.#keyword('or')) of.push(this.#both(depth));
    return of.length === 1 ? of[0]! : { kind: 'or', of };
  }

  #both(depth: number): FilterNode {
    const of = [this.#one(depth)];
    while (this.#keyword('and')) of.push(this.#one(depth));
    return of.length === 1 ? of[0]! : { kind: 'and', of };
  }

  #one(depth: number): FilterNode {
    if (depth > MAX_DEPTH)
      throw badValue(this.#label, `more than ${MAX_DEPTH} levels of parentheses.`, 'too-costly');
    if (this.#keyword('not')) return { kind: 'not', of: this.#one(depth + 1) };
    this.#space();
    if (this.#text[this.#at] === '(') {
      this.#at++;
      const inner = this.#either(depth + 1);
      this.#expect(')');
      return inner;
    }
    return this.#test(depth);
  }

  #test(depth: number): FilterNode {
    const path = this.#path(depth);
    if (this.#match(SPACE) === undefined) throw this.#error('a blank and an operator');
    const operator = this.#match(NAME)?.toLowerCase() as FilterOperator | undefined;
    if (operator === undefined || !FILTER_OPERATORS.includes(operator)) {
      throw this.#error(`an operator (${FILTER_OPERATORS.join(', ')})`);
    }
    if (this.#match(SPACE) === undefined) throw this.#error('a blank and a value');
    return { kind: 'test', path, operator, value: this.#value() };
  }

  #path(depth: number): FilterSegment[] {
    const path: FilterSegment[] = [];
    for (;;) {
      if (path.length > MAX_DEPTH) throw badValue(this.#label, 'a path has too many names.', 'too-costly');
      const name = this.#match(NAME);
      if (name === undefined) throw this.#error('a search parameter');
      const type = this.#match(TYPE)?.slice(1);
      let filter: FilterNode | undefined;
      if (this.#text[this.#at] === '[') {
        this.#at++;
        filter = this.#either(depth + 1);
        this.#expect(']');
        if (this.#text[this.#at] !== '.') throw this.#error('"." after "]"');
      }
      path.push({
        name,
        ...(type === undefined ? {} : { type }),
        ...(filter === undefined ? {} : { filter }),
      });
      if (this.#text[this.#at] !== '.') return path;
      this.#at++;
    }
  }

  #value(): string {
    if (this.#text[this.#at] === '"') {
      const text = this.#match(STRING);
      if (text === undefined) throw this.#error('the end of the string');
      try {
        return JSON.parse(text) as string;
      } catch {
        throw badValue(this.#label, `${shown(text)} is not a JSON string.`);
      }
    }
    const token = this.#match(TOKEN);
    if (token === undefined) throw this.#error('a value');
    return token;
  }

  #keyword(word: string): boolean {
    const before = this.#at;
    this.#space();
    const found = this.#match(NAME);
    // A parameter may be called as a keyword is; then an operator follows it rather than a filter.
    if (found?.toLowerCase() === word && /^(?:\s|\(|$)/.test(this.#text.slice(this.#at, this.#at + 1)))
      return true;
    this.#at = before;
    return false;
  }

  #space(): void {
    this.#match(SPACE);
  }

  #expect(character: string): void {
    this.#space();
    if (this.#text[this.#at] !== character) throw this.#error(`"${character}"`);
    this.#at++;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match[0];
  }

  #error(expected: string): Error {
    const rest = this.#text.slice(this.#at);
    return badValue(
      this.#label,
      `at character ${this.#at + 1} of the filter: expected ${expected} but found ${rest === '' ? 'the end' : shown(rest)}.`,
    );
  }
}
