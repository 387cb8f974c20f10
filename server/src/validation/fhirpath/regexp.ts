import { Script } from 'node:vm';

/** A group with a quantifier inside that is itself repeated, or an alternation that is: matching may take exponential time. */
const RISKY = /\((?:[^()\\]|\\.)*(?:[+*}|]|\?\))(?:[^()\\]|\\.)*\)(?:[+*]|\{\d*,)|\)[+*?]*\)(?:[+*]|\{\d*,)/;
const SHORT = 48;
const LIMIT_MS = 250;

const compiled = new Map<string, { readonly pattern: RegExp; readonly risky: boolean }>();
const script = new Script('pattern.test(value)');

/** A pattern of a profile that is no regular expression, or takes too long to match. */
export class PatternError extends Error {}

/**
 * Whether a text contains a match of a regular expression that a profile brings. Matching that takes longer than a
 * quarter of a second is given up.
 * @throws PatternError
 */
export function safeRegExp(pattern: string, value: string): boolean {
  let entry = compiled.get(pattern);
  if (entry === undefined) {
    if (compiled.size > 2000) compiled.clear();
    entry = { pattern: parse(pattern), risky: RISKY.test(pattern) };
    compiled.set(pattern, entry);
  }
  if (!entry.risky || value.length < SHORT) return entry.pattern.test(value);
  try {
    return script.runInNewContext({ pattern: entry.pattern, value }, { timeout: LIMIT_MS }) as boolean;
  } catch {
    throw new PatternError(`matching ${JSON.stringify(pattern.slice(0, 100))} takes too long`);
  }
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
