import type { Validators } from './validators.ts';

const KEPT = 2000;
/** Longer URLs, of which a resource may have many, are looked up each time. */
const LONGEST_KEPT = 500;

/**
 * A look-up by URL whose answers are kept for each set of validators: resources choose the URLs, so that neither their number
 * nor their length may fill the memory.
 */
export function keptByUrl<T extends {}>(
  look: (url: string, validators: Validators) => T | undefined,
): (url: string, validators: Validators) => T | undefined {
  const kept = new WeakMap<Validators, Map<string, T | null>>();
  return (url, validators) => {
    if (url.length > LONGEST_KEPT) return look(url, validators);
    let answers = kept.get(validators);
    if (answers === undefined) {
      answers = new Map();
      kept.set(validators, answers);
    }
    let answer = answers.get(url);
    if (answer === undefined) {
      answer = look(url, validators) ?? null;
      if (answers.size >= KEPT) answers.clear();
      answers.set(url, answer);
    }
    return answer ?? undefined;
  };
}
