import { createHash } from 'node:crypto';
import pg from 'pg';
import { type Harness, startHarness, type TestClient } from './harness.ts';

/** A server with three tenants who have rows in every table that has rows of tenants. */
export interface TenantRows {
  readonly harness: Harness;
  /** A connection of the database's owner. */
  readonly owner: pg.Client;
  /** A connection of the serving role: what somebody has who has taken over a server process. */
  readonly serving: pg.Client;
  readonly ids: Readonly<Record<'north' | 'south' | 'west', number>>;
  /** Tables with rows of tenants that the serving role works with, and the views of schema `tenant`. */
  readonly tables: readonly string[];
  readonly views: readonly string[];
  /** Tables of the audit log, in which the serving role has no rights: it reads by views and adds by functions. */
  readonly auditTables: readonly string[];
  /** Sets the tenant that the serving role works for. */
  as(tenant: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startTenantRows(): Promise<TenantRows> {
  // Without agents nobody takes up the rows of what is due.
  const service = { agents: [] };
  const harness = await startHarness({ tenants: ['north', 'south', 'west'], service });
  // It would do what the rows say is due.
  await harness.service.agents.upkeep.stop();
  const owner = new pg.Client({ connectionString: harness.database.ownerUrl });
  const serving = new pg.Client({ connectionString: harness.database.servingUrl });
  const stop = async () => {
    await Promise.all([serving.end(), owner.end()]);
    await harness.stop();
  };
  const as = async (tenant: number) => {
    await serving.query(`select set_config('app.tenant', $1, false)`, [String(tenant)]);
  };
  try {
    await Promise.all([owner.connect(), serving.connect()]);
    for (const name of ['north', 'south', 'west']) await populate(harness.client(name));
    const { rows } = await owner.query('select name, id from store.tenant');
    const ids = Object.fromEntries(rows.map(({ name, id }) => [name, id])) as TenantRows['ids'];
    for (const tenant of Object.values(ids)) {
      for (const row of ROWS) await owner.query(`insert into store.${row}`, [tenant]);
      await as(tenant);
      await populateAudit(owner, serving, tenant);
    }
    return { harness, owner, serving, ids, ...(await tenantTables(owner)), as, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Every table and view with a column `tenant_id`, those that later migrations add too; of partitions what they are of. */
async function tenantTables(owner: pg.Client): Promise<Pick<TenantRows, 'tables' | 'views' | 'auditTables'>> {
  const found = await owner.query(
    `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name, table_schema as schema, table_type as kind
      from information_schema.columns join information_schema.tables using (table_schema, table_name)
      join pg_class c on c.oid = format('%I.%I', table_schema, table_name)::regclass
      where column_name = 'tenant_id' and table_schema not in ('pg_catalog', 'information_schema') and not relispartition
      order by 1`,
  );
  const named = (kind: string, audit: boolean) =>
    found.rows
      .filter((row) => row.kind === kind && (row.schema === 'audit') === audit)
      .map(({ name }) => name);
  return {
    tables: named('BASE TABLE', false),
    views: named('VIEW', false),
    auditTables: named('BASE TABLE', true),
  };
}

/** The hash of the one batch in a tenant's audit chain. */
export function batchHashOf(tenant: number): Buffer {
  return createHash('sha256').update(`batch of ${tenant}`).digest();
}

/** The id of what a tenant has revoked. */
export const revokedBy = (tenant: number) => `revoked by ${tenant}`;

async function populate(client: TestClient): Promise<void> {
  const patient = {
    resourceType: 'Patient',
    id: 'same',
    birthDate: '1970-01-01',
    deceasedDateTime: '2020-01-01',
    name: [{ family: 'Same' }],
    identifier: [{ system: 'http://example.org', value: 'same', type: { text: 'text of a code' } }],
  };
  await client.put('Patient/same', patient);
  await client.put('Patient/same', patient);
  await client.create({
    resourceType: 'Observation',
    status: 'final',
    code: { text: 'weight', coding: [{ system: 'http://loinc.org', code: '1', display: 'weight' }] },
    subject: { reference: 'Patient/same' },
    valueQuantity: { value: 70, system: 'http://unitsofmeasure.org', code: 'kg' },
  });
  await client.create({
    resourceType: 'SearchParameter',
    url: 'http://example.org/sp',
    name: 'own',
    status: 'active',
    description: 'own',
    code: 'own',
    base: ['Patient'],
    type: 'token',
    expression: 'Patient.language',
  });
  await client.get('Patient', { Prefer: 'respond-async' });
}

/** Rows of tables that requests of {@link populate} do not fill; $1 is the tenant. */
const ROWS = [
  // Large code systems, $closure and packages.
  `code_system (tenant_id, id, url, version, state, info, concepts, loaded) overriding system value
    values ($1, $1 * 1000, 'http://example.org/cs', '1', 'ready', '{}', 1, 0)`,
  `concept (tenant_id, system_id, id, code, folded, words, inactive, parents, links, facts)
    values ($1, $1 * 1000, 1, 'a', 'a', 'a', false, '{}', '{}', '{}')`,
  `closure (tenant_id, name, version, created) values ($1, 'c', 1, 0)`,
  `closure_concept (tenant_id, name, since, system, system_version, code) values ($1, 'c', 1, 's', '', 'a')`,
  `closure_entry (tenant_id, name, since, system, system_version, below, above) values ($1, 'c', 1, 's', '', 'a', 'b')`,
  `package (tenant_id, id, name, version, digest, source, size, manifest, state, active, installed) overriding system value
    values ($1, $1 * 1000, 'p', '1', 'd', 's', 1, '{}', 'ready', true, 0)`,
  `package_chunk (tenant_id, package_id, place, bytes) values ($1, $1 * 1000, 0, 'b')`,
  `package_use (tenant_id, name, version, active) values ($1, 'p', '1', true)`,
  `package_index (tenant_id, digest) values ($1, 'd')`,
  // Who may come in. What is the same in each tenant shows that a key of one is none of another.
  `signing_key (tenant_id, kid, algorithm, public_jwk, sealed_private, created)
    values ($1, 'k', 'ES256', '{}', '\\x02', 0)`,
  `client (tenant_id, id, name, kind, scopes, grant_types, created)
    values ($1, 'app', 'App', 'public', 'openid', '{authorization_code}', 0)`,
  `auth_grant (tenant_id, id, client_id, account_id, session_id, scopes, created, expires)
    values ($1, '${uuid(1)}', 'app', '${uuid(2)}', '${uuid(3)}', 'openid', 0, 1)`,
  `authorization_code (tenant_id, code_hash, grant_id, redirect_uri, code_challenge, expires)
    values ($1, 'h', '${uuid(1)}', 'http://example.org', 'c', 1)`,
  `refresh_token (tenant_id, token_hash, grant_id, created, expires) values ($1, 'h', '${uuid(1)}', 0, 1)`,
  `token_revocation (tenant_id, id, expires) values ($1, 'revoked by ' || $1::int, 1)`,
  `launch (tenant_id, launch_hash, context, created, expires) values ($1, 'h', '{}', 0, 1)`,
  `client_assertion (tenant_id, jti_hash, expires) values ($1, 'h', 1)`,
  `account (tenant_id, id, login, name, role, created, updated)
    values ($1, '${uuid(2)}', 'same', 'Same', 'clinician', 0, 0)`,
  `account_identity (tenant_id, provider, subject, account_id, created) values ($1, 'p', 's', '${uuid(2)}', 0)`,
  `identity_provider (tenant_id, id, kind, name, config, created) values ($1, 'p', 'oidc', 'P', '{}', 0)`,
  `account_session (tenant_id, id, token_hash, account_id, created, last_seen, expires, authenticated)
    values ($1, '${uuid(3)}', 'h', '${uuid(2)}', 0, 0, 1, 0)`,
  `passkey (tenant_id, credential_id, account_id, public_key, counter, name, created)
    values ($1, 'c', '${uuid(2)}', 'k', 0, 'Key', 0)`,
  `recovery_code (tenant_id, account_id, code_hash, created) values ($1, '${uuid(2)}', 'h', 0)`,
  `account_token (tenant_id, token_hash, kind, created, expires) values ($1, 'h', 'invitation', 0, 1)`,
  `login_failure (tenant_id, key, failures, last_failure, expires) values ($1, 'login:same', 1, 0, 1)`,
  `authorization_request (tenant_id, id_hash, request, created, expires) values ($1, 'h', '{}', 0, 1)`,
  `federated_login (tenant_id, state_hash, provider, browser_hash, sealed, created, expires)
    values ($1, 'h', 'p', 'b', 's', 0, 1)`,
  `consent_decision (tenant_id, account_id, client_id, scopes, decided, expires)
    values ($1, '${uuid(2)}', 'app', 'openid', 0, 1)`,
  // What decides about access.
  `emergency_access (tenant_id, id, subject, patient, reason, purpose, opened, until)
    values ($1, '${uuid(5)}', 'Practitioner/1', 'same', 'reason', 'BTG', 0, 1)`,
  `access_change (tenant_id, count) values ($1, 1) on conflict do nothing`,
  // Calendars.
  `busy (tenant_id, rid, schedule, during) values ($1, $1 * 1000, 1, int8range(0, 1))`,
  `visit_timer (tenant_id, appointment, kind, at) values ($1, 'same', 'k', 0)`,
  // Workflows.
  `workflow (tenant_id, group_id, scope, started, due) values ($1, 'same', '{}', 0, null)`,
  // Events for a consumer that there is not, and agents.
  `outbox (tenant_id, consumer, type, resource_id, version, method, subject)
    values ($1, 'c', 'Patient', 'same', 1, 1, 'anonymous')`,
  `agent_request (tenant_id, task_id, agent, action, scope, created) values ($1, 'same', 'a', 'b', '{}', 0)`,
  `model_use (tenant_id, day, tokens, requests) values ($1, 1, 1, 1)`,
  // CDS Hooks.
  `cds_client (tenant_id, issuer, name, jku, created) values ($1, 'http://example.org', 'EHR', 'http://example.org/k', 0)`,
  `cds_provider (tenant_id, id, name, url, created) values ($1, 'p', 'P', 'http://example.org', 0)`,
  // Messages to people.
  `communication_due (tenant_id, reference, due) values ($1, 'Communication/same', 0)`,
  `communication_account (tenant_id, kind, sealed, created) values ($1, 'twilio', 's', 0)`,
  `push_subscription (tenant_id, id, person, sealed, created) values ($1, 'same', 'Patient/same', 's', 0)`,
  // Keys.
  `data_key (tenant_id, number, wrapped, master_key, created, active_from) values ($1, 1, 'w', 'm', 0, 0)`,
  `key_use (tenant_id, number, purpose, day, seals, opens) values ($1, 1, 'secrets', 1, 1, 1)`,
  `key_event (tenant_id, at, event, number, master_key) values ($1, 0, 'made', 1, 'm')`,
];

function uuid(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** One event in the chain of the audit log and one that waits for it, made as servers do; and what retention leaves. */
async function populateAudit(owner: pg.Client, serving: pg.Client, tenant: number): Promise<void> {
  await serving.query('begin');
  const { rows } = await serving.query('select written, hash from store.audit_begin($1, $2)', [
    tenant,
    uuid(4),
  ]);
  await serving.query(
    `select store.audit_seal($1, $2, $3, $4, 'key', $5, 1, '{}', array[$2::bigint], '{1}', '{0}', '{1}', '{1}', '{1}', array['{}'])`,
    [tenant, rows[0].written, rows[0].hash, batchHashOf(tenant), uuid(4)],
  );
  await serving.query('commit');
  await serving.query(`select store.audit_note($1, '{1}', '{1}', '{0}', '{1}', '{1}', '{1}', array['{}'])`, [
    tenant,
  ]);
  await owner.query(`insert into audit.dropped (tenant_id, written, hash) values ($1, 0, 'h')`, [tenant]);
}
