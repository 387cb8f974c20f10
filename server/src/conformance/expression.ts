import type { ElementModel, TypeModel } from './model.ts';

/**
 * What can be said of a search parameter's FHIRPath expression without evaluating it: its union branches, and the
 * elements that a path reaches (R4 searchparameter.html; FHIRPath N1 section 3, 4.4 and 5).
 */

/** The operands of the outermost `|`, with enclosing parentheses taken off. */
export function splitUnion(expression: string): string[] {
  const text = unwrap(expression.trim());
  const branches: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === "'" || char === '`' || char === '"') i = skipQuoted(text, i);
    else if (char === '(' || char === '[' || char === '{') depth++;
    else if (char === ')' || char === ']' || char === '}') depth--;
    else if (char === '|' && depth === 0) {
      branches.push(text.slice(start, i));
      start = i + 1;
    }
  }
  if (branches.length === 0) return text === '' ? [] : [text];
  branches.push(text.slice(start));
  return branches.flatMap(splitUnion);
}

/** Index of the closing quote (or of the last character if it is missing). */
function skipQuoted(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === text[start]) return i;
  }
  return text.length - 1;
}

/** Takes off parentheses that enclose the whole text. */
function unwrap(text: string): string {
  while (text.startsWith('(') && closing(text, 0) === text.length - 1) text = text.slice(1, -1).trim();
  return text;
}

/** Index of the parenthesis that closes the one at `open`; -1 if there is none. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    const char = text[i];
    if (char === "'" || char === '`' || char === '"') i = skipQuoted(text, i);
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return i;
  }
  return -1;
}

/**
 * The branches of an expression that concern a resource type: those that begin with the type's name or one of its
 * base types, and those that begin with an element (they are of every base type), which get the type's name in front.
 * @param bases names of the type's base types: `DomainResource`, `Resource`
 */
export function branchesOf(expression: string, resourceType: string, bases: readonly string[]): string[] {
  const branches: string[] = [];
  for (const branch of splitUnion(expression)) {
    const root = /^[(\s]*([A-Za-z_]\w*)/.exec(branch)?.[1];
    if (root === undefined) branches.push(branch);
    else if (root === resourceType || bases.includes(root)) branches.push(branch);
    else if (/^[a-z_]/.test(root) && /^[a-z]\w*(\.\w+)*$/.test(branch))
      branches.push(`${resourceType}.${branch}`);
    else if (/^[a-z_%]/.test(root)) branches.push(branch);
  }
  return branches;
}

type Step =
  | { readonly kind: 'child'; readonly name: string }
  | { readonly kind: 'ofType'; readonly type: string }
  | { readonly kind: 'where'; readonly resolvesTo?: string }
  | { readonly kind: 'one' };

/** What a path reaches. */
export interface Reach {
  /** The elements at its end; empty if no element of the definitions is there. */
  readonly elements: readonly ElementModel[];
  /** Whether it gives at most one value for a resource: no step repeats. */
  readonly single: boolean;
  /** Resource type that the path filters references by: `where(resolve() is Patient)`. */
  readonly resolvesTo?: string;
}

/**
 * Follows one branch from a type. Understands paths of elements with `where()`, `ofType()`, `as`, `extension()`,
 * `first()`, `resolve()` and indices; undefined for anything else (an expression that computes its value).
 */
export function followPath(
  branch: string,
  from: string,
  types: ReadonlyMap<string, TypeModel>,
): Reach | undefined {
  const steps = parsePath(branch.trim());
  if (steps === undefined) return undefined;
  let reached: readonly ElementModel[] | undefined;
  let names: readonly string[] = [from];
  let single = true;
  let stepSingle = true;
  let resolvesTo: string | undefined;
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'child') {
      single &&= stepSingle;
      stepSingle = true;
      // The first name may be the type itself or one of its base types.
      if (index === 0 && /^[A-Z]/.test(step.name)) continue;
      const next: ElementModel[] = [];
      for (const name of names) {
        for (const element of types.get(name)?.elements.values() ?? []) {
          if (element.name === step.name || element.choice === step.name) next.push(element);
        }
      }
      reached = next;
      names = [...new Set(next.map((element) => element.type))];
      stepSingle = next.every((element) => element.max <= 1);
    } else if (step.kind === 'ofType') {
      reached = reached?.filter((element) => element.type === step.type);
      names = names.filter((name) => name === step.type);
    } else if (step.kind === 'where') {
      resolvesTo = step.resolvesTo ?? resolvesTo;
    } else {
      stepSingle = true;
    }
  }
  return {
    elements: reached ?? [],
    single: single && stepSingle,
    ...(resolvesTo === undefined ? {} : { resolvesTo }),
  };
}

/** The steps of a path in order; undefined if it is more than a path. */
function parsePath(text: string): Step[] | undefined {
  text = unwrap(text);
  const asType = /^(.*\S)\s+as\s+([A-Za-z]\w*(?:\.[A-Za-z]\w*)?)$/s.exec(text);
  if (asType !== null) {
    const steps = parsePath(asType[1] as string);
    return steps && [...steps, { kind: 'ofType', type: (asType[2] as string).replace(/^FHIR\./, '') }];
  }
  const steps: Step[] = [];
  let at = 0;
  if (text.startsWith('(')) {
    const end = closing(text, 0);
    const inner = end < 0 ? undefined : parsePath(text.slice(1, end));
    if (inner === undefined) return undefined;
    steps.push(...inner);
    at = end + 1;
    if (at < text.length && text[at] !== '.' && text[at] !== '[') return undefined;
    if (text[at] === '.') at++;
  }
  const name = /([A-Za-z_]\w*|`[^`]+`)/y;
  while (at < text.length) {
    if (text[at] === '[') {
      const index = /\[\s*\d+\s*\]\.?/y;
      index.lastIndex = at;
      const match = index.exec(text);
      if (match === null) return undefined;
      steps.push({ kind: 'one' });
      at += match[0].length;
      continue;
    }
    name.lastIndex = at;
    const match = name.exec(text);
    if (match === null) return undefined;
    const word = match[0].replaceAll('`', '');
    at += match[0].length;
    if (text[at] === '(') {
      const end = closing(text, at);
      if (end < 0) return undefined;
      const step = functionStep(word, text.slice(at + 1, end).trim());
      if (step === undefined) return undefined;
      steps.push(...step);
      at = end + 1;
    } else steps.push({ kind: 'child', name: word });
    if (at === text.length) break;
    if (text[at] === '.') at++;
    else if (text[at] !== '[') return undefined;
  }
  return steps;
}

function functionStep(name: string, argument: string): Step[] | undefined {
  switch (name) {
    case 'where': {
      const resolvesTo = /^resolve\(\)\s+is\s+(?:FHIR\.)?([A-Z]\w*)$/.exec(argument)?.[1];
      return [{ kind: 'where', ...(resolvesTo === undefined ? {} : { resolvesTo }) }];
    }
    case 'ofType':
    case 'as':
      return [{ kind: 'ofType', type: argument.replace(/^FHIR\./, '') }];
    case 'extension':
      return [{ kind: 'child', name: 'extension' }, { kind: 'where' }];
    case 'first':
    case 'last':
    case 'single':
      return [{ kind: 'one' }];
    default:
      return undefined;
  }
}
