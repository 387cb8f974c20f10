/*
 * Regular expressions of value set filters. They come from clients, so they are run by an automaton whose time grows
 * with the length of the pattern times that of the text, never by backtracking. Supported is what can be run so: literals,
 * `.`, classes with ranges and escapes, groups, alternatives, `* + ? {n,m}`, anchors at the ends. Back references and
 * look-around are not.
 */

/** Thrown for a pattern that is wrong, too large or not supported; the message says which. */
export class RegexError extends Error {}

/** Most states of an automaton: bounds its memory and the time per character. */
const MAX_STATES = 4000;
const MAX_DEPTH = 100;
/** Most states and steps of positions that an automaton remembers: bounds its memory. */
const MAX_REMEMBERED = 10_000;

type CharTest = (point: number) => boolean;

type State =
  | { readonly kind: 'char'; readonly test: CharTest; next: number }
  | { readonly kind: 'split'; next: number; other: number }
  | { readonly kind: 'match' };

interface Fragment {
  readonly start: number;
  /** Sets where the fragment goes on. */
  readonly ends: ((target: number) => void)[];
}

/** Where a run can be after some text: states of the automaton, and where each character leads that came here before. */
interface Position {
  readonly states: readonly number[];
  readonly accepts: boolean;
  readonly next: Map<number, Position>;
}

/** A pattern that must match a whole text, in linear time. */
export class SafeRegex {
  readonly #states: State[] = [];
  readonly #start: readonly number[];
  /** Positions that were met, by their states: with them most characters cost one look-up. */
  readonly #positions = new Map<string, Position>();
  #remembered = 0;
  readonly #marks: Uint32Array;
  #round = 0;

  /** @throws RegexError */
  constructor(pattern: string) {
    if (pattern.length > 2000) throw new RegexError('it is longer than 2000 characters');
    const parser = new Parser(pattern, this.#states);
    const whole = parser.parse();
    const match = this.#states.push({ kind: 'match' }) - 1;
    for (const end of whole.ends) end(match);
    this.#marks = new Uint32Array(this.#states.length);
    this.#start = this.#closure([whole.start]);
  }

  /** Whether the pattern matches the whole text. */
  test(text: string): boolean {
    let position = this.#position(this.#start);
    for (let i = 0; i < text.length; i++) {
      const point = text.codePointAt(i) as number;
      if (point > 0xffff) i++;
      position = position.next.get(point) ?? this.#step(position, point);
      if (position.states.length === 0) return false;
    }
    return position.accepts;
  }

  #step(position: Position, point: number): Position {
    const targets: number[] = [];
    for (const at of position.states) {
      const state = this.#states[at] as State;
      if (state.kind === 'char' && state.test(point)) targets.push(state.next);
    }
    const next = this.#position(this.#closure(targets));
    position.next.set(point, next);
    this.#remembered++;
    return next;
  }

  #position(states: readonly number[]): Position {
    const key = states.join();
    let position = this.#positions.get(key);
    if (position === undefined) {
      if (this.#remembered > MAX_REMEMBERED) {
        this.#positions.clear();
        this.#remembered = 0;
      }
      const accepts = states.some((at) => (this.#states[at] as State).kind === 'match');
      position = { states, accepts, next: new Map() };
      this.#positions.set(key, position);
      this.#remembered += states.length;
    }
    return position;
  }

  /** The states that read a character or end the match and are reached from some without reading anything. */
  #closure(from: readonly number[]): number[] {
    if (++this.#round > 0xffffffff) {
      this.#marks.fill(0);
      this.#round = 1;
    }
    const found: number[] = [];
    const stack = [...from];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (this.#marks[at] === this.#round) continue;
      this.#marks[at] = this.#round;
      const one = this.#states[at] as State;
      if (one.kind === 'split') stack.push(one.other, one.next);
      else found.push(at);
    }
    return found.sort((a, b) => a - b);
  }
}

const isDigit: CharTest = (point) => point >= 48 && point <= 57;
const isWord: CharTest = (point) =>
  isDigit(point) || (point >= 65 && point <= 90) || (point >= 97 && point <= 122) || point === 95;
const isSpace: CharTest = (point) => /\s/.test(String.fromCodePoint(point));
const not =
  (test: CharTest): CharTest =>
  (point) =>
    !test(point);

const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, '0': 0 };

class Parser {
  readonly #points: readonly string[];
  readonly #states: State[];
  #at = 0;
  #depth = 0;

  constructor(pattern: string, states: State[]) {
    this.#points = [...pattern];
    this.#states = states;
  }

  parse(): Fragment {
    const fragment = this.#alternatives();
    if (this.#at < this.#points.length) throw new RegexError(`there is a ")" too many at ${this.#at + 1}`);
    return fragment;
  }

  #peek(): string | undefined {
    return this.#points[this.#at];
  }

  #push(state: State): number {
    if (this.#states.length >= MAX_STATES) throw new RegexError('it is too large');
    return this.#states.push(state) - 1;
  }

  #empty(): Fragment {
    const state = { kind: 'split' as const, next: -1, other: -1 };
    const start = this.#push(state);
    return {
      start,
      ends: [
        (target) => {
          state.next = target;
          state.other = target;
        },
      ],
    };
  }

  #char(test: CharTest): Fragment {
    const state = { kind: 'char' as const, test, next: -1 };
    return {
      start: this.#push(state),
      ends: [
        (target) => {
          state.next = target;
        },
      ],
    };
  }

  #alternatives(): Fragment {
    if (++this.#depth > MAX_DEPTH) throw new RegexError('its groups are nested too deeply');
    let fragment = this.#sequence();
    while (this.#peek() === '|') {
      this.#at++;
      const other = this.#sequence();
      const start = this.#push({ kind: 'split', next: fragment.start, other: other.start });
      fragment = { start, ends: [...fragment.ends, ...other.ends] };
    }
    this.#depth--;
    return fragment;
  }

  #sequence(): Fragment {
    let fragment: Fragment | undefined;
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      if (next === '^' || next === '$') {
        // The whole text is matched anyway; anywhere else an anchor could match nothing.
        const outer =
          this.#depth === 1 && (next === '^' ? fragment === undefined : this.#isEnd(this.#at + 1));
        if (!outer) throw new RegexError(`"${next}" is supported at the ends only`);
        this.#at++;
        continue;
      }
      const piece = this.#quantified();
      if (fragment === undefined) fragment = piece;
      else {
        for (const end of fragment.ends) end(piece.start);
        fragment = { start: fragment.start, ends: piece.ends };
      }
    }
    return fragment ?? this.#empty();
  }

  #isEnd(at: number): boolean {
    return this.#points[at] === undefined || this.#points[at] === '|';
  }

  #quantified(): Fragment {
    const from = this.#at;
    const piece = this.#atom();
    const range = this.#quantifier();
    if (range === undefined) return piece;
    const [least, most] = range;
    const until = this.#at;
    // Copies are made by reading the piece again.
    const again = (): Fragment => {
      const back = this.#at;
      this.#at = from;
      const copy = this.#atom();
      this.#at = back;
      return copy;
    };
    let whole: Fragment | undefined;
    const append = (fragment: Fragment): void => {
      if (whole === undefined) whole = fragment;
      else {
        for (const end of whole.ends) end(fragment.start);
        whole = { start: whole.start, ends: fragment.ends };
      }
    };
    let first: Fragment | undefined = piece;
    const take = (): Fragment => {
      const taken = first ?? again();
      first = undefined;
      return taken;
    };
    for (let i = 0; i < least; i++) append(take());
    if (most === undefined) append(this.#star(take()));
    else for (let i = least; i < most; i++) append(this.#optional(take()));
    this.#at = until;
    return whole ?? this.#empty();
  }

  #star(inner: Fragment): Fragment {
    const split = { kind: 'split' as const, next: inner.start, other: -1 };
    const start = this.#push(split);
    for (const end of inner.ends) end(start);
    return {
      start,
      ends: [
        (target) => {
          split.other = target;
        },
      ],
    };
  }

  #optional(inner: Fragment): Fragment {
    const split = { kind: 'split' as const, next: inner.start, other: -1 };
    const start = this.#push(split);
    return {
      start,
      ends: [
        ...inner.ends,
        (target) => {
          split.other = target;
        },
      ],
    };
  }

  #quantifier(): [number, number | undefined] | undefined {
    const next = this.#peek();
    let range: [number, number | undefined] | undefined;
    if (next === '*') range = [0, undefined];
    else if (next === '+') range = [1, undefined];
    else if (next === '?') range = [0, 1];
    else if (next === '{') {
      const rest = this.#points.slice(this.#at, this.#at + 12).join('');
      const match = /^\{(\d{1,4})(?:(,)(\d{1,4})?)?\}/.exec(rest);
      if (match === null) throw new RegexError(`the "{" at ${this.#at + 1} begins no repetition`);
      const least = Number(match[1]);
      const most = match[2] === undefined ? least : match[3] === undefined ? undefined : Number(match[3]);
      if (most !== undefined && most < least)
        throw new RegexError('a repetition has its bounds the wrong way round');
      range = [least, most];
      this.#at += match[0].length - 1;
    }
    if (range === undefined) return undefined;
    this.#at++;
    // A lazy quantifier matches the same whole texts as a greedy one.
    if (this.#peek() === '?') this.#at++;
    return range;
  }

  #atom(): Fragment {
    const character = this.#points[this.#at++];
    if (character === '(') {
      if (this.#peek() === '?') {
        const mark = this.#points[this.#at + 1];
        if (mark !== ':') throw new RegexError('look-around and named groups are not supported');
        this.#at += 2;
      }
      const inner = this.#alternatives();
      if (this.#peek() !== ')') throw new RegexError('a ")" is missing');
      this.#at++;
      return inner;
    }
    if (character === '[') return this.#char(this.#class());
    if (character === '.') return this.#char((point) => point !== 10 && point !== 13);
    if (character === '\\') return this.#char(this.#escape());
    if (character === '*' || character === '+' || character === '?' || character === '{')
      throw new RegexError(`there is nothing to repeat at ${this.#at}`);
    const point = (character as string).codePointAt(0) as number;
    return this.#char((other) => other === point);
  }

  #escape(): CharTest {
    const character = this.#points[this.#at++];
    if (character === undefined) throw new RegexError('it ends with a "\\"');
    switch (character) {
      case 'd':
        return isDigit;
      case 'D':
        return not(isDigit);
      case 'w':
        return isWord;
      case 'W':
        return not(isWord);
      case 's':
        return isSpace;
      case 'S':
        return not(isSpace);
      default: {
        const point = this.#escapedPoint(character);
        return (other) => other === point;
      }
    }
  }

  #escapedPoint(character: string): number {
    const control = CONTROLS[character];
    if (control !== undefined) return control;
    if (character === 'u' || character === 'x') {
      const digits = this.#points.slice(this.#at, this.#at + (character === 'u' ? 4 : 2)).join('');
      if (!/^([0-9a-f]{2}){1,2}$/i.test(digits))
        throw new RegexError(`"\\${character}" needs hexadecimal digits`);
      this.#at += digits.length;
      return Number.parseInt(digits, 16);
    }
    if (/[A-Za-z1-9]/.test(character)) throw new RegexError(`"\\${character}" is not supported`);
    return character.codePointAt(0) as number;
  }

  #class(): CharTest {
    const negated = this.#peek() === '^';
    if (negated) this.#at++;
    const tests: CharTest[] = [];
    for (let first = true; ; first = false) {
      const character = this.#points[this.#at++];
      if (character === undefined) throw new RegexError('a "]" is missing');
      if (character === ']' && !first) break;
      let low: number | undefined;
      if (character === '\\') {
        const next = this.#points[this.#at] ?? '';
        if (/[dDwWsS]/.test(next)) tests.push(this.#escape());
        else {
          this.#at++;
          if (next === '') throw new RegexError('it ends with a "\\"');
          low = next === 'b' ? 8 : this.#escapedPoint(next);
        }
      } else low = character.codePointAt(0) as number;
      if (low === undefined) continue;
      const from = low;
      if (
        this.#peek() === '-' &&
        this.#points[this.#at + 1] !== ']' &&
        this.#points[this.#at + 1] !== undefined
      ) {
        this.#at++;
        let end = this.#points[this.#at++] as string;
        let to: number;
        if (end === '\\') {
          end = this.#points[this.#at++] ?? '';
          if (end === '') throw new RegexError('it ends with a "\\"');
          to = this.#escapedPoint(end);
        } else to = end.codePointAt(0) as number;
        if (to < from) throw new RegexError('a range of characters is the wrong way round');
        tests.push((point) => point >= from && point <= to);
      } else tests.push((point) => point === from);
    }
    return (point) => tests.some((test) => test(point)) !== negated;
  }
}
