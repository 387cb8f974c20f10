-- Packages by whose search parameters all of a tenant's resources are indexed, those too that were there before.

create table store.package_index (
  tenant_id int not null,
  -- Of the package's content, as in store.package.
  digest text collate "C" not null,
  primary key (tenant_id, digest)
);

alter table store.package_index enable row level security;
create policy tenant_only on store.package_index using (tenant_id = current_setting('app.tenant')::int)
  with check (tenant_id = current_setting('app.tenant')::int);
create view tenant.package_index as
  select * from store.package_index where tenant_id = current_setting('app.tenant')::int;
