-- FHIR packages. Rows of tenant 0 are shared: every tenant reads them, and only the owner writes them.

create table store.package (
  tenant_id int not null,
  id int generated always as identity,
  name text collate "C" not null,
  version text collate "C" not null,
  -- SHA-256 of the packed form (conformance/packages/packed-package.ts), hexadecimal: names its file in caches.
  digest text collate "C" not null,
  -- SHA-256 of manifest and resources as they were before packing: tells whether two packages hold the same.
  source text collate "C" not null,
  -- Bytes of the packed form.
  size bigint not null,
  -- Name, version, dependencies and so on, as JSON.
  manifest text not null,
  -- 'loading' until all chunks are there: it is seen by nobody, and left over when an installation was broken off.
  state text not null check (state in ('loading', 'ready')),
  -- For a shared package: in tenants that have made no choice of their own.
  active boolean not null,
  installed bigint not null,
  primary key (tenant_id, id)
);
create unique index package_ready on store.package (tenant_id, name, version) where state = 'ready';

-- The packed form, cut into pieces.
create table store.package_chunk (
  tenant_id int not null,
  package_id int not null,
  place int not null,
  bytes bytea not null,
  primary key (tenant_id, package_id, place)
);
-- It is compressed already.
alter table store.package_chunk alter column bytes set storage external;

-- Which shared packages a tenant has switched on or off for itself. By name and version, so that the choice outlives
-- the replacement of the package.
create table store.package_use (
  tenant_id int not null,
  name text collate "C" not null,
  version text collate "C" not null,
  active boolean not null,
  primary key (tenant_id, name, version)
);

do $$
declare t text;
begin
  foreach t in array array['package', 'package_chunk'] loop
    execute format('alter table store.%I enable row level security', t);
    execute format(
      'create policy tenant_or_shared on store.%I for select using (tenant_id in (0, current_setting(''app.tenant'')::int))', t);
    execute format(
      'create policy tenant_insert on store.%I for insert with check (tenant_id = current_setting(''app.tenant'')::int)', t);
    execute format(
      'create policy tenant_update on store.%I for update using (tenant_id = current_setting(''app.tenant'')::int) with check (tenant_id = current_setting(''app.tenant'')::int)', t);
    execute format(
      'create policy tenant_delete on store.%I for delete using (tenant_id = current_setting(''app.tenant'')::int)', t);
    execute format(
      'create view tenant.%I as select * from store.%I where tenant_id in (0, current_setting(''app.tenant'')::int)', t, t);
  end loop;
  alter table store.package_use enable row level security;
  create policy tenant_only on store.package_use
    using (tenant_id = current_setting('app.tenant')::int) with check (tenant_id = current_setting('app.tenant')::int);
  create view tenant.package_use as
    select * from store.package_use where tenant_id = current_setting('app.tenant')::int;
end $$;
