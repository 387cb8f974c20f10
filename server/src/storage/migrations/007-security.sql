-- Keys that data are encrypted with. They are stored wrapped (encrypted) by a master key that is not in the database;
-- see security/keys/. Tenant 0 is the installation itself. Times are epoch milliseconds.

create table store.data_key (
  tenant_id int not null,
  number int not null,
  -- 32 bytes, wrapped.
  wrapped bytea not null,
  -- Id of the master key that it is wrapped by.
  master_key text not null,
  created bigint not null,
  -- From then on it is the one that encrypts: by then every process knows it.
  active_from bigint not null,
  -- By the database's clock: processes ask every few seconds for what is new.
  changed bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
  primary key (tenant_id, number)
);
create index data_key_changed on store.data_key (changed);

-- How often a key has encrypted and decrypted, by day (days since 1970-01-01).
create table store.key_use (
  tenant_id int not null,
  number int not null,
  purpose text not null,
  day int not null,
  seals bigint not null,
  opens bigint not null,
  primary key (tenant_id, number, purpose, day)
);

-- What happened to keys.
create table store.key_event (
  tenant_id int not null,
  id uuid not null default gen_random_uuid(),
  at bigint not null,
  event text not null check (event in ('made', 'rewrapped', 're-encrypted')),
  number int,
  master_key text,
  detail jsonb not null default '{}',
  primary key (tenant_id, id)
);

-- Tenants whose keys have changed since a moment of the database's clock, and the moment of asking.
create function store.data_keys_since(moment bigint) returns table (now bigint, tenant_id int)
language sql stable security definer set search_path = '' as $$
  select c.now, k.tenant_id
  from (select (extract(epoch from clock_timestamp()) * 1000)::bigint as now) c
  left join (select distinct d.tenant_id from store.data_key d where d.changed >= moment) k on true
$$;

do $$
declare t text;
begin
  foreach t in array array['data_key', 'key_use', 'key_event'] loop
    execute format('alter table store.%I enable row level security', t);
    -- A key that is lost or overwritten takes with it what it has encrypted, and what happened to keys is a record: the
    -- serving role reads and adds; the owner wraps anew and removes.
    if t in ('data_key', 'key_event') then
      execute format(
        'create policy tenant_read on store.%I for select using (tenant_id = current_setting(''app.tenant'')::int)', t);
      execute format(
        'create policy tenant_insert on store.%I for insert with check (tenant_id = current_setting(''app.tenant'')::int)', t);
    else
      execute format(
        'create policy tenant_only on store.%I using (tenant_id = current_setting(''app.tenant'')::int) with check (tenant_id = current_setting(''app.tenant'')::int)', t);
    end if;
    execute format(
      'create view tenant.%I as select * from store.%I where tenant_id = current_setting(''app.tenant'')::int', t, t);
  end loop;
end $$;
