/** A 64-bit hash as two signed 32-bit halves: cheap to make, to XOR and to write to a binary parameter. */
export interface Hash64 {
  readonly hi: number;
  readonly lo: number;
}

/** `a XOR b`: how a parameter's salt and a target's reference hash make a reference token, here and in SQL (`#`). */
export function xorHash(a: Hash64, b: Hash64): Hash64 {
  return { hi: a.hi ^ b.hi, lo: a.lo ^ b.lo };
}

/** The hash as PostgreSQL's signed bigint. */
export function hashToBigInt(hash: Hash64): bigint {
  return (BigInt(hash.hi) << 32n) | BigInt(hash.lo >>> 0);
}

/** The hash from a signed bigint. */
export function hashFromBigInt(value: bigint): Hash64 {
  return { hi: Number(BigInt.asIntN(32, value >> 32n)), lo: Number(BigInt.asIntN(32, value)) };
}

/**
 * SipHash-1-3 over the UTF-16 code units of a text, with a secret 128-bit key (one per database).
 * Keyed, because index hashes decide which rows a query sees: who cannot know the key cannot make a text collide
 * with somebody else's.
 */
export class TextHasher {
  readonly #k0: Hash64;
  readonly #k1: Hash64;

  /** @param key 16 secret bytes */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new Error('TextHasher: the key must have 16 bytes');
    const view = new DataView(key.buffer, key.byteOffset, 16);
    this.#k0 = { lo: view.getInt32(0, true), hi: view.getInt32(4, true) };
    this.#k1 = { lo: view.getInt32(8, true), hi: view.getInt32(12, true) };
  }

  /** The hash of a text. `salt` (another hash) makes an independent family of hashes without hashing a prefix again. */
  hash(text: string, salt?: Hash64): Hash64 {
    const saltHi = salt === undefined ? 0 : salt.hi;
    const saltLo = salt === undefined ? 0 : salt.lo;
    const k0h = this.#k0.hi ^ saltHi;
    const k0l = this.#k0.lo ^ saltLo;
    const k1h = this.#k1.hi ^ saltLo;
    const k1l = this.#k1.lo ^ saltHi;
    v0h = k0h ^ 0x736f6d65;
    v0l = k0l ^ 0x70736575;
    v1h = k1h ^ 0x646f7261;
    v1l = k1l ^ 0x6e646f6d;
    v2h = k0h ^ 0x6c796765;
    v2l = k0l ^ 0x6e657261;
    v3h = k1h ^ 0x74656462;
    v3l = k1l ^ 0x79746573;
    const length = text.length;
    const whole = length & ~3;
    let i = 0;
    for (; i < whole; i += 4) {
      const lo = text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16);
      const hi = text.charCodeAt(i + 2) | (text.charCodeAt(i + 3) << 16);
      v3h ^= hi;
      v3l ^= lo;
      sipRound();
      v0h ^= hi;
      v0l ^= lo;
    }
    // The last word: up to three code units, and the length in the top 16 bits.
    const left = length - whole;
    let lo = 0;
    let hi = (length & 0xffff) << 16;
    if (left > 0) lo |= text.charCodeAt(i);
    if (left > 1) lo |= text.charCodeAt(i + 1) << 16;
    if (left > 2) hi |= text.charCodeAt(i + 2);
    v3h ^= hi;
    v3l ^= lo;
    sipRound();
    v0h ^= hi;
    v0l ^= lo;
    v2l ^= 0xff;
    sipRound();
    sipRound();
    sipRound();
    return { hi: v0h ^ v1h ^ v2h ^ v3h, lo: v0l ^ v1l ^ v2l ^ v3l };
  }
}

// The state is kept at module level, because 64-bit words in pairs of locals would have to be returned as objects.
let v0h = 0;
let v0l = 0;
let v1h = 0;
let v1l = 0;
let v2h = 0;
let v2l = 0;
let v3h = 0;
let v3l = 0;

function sipRound(): void {
  let l = (v0l >>> 0) + (v1l >>> 0);
  v0h = (v0h + v1h + (l > 0xffffffff ? 1 : 0)) | 0;
  v0l = l | 0;
  l = (v2l >>> 0) + (v3l >>> 0);
  v2h = (v2h + v3h + (l > 0xffffffff ? 1 : 0)) | 0;
  v2l = l | 0;
  // rotl(v1, 13) ^= v0; rotl(v3, 16) ^= v2; rotl(v0, 32)
  let h = (v1h << 13) | (v1l >>> 19);
  v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
  v1h = h ^ v0h;
  h = (v3h << 16) | (v3l >>> 16);
  v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
  v3h = h ^ v2h;
  h = v0h;
  v0h = v0l;
  v0l = h;
  l = (v2l >>> 0) + (v1l >>> 0);
  v2h = (v2h + v1h + (l > 0xffffffff ? 1 : 0)) | 0;
  v2l = l | 0;
  l = (v0l >>> 0) + (v3l >>> 0);
  v0h = (v0h + v3h + (l > 0xffffffff ? 1 : 0)) | 0;
  v0l = l | 0;
  // rotl(v1, 17) ^= v2; rotl(v3, 21) ^= v0; rotl(v2, 32)
  h = (v1h << 17) | (v1l >>> 15);
  v1l = ((v1l << 17) | (v1h >>> 15)) ^ v2l;
  v1h = h ^ v2h;
  h = (v3h << 21) | (v3l >>> 11);
  v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
  v3h = h ^ v0h;
  h = v2h;
  v2h = v2l;
  v2l = h;
}
