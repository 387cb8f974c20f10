import type { OwnerConnection } from '../migrate.ts';

/** A data key as `vesta keys status` shows it. Times are epoch milliseconds. */
export interface DataKeyStatus {
  /** Undefined for the installation's own keys. */
  readonly tenant: string | undefined;
  readonly number: number;
  readonly masterKey: string;
  readonly created: number;
  readonly activeFrom: number;
  /** How often it has encrypted and decrypted, in all and in the last 30 days. */
  readonly uses: { readonly total: number; readonly recent: number };
}

/** All data keys, the installation's first. @param connection of the owner */
export async function dataKeyStatus(connection: OwnerConnection): Promise<DataKeyStatus[]> {
  const { rows } = await connection.query(
    `select t.name, k.number, k.master_key, k.created, k.active_from, coalesce(u.total, 0) as total,
        coalesce(u.recent, 0) as recent
      from store.data_key k left join store.tenant t on t.id = k.tenant_id
      left join lateral (
        select sum(seals + opens) as total, sum(seals + opens) filter (where day > $1) as recent
        from store.key_use u where u.tenant_id = k.tenant_id and u.number = k.number) u on true
      where k.tenant_id = 0 or t.name is not null
      order by k.tenant_id <> 0, t.name, k.number`,
    [Math.floor(Date.now() / 86_400_000) - 30],
  );
  return rows.map((row) => ({
    tenant: (row.name as string | null) ?? undefined,
    number: row.number as number,
    masterKey: row.master_key as string,
    created: Number(row.created),
    activeFrom: Number(row.active_from),
    uses: { total: Number(row.total), recent: Number(row.recent) },
  }));
}
