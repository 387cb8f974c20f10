-- Workflows that run: what cannot stand in their RequestGroup. Times are epoch milliseconds.

create table store.workflow (
  tenant_id int not null,
  -- Id of the RequestGroup.
  group_id text collate "C" not null,
  -- The access/scope.ts AccessScope of who has started it: its steps have part of it. Kept apart from the RequestGroup, so
  -- that who may write that cannot widen it.
  scope jsonb not null,
  started bigint not null,
  -- When somebody must look at it by the clock: a time-out, or a step that is to begin later.
  due bigint,
  primary key (tenant_id, group_id)
);
create index workflow_due on store.workflow (due) where due is not null;

alter table store.workflow enable row level security;
create policy tenant_only on store.workflow using (tenant_id = current_setting('app.tenant')::int)
  with check (tenant_id = current_setting('app.tenant')::int);
create view tenant.workflow as
  select * from store.workflow where tenant_id = current_setting('app.tenant')::int;

-- The tenants in which some workflow is due. It tells no more than that.
create function store.due_workflows() returns table (tenant_id int, tenant_name text)
language sql volatile security definer set search_path = '' as $$
  select t.id, t.name
  from store.tenant t
  where t.state = 'active' and exists (
    select from store.workflow w
    where w.tenant_id = t.id and w.due <= (extract(epoch from clock_timestamp()) * 1000)::bigint
  )
$$;
