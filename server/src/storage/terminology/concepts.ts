import type { Tenant } from '../../access/scope.ts';
import { Lru } from '../../collections/lru.ts';
import { likeLiteral } from '../../search/plan/sql.ts';
import type { Child, RowCondition, TextFilter } from '../../terminology/model.ts';
import type { Connections, SqlStatement } from '../connections.ts';
import {
  CONCEPT_COLUMNS,
  factHash,
  placeOf,
  type StoredConcept,
  type StoredSystem,
  toConcept,
} from './rows.ts';

/** Concepts kept in memory, in all. */
const CACHED = 20_000;

/** Lists of children kept in memory. */
const CACHED_CHILDREN = 20_000;
/** Places of concepts with children that are kept in memory, in all. */
const CACHED_INNER = 600_000;
/** Totals of selections that are kept in memory. */
const CACHED_TOTALS = 5000;
/** Lists of children longer than this are read anew each time. */
const LONG = 200;

/** What rows of a code system are asked for. */
export interface RowSelection {
  readonly conditions: readonly RowCondition[];
  readonly text?: TextFilter;
  readonly activeOnly?: boolean;
}

/**
 * Reads concepts. Lookups that arrive while others are under way share one statement, and what was found is kept: a
 * code system's rows never change, a new version of them has a new number.
 */
export class ConceptReader {
  readonly #connections: Connections;
  readonly #cache = new Lru<string, StoredConcept>(CACHED);
  readonly #children = new Lru<string, readonly Child[]>(CACHED_CHILDREN);
  readonly #inner = new Lru<number, Promise<ReadonlySet<number>>>(CACHED_INNER);
  readonly #totals = new Lru<string, number>(CACHED_TOTALS);
  readonly #lookups = new Batches<StoredConcept | undefined>();
  readonly #childLookups = new Batches<readonly Child[]>();

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** The concept of a code in the form in which the system folds it. */
  async locate(tenant: Tenant, system: StoredSystem, folded: string): Promise<StoredConcept | undefined> {
    const known = this.#cache.get(`${system.id} ${folded}`);
    if (known !== undefined) return known;
    return this.#lookups.ask(`${tenant.id} ${system.id}`, folded, async (asked) => {
      const found = await this.locateAll(tenant, system, asked);
      for (const [one, concept] of found) this.#cache.set(`${system.id} ${one}`, concept);
      return (one) => found.get(one);
    });
  }

  /** Concepts of many codes in one statement, by folded code. */
  async locateAll(
    tenant: Tenant,
    system: StoredSystem,
    folded: readonly string[],
  ): Promise<Map<string, StoredConcept>> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        name: 'terminology-locate',
        text: `select c.folded, ${CONCEPT_COLUMNS} from tenant.concept c
          where c.tenant_id = $1 and c.system_id = $2 and c.folded = any($3::text[])`,
        values: [system.owner, system.id, folded],
      }),
    );
    return new Map(rows.map((row) => [row[0] as string, toConcept(row, 1)]));
  }

  /** Places of the concepts that have others below them. */
  innerPlaces(tenant: Tenant, system: StoredSystem): Promise<ReadonlySet<number>> {
    const known = this.#inner.get(system.id);
    if (known !== undefined) return known;
    const reading = this.#connections
      .within(tenant, 'read', (connection) =>
        connection.query({
          text: 'select s.inner_places from tenant.code_system s where s.tenant_id = $1 and s.id = $2',
          values: [system.owner, system.id],
        }),
      )
      .then(({ rows }) => new Set((rows[0]?.[0] as number[] | undefined) ?? []));
    this.#inner.set(system.id, reading, 1000);
    reading.then(
      (places) => this.#inner.set(system.id, reading, places.size + 100),
      () => this.#inner.delete(system.id),
    );
    return reading;
  }

  /** Concepts directly below one, in order, at most `limit`. */
  async children(tenant: Tenant, system: StoredSystem, id: string, limit: number): Promise<readonly Child[]> {
    if (!(await this.innerPlaces(tenant, system)).has(placeOf(id))) return [];
    const known = this.#children.get(id);
    if (known !== undefined) return known;
    const children = await this.#childLookups.ask(`${tenant.id} ${system.id} ${limit}`, id, async (asked) => {
      const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
        connection.query({
          name: 'terminology-children',
          text: `select q.id, c.code, c.display from unnest($3::bigint[]) as q(id) cross join lateral (
              select s.id, s.code, s.display from tenant.concept s
              where s.tenant_id = $1 and s.system_id = $2 and s.links @> array[-q.id] limit $4
            ) c order by c.id`,
          values: [system.owner, system.id, asked, limit],
        }),
      );
      const found = new Map<string, Child[]>();
      for (const [parent, code, display] of rows as [string, string, string | null][]) {
        const child = { code, ...(display === null ? {} : { display }) };
        const list = found.get(String(parent));
        if (list === undefined) found.set(String(parent), [child]);
        else list.push(child);
      }
      return (one) => found.get(one) ?? [];
    });
    if (children.length <= LONG) this.#children.set(id, children);
    return children;
  }

  /** Concepts in order, after the one with the id `after`. */
  async page(
    tenant: Tenant,
    system: StoredSystem,
    selection: RowSelection,
    { after, offset = 0, limit }: { after?: string; offset?: number; limit: number },
  ): Promise<StoredConcept[]> {
    const { where, values } = condition(system, selection);
    const from = after === undefined ? '' : ` and c.id > $${values.push(after)}::bigint`;
    const text = `select ${CONCEPT_COLUMNS} from tenant.concept c where ${where}${from}
      order by c.id offset $${values.push(offset)} limit $${values.push(limit)}`;
    return (await this.#run(tenant, { text, values })).map((row) => toConcept(row));
  }

  /**
   * A page of concepts, and how many there are in all, counted up to `most`. Both come from one reading of the rows: a text
   * of two letters has no index. A total that is known already is not counted again.
   */
  async pageOf(
    tenant: Tenant,
    system: StoredSystem,
    selection: RowSelection,
    { offset, limit, most }: { offset: number; limit: number; most: number },
  ): Promise<{ concepts: StoredConcept[]; total: number }> {
    const { where, values } = condition(system, selection);
    const key = JSON.stringify([system.id, where, values, most]);
    const known = this.#totals.get(key);
    if (known !== undefined && (known < most || offset + limit <= known)) {
      const concepts = offset < known ? await this.page(tenant, system, selection, { offset, limit }) : [];
      return { concepts, total: known };
    }
    const gathered = `$${values.push(Math.max(most, offset + limit))}`;
    const page = `offset $${values.push(offset)} limit $${values.push(limit)}`;
    const text = `with hits as materialized (select c.id from tenant.concept c where ${where} order by c.id limit ${gathered})
      select (select count(*) from hits), ${CONCEPT_COLUMNS}
      from (select) one left join (select h.id from hits h order by h.id ${page}) p on true
        left join tenant.concept c on c.tenant_id = $1 and c.system_id = $2 and c.id = p.id
      order by c.id`;
    const rows = await this.#run(tenant, { text, values });
    const total = Math.min(most, Number(rows[0]?.[0]));
    this.#totals.set(key, total);
    return { concepts: rows.filter((row) => row[1] !== null).map((row) => toConcept(row, 1)), total };
  }

  async #run(tenant: Tenant, statement: SqlStatement) {
    const { rows } = await this.#connections.within(tenant, 'search', (connection) =>
      connection.query(statement),
    );
    return rows;
  }
}

/** Statements of one kind that are under way at once: what arrives meanwhile is asked together by the next one. */
const UNDER_WAY = 2;

interface Batch<T> {
  readonly answers: Map<string, ((value: T) => void)[]>;
  readonly failures: ((error: unknown) => void)[];
  readonly read: (questions: string[]) => Promise<(question: string) => T>;
}

/** Questions of one kind that arrive in the same turn of the event loop, or while others are under way, asked together. */
class Batches<T> {
  readonly #waiting = new Map<string, Batch<T>>();
  readonly #underWay = new Map<string, number>();

  /** @param read asks all of them at once, and gives what answers each */
  ask(kind: string, question: string, read: Batch<T>['read']): Promise<T> {
    let batch = this.#waiting.get(kind);
    if (batch === undefined) {
      batch = { answers: new Map(), failures: [], read };
      this.#waiting.set(kind, batch);
      if ((this.#underWay.get(kind) ?? 0) < UNDER_WAY) setImmediate(() => this.#send(kind));
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const sharing = batch.answers.get(question);
    if (sharing === undefined) batch.answers.set(question, [resolve]);
    else sharing.push(resolve);
    batch.failures.push(reject);
    return promise;
  }

  async #send(kind: string): Promise<void> {
    const batch = this.#waiting.get(kind);
    const underWay = this.#underWay.get(kind) ?? 0;
    if (batch === undefined || underWay >= UNDER_WAY) return;
    this.#waiting.delete(kind);
    this.#underWay.set(kind, underWay + 1);
    try {
      const answer = await batch.read([...batch.answers.keys()]);
      for (const [question, resolves] of batch.answers) {
        const value = answer(question);
        for (const resolve of resolves) resolve(value);
      }
    } catch (error) {
      for (const fail of batch.failures) fail(error);
    } finally {
      const left = (this.#underWay.get(kind) ?? 1) - 1;
      if (left === 0) this.#underWay.delete(kind);
      else this.#underWay.set(kind, left);
      void this.#send(kind);
    }
  }
}

function condition(system: StoredSystem, selection: RowSelection): { where: string; values: unknown[] } {
  const values: unknown[] = [system.owner, system.id];
  const bind = (value: unknown, cast: string): string => `$${values.push(value)}::${cast}`;
  const write = (one: RowCondition): string => {
    switch (one.kind) {
      case 'below': {
        const below = `c.links @> array[${bind(one.key, 'bigint')}]`;
        return one.self ? `(${below} or c.id = ${bind(one.key, 'bigint')})` : below;
      }
      case 'child':
        return `c.links @> array[-${bind(one.key, 'bigint')}]`;
      case 'codes':
        return `c.code = any(${bind(one.codes, 'text[]')})`;
      case 'fact': {
        const hashes = one.values.map((value) => factHash(system.id, one.property, value));
        return `c.facts && ${bind(hashes, 'bigint[]')}`;
      }
      case 'not':
        return `not (${write(one.of)})`;
    }
  };
  const conditions = ['c.tenant_id = $1', 'c.system_id = $2', ...selection.conditions.map(write)];
  if (selection.activeOnly === true) conditions.push('not c.inactive');
  for (const word of selection.text?.words ?? []) {
    conditions.push(`c.words like ${bind(`%${likeLiteral(word)}%`, 'text')}`);
  }
  return { where: conditions.join(' and '), values };
}
