import { Counter, type Registry } from 'prom-client';
import type { RateLimiter } from './limiter.ts';

/** Shows in /metrics how many requests the limits have refused. */
export function watchLimits(registry: Registry, limiter: RateLimiter): void {
  new Counter({
    name: 'rate_limited_requests_total',
    help: 'Requests refused by rate limits, by what they were counted by',
    labelNames: ['dimension'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [dimension, refused] of Object.entries(limiter.refused)) this.inc({ dimension }, refused);
    },
  });
}
