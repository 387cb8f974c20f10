-- Tables of resources and their index. Every row is keyed by tenant; times are epoch milliseconds; hashes are the
-- keyed 64-bit hashes of search/index-model.ts. See docs/storage.md for why the layout is as it is.

create schema store;
create schema tenant;

create table store.setting (
  name text primary key,
  value text not null
);

create table store.tenant (
  id int generated always as identity (start with 1) primary key,
  name text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  config jsonb not null default '{}',
  created bigint not null,
  -- Counts changes of the tenant's own SearchParameters: who has compiled another number compiles again.
  conformance_version int not null default 0,
  -- 'active', or 'deleting' while its rows are being removed: then no request is served.
  state text not null default 'active' check (state in ('active', 'deleting'))
);

-- Which of a tenant's SearchParameter resources have been indexed for all resources, older ones too.
create table store.search_parameter (
  tenant_id int not null,
  id text collate "C" not null,
  ready boolean not null,
  primary key (tenant_id, id)
);

-- Work that outlives its request: $reindex and `Prefer: respond-async`. A job whose heartbeat stops is taken over.
create table store.job (
  tenant_id int not null,
  id uuid not null,
  kind text not null,
  state text not null check (state in ('waiting', 'running', 'done', 'failed', 'cancelled')),
  request jsonb not null,
  -- The body of the request that the job is to carry out; gone when the job has ended.
  body text,
  -- Progress and, for a job that can go on where it stopped, its position.
  progress jsonb not null default '{}',
  status int,
  result text,
  created bigint not null,
  heartbeat bigint not null,
  -- Made anew by each worker that takes the job: whoever writes with an older one has lost it.
  claim uuid,
  -- How often it was taken since it last made progress.
  attempts smallint not null default 0,
  primary key (tenant_id, id)
);
create index job_open on store.job (state, heartbeat) where state in ('waiting', 'running');

-- Makes node numbers for row ids: see storage/rid.ts.
create sequence store.node_number as int minvalue 0 maxvalue 4095 start 0 cycle;

create table store.resource (
  tenant_id int not null,
  rid bigint not null,
  ref_hash bigint not null,
  last_updated bigint not null,
  date_low bigint,
  date_high bigint,
  patient bigint,
  type smallint not null,
  reference_count smallint not null,
  version int not null,
  -- 1 POST, 2 PUT, 3 DELETE, 4 PATCH: what made this version.
  method smallint not null,
  deleted boolean not null,
  id text collate "C" not null,
  tokens bigint[] not null,
  present int[] not null,
  content text not null
) with (toast_tuple_target = 8160, autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.05);
alter table store.resource alter column tokens set storage main;
alter table store.resource alter column present set storage main;

create unique index resource_rid on store.resource (tenant_id, type, rid);
create unique index resource_ref on store.resource (tenant_id, ref_hash);
create index resource_date on store.resource (tenant_id, type, date_low, rid) where not deleted;
create index resource_patient on store.resource (tenant_id, patient, type, date_low, rid) where not deleted;
create index resource_updated on store.resource (tenant_id, last_updated, rid);
create index resource_tokens on store.resource using gin (tokens) with (fastupdate = on, gin_pending_list_limit = 2048);

-- Versions that another one has replaced. The current version, a deletion too, lies in store.resource.
create table store.history (
  tenant_id int not null,
  rid bigint not null,
  ref_hash bigint not null,
  last_updated bigint not null,
  -- When the next version replaced it.
  replaced bigint not null,
  date_low bigint,
  date_high bigint,
  patient bigint,
  type smallint not null,
  version int not null,
  method smallint not null,
  deleted boolean not null,
  id text collate "C" not null,
  tokens bigint[] not null,
  present int[] not null,
  content text not null,
  primary key (tenant_id, rid, version)
) with (toast_tuple_target = 8160);
create index history_updated on store.history (tenant_id, last_updated, rid);

create table store.index_date (
  tenant_id int not null,
  param int not null,
  low bigint not null,
  high bigint not null,
  rid bigint not null
);
create index index_date_value on store.index_date (tenant_id, param, low, high, rid);
create index index_date_rid on store.index_date (tenant_id, rid);

create table store.index_string (
  tenant_id int not null,
  param int not null,
  rid bigint not null,
  value text collate "C" not null
);
create index index_string_value on store.index_string (tenant_id, param, value, rid);
create index index_string_rid on store.index_string (tenant_id, rid);

create table store.index_quantity (
  tenant_id int not null,
  param int not null,
  key bigint not null,
  unit bigint not null,
  low float8 not null,
  high float8 not null,
  rid bigint not null
);
create index index_quantity_value on store.index_quantity (tenant_id, param, key, low, high, unit, rid);
create index index_quantity_rid on store.index_quantity (tenant_id, rid);

create table store.index_text (
  tenant_id int not null,
  param int not null,
  token bigint not null,
  value text collate "C" not null,
  primary key (tenant_id, param, token)
);
create index index_text_value on store.index_text (tenant_id, param, left(value, 512));

-- Called by a writer of SearchParameter resources, who may not write store.tenant himself. A parameter is ready when
-- all resources, older ones too, are indexed by it.
create function store.note_conformance_change(changed_tenant int, ids text[], are_ready bool[]) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if changed_tenant <> current_setting('app.tenant')::int then
    raise exception 'not this tenant' using errcode = '42501';
  end if;
  update store.tenant set conformance_version = conformance_version + 1 where id = changed_tenant;
  insert into store.search_parameter (tenant_id, id, ready)
    select changed_tenant, u.id, u.ready from unnest(ids, are_ready) as u(id, ready)
    on conflict (tenant_id, id) do update set ready = excluded.ready;
end $$;

-- How many jobs of each kind wait or run, and since when the oldest does: for /metrics, over all tenants.
create function store.job_depths() returns table (kind text, depth int, oldest bigint)
language sql stable security definer set search_path = '' as $$
  select j.kind, count(*)::int, min(j.created) from store.job j where j.state in ('waiting', 'running') group by j.kind
$$;

-- The jobs that a worker may take now, of all tenants, so that tenants take turns. It tells no more than that they are
-- there: claiming and reading them happens inside their tenant. A running job without a heartbeat for 30 s is free.
create function store.open_jobs() returns table (tenant_id int, tenant_name text, id uuid, kind text)
language sql stable security definer set search_path = '' as $$
  select j.tenant_id, t.name, j.id, j.kind
  from (
    select o.tenant_id, o.id, o.kind, o.created, o.free,
      row_number() over (partition by o.tenant_id, o.free order by o.created, o.id)
        + count(*) filter (where not o.free) over (partition by o.tenant_id) as turn
    from (
      select w.*, w.state = 'waiting'
        or w.heartbeat < (extract(epoch from clock_timestamp()) * 1000)::bigint - 30000 as free
      from store.job w where w.state in ('waiting', 'running')
    ) o
  ) j
  join store.tenant t on t.id = j.tenant_id and t.state = 'active'
  where j.free order by j.turn, j.created limit 100
$$;

-- The second lock on the tenant's door: whoever is not the owner sees and writes one tenant's rows only.
do $$
declare t text;
begin
  foreach t in array array['resource', 'history', 'index_date', 'index_string', 'index_quantity', 'index_text', 'search_parameter', 'job'] loop
    execute format('alter table store.%I enable row level security', t);
    execute format(
      'create policy tenant_only on store.%I using (tenant_id = current_setting(''app.tenant'')::int) with check (tenant_id = current_setting(''app.tenant'')::int)', t);
    execute format(
      'create view tenant.%I as select * from store.%I where tenant_id = current_setting(''app.tenant'')::int', t, t);
  end loop;
end $$;
