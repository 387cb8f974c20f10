import pg from 'pg';
import { createTestDatabase } from '../../../test/database.ts';
import type { Tenant } from '../../access/scope.ts';
import type { DefinitionsModel } from '../../conformance/model.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import type { Resource } from '../../json/types.ts';
import { type Hash64, hashToBigInt } from '../hash.ts';
import { createExtractor } from '../index/extractor.ts';
import type { IndexKeys } from '../index-model.ts';

/** A database of its own for a test file. */
export interface TestDatabase {
  /** Stores resources of a tenant with their index entries; those later in the list have higher row ids. */
  insert(tenant: Tenant, keys: IndexKeys, resources: readonly Resource[], baseUrl: string): Promise<void>;
  /** Runs a statement inside a tenant; rows as arrays. */
  query(tenant: Tenant, statement: { text: string; values: readonly unknown[] }): Promise<unknown[][]>;
  stop(): Promise<void>;
}

/** Makes a database in the PostgreSQL of the run; {@link TestDatabase.stop} removes it. */
export async function startTestDatabase(definitions: DefinitionsModel): Promise<TestDatabase> {
  const made = await createTestDatabase();
  const client = new pg.Client({ connectionString: made.ownerUrl });
  await client.connect();
  let rid = 0;
  let current: number | undefined;
  const enter = async (tenant: Tenant) => {
    if (current === tenant.id) return;
    await client.query(`select set_config('app.tenant', $1, false)`, [String(tenant.id)]);
    current = tenant.id;
  };
  return {
    async insert(tenant, keys, resources, baseUrl) {
      await enter(tenant);
      for (const resource of resources) {
        rid++;
        const entries = createExtractor(definitions, resource.resourceType)(resource, keys, { baseUrl });
        const { id, meta } = resource as unknown as { id: string; meta?: { lastUpdated?: string } };
        const updated =
          meta?.lastUpdated === undefined ? 1_700_000_000_000 + rid : Date.parse(meta.lastUpdated);
        await client.query(
          `insert into store.resource (tenant_id, rid, ref_hash, last_updated, date_low, date_high, patient, type, reference_count, version, method, deleted, id, tokens, present, content)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, 1, false, $10, $11::bigint[], $12::int[], $13)`,
          [
            tenant.id,
            rid,
            text(keys.reference(`${resource.resourceType}/${id}`)),
            updated,
            entries.dateLow,
            entries.dateHigh,
            entries.patient === null ? null : text(entries.patient),
            typeCode(resource.resourceType),
            entries.referenceCount,
            id,
            entries.tokens.map(text),
            entries.present,
            JSON.stringify(resource),
          ],
        );
        for (const { param, low, high } of entries.dates) {
          await client.query('insert into store.index_date values ($1, $2, $3, $4, $5)', [
            tenant.id,
            param,
            low,
            high,
            rid,
          ]);
        }
        for (const { param, value } of entries.strings) {
          await client.query('insert into store.index_string values ($1, $2, $3, $4)', [
            tenant.id,
            param,
            rid,
            value,
          ]);
        }
        for (const { param, key, unit, low, high } of entries.quantities) {
          await client.query('insert into store.index_quantity values ($1, $2, $3, $4, $5, $6, $7)', [
            tenant.id,
            param,
            text(key),
            text(unit),
            low,
            high,
            rid,
          ]);
        }
        for (const { param, text: value, token } of entries.texts) {
          await client.query('insert into store.index_text values ($1, $2, $3, $4) on conflict do nothing', [
            tenant.id,
            param,
            text(token),
            value,
          ]);
        }
      }
      // As autovacuum does after a while: a plan without statistics is none that a server would use for long.
      await client.query('analyze');
    },
    async query(tenant, { text: sql, values }) {
      await enter(tenant);
      const result = await client.query({ text: sql, values: values as unknown[], rowMode: 'array' });
      return result.rows as unknown[][];
    },
    async stop() {
      await client.end();
      await made.drop();
    },
  };
}

function text(hash: Hash64): string {
  return hashToBigInt(hash).toString();
}
