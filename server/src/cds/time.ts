/** Time as the limits of CDS Hooks are measured by. Tests bring their own, which passes when they say so. */
export interface Time {
  /** Milliseconds that never go back. */
  now(): number;
  /** A signal that aborts when this many milliseconds have passed. */
  limit(milliseconds: number): AbortSignal;
}

export const REAL_TIME: Time = {
  now: () => performance.now(),
  limit: (milliseconds) => AbortSignal.timeout(Math.max(0, Math.ceil(milliseconds))),
};
