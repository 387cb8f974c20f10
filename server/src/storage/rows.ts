import { type Hash64, hashFromBigInt, hashToBigInt } from '../search/hash.ts';
import type { IndexEntries } from '../search/index-model.ts';

/** What made a version: column `method`, and Bundle.entry.request.method in a history. */
export const METHODS = ['', 'POST', 'PUT', 'DELETE', 'PATCH'] as const;
export type Method = 1 | 2 | 3 | 4;
export const POST: Method = 1;
export const PUT: Method = 2;
export const DELETE: Method = 3;
export const PATCH: Method = 4;

/** A version as it is read: `content` is the JSON text that is served, empty for a deletion. */
export interface StoredVersion {
  readonly type: string;
  readonly id: string;
  readonly version: number;
  /** Epoch milliseconds. */
  readonly lastUpdated: number;
  readonly method: Method;
  readonly deleted: boolean;
  readonly content: string;
}

/** A current row as a transaction locks it. */
export interface LockedRow extends StoredVersion {
  readonly rid: Hash64;
  readonly refHash: Hash64;
}

/** A version to be written as the current one. */
export interface NewVersion {
  readonly typeCode: number;
  readonly rid: Hash64;
  readonly refHash: Hash64;
  readonly id: string;
  readonly version: number;
  readonly lastUpdated: number;
  readonly method: Method;
  readonly deleted: boolean;
  /** The JSON text that is served. */
  readonly content: string;
  /** The text to be stored instead, where values in it are encrypted. */
  readonly sealed?: string;
  readonly index: IndexEntries;
}

/** The hash or row id of a bigint as PostgreSQL prints it. */
export function hashFromText(text: string): Hash64 {
  return hashFromBigInt(BigInt(text));
}

/** As PostgreSQL prints it: the form in which search results and sets of rows carry hashes and row ids. */
export function hashToText(hash: Hash64): string {
  return hashToBigInt(hash).toString();
}
