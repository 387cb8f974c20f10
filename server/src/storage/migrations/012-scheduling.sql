-- Time that is taken. Each Slot that says so (busy, busy-tentative, busy-unavailable) has one row here, and no two rows
-- of a Schedule overlap: nobody can write a double booking, by whatever way. Times are epoch milliseconds.

do $$
begin
  create extension if not exists btree_gist schema store;
exception when insufficient_privilege or undefined_file then
  raise exception 'Vesta needs the extension btree_gist, which comes with PostgreSQL. Let an administrator install it (postgresql-contrib) and run: create extension btree_gist;';
end $$;

create table store.busy (
  tenant_id int not null,
  -- Of the Slot's row in store.resource.
  rid bigint not null,
  -- Hash of `Schedule/id`, as in store.resource.ref_hash.
  schedule bigint not null,
  during int8range not null check (not isempty(during)),
  -- When a hold ends; from then on the row counts for nothing, and goes with the next write to the Schedule.
  expires bigint,
  primary key (tenant_id, rid),
  constraint busy_no_overlap exclude using gist (tenant_id with =, schedule with =, during with &&)
);
create index busy_expires on store.busy (tenant_id, schedule, expires) where expires is not null;

alter table store.busy enable row level security;
create policy tenant_only on store.busy using (tenant_id = current_setting('app.tenant')::int)
  with check (tenant_id = current_setting('app.tenant')::int);
create view tenant.busy as
  select * from store.busy where tenant_id = current_setting('app.tenant')::int;

-- What is to be done with a visit at a time: end its hold, remind the patient. While somebody works on it, and after a
-- failure, `at` is when others may take it. Times are epoch milliseconds by the database's clock.
create table store.visit_timer (
  tenant_id int not null,
  -- Id of the Appointment.
  appointment text collate "C" not null,
  kind text collate "C" not null,
  at bigint not null,
  attempts int not null default 0,
  primary key (tenant_id, appointment, kind)
);
create index visit_timer_at on store.visit_timer (tenant_id, at);
alter table store.visit_timer enable row level security;
create policy tenant_only on store.visit_timer using (tenant_id = current_setting('app.tenant')::int)
  with check (tenant_id = current_setting('app.tenant')::int);
create view tenant.visit_timer as
  select * from store.visit_timer where tenant_id = current_setting('app.tenant')::int;

-- The tenants in which something is due.
create function store.due_visit_timers() returns table (tenant_id int, tenant_name text)
language sql stable security definer set search_path = '' as $$
  select t.id, t.name from store.tenant t
  where t.state = 'active' and exists (
    select from store.visit_timer v
    where v.tenant_id = t.id and v.at <= (extract(epoch from clock_timestamp()) * 1000)::bigint
  )
$$;
