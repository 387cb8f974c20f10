import { RegexError, SafeRegex } from '../terminology/regex.ts';
import { FhirPathError } from './errors.ts';
import { checkLength, type Spend, TooCostly, textSteps, UNLIMITED } from './limits.ts';
import { TimeLimit, withinTime } from './time-limit.ts';

/** A group with a quantifier or alternatives inside that is itself repeated: matching may take exponential time. */
const RISKY = /\((?:[^()\\]|\\.)*(?:[+*}|]|\?\))(?:[^()\\]|\\.)*\)(?:[+*]|\{\d*,)|\)[+*?]*\)(?:[+*]|\{\d*,)/;
/** Characters that an expression with exponential cost may see. */
const SHORT = 12;
/** Steps that backtracking may take by estimate. */
const CHEAP = 1_000_000;
const LIMIT_MS = 100;
/** How often a pattern may reach the limit before it is not tried again. */
const MAX_TIMEOUTS = 3;
const KEPT = 2000;
const MAX_PATTERN = 10_000;
/** What a match by backtracking counts as that may take all of its time. */
const COSTLY_STEPS = 100_000;

interface Compiled {
  readonly native: RegExp;
  readonly risky: boolean;
  /** Power of the text's length that backtracking may take if it is not exponential. */
  readonly degree: number;
  /** The automaton that answers in linear time; null for a pattern that it cannot have. */
  linear: SafeRegex | null | undefined;
  timeouts: number;
}

const compiled = new Map<string, Compiled>();

/** A pattern that is no regular expression. */
export class PatternError extends FhirPathError {
  constructor(message: string) {
    super('evaluation', message);
  }
}

/**
 * Whether a text contains a match of a regular expression that comes from outside. A pattern whose cost grows fast is run
 * by an automaton in linear time; one that has no such automaton (back references, look-around, flags) is given up after a
 * tenth of a second.
 *
 * @param flags `i`, `m` or both (FHIRPath 5.6.11)
 * @param spend counts what matching costs
 * @throws PatternError, TooCostly, and what `spend` throws
 */
export function safeRegExp(pattern: string, value: string, flags = '', spend: Spend = UNLIMITED): boolean {
  const entry = compiledPattern(pattern, flags);
  if (isCheap(entry, value)) {
    spend(textSteps(entry.risky ? 0 : value.length ** entry.degree));
    return entry.native.test(value);
  }
  if (entry.linear === undefined) entry.linear = flags === '' ? linearOf(pattern) : null;
  if (entry.linear !== null) {
    spend(value.length);
    return entry.linear.test(value);
  }
  return withinLimit(entry, pattern, spend, () => entry.native.test(value));
}

/**
 * All matches of a pattern replaced; `$1` and `$<name>` in the replacement stand for groups.
 * @throws PatternError; TooCostly for a pattern and text that take long and for a result that is too long
 */
export function safeReplace(
  pattern: string,
  value: string,
  by: string,
  flags = '',
  spend: Spend = UNLIMITED,
): string {
  const entry = compiledPattern(pattern, flags);
  const all = new RegExp(entry.native, `${entry.native.flags}g`);
  const replace = (): string => {
    let length = value.length;
    return value.replace(all, (...match) => {
      const part = filled(by, match);
      length += part.length;
      checkLength(length);
      return part;
    });
  };
  if (!isCheap(entry, value)) return withinLimit(entry, pattern, spend, replace);
  spend(textSteps(entry.risky ? 0 : value.length ** entry.degree));
  return replace();
}

/** A replacement with the groups of a match, which are the parameters of a replacer of String.replace(). */
function filled(by: string, match: readonly unknown[]): string {
  if (!by.includes('$')) return by;
  const named = match.at(-1);
  const groups = typeof named === 'object' && named !== null ? (named as Record<string, unknown>) : undefined;
  // Whole match, groups, place, text, and the named groups if there are any.
  const count = match.length - (groups === undefined ? 3 : 4);
  let length = 0;
  return by.replace(/\$(?:(\$)|(&)|(\d{1,2})|<(\w+)>)/g, (all, dollar, whole, number, name) => {
    let part: unknown;
    if (dollar !== undefined) part = '$';
    else if (whole !== undefined) part = match[0];
    else if (number !== undefined) {
      const place = Number(number);
      part = place <= count ? match[place] : all;
    } else part = groups === undefined ? all : groups[name];
    const text = typeof part === 'string' ? part : '';
    length += text.length;
    checkLength(length);
    return text;
  });
}

function compiledPattern(pattern: string, flags: string): Compiled {
  const key = `${flags}/${pattern}`;
  let entry = compiled.get(key);
  if (entry === undefined) {
    if (compiled.size >= KEPT) compiled.clear();
    entry = compile(pattern, flags);
    compiled.set(key, entry);
  }
  return entry;
}

function isCheap({ risky, degree }: Compiled, value: string): boolean {
  return risky ? value.length <= SHORT : value.length ** degree <= CHEAP;
}

function withinLimit<T>(entry: Compiled, pattern: string, spend: Spend, match: () => T): T {
  if (entry.timeouts < MAX_TIMEOUTS) {
    spend(COSTLY_STEPS);
    try {
      return withinTime(LIMIT_MS, match);
    } catch (error) {
      if (!(error instanceof TimeLimit)) throw error;
      entry.timeouts++;
    }
  }
  throw new TooCostly(`matching ${JSON.stringify(pattern.slice(0, 100))} takes too long`);
}

function compile(pattern: string, flags: string): Compiled {
  if (pattern.length > MAX_PATTERN)
    throw new PatternError(`a pattern is longer than ${MAX_PATTERN} characters`);
  // Classes and escaped characters repeat nothing.
  const bare = pattern.replace(/\\./gs, 'x').replace(/\[[^\]]*\]/g, 'x');
  const unbounded = bare.match(/[*+]|\{\d*,\}|\{\d*,\d{2,}\}/g)?.length ?? 0;
  return {
    native: parse(pattern, flags),
    risky: RISKY.test(pattern) || /\\[1-9k]/.test(pattern),
    degree: unbounded + (bare.startsWith('^') ? 0 : 1),
    linear: undefined,
    timeouts: 0,
  };
}

/** The automaton of "contains a match": what is not anchored may have anything around it. */
function linearOf(pattern: string): SafeRegex | null {
  try {
    const whole = alternativesOf(pattern).map((part) => {
      const start = part.startsWith('^') ? part.slice(1) : `[\\s\\S]*${part}`;
      return /(?:^|[^\\])(?:\\\\)*\$$/.test(start) ? start.slice(0, -1) : `${start}[\\s\\S]*`;
    });
    return new SafeRegex(whole.join('|'));
  } catch (error) {
    if (error instanceof RegexError) return null;
    throw error;
  }
}

/** The parts of a pattern between the bars that stand in no group and no class. */
function alternativesOf(pattern: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let inClass = false;
  let start = 0;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '\\') i++;
    else if (inClass) inClass = char !== ']';
    else if (char === '[') inClass = true;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '|' && depth === 0) {
      parts.push(pattern.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(pattern.slice(start));
  return parts;
}

function parse(pattern: string, flags: string): RegExp {
  if (!/^[im]*$/.test(flags))
    throw new PatternError(`${JSON.stringify(flags)} are no flags of a regular expression`);
  const all = [...new Set(`s${flags}`)].join('');
  // FHIRPath 5.6.11: dots match line ends too. Java's syntax is read where it differs: \Z, \z, \A.
  const text = pattern.replace(/\\A/g, '^').replace(/\\[zZ]/g, '$');
  try {
    return new RegExp(text, `${all}u`);
  } catch {
    try {
      // Patterns that escape what needs no escape are none with the flag for Unicode.
      return new RegExp(text, all);
    } catch {
      throw new PatternError(`${JSON.stringify(pattern.slice(0, 100))} is not a regular expression`);
    }
  }
}
