import type { Direction, Expression, Invocation, Literal } from './ast.ts';
import { FhirPathError, placeOf } from './errors.ts';
import { type Token, tokensOf } from './lexer.ts';

const MAX_NESTING = 400;

/** Binary operators by how tightly they bind, loosest first (FHIRPath 6.8). */
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

/** Keywords that are no identifiers unless they are delimited (FHIRPath 8.5). */
const RESERVED = new Set(['and', 'or', 'xor', 'implies', 'div', 'mod', 'true', 'false']);
const UNITS = /^(?:year|month|week|day|hour|minute|second|millisecond)s?$/;

/**
 * Parses a FHIRPath expression (http://hl7.org/fhirpath/N1/grammar.html, with Long and the directions of sort() of the
 * later trial-use parts).
 * @param options.lenient names behind a dot may be keywords without being delimited, as published expressions have them
 *   (`text.div`)
 * @param options.maxNesting how many expressions may stand inside one another
 * @throws FhirPathError (syntax) that tells what is wrong and where
 */
export function parseExpression(
  text: string,
  { lenient = false, maxNesting = MAX_NESTING } = {},
): Expression {
  return new Parser(text, lenient, maxNesting).parse();
}

class Parser {
  readonly #text: string;
  readonly #tokens: Token[];
  readonly #isLenient: boolean;
  readonly #maxNesting: number;
  #position = 0;
  #nesting = 0;

  constructor(text: string, isLenient: boolean, maxNesting: number) {
    this.#maxNesting = maxNesting;
    this.#text = text;
    this.#isLenient = isLenient;
    this.#tokens = tokensOf(text);
  }

  parse(): Expression {
    const expression = this.#expression();
    if (this.#peek().kind !== 'end') throw this.#unexpected();
    return expression;
  }

  #expression(): Expression {
    this.#enter();
    const expression = this.#binary(0);
    this.#nesting--;
    return expression;
  }

  #enter(): void {
    if (++this.#nesting > this.#maxNesting) throw new FhirPathError('syntax', 'it is nested too deeply');
  }

  #binary(level: number): Expression {
    const operators = PRECEDENCE[level];
    if (operators === undefined) return this.#sign();
    const at = this.#peek().start;
    let left = this.#binary(level + 1);
    for (;;) {
      const { kind, text } = this.#peek();
      if ((kind !== 'identifier' && kind !== 'symbol') || !operators.includes(text)) return left;
      this.#position++;
      left =
        text === 'is' || text === 'as'
          ? { kind: 'type', operator: text, left, type: this.#typeName(), at }
          : { kind: 'binary', operator: text, left, right: this.#binary(level + 1), at };
    }
  }

  #sign(): Expression {
    const { start: at, text: operator } = this.#peek();
    if (!this.#isSymbol('-') && !this.#isSymbol('+')) return this.#steps();
    this.#position++;
    this.#enter();
    const operand = this.#sign();
    this.#nesting--;
    return { kind: 'sign', operator: operator as '+' | '-', operand, at };
  }

  #steps(): Expression {
    const at = this.#peek().start;
    let left = this.#term();
    for (;;) {
      if (this.#isSymbol('.')) {
        this.#position++;
        const place = this.#peek().start;
        left = { kind: 'step', left, step: this.#invocation(this.#isLenient), at: place };
      } else if (this.#isSymbol('[')) {
        this.#position++;
        const index = this.#expression();
        this.#expect(']');
        left = { kind: 'index', left, index, at };
      } else return left;
    }
  }

  #term(): Expression {
    const { kind, text, start: at } = this.#peek();
    const literal = this.#literal();
    if (literal !== undefined) return { kind: 'literal', literal, at };
    if (kind === 'constant') {
      this.#position++;
      return { kind: 'constant', name: text, at };
    }
    if (this.#isSymbol('(')) {
      this.#position++;
      const inner = this.#expression();
      this.#expect(')');
      return inner;
    }
    if (this.#isSymbol('{')) {
      this.#position++;
      this.#expect('}');
      return { kind: 'empty', at };
    }
    return { kind: 'step', step: this.#invocation(), at };
  }

  #literal(): Literal | undefined {
    const { kind, text } = this.#peek();
    switch (kind) {
      case 'string':
        this.#position++;
        return { type: 'String', text };
      case 'date':
      case 'dateTime':
      case 'time':
        this.#position++;
        return { type: kind === 'date' ? 'Date' : kind === 'time' ? 'Time' : 'DateTime', text };
      case 'long':
        this.#position++;
        return { type: 'Long', text };
      case 'integer':
      case 'decimal': {
        this.#position++;
        const unit = this.#peek();
        const calendar = unit.kind === 'identifier' && UNITS.test(unit.text);
        if (unit.kind !== 'string' && !calendar)
          return { type: kind === 'integer' ? 'Integer' : 'Decimal', text };
        this.#position++;
        return { type: 'Quantity', text, unit: unit.text, calendar };
      }
      case 'identifier':
        if (text !== 'true' && text !== 'false') return undefined;
        this.#position++;
        return { type: 'Boolean', value: text === 'true' };
      default:
        return undefined;
    }
  }

  #invocation(allowsKeyword = false): Invocation {
    const token = this.#peek();
    if (token.kind === 'special') {
      this.#position++;
      return { kind: 'special', name: token.text as '$this' };
    }
    const name = this.#name(allowsKeyword);
    if (!this.#isSymbol('(')) return { kind: 'member', name, delimited: token.kind === 'delimited' };
    this.#position++;
    const args: Expression[] = [];
    const directions: Direction[] = [];
    if (!this.#isSymbol(')')) {
      do {
        args.push(this.#expression());
        if (name === 'sort') directions.push(this.#direction());
      } while (this.#isSymbol(',') && ++this.#position);
    }
    this.#expect(')');
    return { kind: 'call', name, args, ...(name === 'sort' ? { directions } : {}) };
  }

  #direction(): Direction {
    const { kind, text } = this.#peek();
    if (kind !== 'identifier' || (text !== 'asc' && text !== 'desc')) return 'asc';
    this.#position++;
    return text;
  }

  #name(allowsKeyword = false): string {
    const { kind, text } = this.#peek();
    if (kind !== 'delimited' && (kind !== 'identifier' || (RESERVED.has(text) && !allowsKeyword)))
      throw this.#unexpected();
    this.#position++;
    return text;
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

  #isSymbol(symbol: string): boolean {
    const { kind, text } = this.#peek();
    return kind === 'symbol' && text === symbol;
  }

  #expect(symbol: string): void {
    if (!this.#isSymbol(symbol)) throw this.#unexpected();
    this.#position++;
  }

  #unexpected(): FhirPathError {
    const { kind, text, start } = this.#peek();
    return new FhirPathError(
      'syntax',
      kind === 'end'
        ? 'it ends too early'
        : `${JSON.stringify(text)} is not expected at ${placeOf(this.#text, start)}`,
    );
  }
}
