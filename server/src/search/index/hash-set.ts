import type { Hash64 } from '../hash.ts';

/** A set of 64-bit hashes that is emptied in constant time and reused: open addressing over typed arrays. */
export class HashSet64 {
  #capacity = 512;
  #hi = new Int32Array(512);
  #lo = new Int32Array(512);
  /** The round in which a slot was filled; any other round means that it is free. */
  #rounds = new Uint32Array(512);
  #round = 1;
  #size = 0;

  clear(): void {
    this.#size = 0;
    if (this.#capacity > 65_536) this.#allocate(512);
    else if (++this.#round > 0xfffffff0) this.#allocate(this.#capacity);
  }

  /** Adds a hash; false if it was there. */
  add(hash: Hash64): boolean {
    const { hi, lo } = hash;
    const mask = this.#capacity - 1;
    let slot = (lo ^ (lo >>> 15)) & mask;
    while (this.#rounds[slot] === this.#round) {
      if (this.#lo[slot] === lo && this.#hi[slot] === hi) return false;
      slot = (slot + 1) & mask;
    }
    this.#rounds[slot] = this.#round;
    this.#lo[slot] = lo;
    this.#hi[slot] = hi;
    if (++this.#size * 2 > this.#capacity) this.#grow();
    return true;
  }

  #allocate(capacity: number): void {
    this.#capacity = capacity;
    this.#hi = new Int32Array(capacity);
    this.#lo = new Int32Array(capacity);
    this.#rounds = new Uint32Array(capacity);
    this.#round = 1;
    this.#size = 0;
  }

  #grow(): void {
    const [hi, lo, rounds, round] = [this.#hi, this.#lo, this.#rounds, this.#round];
    this.#allocate(this.#capacity * 2);
    for (let i = 0; i < rounds.length; i++) {
      if (rounds[i] === round) this.add({ hi: hi[i] as number, lo: lo[i] as number });
    }
  }
}
