import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errorCorrection, type QrMatrix, qrCode } from './qr-code.ts';

/* ISO/IEC 18004: symbols are read back by a decoder of the test's own, which takes nothing from the encoder. */

/** Format information of level M by mask (annex C, table C.1). */
const FORMATS = [
  '101010000010010',
  '101000100100101',
  '101111001111100',
  '101101101001011',
  '100010111111001',
  '100000011001110',
  '100111110010111',
  '100101010100000',
];
/** Version information from version 7 on (annex D, table D.1). */
const VERSIONS = ['000111110010010100', '001000010110111100', '001001101010011001', '001010010011010011'];
/** Level M by version: codewords in all, data codewords in all, blocks (table 9), and bytes that fit (table 7). */
const TABLE = [
  [26, 16, 1, 14],
  [44, 28, 1, 26],
  [70, 44, 1, 42],
  [100, 64, 2, 62],
  [134, 86, 2, 84],
  [172, 108, 4, 106],
  [196, 124, 4, 122],
  [242, 154, 4, 152],
  [292, 182, 5, 180],
  [346, 216, 5, 213],
] as const;
const CENTRES = [[], [18], [22], [26], [30], [34], [22, 38], [24, 42], [26, 46], [28, 50]];

const bit = (symbol: QrMatrix, row: number, column: number): string => (symbol[row]?.[column] ? '1' : '0');

/** Whether a module is part of a pattern or tells of format or version. */
function isPattern(version: number, row: number, column: number): boolean {
  const size = 17 + 4 * version;
  const far = size - 9;
  if ((row < 9 && column < 9) || (row < 9 && column > far) || (row > far && column < 9)) return true;
  if (row === 6 || column === 6) return true;
  if (version >= 7 && ((row < 6 && column > size - 12) || (column < 6 && row > size - 12))) return true;
  const centres = [6, ...(CENTRES[version - 1] as number[])];
  const corner = centres.at(-1) as number;
  return centres.some((r) =>
    centres.some(
      (c) =>
        centres.length > 1 &&
        !(r === 6 && c === 6) &&
        !(r === 6 && c === corner) &&
        !(r === corner && c === 6) &&
        Math.abs(row - r) <= 2 &&
        Math.abs(column - c) <= 2,
    ),
  );
}

function isInverted(mask: number, i: number, j: number): boolean {
  const both = (i * j) % 2;
  const third = (i * j) % 3;
  return (
    [
      (i + j) % 2,
      i % 2,
      j % 3,
      (i + j) % 3,
      ((i >> 1) + Math.trunc(j / 3)) % 2,
      both + third,
      (both + third) % 2,
      (((i + j) % 2) + third) % 2,
    ][mask] === 0
  );
}

const EXP: number[] = [];
for (let i = 0, x = 1; i < 255; i++) {
  EXP.push(x);
  x = x < 128 ? x * 2 : (x * 2) ^ 0x11d;
}
const times = (a: number, b: number): number =>
  a === 0 || b === 0 ? 0 : (EXP[(EXP.indexOf(a) + EXP.indexOf(b)) % 255] as number);

/** The bytes in a symbol; fails where something does not agree with the specification. */
function decode(symbol: QrMatrix): Uint8Array {
  const size = symbol.length;
  const version = (size - 17) / 4;
  expect(symbol.every((row) => row.length === size)).toBe(true);
  // Finder patterns with their separators, timing, the dark module.
  const finder = ['1111111', '1000001', '1011101', '1011101', '1011101', '1000001', '1111111'];
  const cut = (row: number, column: number, rows: number, columns: number) =>
    Array.from({ length: rows }, (_, i) =>
      Array.from({ length: columns }, (_, j) => bit(symbol, row + i, column + j)).join(''),
    );
  for (const [row, column] of [
    [0, 0],
    [0, size - 7],
    [size - 7, 0],
  ] as const)
    expect(cut(row, column, 7, 7)).toEqual(finder);
  expect(cut(7, 0, 1, 8)).toEqual(['00000000']);
  expect(cut(6, 8, 1, size - 16)[0]).toMatch(/^1(01)*$/);
  expect(cut(8, 6, size - 16, 1).join('')).toMatch(/^1(01)*$/);
  expect(bit(symbol, size - 8, 8)).toBe('1');
  // Format information beside the first finder pattern, and beside the two others (figure 25), the highest bit first.
  const first = [
    ...[0, 1, 2, 3, 4, 5, 7, 8].map((column) => bit(symbol, 8, column)),
    ...[7, 5, 4, 3, 2, 1, 0].map((row) => bit(symbol, row, 8)),
  ].join('');
  const second = [
    ...[1, 2, 3, 4, 5, 6, 7].map((back) => bit(symbol, size - back, 8)),
    ...[8, 7, 6, 5, 4, 3, 2, 1].map((back) => bit(symbol, 8, size - back)),
  ].join('');
  expect(second).toBe(first);
  const mask = FORMATS.indexOf(first);
  expect(mask).toBeGreaterThanOrEqual(0);
  if (version >= 7) {
    const lower = Array.from({ length: 18 }, (_, i) => bit(symbol, size - 11 + (i % 3), Math.trunc(i / 3)));
    const upper = Array.from({ length: 18 }, (_, i) => bit(symbol, Math.trunc(i / 3), size - 11 + (i % 3)));
    expect(lower.reverse().join('')).toBe(VERSIONS[version - 7]);
    expect(upper.reverse().join('')).toBe(VERSIONS[version - 7]);
  }
  let bits = '';
  const columns = Array.from({ length: size }, (_, j) => size - 1 - j).filter((column) => column !== 6);
  for (let pair = 0; pair < columns.length; pair += 2) {
    for (let step = 0; step < size; step++) {
      const row = pair % 4 === 0 ? size - 1 - step : step;
      for (const column of columns.slice(pair, pair + 2)) {
        if (isPattern(version, row, column)) continue;
        bits += String(Number(bit(symbol, row, column)) ^ Number(isInverted(mask, row, column)));
      }
    }
  }
  const [all, data, count] = TABLE[version - 1] as (typeof TABLE)[number];
  expect(Math.trunc(bits.length / 8)).toBe(all);
  const words = (bits.match(/.{8}/g) ?? []).map((word) => Number.parseInt(word, 2));
  // The shorter blocks come first; each codeword goes to the next block that has room.
  const short = Math.trunc(data / count);
  const sizes = Array.from({ length: count }, (_, i) => short + (i >= count - (data % count) ? 1 : 0));
  const blocks: number[][] = sizes.map(() => []);
  let at = 0;
  for (let i = 0; i <= short; i++)
    for (const [b, block] of blocks.entries())
      if (i < (sizes[b] as number)) block.push(words[at++] as number);
  const payload = blocks.flat();
  while (at < all) for (const block of blocks) block.push(words[at++] as number);
  // A block that was read without faults is zero at each root of the generator polynomial.
  for (const block of blocks)
    for (let root = 0; root < (all - data) / count; root++)
      expect(block.reduce((value, word) => times(value, EXP[root] as number) ^ word, 0)).toBe(0);
  const stream = payload.map((word) => word.toString(2).padStart(8, '0')).join('');
  const width = version < 10 ? 8 : 16;
  expect(stream.slice(0, 4)).toBe('0100');
  const length = Number.parseInt(stream.slice(4, 4 + width), 2);
  const bytes = stream.slice(4 + width, 4 + width + length * 8).match(/.{8}/g) ?? [];
  const padding = (
    stream
      .slice(4 + width + length * 8)
      .slice(4)
      .replace(/^0{0,7}?(?=(.{8})*$)/, '')
      .match(/.{8}/g) ?? []
  ).map((word) => Number.parseInt(word, 2));
  expect(padding).toEqual(padding.map((_, i) => (i % 2 === 0 ? 0xec : 0x11)));
  return Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 2));
}

describe('QR codes (ISO/IEC 18004)', () => {
  test('error correction codewords of an example: "HELLO WORLD" in 1-M', () => {
    const data = [32, 91, 11, 120, 209, 114, 220, 77, 67, 64, 236, 17, 236, 17, 236, 17];
    expect(errorCorrection(data, 10)).toEqual([196, 35, 39, 119, 235, 215, 231, 226, 93, 23]);
  });

  test('each version begins where the one before is full (table 7)', () => {
    TABLE.forEach(([, , , most], i) => {
      expect(qrCode('a'.repeat(most))?.length).toBe(17 + 4 * (i + 1));
      expect(qrCode('a'.repeat(most + 1))?.length).toBe(i === 9 ? undefined : 17 + 4 * (i + 2));
      expect(new TextDecoder().decode(decode(qrCode('a'.repeat(most)) as QrMatrix))).toBe('a'.repeat(most));
    });
  });

  test('any text is read back, in UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 70 }), (text) => {
        const symbol = qrCode(text);
        const bytes = new TextEncoder().encode(text);
        if (symbol === undefined) expect(bytes.length).toBeGreaterThan(213);
        else expect(decode(symbol)).toEqual(bytes);
      }),
      { numRuns: 60 },
    );
  });

  test('no mask that a text gets is always the same', () => {
    const formats = new Set(
      Array.from({ length: 40 }, (_, i) => qrCode(`otpauth://totp/${i}`)?.[8]?.slice(0, 6).join('')),
    );
    expect(formats.size).toBeGreaterThan(2);
  });
});
