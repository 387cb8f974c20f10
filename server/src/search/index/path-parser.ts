/**
 * A parser of FHIRPath (http://hl7.org/fhirpath/N1/) for the part of the language that search parameters use.
 * What lies outside it is reported as {@link UnsupportedPath}, so that the general engine can be asked.
 */

export type PathNode =
  /** A name: an element of the input, or (at the head of a path, where there is no input) the name of a type. */
  | { readonly kind: 'member'; readonly name: string; readonly input: PathNode | undefined }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly args: readonly PathNode[];
      readonly input: PathNode | undefined;
    }
  | { readonly kind: 'index'; readonly index: number; readonly input: PathNode }
  | { readonly kind: 'union'; readonly left: PathNode; readonly right: PathNode }
  | { readonly kind: 'type'; readonly operator: 'is' | 'as'; readonly input: PathNode; readonly type: string }
  | {
      readonly kind: 'logic';
      readonly operator: 'and' | 'or' | 'xor' | 'implies';
      readonly left: PathNode;
      readonly right: PathNode;
    }
  | { readonly kind: 'equal'; readonly negated: boolean; readonly left: PathNode; readonly right: PathNode }
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'this' };

/** The expression is, or may be, FHIRPath, but not of the part that is parsed here. */
export class UnsupportedPath extends Error {}

type TokenKind = 'name' | 'string' | 'number' | 'symbol' | 'end';
interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly at: number;
  readonly end: number;
}

const TOKEN =
  /\s*(?:(?<name>[A-Za-z_][A-Za-z0-9_]*)|`(?<quoted>[^`\\]*)`|'(?<string>(?:[^'\\]|\\.)*)'|(?<number>\d+(?:\.\d+)?)|(?<symbol>!=|<=|>=|!~|[.,()[\]|=<>~+\-*/&{}%@$]))/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' };

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  let at = 0;
  while (at < end) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match?.groups === undefined)
      throw new UnsupportedPath(`unexpected "${text.slice(at, at + 10)}" at ${at}`);
    const { name, quoted, string, number, symbol } = match.groups;
    const value = name ?? quoted ?? string ?? number ?? symbol ?? '';
    const kind =
      (name ?? quoted)
        ? 'name'
        : string !== undefined
          ? 'string'
          : number !== undefined
            ? 'number'
            : 'symbol';
    const start = TOKEN.lastIndex - match[0].trimStart().length;
    tokens.push({
      kind,
      text: string === undefined ? value : unescapeText(string),
      at: start,
      end: TOKEN.lastIndex,
    });
    at = TOKEN.lastIndex;
  }
  tokens.push({ kind: 'end', text: '', at: end, end });
  return tokens;
}

function unescapeText(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|.)/g, (_, escaped: string) =>
    escaped.length === 5
      ? String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
      : (ESCAPES[escaped] ?? escaped),
  );
}

/** Deepest nesting that is parsed: beyond it an expression is refused rather than the stack used up. */
const DEEPEST = 64;

class Parser {
  readonly #tokens: readonly Token[];
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  get token(): Token {
    return this.#tokens[this.#at] as Token;
  }

  unexpected(): UnsupportedPath {
    const { text, at } = this.token;
    return new UnsupportedPath(
      text === '' ? 'the expression ends too early' : `unexpected "${text}" at ${at}`,
    );
  }

  takes(kind: TokenKind, text: string): boolean {
    if (this.token.kind !== kind || this.token.text !== text) return false;
    this.#at++;
    return true;
  }

  expect(text: string): void {
    if (!this.takes('symbol', text)) throw this.unexpected();
  }

  name(): string {
    const { kind, text } = this.token;
    if (kind !== 'name') throw this.unexpected();
    this.#at++;
    return text;
  }

  // Precedence from the loosest: implies; or xor; and; = !=; | ; is as; then paths.
  expression(): PathNode {
    if (++this.#depth > DEEPEST) throw new UnsupportedPath('the expression is nested too deeply');
    let left = this.disjunction();
    while (this.takes('name', 'implies'))
      left = { kind: 'logic', operator: 'implies', left, right: this.disjunction() };
    this.#depth--;
    return left;
  }

  disjunction(): PathNode {
    let left = this.conjunction();
    for (;;) {
      const operator = this.takes('name', 'or') ? 'or' : this.takes('name', 'xor') ? 'xor' : undefined;
      if (operator === undefined) return left;
      left = { kind: 'logic', operator, left, right: this.conjunction() };
    }
  }

  conjunction(): PathNode {
    let left = this.equality();
    while (this.takes('name', 'and')) left = { kind: 'logic', operator: 'and', left, right: this.equality() };
    return left;
  }

  equality(): PathNode {
    let left = this.union();
    for (;;) {
      const negated = this.takes('symbol', '!=');
      if (!negated && !this.takes('symbol', '=')) return left;
      left = { kind: 'equal', negated, left, right: this.union() };
    }
  }

  union(): PathNode {
    let left = this.typed();
    while (this.takes('symbol', '|')) left = { kind: 'union', left, right: this.typed() };
    return left;
  }

  typed(): PathNode {
    let input = this.path();
    for (;;) {
      const operator = this.takes('name', 'is') ? 'is' : this.takes('name', 'as') ? 'as' : undefined;
      if (operator === undefined) return input;
      input = { kind: 'type', operator, input, type: this.typeName() };
    }
  }

  typeName(): string {
    const first = this.name();
    return this.takes('symbol', '.') ? `${first}.${this.name()}` : first;
  }

  path(): PathNode {
    let node = this.term();
    for (;;) {
      if (this.takes('symbol', '.')) node = this.invocation(node);
      else if (this.takes('symbol', '[')) {
        const { kind, text } = this.token;
        if (kind !== 'number' || text.includes('.')) throw this.unexpected();
        this.#at++;
        this.expect(']');
        node = { kind: 'index', index: Number(text), input: node };
      } else return node;
    }
  }

  term(): PathNode {
    const { kind, text } = this.token;
    if (kind === 'string') {
      this.#at++;
      return { kind: 'literal', value: text };
    }
    if (kind === 'number') {
      this.#at++;
      if (this.token.kind === 'string') throw this.unexpected();
      return { kind: 'literal', value: Number(text) };
    }
    if (this.takes('symbol', '(')) {
      const inner = this.expression();
      this.expect(')');
      return inner;
    }
    if (this.takes('symbol', '%')) return { kind: 'variable', name: this.name() };
    if (this.takes('symbol', '$')) {
      if (!this.takes('name', 'this')) throw this.unexpected();
      return { kind: 'this' };
    }
    return this.invocation(undefined);
  }

  invocation(input: PathNode | undefined): PathNode {
    const { at, end } = this.token;
    const name = this.name();
    const quoted = this.#text[at] === '`' || end - at !== name.length;
    if (!quoted && this.takes('symbol', '(')) {
      const args: PathNode[] = [];
      const typed = name === 'ofType' || name === 'as' || name === 'is';
      if (!this.takes('symbol', ')')) {
        do {
          args.push(typed ? { kind: 'literal', value: this.typeName() } : this.expression());
        } while (this.takes('symbol', ','));
        this.expect(')');
      }
      return { kind: 'call', name, args, input };
    }
    if (input === undefined && !quoted && (name === 'true' || name === 'false')) {
      return { kind: 'literal', value: name === 'true' };
    }
    return { kind: 'member', name, input };
  }

  parse(): PathNode {
    const node = this.expression();
    if (this.token.kind !== 'end') throw this.unexpected();
    return node;
  }
}

/** The syntax tree of an expression. Throws {@link UnsupportedPath} for what is not FHIRPath or not of the part parsed here. */
export function parsePath(expression: string): PathNode {
  return new Parser(expression).parse();
}
