import { nextTurn } from '../../fhir/write/turns.ts';
import type { CdsCard } from '../hooks/types.ts';
import { INDICATORS } from '../hooks/types.ts';

/** Milliseconds after which others get their turn. */
const TURN = 10;

/** Comparing many things with many others: other requests go on meanwhile, and it ends when the time of the service is over. */
export class Turns {
  readonly #signal: AbortSignal;
  #since = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** @returns what to wait for before going on, which throws the reason of the signal; undefined while it is not due */
  due(): Promise<void> | undefined {
    return performance.now() - this.#since < TURN ? undefined : this.#give();
  }

  async #give(): Promise<void> {
    await nextTurn();
    this.#signal.throwIfAborted();
    this.#since = performance.now();
  }
}

/** Finds of one call that are looked for: what is more nobody has to know to see that something is wrong. */
export const MOST_FOUND = 1000;
/** Cards of one answer: nobody reads more. */
const MOST_CARDS = 50;

/** A find, whose card is made when it is shown. */
export interface Find {
  readonly indicator: CdsCard['indicator'];
  card(): CdsCard;
}

/**
 * The cards of what was found, in its order; of too many the most urgent.
 * @param more says in a card that there are others
 */
export function cardsOf(found: readonly Find[], more: () => CdsCard): CdsCard[] {
  if (found.length <= MOST_CARDS) return found.map((one) => one.card());
  const urgency = ({ indicator }: Find) => INDICATORS.indexOf(indicator);
  const shown = new Set([...found].sort((a, b) => urgency(b) - urgency(a)).slice(0, MOST_CARDS - 1));
  return [...found.filter((one) => shown.has(one)).map((one) => one.card()), more()];
}
