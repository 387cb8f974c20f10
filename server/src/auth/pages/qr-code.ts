/*
 * QR codes (ISO/IEC 18004:2015) as the pages need them: byte mode, error correction level M, versions 1 to 10. Numbers in
 * parentheses are its clauses.
 */

/** For versions 1 to 10, level M (table 9): error correction codewords of a block, and the data codewords of each block. */
const BLOCKS: readonly (readonly [number, readonly number[]])[] = [
  [10, [16]],
  [16, [28]],
  [26, [44]],
  [18, [32, 32]],
  [24, [43, 43]],
  [16, [27, 27, 27, 27]],
  [18, [31, 31, 31, 31]],
  [22, [38, 38, 39, 39]],
  [22, [36, 36, 36, 37, 37]],
  [26, [43, 43, 43, 43, 44]],
];
/** Row and column coordinates of the centres of alignment patterns, by version (annex E). */
const ALIGNMENT: readonly (readonly number[])[] = [
  [],
  [6, 18],
  [6, 22],
  [6, 26],
  [6, 30],
  [6, 34],
  [6, 22, 38],
  [6, 24, 42],
  [6, 26, 46],
  [6, 28, 50],
];
/** The conditions under which a mask inverts a module (7.8.2). */
const MASKS: readonly ((row: number, column: number) => boolean)[] = [
  (i, j) => (i + j) % 2 === 0,
  (i) => i % 2 === 0,
  (_, j) => j % 3 === 0,
  (i, j) => (i + j) % 3 === 0,
  (i, j) => (Math.floor(i / 2) + Math.floor(j / 3)) % 2 === 0,
  (i, j) => ((i * j) % 2) + ((i * j) % 3) === 0,
  (i, j) => (((i * j) % 2) + ((i * j) % 3)) % 2 === 0,
  (i, j) => (((i + j) % 2) + ((i * j) % 3)) % 2 === 0,
];
/** Rows of modules, dark ones true. */
export type QrMatrix = readonly (readonly boolean[])[];

/** @returns the symbol for a text in UTF-8, without its quiet zone; undefined for more than 213 bytes */
export function qrCode(text: string): QrMatrix | undefined {
  const bytes = new TextEncoder().encode(text);
  const version =
    BLOCKS.findIndex(([, blocks], i) => sum(blocks) * 8 >= 4 + countBits(i + 1) + bytes.length * 8) + 1;
  if (version === 0) return undefined;
  const symbol = new QrSymbol(version);
  symbol.place(interleaved(dataCodewords(bytes, version), version));
  return symbol.masked();
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const countBits = (version: number): number => (version < 10 ? 8 : 16);
const bitsOf = (value: number, length: number): boolean[] =>
  Array.from({ length }, (_, i) => ((value >>> (length - 1 - i)) & 1) === 1);

/** Mode, count, data, terminator and padding (7.4). */
function dataCodewords(bytes: Uint8Array, version: number): number[] {
  const capacity = sum(BLOCKS[version - 1]?.[1] ?? []);
  const bits = [...bitsOf(0b0100, 4), ...bitsOf(bytes.length, countBits(version))];
  for (const byte of bytes) bits.push(...bitsOf(byte, 8));
  for (let i = 0; i < 4 && bits.length < capacity * 8; i++) bits.push(false);
  while (bits.length % 8 !== 0) bits.push(false);
  const codewords: number[] = [];
  for (let at = 0; at < bits.length; at += 8)
    codewords.push(bits.slice(at, at + 8).reduce((value, bit) => value * 2 + Number(bit), 0));
  for (let pad = 0xec; codewords.length < capacity; pad ^= 0xec ^ 0x11) codewords.push(pad);
  return codewords;
}

/** A product in the field of 256 elements with the polynomial x^8+x^4+x^3+x^2+1. */
function product(a: number, b: number): number {
  let result = 0;
  for (let bit = 7; bit >= 0; bit--) {
    result = (result << 1) ^ ((result >>> 7) * 0x11d);
    if (((b >>> bit) & 1) === 1) result ^= a;
  }
  return result;
}

/** The error correction codewords of a block (7.5.2): what is left of it after division by (x-2^0)(x-2^1)... */
export function errorCorrection(data: readonly number[], length: number): number[] {
  let generator = [1];
  for (let i = 0, root = 1; i < length; i++, root = product(root, 2))
    generator = [...generator, 0].map((value, at) => value ^ product(generator[at - 1] ?? 0, root));
  let rest: number[] = new Array(length).fill(0);
  for (const value of data) {
    const factor = value ^ (rest[0] as number);
    rest = [...rest.slice(1), 0].map((one, at) => one ^ product(generator[at + 1] as number, factor));
  }
  return rest;
}

/** Codewords in the order of the symbol: one of each block in turn (7.6). */
function interleaved(data: readonly number[], version: number): number[] {
  const [length, sizes] = BLOCKS[version - 1] as (typeof BLOCKS)[number];
  let from = 0;
  const blocks = sizes.map((size) => {
    from += size;
    return data.slice(from - size, from);
  });
  const inTurn = (lists: readonly number[][]): number[] =>
    Array.from({ length: Math.max(...lists.map((list) => list.length)) }, (_, i) =>
      lists.flatMap((list) => list.slice(i, i + 1)),
    ).flat();
  return [...inTurn(blocks), ...inTurn(blocks.map((block) => errorCorrection(block, length)))];
}

/** A value with its check bits: the rest of the division by a polynomial (annexes C and D). */
function withCheck(value: number, length: number, polynomial: number): number {
  let rest = value;
  for (let i = 0; i < length; i++) rest = (rest << 1) ^ ((rest >>> (length - 1)) * polynomial);
  return (value << length) | rest;
}

class QrSymbol {
  readonly #size: number;
  readonly #dark: boolean[][];
  /** Modules that carry no data. */
  readonly #fixed: boolean[][];

  constructor(version: number) {
    const size = 17 + 4 * version;
    const grid = () => Array.from({ length: size }, () => new Array<boolean>(size).fill(false));
    this.#size = size;
    this.#dark = grid();
    this.#fixed = grid();
    for (let i = 0; i < size; i++) {
      this.#fix(6, i, i % 2 === 0);
      this.#fix(i, 6, i % 2 === 0);
    }
    for (const [row, column] of [
      [3, 3],
      [3, size - 4],
      [size - 4, 3],
    ] as const)
      this.#square(row, column, 4, (distance) => distance !== 2 && distance !== 4);
    const centres = ALIGNMENT[version - 1] ?? [];
    const last = centres.length - 1;
    for (const [i, row] of centres.entries()) {
      for (const [j, column] of centres.entries()) {
        const isFinder = (i === 0 && (j === 0 || j === last)) || (i === last && j === 0);
        if (!isFinder) this.#square(row, column, 2, (distance) => distance !== 1);
      }
    }
    this.#format(0);
    if (version < 7) return;
    for (const [i, bit] of bitsOf(withCheck(version, 12, 0x1f25), 18)
      .reverse()
      .entries()) {
      const [a, b] = [size - 11 + (i % 3), Math.floor(i / 3)];
      this.#fix(a, b, bit);
      this.#fix(b, a, bit);
    }
  }

  #fix(row: number, column: number, dark: boolean): void {
    (this.#dark[row] as boolean[])[column] = dark;
    (this.#fixed[row] as boolean[])[column] = true;
  }

  /** Rings around a centre, as far as they are in the symbol. */
  #square(row: number, column: number, reach: number, isDark: (distance: number) => boolean): void {
    for (let i = Math.max(0, row - reach); i <= Math.min(this.#size - 1, row + reach); i++)
      for (let j = Math.max(0, column - reach); j <= Math.min(this.#size - 1, column + reach); j++)
        this.#fix(i, j, isDark(Math.max(Math.abs(i - row), Math.abs(j - column))));
  }

  /** Level M (00) and the mask, twice, and the module that is always dark (7.9). */
  #format(mask: number): void {
    const bits = bitsOf(withCheck(mask, 10, 0x537) ^ 0x5412, 15).reverse();
    const end = this.#size - 1;
    for (const [i, bit] of bits.entries()) {
      this.#fix(i < 6 ? i : i < 8 ? i + 1 : end - 14 + i, 8, bit);
      this.#fix(8, i < 8 ? end - i : i < 9 ? 7 : 14 - i, bit);
    }
    this.#fix(end - 7, 8, true);
  }

  /** Puts codewords where data go: upwards and downwards in columns of two, from the right (7.7.3). */
  place(codewords: readonly number[]): void {
    const bits = codewords.flatMap((codeword) => bitsOf(codeword, 8));
    let at = 0;
    let isUp = true;
    for (let right = this.#size - 1; right > 0; right -= 2, isUp = !isUp) {
      if (right === 6) right--;
      for (let step = 0; step < this.#size; step++) {
        const row = isUp ? this.#size - 1 - step : step;
        for (const column of [right, right - 1])
          if (this.#fixed[row]?.[column] === false)
            (this.#dark[row] as boolean[])[column] = bits[at++] ?? false;
      }
    }
  }

  /** The symbol with the mask that is easiest to read (7.8.3). */
  masked(): QrMatrix {
    const candidates = MASKS.map((inverts, mask) => {
      this.#format(mask);
      return this.#dark.map((row, i) =>
        row.map((dark, j) => (this.#fixed[i]?.[j] ? dark : dark !== inverts(i, j))),
      );
    });
    const scores = candidates.map(penalty);
    return candidates[scores.indexOf(Math.min(...scores))] as QrMatrix;
  }
}

/** How hard a symbol is to read: runs, blocks, what looks like a finder, and more of one colour (table 11). */
function penalty(rows: QrMatrix): number {
  const columns = rows.map((_, j) => rows.map((row) => row[j] as boolean));
  let points = 0;
  for (const line of [...rows, ...columns]) {
    const text = line.map(Number).join('');
    for (const [run] of text.matchAll(/0{5,}|1{5,}/g)) points += run.length - 2;
    for (const _ of text.matchAll(/(?=10111010000|00001011101)/g)) points += 40;
  }
  let dark = 0;
  for (const [i, row] of rows.entries()) {
    for (const [j, module] of row.entries()) {
      if (module) dark++;
      const below = rows[i + 1];
      if (row[j + 1] === module && below?.[j] === module && below[j + 1] === module) points += 3;
    }
  }
  return points + 10 * Math.floor(Math.abs((dark * 20) / rows.length ** 2 - 10));
}
