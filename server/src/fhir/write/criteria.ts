import type { AccessScope } from '../../access/scope.ts';
import type { Hash64 } from '../../search/hash.ts';
import { hashArray } from '../../storage/binary-array.ts';
import type { Row } from '../../storage/connections.ts';
import type { Transaction } from '../../storage/transaction.ts';
import { fhirError } from '../outcome.ts';
import { type ConditionalSearch, conditionalSearch } from '../search/conditional-search.ts';
import type { TenantContext } from '../tenant-context.ts';
import type { ConditionalReference } from './bundle-references.ts';
import { placed } from './prepare.ts';
import type { WriteRequest } from './write-request.ts';

/** A resource that a request is about. */
export interface CriteriaMatch {
  readonly id: string;
  /** The id was made by the server just now: no such resource exists. */
  readonly fresh?: boolean;
  /** A conditional create found it: it stays as it is. */
  readonly keep?: boolean;
  readonly version?: number;
  readonly lastUpdated?: number;
  readonly content?: string;
}

/**
 * Finds what the criteria of conditional interactions and references match, inside the transaction that acts on it.
 * The criteria of writes are locked first: two clients with the same criteria come one after the other, and the second
 * sees what the first has written.
 */
export class CriteriaResolver {
  readonly #transaction: Transaction;
  readonly #scope: AccessScope;
  readonly #context: TenantContext;

  constructor(transaction: Transaction, scope: AccessScope, context: TenantContext) {
    this.#transaction = transaction;
    this.#scope = scope;
    this.#context = context;
  }

  /**
   * The matches of each request that has criteria: at most two, or for a delete at most `maxDelete` + 1.
   * @throws FhirError 400 for criteria that are no search; 412 when a delete matches more than `maxDelete`
   */
  async resolve(
    requests: readonly WriteRequest[],
    maxDelete: number,
  ): Promise<Map<WriteRequest, CriteriaMatch[]>> {
    const found = new Map<WriteRequest, CriteriaMatch[]>();
    const searches = new Map<WriteRequest, ConditionalSearch>();
    const locks: Hash64[] = [];
    for (const request of requests) {
      if (request.criteria === undefined) continue;
      try {
        const limit = request.kind === 'delete' ? maxDelete + 1 : 2;
        const search = conditionalSearch(this.#scope, this.#context, request.type, request.criteria, limit);
        searches.set(request, search);
        for (const key of search.lockKeys)
          locks.push(this.#context.keys.reference(`lock/${request.type}?${key}`));
      } catch (error) {
        throw placed(error, request.at);
      }
    }
    if (searches.size === 0) return found;
    await this.#transaction.lockExclusive(locks);
    const rows = await this.#search([...searches.values()]);
    let next = 0;
    const creating = new Map<string, string>();
    for (const [request, search] of searches) {
      const matches = (rows[next++] as Row[]).map(toMatch);
      if (matches.length === 0 && (request.kind === 'create' || request.kind === 'update')) {
        // Both would make the resource that each says there must be one of.
        const key = `${request.type}?${[...search.lockKeys].sort().join('&')}`;
        const other = creating.get(key);
        if (other !== undefined) {
          const message = `${other} and ${request.at} have the same criteria, which match nothing yet: a transaction may make such a resource once`;
          throw placed(fhirError(400, 'duplicate', message, 'http.query'), request.at);
        }
        creating.set(key, request.at);
      }
      if (request.kind === 'delete' && matches.length > maxDelete) {
        const message = `The criteria match more than ${maxDelete} resources: narrow them or delete in several steps`;
        throw placed(fhirError(412, 'too-costly', message, 'http.query'), request.at);
      }
      found.set(request, matches);
    }
    return found;
  }

  /**
   * `Type/id` for each conditional reference, by its text.
   * @throws FhirError 412 naming the reference when it matches nothing or several resources (R4 http.html#trules)
   */
  async resolveReferences(
    references: ReadonlyMap<string, ConditionalReference>,
  ): Promise<Map<string, string>> {
    const resolved = new Map<string, string>();
    const list = [...references];
    if (list.length === 0) return resolved;
    const searches = list.map(([, reference]) => {
      try {
        return conditionalSearch(this.#scope, this.#context, reference.type, reference.query, 2);
      } catch (error) {
        throw placed(error, reference.expression);
      }
    });
    const rows = await this.#search(searches);
    list.forEach(([text, reference], i) => {
      const matches = rows[i] as Row[];
      if (matches.length !== 1) {
        throw fhirError(
          412,
          matches.length === 0 ? 'not-found' : 'multiple-matches',
          `The conditional reference '${text}' matches ${matches.length === 0 ? 'no' : 'more than one'} ${reference.type}`,
          reference.expression,
        );
      }
      resolved.set(text, `${reference.type}/${toMatch(matches[0] as Row).id}`);
    });
    return resolved;
  }

  /** Runs searches: all that look for one token in a single statement, the others one by one without waiting. */
  async #search(searches: readonly ConditionalSearch[]): Promise<Row[][]> {
    const simple = searches.filter((search) => search.token !== undefined);
    const rowsOf = new Map<ConditionalSearch, Row[]>();
    const pending: Promise<void>[] = [];
    const byToken = Map.groupBy(simple, (search) => search.limit);
    for (const [limit, group] of byToken) {
      const sent = this.#transaction
        .query({
          name: `by-token-${limit}`,
          text: `select k.at, r.id, r.version, r.last_updated, r.content
            from unnest($2::smallint[], $3::bigint[]) with ordinality as k(type, token, at)
            cross join lateral (
              select id, version, last_updated, content from tenant.resource r
              where r.tenant_id = $1 and r.type = k.type and r.tokens @> array[k.token] and not r.deleted
              limit ${Number(limit)}
            ) as r`,
          values: [
            this.#context.tenant.id,
            group.map((search) => search.typeCode),
            hashArray(group.map((search) => search.token as Hash64)),
          ],
        })
        .then((rows) => {
          for (const search of group) rowsOf.set(search, []);
          for (const row of rows) rowsOf.get(group[Number(row[0]) - 1] as ConditionalSearch)?.push(row);
        });
      pending.push(sent);
    }
    for (const search of searches) {
      if (search.token !== undefined) continue;
      pending.push(
        this.#transaction.query(search.statement()).then((rows) => {
          rowsOf.set(
            search,
            rows.map((row) => search.toRow(row)),
          );
        }),
      );
    }
    await Promise.all(pending);
    return searches.map((search) => rowsOf.get(search) as Row[]);
  }
}

/** Rows are (position, id, version, last_updated, content). */
function toMatch(row: Row): CriteriaMatch {
  return {
    id: row[1] as string,
    version: row[2] as number,
    lastUpdated: Number(row[3]),
    content: row[4] as string,
  };
}
