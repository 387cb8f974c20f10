import { FhirPathError } from './errors.ts';

/** An evaluation takes more steps, more memory or more time than it may. */
export class TooCostly extends FhirPathError {
  constructor(message = 'it takes too many steps') {
    super('evaluation', message);
  }
}

/**
 * Counts the work of an evaluation: items that it visits or makes, and characters of texts (32 are one step).
 * @throws TooCostly when there is too much of it
 */
export type Spend = (steps: number) => void;

/** Counts nothing. */
export const UNLIMITED: Spend = () => {};

/** Longest text that an expression may make, in UTF-16 units. */
export const MAX_TEXT = 16 * 1024 * 1024;
/** Most items that a collection may have: more would be too much memory at once. */
export const MAX_ITEMS = 500_000;
const CHARACTERS_PER_STEP = 32;
/** How many steps lie between two looks at the clock. */
const CLOCK_STEPS = 4096;

/**
 * A count that ends after some steps.
 * @param deadline the moment (milliseconds, as performance.now() tells it) at which it ends too
 */
export function limited(steps: number, deadline = Number.POSITIVE_INFINITY): Spend {
  let left = steps;
  let untilClock = CLOCK_STEPS;
  return (spent) => {
    left -= spent;
    if (left < 0) throw new TooCostly();
    untilClock -= spent;
    if (untilClock > 0) return;
    untilClock = CLOCK_STEPS;
    if (performance.now() > deadline) throw new TooCostly('it takes too long');
  };
}

/** The steps that reading or making a text of some length costs. */
export function textSteps(length: number): number {
  return Math.ceil(length / CHARACTERS_PER_STEP);
}

/** @throws TooCostly for a text that is too long to be made */
export function checkLength(length: number): void {
  if (length > MAX_TEXT) throw new TooCostly(`it makes a text of more than ${MAX_TEXT} characters`);
}

/** @throws TooCostly for a collection that is too large to be made */
export function checkCount(items: number): void {
  if (items > MAX_ITEMS) throw new TooCostly(`it gathers more than ${MAX_ITEMS} items`);
}
