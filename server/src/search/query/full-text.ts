import { badValue, shown } from './errors.ts';
import { unescapeValue } from './escape.ts';
import { alternatives } from './parts.ts';
import { type ParseScope, spend } from './scope.ts';
import type { Criteria } from './types.ts';

const WORD = /[\p{L}\p{N}]+/gu;
const PART = /[()]|[^\s()]+/g;

/**
 * `_text` and `_content` (R4 search.html#content): words that must all occur, in any order; `AND`, `OR`, `NOT` and
 * parentheses as in the specification's example; a comma separates alternatives. A term that is not only letters and
 * digits (`follow-up`) stands for each of its words.
 * @throws FhirError 400 if there is no word, or parentheses do not match
 */
export function parseFullText(scope: ParseScope, where: 'narrative' | 'content', value: string): Criteria {
  const found = alternatives(scope, value).map((one) => parseTerms(scope, where, unescapeValue(one)));
  return found.length === 1 ? found[0]! : { kind: 'or', of: found };
}

function parseTerms(scope: ParseScope, where: 'narrative' | 'content', text: string): Criteria {
  const parts = text.replaceAll('"', ' ').match(PART) ?? [];
  let at = 0;

  const isWord = (part: string | undefined, word: string) => part?.toLowerCase() === word;

  function either(depth: number): Criteria {
    const of = [both(depth)];
    while (isWord(parts[at], 'or')) {
      at++;
      of.push(both(depth));
    }
    return of.length === 1 ? of[0]! : { kind: 'or', of };
  }

  function both(depth: number): Criteria {
    const of = [one(depth)];
    while (at < parts.length && parts[at] !== ')' && !isWord(parts[at], 'or')) {
      if (isWord(parts[at], 'and')) at++;
      of.push(one(depth));
    }
    return of.length === 1 ? of[0]! : { kind: 'and', of };
  }

  function one(depth: number): Criteria {
    spend(scope);
    const part = parts[at++];
    if (part === undefined || part === ')' || depth > 20) throw malformed();
    if (isWord(part, 'not')) return { kind: 'not', of: one(depth + 1) };
    if (part === '(') {
      const inner = either(depth + 1);
      if (parts[at++] !== ')') throw malformed();
      return inner;
    }
    const words = part.match(WORD);
    if (words === null) throw malformed();
    const of = words.map((word): Criteria => ({ kind: 'word', where, word: word.toLowerCase() }));
    return of.length === 1 ? of[0]! : { kind: 'and', of };
  }

  function malformed(): Error {
    return badValue(scope.label, `${shown(text)} is not a list of words, with AND, OR, NOT and parentheses.`);
  }

  const criteria = either(0);
  if (at < parts.length) throw malformed();
  return criteria;
}
