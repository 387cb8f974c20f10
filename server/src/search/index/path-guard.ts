/**
 * Functions that take time in proportion to what they are given. Left out are regular expressions (a client's pattern
 * could run for ever), recursion (`repeat`, `aggregate`, `descendants`), and what reaches outside or has no value here.
 */
const ALLOWED = new Set(
  `where select exists empty not count all allTrue anyTrue allFalse anyFalse distinct isDistinct first last tail skip take
  single ofType as is extension hasValue getValue iif union combine intersect exclude subsetOf supersetOf children resolve
  startsWith endsWith contains indexOf substring upper lower replace length toChars trim split join
  toBoolean toInteger toDecimal toString toDate toDateTime toTime toQuantity convertsToBoolean convertsToInteger
  convertsToDecimal convertsToString convertsToDate convertsToDateTime convertsToTime convertsToQuantity
  abs ceiling floor round truncate precision lowBoundary highBoundary type`.split(/\s+/),
);

/** What can give more than it gets: a few in a row are useful, many in a row are a power. */
const GROWING = /\b(?:combine|union|replace|join|children|split|toChars)\s*\(|&|[^|]\|[^|]|%/g;
const MOST_GROWING = 6;
/** The engine reads expressions recursively. */
const MOST_NESTED = 40;

/** In one pass, as the engine's lexer does: a quote in a comment begins no string. */
const QUOTED = /'(?:[^'\\]|\\.)*'|`((?:[^`\\]|\\.)*)`|\/\*[\s\S]*?\*\/|\/\/[^\r\n]*/gs;

/**
 * Why an expression of a client must not be given to the general FHIRPath engine, which knows no limits of time and
 * memory; undefined when it may. Looks at the names of its functions and at how it is put together; what it means is for
 * the engine to say.
 */
export function pathObjection(expression: string): string | undefined {
  const bare = expression.replace(QUOTED, (text, identifier?: string) =>
    identifier !== undefined ? identifier : text.startsWith("'") ? "''" : ' ',
  );
  for (const [, name = ''] of bare.matchAll(/([A-Za-z_]\w*)\s*\(/g)) {
    if (!ALLOWED.has(name) && !OPERATORS.has(name))
      return `the function ${name.slice(0, 60)} is not available here`;
  }
  if ((bare.match(GROWING)?.length ?? 0) > MOST_GROWING) return 'it is too long-winded';
  let depth = 0;
  for (const character of bare) {
    if (character === '(' || character === '[') depth++;
    else if (character === ')' || character === ']') depth--;
    if (depth > MOST_NESTED) return 'it has too many parentheses inside one another';
  }
  return undefined;
}

/** Words that may stand before a parenthesis and are no functions. */
const OPERATORS = new Set(['and', 'or', 'xor', 'implies', 'in', 'contains', 'div', 'mod', 'is', 'as']);
