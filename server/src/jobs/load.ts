import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** Share of time that the event loop may be busy, and of the heap that may be in use, for more work to be taken on. */
const MAX_LOOP = 0.85;
const MAX_HEAP = 0.8;

/** Whether this process has time and memory for background work. */
export class LoadGauge {
  #last = performance.eventLoopUtilization();

  /** Whether the event loop has been busy since this was last asked. */
  busy(): boolean {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#last);
    this.#last = now;
    return utilization > MAX_LOOP;
  }

  /** Whether little of the heap is left. */
  full(): boolean {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    return used > limit * MAX_HEAP;
  }
}
