import type { Hash64 } from '../search/hash.ts';

/** 2020-01-01T00:00:00Z: row ids count milliseconds from here, so that 41 bits last until 2089. */
const EPOCH = 1577836800000;

/**
 * Makes time-ordered 64-bit row ids without asking the database: 42 bits of milliseconds, 12 bits of node number
 * (from sequence store.node_number, one for each process start), 10 bits of counter.
 */
export class RowIdGenerator {
  readonly #node: number;
  #millis = 0;
  #counter = 0;

  constructor(nodeNumber: number) {
    this.#node = nodeNumber & 0xfff;
  }

  /** A row id greater than all that this generator has made, even when the clock goes back. */
  next(): Hash64 {
    const now = Date.now() - EPOCH;
    if (now > this.#millis) {
      this.#millis = now;
      this.#counter = 0;
    } else if (++this.#counter === 1024) {
      this.#millis++;
      this.#counter = 0;
    }
    return {
      hi: Math.floor(this.#millis / 1024) | 0,
      lo: ((this.#millis & 0x3ff) << 22) | (this.#node << 10) | this.#counter,
    };
  }
}

/** UUID version 7 (RFC 9562): the id that the server gives to a new resource. */
export function uuidV7(): string {
  if (randomAt > randomPool.length - 10) {
    crypto.getRandomValues(randomPool);
    randomAt = 0;
  }
  const millis = Date.now();
  const time = millis.toString(16).padStart(12, '0');
  let tail = '';
  for (let i = 0; i < 10; i++) {
    let byte = randomPool[randomAt++] as number;
    if (i === 0) byte = (byte & 0x0f) | 0x70;
    if (i === 2) byte = (byte & 0x3f) | 0x80;
    tail += HEX[byte];
  }
  return `${time.slice(0, 8)}-${time.slice(8)}-${tail.slice(0, 4)}-${tail.slice(4, 8)}-${tail.slice(8)}`;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const randomPool = new Uint8Array(4000);
let randomAt = randomPool.length;
