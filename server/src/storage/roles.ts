import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import pg from 'pg';
import { inTransaction, type OwnerConnection, underMigrationLock } from './migrate.ts';

export interface RoleOptions {
  /** Longest statement of the serving role in milliseconds, unless a connection asks for less. */
  readonly statementTimeout: number;
}

/** The serving role's connection string for the same server and database as the owner's. */
export interface ServingRole {
  readonly name: string;
  readonly url: string;
}

/**
 * Makes the role that serves requests, or brings it up to date: it owns nothing, can create nothing, reads tenants'
 * rows through the views of schema `tenant` and writes them under row level security. Its password follows from the
 * owner's, so that all instances on one database agree without telling each other.
 *
 * @param connection of the owner, after {@link migrate}; outside a transaction, not a pool
 * @param ownerUrl the connection string that `connection` was made with
 * @throws Error when the owner may not create roles and the role is not there already; it says what to run
 */
export async function ensureRoles(
  connection: OwnerConnection,
  ownerUrl: string,
  options: RoleOptions,
): Promise<ServingRole> {
  return await underMigrationLock(connection, async () => {
    const { rows } = await connection.query(
      `select current_database() as database, rolsuper as superuser, rolcreaterole or rolsuper as creator
        from pg_roles where rolname = current_user`,
    );
    const { database, superuser, creator } = rows[0] as {
      database: string;
      superuser: boolean;
      creator: boolean;
    };
    const name = servingRoleName(database);
    const password = createHmac('sha256', await ownerSecret(connection, ownerUrl))
      .update(name)
      .digest('base64url');
    const url = withCredentials(ownerUrl, name, password, database);
    const role = pg.escapeIdentifier(name);
    const found = await connection.query('select from pg_roles where rolname = $1', [name]);
    if (creator) {
      await inTransaction(connection, async () => {
        const attributes = `login nocreatedb nocreaterole noinherit ${superuser ? 'nosuperuser nobypassrls noreplication' : ''}`;
        await connection.query(`${found.rowCount === 0 ? 'create' : 'alter'} role ${role} ${attributes}`);
        for (const [setting, value] of roleSettings(options)) {
          await connection.query(
            `alter role ${role} in database ${pg.escapeIdentifier(database)} set ${setting} = ${value}`,
          );
        }
        // Changed only when it has to be: the verifier has a new salt each time.
        if (found.rowCount === 0 || !(await canLogIn(url))) {
          await connection.query(`alter role ${role} password '${scramVerifier(password)}'`);
        }
      });
    } else if (found.rowCount === 0 || !(await canLogIn(url))) {
      throw new Error(
        `The owner in DATABASE_URL may not create roles. Let an administrator run:\n` +
          `  create role ${role} login noinherit password '${scramVerifier(password)}';`,
      );
    }
    await grant(connection, role, database, superuser);
    return { name, url };
  });
}

/** `vesta_serving_<database>`, cut to the 63 bytes of a PostgreSQL name with a hash that keeps it distinct. */
export function servingRoleName(database: string): string {
  const name = `vesta_serving_${database}`;
  if (Buffer.byteLength(name) <= 63) return name;
  return `vesta_serving_${createHash('sha256').update(database).digest('hex').slice(0, 40)}`;
}

/**
 * The keys of a database, made once: `hash_key` (16 bytes, keys the index hashes) and `cursor_key` (32 bytes, signs
 * paging links), hexadecimal in store.setting.
 */
export async function ensureKeys(connection: OwnerConnection): Promise<void> {
  await connection.query(
    'insert into store.setting (name, value) values ($1, $2), ($3, $4) on conflict do nothing',
    ['hash_key', randomBytes(16).toString('hex'), 'cursor_key', randomBytes(32).toString('hex')],
  );
}

function roleSettings({ statementTimeout }: RoleOptions): [string, string][] {
  return [
    ['statement_timeout', `'${Math.round(statementTimeout)}ms'`],
    ['idle_in_transaction_session_timeout', "'60s'"],
    ['search_path', "''"],
    ['jit', 'off'],
  ];
}

/**
 * Rights are taken away and given anew in one transaction: other sessions see the old ones or the new ones.
 * Writable are the tables of schema `store` that have row level security, readable the views of schema `tenant`.
 */
async function grant(
  connection: OwnerConnection,
  role: string,
  database: string,
  superuser: boolean,
): Promise<void> {
  const { rows } = await connection.query(
    `select format('%I.%I', nspname, relname) as name, nspname = 'tenant' as is_view
      from pg_class c join pg_namespace n on n.oid = relnamespace
      where nspname = 'store' and relkind in ('r', 'p') and relrowsecurity or nspname = 'tenant' and relkind = 'v'`,
  );
  const names = (views: boolean) =>
    rows.filter((row) => row.is_view === views).map((row) => row.name as string);
  const statements = [
    `revoke create on schema public from public`,
    `revoke create, temporary on database ${pg.escapeIdentifier(database)} from public`,
    `revoke all on public.store_migration from public, ${role}`,
    `revoke all on all tables in schema store, tenant from public, ${role}`,
    `revoke all on all sequences in schema store, tenant from public, ${role}`,
    `revoke all on schema public, store, tenant from ${role}`,
    `grant connect on database ${pg.escapeIdentifier(database)} to ${role}`,
    `grant usage on schema store, tenant to ${role}`,
    `grant select on ${names(true).join(', ')} to ${role}`,
    `grant select, insert, update, delete on ${names(false).join(', ')} to ${role}`,
    `grant select on store.tenant, store.setting to ${role}`,
    `grant usage on sequence store.node_number to ${role}`,
  ];
  if (superuser) {
    // Large objects are the one thing that anybody may create.
    statements.push(
      'revoke execute on function lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea) from public',
    );
  }
  await inTransaction(connection, () => connection.query(statements.join(';\n')));
}

/** What the serving password is derived from: the owner's password, or a secret that only the owner can read. */
async function ownerSecret(connection: OwnerConnection, ownerUrl: string): Promise<string> {
  const password = new pg.Client({ connectionString: ownerUrl }).password;
  if (typeof password === 'string' && password !== '') return password;
  await connection.query(
    'create table if not exists public.store_secret (name text primary key, value text not null)',
  );
  await connection.query('insert into public.store_secret values ($1, $2) on conflict do nothing', [
    'serving_password_key',
    randomBytes(32).toString('hex'),
  ]);
  const { rows } = await connection.query('select value from public.store_secret where name = $1', [
    'serving_password_key',
  ]);
  return rows[0].value;
}

/** The connection string with another user; host (a socket's directory too), port and options stay. */
function withCredentials(ownerUrl: string, user: string, password: string, database: string): string {
  // An empty host (`postgresql:///name`) cannot carry credentials in a URL; libpq's meaning of it is the default one.
  const url = new URL(ownerUrl.replace(/^(postgres(?:ql)?:\/\/)([^/@]*@)?(?=\/)/, '$1$2localhost'));
  url.username = encodeURIComponent(user);
  url.password = encodeURIComponent(password);
  url.searchParams.delete('user');
  url.searchParams.delete('password');
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

async function canLogIn(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch (error) {
    const code = (error as { code?: string }).code;
    // 28xxx: wrong password; 42501: right password, but CONNECT is not granted yet.
    if (code === '42501') return true;
    if (code?.startsWith('28')) return false;
    throw error;
  } finally {
    await client.end().catch(() => {});
  }
}

/** The password as PostgreSQL stores it (SCRAM-SHA-256, RFC 5803), so that the server's log never sees it. */
function scramVerifier(password: string): string {
  const iterations = 4096;
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  const serverKey = hmac('Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}
