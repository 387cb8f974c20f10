import { createHash } from 'node:crypto';
import type { BreachList } from './password-rules.ts';

export interface BreachRangeOptions {
  /** Where ranges are asked for: the first five signs of the SHA-1 follow, e.g. `https://breaches.example.org/range/`. */
  readonly url: string;
  /** Longest wait in milliseconds; default 2000. */
  readonly timeout?: number;
  /** Told when the list could not be asked: passwords are accepted then. */
  readonly onError?: (error: unknown) => void;
}

/**
 * A breach list that is asked by k-anonymity: only the first 20 bits of the password's SHA-1 leave the house, and the
 * answer's lines (`SUFFIX:COUNT`, padded) are compared here.
 */
export function breachRange({ url, timeout = 2000, onError = () => {} }: BreachRangeOptions): BreachList {
  return {
    async includes(password) {
      const hash = createHash('sha1').update(password.normalize('NFKC')).digest('hex').toUpperCase();
      try {
        const response = await fetch(`${url}${hash.slice(0, 5)}`, {
          headers: { 'Add-Padding': 'true' },
          signal: AbortSignal.timeout(timeout),
          redirect: 'error',
        });
        if (!response.ok) throw new Error(`The breach list answered ${response.status}`);
        const suffix = hash.slice(5);
        return (await response.text()).split('\n').some((line) => {
          const [found, count] = line.trim().split(':');
          // Padding lines have the count 0.
          return found?.toUpperCase() === suffix && Number(count) > 0;
        });
      } catch (error) {
        onError(error);
        return false;
      }
    },
  };
}
