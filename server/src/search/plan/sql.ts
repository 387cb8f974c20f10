import { createHash } from 'node:crypto';
import { type Hash64, hashToBigInt } from '../hash.ts';

/**
 * A statement for PostgreSQL: all values are bound, `$1` is the tenant.
 * `generic`: the shape leaves one good plan for any values, so it may stay prepared under `name`. `custom`: the best plan
 * depends on the values.
 */
export interface SqlStatement {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly prepare: 'generic' | 'custom';
  readonly name?: string;
}

/** Many hashes as PostgreSQL writes a `bigint[]`: made once for all statements that ask for them. */
export interface HashList {
  readonly text: string;
}

/** @param hashes may repeat themselves */
export function hashList(hashes: readonly Hash64[]): HashList {
  const texts = new Set(hashes.map((hash) => hashToBigInt(hash).toString()));
  return { text: `{${[...texts].join()}}` };
}

/** Collects the bound values and the aliases of one statement. */
export class SqlBuilder {
  readonly #tenantId: number;
  readonly #values: unknown[] = [];
  readonly #known = new Map<string, string>();
  readonly #lists = new Map<HashList, string>();
  #aliases = 0;

  /** @param tenantId becomes `$1` */
  constructor(tenantId: number) {
    this.#tenantId = tenantId;
  }

  /**
   * Everything bound so far with the tenant first, by the numbers of {@link bind}'s placeholders. PostgreSQL refuses a
   * statement that leaves one of them out: {@link statement} takes care of that.
   */
  get values(): unknown[] {
    return [this.#tenantId, ...this.#values];
  }

  /** Binds a value; gives the placeholder with its cast: `$3::bigint`. */
  bind(value: string | number | boolean | readonly (string | number)[], cast: string): string {
    const key = `${cast}\u0000${JSON.stringify(value)}\u0000${String(value)}`;
    let placeholder = this.#known.get(key);
    if (placeholder === undefined) {
      placeholder = `$${this.#values.push(value) + 1}::${cast}`;
      this.#known.set(key, placeholder);
    }
    return placeholder;
  }

  /** A hash as `bigint`. */
  hash(hash: Hash64): string {
    return this.bind(hashToBigInt(hash).toString(), 'bigint');
  }

  /** Hashes as `bigint[]`. */
  hashes(hashes: readonly Hash64[]): string {
    return this.bind([...new Set(hashes.map((hash) => hashToBigInt(hash).toString()))], 'bigint[]');
  }

  /** A list that other statements may have too, as `bigint[]`; it is told by which object it is, not by its length. */
  hashList(list: HashList): string {
    let placeholder = this.#lists.get(list);
    if (placeholder === undefined) {
      placeholder = `$${this.#values.push(list.text) + 1}::bigint[]`;
      this.#lists.set(list, placeholder);
    }
    return placeholder;
  }

  /** An alias that nothing else in the statement has. */
  alias(prefix: string): string {
    return `${prefix}${++this.#aliases}`;
  }

  /** A statement of a text with this builder's placeholders. */
  statement(text: string, prepare: 'generic' | 'custom'): SqlStatement {
    const { sql, values } = this.fragment(text, 2);
    values.unshift(this.#tenantId);
    if (prepare === 'custom') return { text: sql, values, prepare };
    return { text: sql, values, prepare, name: statementName(sql) };
  }

  /**
   * A part of another statement in which `$1` is the tenant too: placeholders are numbered from `first` in the order of
   * `values`. What was bound and then not used is left out.
   */
  fragment(text: string, first: number): { sql: string; values: unknown[] } {
    const values: unknown[] = [];
    const numbers = new Map<string, number>();
    const sql = text.replace(/\$(\d+)/g, (placeholder, digits: string) => {
      if (digits === '1') return placeholder;
      let number = numbers.get(digits);
      if (number === undefined) {
        number = first + values.length;
        numbers.set(digits, number);
        values.push(this.#values[Number(digits) - 2]);
      }
      return `$${number}`;
    });
    return { sql, values };
  }
}

const MAX_NAMES = 2000;
const names = new Map<string, string>();

/** The name of a prepared statement: a hash of its text, kept because the same few are asked all the time. */
function statementName(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `s${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`;
    if (names.size >= MAX_NAMES) names.clear();
    names.set(text, name);
  }
  return name;
}

/** Conditions joined by AND: `true` where there is none, `false` where one is. */
export function allOf(conditions: readonly string[]): string {
  if (conditions.includes('false')) return 'false';
  const needed = [...new Set(conditions.filter((one) => one !== 'true'))];
  return needed.length === 0 ? 'true' : needed.join(' and ');
}

/** Conditions joined by OR, in parentheses: `false` where there is none, `true` where one is. */
export function anyOf(conditions: readonly string[]): string {
  if (conditions.includes('true')) return 'true';
  const needed = [...new Set(conditions.filter((one) => one !== 'false'))];
  if (needed.length === 0) return 'false';
  return needed.length === 1 ? `(${needed[0]!})` : `(${needed.map((one) => `(${one})`).join(' or ')})`;
}

/** NOT, where a condition on a missing value counts as not met. */
export function noneOf(condition: string): string {
  if (condition === 'true') return 'false';
  if (condition === 'false') return 'true';
  return `(${condition}) is not true`;
}

/** The least text above all that begin with `prefix`, in code point order (collation "C"); undefined if there is none. */
export function afterPrefix(prefix: string): string | undefined {
  const points = [...prefix];
  for (let i = points.length - 1; i >= 0; i--) {
    const point = points[i]!.codePointAt(0)!;
    if (point >= 0x10ffff) continue;
    const next = point === 0xd7ff || (point >= 0xd800 && point <= 0xdfff) ? 0xe000 : point + 1;
    return points.slice(0, i).join('') + String.fromCodePoint(next);
  }
  return undefined;
}

/** A text with the wildcards of LIKE escaped. */
export function likeLiteral(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}

/** PostgreSQL has no character U+0000 and no lone surrogates: a text with them is found nowhere. */
export function isStorable(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}
