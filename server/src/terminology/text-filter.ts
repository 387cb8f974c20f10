import { normalizeString } from '../search/normalize.ts';
import { stringOf } from './json.ts';
import type { Concept, TextFilter } from './model.ts';

/** The text filter of `$expand`: every word of it must be in the code, the display or a designation, in any case. */
export function textFilter(text: string | undefined): TextFilter | undefined {
  const words = normalizeString(text ?? '')
    .split(' ')
    .filter((word) => word !== '');
  return words.length === 0 ? undefined : { words: [...new Set(words)].slice(0, 20) };
}

/** What a concept is found by: code, display and designations, normalized. */
export function searchText(concept: Pick<Concept, 'code' | 'display' | 'designation'>): string {
  const texts = [
    concept.code,
    concept.display ?? '',
    ...concept.designation.map((one) => stringOf(one['value']) ?? ''),
  ];
  return normalizeString(texts.join(' \u001f '));
}

export function passesText(filter: TextFilter | undefined, concept: Concept): boolean {
  if (filter === undefined) return true;
  const text = searchText(concept);
  return filter.words.every((word) => text.includes(word));
}
