import { RegexError, SafeRegex } from '../../terminology/regex.ts';
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

/** A pattern of a profile that is no regular expression, or takes too long to match. */
export class PatternError extends Error {}

/**
 * Whether a text contains a match of a regular expression that a profile brings. A pattern whose cost grows fast is run by
 * an automaton in linear time; one that has no such automaton (back references, look-around) is given up after a tenth of a
 * second.
 * @throws PatternError
 */
export function safeRegExp(pattern: string, value: string): boolean {
  let entry = compiled.get(pattern);
  if (entry === undefined) {
    if (compiled.size >= KEPT) compiled.clear();
    entry = compile(pattern);
    compiled.set(pattern, entry);
  }
  if (entry.risky ? value.length <= SHORT : value.length ** entry.degree <= CHEAP)
    return entry.native.test(value);
  if (entry.linear === undefined) entry.linear = linearOf(pattern);
  if (entry.linear !== null) return entry.linear.test(value);
  return withinLimit(entry, pattern, value);
}

function withinLimit(entry: Compiled, pattern: string, value: string): boolean {
  if (entry.timeouts < MAX_TIMEOUTS) {
    try {
      return withinTime(LIMIT_MS, () => entry.native.test(value));
    } catch (error) {
      if (!(error instanceof TimeLimit)) throw error;
      entry.timeouts++;
    }
  }
  throw new PatternError(`matching ${JSON.stringify(pattern.slice(0, 100))} takes too long`);
}

function compile(pattern: string): Compiled {
  // Classes and escaped characters repeat nothing.
  const bare = pattern.replace(/\\./gs, 'x').replace(/\[[^\]]*\]/g, 'x');
  const unbounded = bare.match(/[*+]|\{\d*,\}|\{\d*,\d{2,}\}/g)?.length ?? 0;
  return {
    native: parse(pattern),
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

function parse(pattern: string): RegExp {
  // FHIRPath N1: dots match line ends too. Java's syntax is read where it differs: possessive quantifiers, \Z, \z, \A.
  const text = pattern.replace(/\\A/g, '^').replace(/\\[zZ]/g, '$');
  try {
    return new RegExp(text, 'su');
  } catch {
    try {
      return new RegExp(text, 's');
    } catch {
      throw new PatternError(`${JSON.stringify(pattern.slice(0, 100))} is not a regular expression`);
    }
  }
}

/** All matches of a pattern replaced. @throws PatternError also for a pattern and text that would take long */
export function safeReplace(pattern: string, value: string, by: string): string {
  const { risky, degree } = compile(pattern);
  if (risky ? value.length > SHORT : value.length ** degree > CHEAP)
    throw new PatternError(`replacing ${JSON.stringify(pattern.slice(0, 100))} may take too long`);
  return value.replace(new RegExp(parse(pattern), 'gs'), by);
}
