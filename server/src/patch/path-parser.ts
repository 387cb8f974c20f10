import type { Expression, Invocation } from './path-ast.ts';

/** Text that is no FHIRPath expression. */
export class PathSyntaxError extends Error {}

const MAX_LENGTH = 4096;
const MAX_NESTING = 50;

type TokenKind =
  | 'identifier'
  | 'quoted'
  | 'string'
  | 'number'
  | 'temporal'
  | 'special'
  | 'constant'
  | 'symbol'
  | 'end';
interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const TOKEN = new RegExp(
  [
    String.raw`(?<skip>\s+|//[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*\*/)`,
    '(?<identifier>[A-Za-z_][A-Za-z0-9_]*)',
    String.raw`(?<quoted>${'`'}(?:[^${'`'}\\]|\\.)*${'`'})`,
    String.raw`(?<string>'(?:[^'\\]|\\.)*')`,
    '(?<temporal>@T?[0-9][0-9:.TZ+-]*)',
    String.raw`(?<number>\d+(?:\.\d+)?)`,
    String.raw`(?<special>\$[a-z]+)`,
    String.raw`(?<constant>%(?:[A-Za-z_][A-Za-z0-9_-]*|'[^'\\]*'|${'`'}[^${'`'}\\]*${'`'}))`,
    String.raw`(?<symbol><=|>=|!=|!~|[.,()[\]{}|&+*/=~<>-])`,
  ].join('|'),
  'sy',
);

/** Binary operators by how tightly they bind, loosest first (FHIRPath N1 section 6.8). `is` and `as` are handled between `|` and `<`. */
const PRECEDENCE: readonly (readonly string[])[] = [
  ['implies'],
  ['or', 'xor'],
  ['and'],
  ['in', 'contains'],
  ['=', '~', '!=', '!~'],
  ['<=', '<', '>', '>='],
  ['|'],
  ['is', 'as'],
  ['+', '-', '&'],
  ['*', '/', 'div', 'mod'],
];

const UNITS = /^(?:years?|months?|weeks?|days?|hours?|minutes?|seconds?|milliseconds?)$/;

/**
 * Parses a FHIRPath expression (http://hl7.org/fhirpath/N1, grammar). Throws {@link PathSyntaxError} with what is wrong
 * and where, also for more than 4,096 characters or 50 nested levels.
 */
export function parsePath(text: string): Expression {
  if (text.length > MAX_LENGTH) throw new PathSyntaxError(`longer than ${MAX_LENGTH} characters`);
  return new Parser(text).parse();
}

class Parser {
  readonly #text: string;
  readonly #tokens: Token[];
  #position = 0;
  #nesting = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokens(text);
  }

  parse(): Expression {
    const expression = this.#expression();
    if (this.#peek().kind !== 'end') throw this.#unexpected();
    return expression;
  }

  #expression(): Expression {
    if (++this.#nesting > MAX_NESTING) throw new PathSyntaxError('nested too deeply');
    const expression = this.#binary(0);
    this.#nesting--;
    return expression;
  }

  #binary(level: number): Expression {
    const operators = PRECEDENCE[level];
    if (operators === undefined) return this.#unary();
    const start = this.#peek().start;
    let left = this.#binary(level + 1);
    for (;;) {
      const token = this.#peek();
      if ((token.kind !== 'identifier' && token.kind !== 'symbol') || !operators.includes(token.text))
        return left;
      this.#position++;
      if (token.text === 'is' || token.text === 'as') {
        const type = this.#typeName();
        left = { kind: 'type', operator: token.text, left, type, source: this.#since(start) };
      } else {
        const right = this.#binary(level + 1);
        left = { kind: 'binary', operator: token.text, left, right, source: this.#since(start) };
      }
    }
  }

  #unary(): Expression {
    const token = this.#peek();
    if (!this.#isSymbol('-') && !this.#isSymbol('+')) return this.#steps();
    this.#position++;
    if (++this.#nesting > MAX_NESTING) throw new PathSyntaxError('nested too deeply');
    const operand = this.#unary();
    this.#nesting--;
    return { kind: 'sign', operator: token.text, operand, source: this.#since(token.start) };
  }

  #steps(): Expression {
    const start = this.#peek().start;
    let left = this.#term();
    for (;;) {
      if (this.#isSymbol('.')) {
        this.#position++;
        left = { kind: 'step', left, step: this.#invocation(), source: this.#since(start) };
      } else if (this.#isSymbol('[')) {
        this.#position++;
        const index = this.#expression();
        this.#expect(']');
        left = { kind: 'index', left, index, source: this.#since(start) };
      } else {
        return left;
      }
    }
  }

  #term(): Expression {
    const token = this.#peek();
    switch (token.kind) {
      case 'string':
        this.#position++;
        return { kind: 'literal', value: unescaped(token), source: this.#since(token.start) };
      case 'temporal':
        this.#position++;
        return { kind: 'temporal', source: this.#since(token.start) };
      case 'constant':
        this.#position++;
        return {
          kind: 'constant',
          name: token.text.slice(1).replace(/^['`]|['`]$/g, ''),
          source: token.text,
        };
      case 'number': {
        this.#position++;
        const unit = this.#peek();
        if (unit.kind === 'string' || (unit.kind === 'identifier' && UNITS.test(unit.text))) {
          this.#position++;
          return { kind: 'temporal', source: this.#since(token.start) };
        }
        return { kind: 'number', text: token.text, source: token.text };
      }
      case 'identifier':
        if (token.text !== 'true' && token.text !== 'false') break;
        this.#position++;
        return { kind: 'literal', value: token.text === 'true', source: token.text };
      case 'symbol':
        if (token.text === '(') {
          this.#position++;
          const inner = this.#expression();
          this.#expect(')');
          return { ...inner, source: this.#since(token.start) };
        }
        if (token.text === '{') {
          this.#position++;
          this.#expect('}');
          return { kind: 'empty', source: '{}' };
        }
        break;
    }
    return { kind: 'step', step: this.#invocation(), source: this.#since(token.start) };
  }

  #invocation(): Invocation {
    const token = this.#peek();
    if (token.kind === 'special') {
      this.#position++;
      return { kind: 'special', name: token.text };
    }
    const name = this.#name();
    if (!this.#isSymbol('(')) return { kind: 'member', name };
    this.#position++;
    const args: Expression[] = [];
    if (!this.#isSymbol(')')) {
      do args.push(this.#expression());
      while (this.#isSymbol(',') && ++this.#position);
    }
    this.#expect(')');
    return { kind: 'call', name, args };
  }

  #name(): string {
    const token = this.#peek();
    if (token.kind !== 'identifier' && token.kind !== 'quoted') throw this.#unexpected();
    this.#position++;
    return token.kind === 'quoted' ? unescaped(token) : token.text;
  }

  #typeName(): string {
    let name = this.#name();
    while (this.#isSymbol('.')) {
      this.#position++;
      name += `.${this.#name()}`;
    }
    return name;
  }

  #peek(): Token {
    return this.#tokens[this.#position] as Token;
  }

  #isSymbol(text: string): boolean {
    const token = this.#peek();
    return token.kind === 'symbol' && token.text === text;
  }

  #expect(text: string): void {
    if (!this.#isSymbol(text)) throw this.#unexpected();
    this.#position++;
  }

  #since(start: number): string {
    return this.#text.slice(start, (this.#tokens[this.#position - 1] as Token).end);
  }

  #unexpected(): PathSyntaxError {
    const token = this.#peek();
    return new PathSyntaxError(
      token.kind === 'end'
        ? 'it ends too early'
        : `'${token.text}' at position ${token.start} is not expected`,
    );
  }
}

function tokens(text: string): Token[] {
  const list: Token[] = [];
  let start = 0;
  while (start < text.length) {
    TOKEN.lastIndex = start;
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined)
      throw new PathSyntaxError(`'${text[start]}' at position ${start} is not expected`);
    const end = TOKEN.lastIndex;
    const kind = Object.keys(groups).find((name) => groups[name] !== undefined) as TokenKind | 'skip';
    if (kind !== 'skip') list.push({ kind, text: text.slice(start, end), start, end });
    start = end;
  }
  list.push({ kind: 'end', text: '', start: text.length, end: text.length });
  return list;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' };

function unescaped(token: Token): string {
  return token.text
    .slice(1, -1)
    .replace(/\\(?:u([0-9A-Fa-f]{4})|(.))/gs, (_, hex: string | undefined, char: string) =>
      hex === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
    );
}
