import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { prepareDatabase, withOwner } from '../src/storage/prepare.ts';
import { servingRoleName } from '../src/storage/roles.ts';

/** A database of its own for one test file, migrated, with its serving role. */
export interface TestDatabase {
  readonly name: string;
  /** Connection string of the owner (superuser). */
  readonly ownerUrl: string;
  /** Connection string of the serving role. */
  readonly servingUrl: string;
  /** Removes database and role; sessions that are left are ended. */
  drop(): Promise<void>;
}

/**
 * Makes a database in the run's PostgreSQL (see global-setup.ts): call it in `beforeAll` and `drop` in `afterAll`.
 * @param prepare false for an empty database: no migrations, no role (`servingUrl` is empty then)
 */
export async function createTestDatabase(prepare = true): Promise<TestDatabase> {
  const adminUrl = inject('postgresUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const source = prepare ? `${inject('templateDatabase')} strategy file_copy` : 'template0';
  await withOwner(adminUrl, (client) => client.query(`create database ${name} template ${source}`));
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const ownerUrl = url.href;
  const servingUrl = prepare ? (await prepareDatabase(ownerUrl, { statementTimeout: 30_000 })).url : '';
  return {
    name,
    ownerUrl,
    servingUrl,
    drop: async () => {
      await withOwner(adminUrl, async (client) => {
        await client.query(`drop database ${name} with (force)`);
        await client.query(`drop role if exists ${servingRoleName(name)}`);
      });
    },
  };
}
