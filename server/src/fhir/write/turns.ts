/** Longest time in milliseconds that a bundle's work keeps the event loop from other requests. */
export const SLICE = 20;

/** Gives way to other requests. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
