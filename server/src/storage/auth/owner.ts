import type pg from 'pg';
import type { Connections } from '../connections.ts';
import { ownerReads } from '../packages/package-store.ts';

/**
 * The connection of the database's owner in the place of the pools, for commands. One tenant and one transaction at a
 * time.
 */
export function ownerConnections(client: pg.Client): Connections {
  return {
    within: ownerReads(client).within,
    global: async ({ text, values }) =>
      (await client.query({ text, values: values as unknown[], rowMode: 'array' })).rows as unknown[][],
  };
}
