-- What decides about access besides tokens and resources. Times are epoch milliseconds.

-- Emergency accesses to one patient's record (access/break-glass.ts). None is removed: the audit log tells of them, too.
create table store.emergency_access (
  tenant_id int not null,
  id uuid not null,
  -- Who opened it: a reference such as Practitioner/1, or an account's id.
  subject text not null,
  -- Id of the patient.
  patient text not null,
  reason text not null,
  -- v3 ActReason.
  purpose text not null check (purpose in ('BTG', 'ETREAT')),
  opened bigint not null,
  until bigint not null,
  -- When and by whom it was ended before its time.
  ended bigint,
  ended_by text,
  primary key (tenant_id, id)
);
create index emergency_access_until on store.emergency_access (tenant_id, until);

-- Counts what was committed that bears on access: consents, policies, roles of practitioners, emergency accesses and the
-- like. Server processes ask every few seconds where it has grown.
create table store.access_change (
  tenant_id int primary key,
  count bigint not null,
  -- By the database's clock, before the commit.
  changed bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint
);
create index access_change_changed on store.access_change (changed);

-- In which tenants something has changed since a moment of the database's clock, and the moment of asking.
create function store.access_changes_since(moment bigint) returns table (now bigint, tenant_id int, count bigint)
language sql stable security definer set search_path = '' as $$
  select c.now, a.tenant_id, a.count
  from (select (extract(epoch from clock_timestamp()) * 1000)::bigint as now) c
  left join store.access_change a on a.changed >= moment
$$;

do $$
declare t text;
begin
  foreach t in array array['emergency_access', 'access_change'] loop
    execute format('alter table store.%I enable row level security', t);
    execute format(
      'create policy tenant_only on store.%I using (tenant_id = current_setting(''app.tenant'')::int) with check (tenant_id = current_setting(''app.tenant'')::int)', t);
    execute format(
      'create view tenant.%I as select * from store.%I where tenant_id = current_setting(''app.tenant'')::int', t, t);
  end loop;
end $$;
