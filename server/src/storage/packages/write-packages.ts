import type { PackageStore } from './package-store.ts';

/** A package to be written. */
export interface PackageInsert {
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the packed form, hexadecimal. */
  readonly digest: string;
  /** SHA-256 of manifest and resources before packing. */
  readonly source: string;
  /** Bytes of the packed form. */
  readonly size: number;
  /** JSON. */
  readonly manifest: string;
  readonly active: boolean;
}

/** After this long an installation that has not ended is taken for broken off, in milliseconds. */
const ABANDONED = 600_000;

/** Somebody else has installed the same package meanwhile. */
export class PackageConflict extends Error {}

/**
 * Writes a package's row and packed form; nobody sees it before {@link publishPackages}. What a broken off installation
 * of the same owner has left behind is removed: of this package always, of others after ten minutes.
 *
 * @param pieces the packed form, in pieces of a size that a statement takes
 * @returns its id
 */
export async function writePackage(
  { owner, run }: PackageStore,
  insert: PackageInsert,
  pieces: Iterable<Buffer>,
): Promise<number> {
  const { name, version, digest, source, size, manifest, active } = insert;
  await removeAbandoned({ owner, run }, name, version);
  const [row] = await run(
    `insert into store.package (tenant_id, name, version, digest, source, size, manifest, state, active, installed)
      values ($1, $2, $3, $4, $5, $6, $7, 'loading', $8, $9) returning id`,
    [owner, name, version, digest, source, size, manifest, active, Date.now()],
  );
  const id = row?.[0] as number;
  try {
    let place = 0;
    for (const piece of pieces) {
      await run(
        'insert into store.package_chunk (tenant_id, package_id, place, bytes) values ($1, $2, $3, $4)',
        [owner, id, place++, piece],
      );
    }
  } catch (error) {
    await dropPackages({ owner, run }, [id]).catch(() => {});
    throw error;
  }
  return id;
}

/**
 * Makes packages visible, each in the place of the one of its name and version if there is one. Runs inside
 * {@link PackageStore.change}.
 * @throws PackageConflict when another installation of the same package has begun meanwhile
 * @returns ids of those replaced, which {@link dropPackages} removes after the change
 */
export async function publishPackages(
  { owner }: Pick<PackageStore, 'owner'>,
  run: PackageStore['run'],
  ids: readonly number[],
): Promise<number[]> {
  const replaced = await hidePackages(
    { owner },
    run,
    `exists (select from store.package n where n.tenant_id = $1
    and n.id = any($2::int[]) and n.name = p.name and n.version = p.version)`,
    ids,
  );
  const published = await run(
    `update store.package set state = 'ready' where tenant_id = $1 and id = any($2::int[]) returning id`,
    [owner, ids],
  );
  if (published.length < ids.length)
    throw new PackageConflict('The same package was installed by somebody else at the same time. Try again.');
  return replaced;
}

/** Hides packages, so that nobody sees them any more. Runs inside {@link PackageStore.change}. */
export async function retirePackages(
  store: Pick<PackageStore, 'owner'>,
  run: PackageStore['run'],
  ids: readonly number[],
): Promise<number[]> {
  return await hidePackages(store, run, 'p.id = any($2::int[])', ids);
}

async function hidePackages(
  { owner }: Pick<PackageStore, 'owner'>,
  run: PackageStore['run'],
  which: string,
  ids: readonly number[],
): Promise<number[]> {
  const rows = await run(
    `update store.package p set state = 'loading', installed = 0
      where p.tenant_id = $1 and p.state = 'ready' and ${which} returning p.id`,
    [owner, ids],
  );
  return rows.map(([id]) => id as number);
}

/** Removes packages that nobody sees, with their contents. */
export async function dropPackages(
  { owner, run }: Pick<PackageStore, 'owner' | 'run'>,
  ids: readonly number[],
): Promise<void> {
  await run('delete from store.package_chunk where tenant_id = $1 and package_id = any($2::int[])', [
    owner,
    ids,
  ]);
  await run(`delete from store.package where tenant_id = $1 and id = any($2::int[]) and state = 'loading'`, [
    owner,
    ids,
  ]);
}

async function removeAbandoned(
  store: Pick<PackageStore, 'owner' | 'run'>,
  name: string,
  version: string,
): Promise<void> {
  const rows = await store.run(
    `select id from store.package where tenant_id = $1 and state = 'loading'
      and (installed < $2 or (name = $3 and version = $4))`,
    [store.owner, Date.now() - ABANDONED, name, version],
  );
  const ids = rows.map(([id]) => id as number);
  if (ids.length > 0) await dropPackages(store, ids);
}
