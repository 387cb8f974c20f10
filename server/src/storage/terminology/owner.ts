import type pg from 'pg';
import { type RunStatement, removeSystem } from './write-concepts.ts';

/** Statements of the database's owner. */
export function ownerStatements(client: pg.Client): RunStatement {
  return async (text, values) =>
    (await client.query({ text, values: values as unknown[], rowMode: 'array' })).rows as unknown[][];
}

/** A loaded code system as `vesta terminology list` shows it. */
export interface ListedSystem {
  readonly owner: number;
  readonly id: number;
  /** Undefined for a shared one. */
  readonly tenant: string | undefined;
  readonly url: string;
  readonly version: string;
  readonly concepts: number;
  readonly loaded: Date;
}

/** Code systems that were loaded from files. */
export async function listSystems(run: RunStatement): Promise<ListedSystem[]> {
  const rows = await run(
    `select s.tenant_id, s.id, t.name, s.url, s.version, s.concepts, s.loaded from store.code_system s
      left join store.tenant t on t.id = s.tenant_id
      where s.state = 'ready' and s.source is null order by s.url, s.version, s.tenant_id`,
    [],
  );
  return rows.map(([owner, id, tenant, url, version, concepts, loaded]) => ({
    owner: owner as number,
    id: id as number,
    tenant: (tenant as string | null) ?? undefined,
    url: url as string,
    version: version as string,
    concepts: concepts as number,
    loaded: new Date(Number(loaded)),
  }));
}

/** The number of a tenant; undefined if there is none of this name. */
export async function tenantNumber(run: RunStatement, name: string): Promise<number | undefined> {
  const rows = await run(`select id from store.tenant where name = $1 and state = 'active'`, [name]);
  return rows[0]?.[0] as number | undefined;
}

export async function removeListed(run: RunStatement, system: ListedSystem): Promise<void> {
  await removeSystem(run, system.owner, system.id);
}
