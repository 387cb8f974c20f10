-- What has been written and has still to be told to the server's own consumers, and what agents work with.
-- Times are epoch milliseconds by the database's clock.

-- One row for each event and consumer that wants it, written by the transaction that writes the resource and removed
-- when the consumer has handled it. Rows of one resource are handled one at a time, in the order of their ids, which is
-- that of its versions: whoever writes a resource holds its lock until the commit.
create table store.outbox (
  tenant_id int not null,
  id bigint generated always as identity,
  consumer text collate "C" not null,
  type text collate "C" not null,
  resource_id text collate "C" not null,
  version int not null,
  -- As store.resource.method: POST 1, PUT 2, DELETE 3, PATCH 4.
  method smallint not null,
  -- Who wrote it: AccessScope.subject, and the role of a person who asked with nobody in between.
  subject text not null,
  role text,
  at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
  -- How often it was taken.
  attempts int not null default 0,
  not_before bigint not null default 0,
  -- Who works on it, and until when nobody else may take it.
  lease uuid,
  leased_until bigint not null default 0,
  -- When it was given up, and why.
  parked bigint,
  failure text,
  primary key (tenant_id, id)
);
create index outbox_next on store.outbox (tenant_id, consumer, id) where parked is null;
create index outbox_resource on store.outbox (tenant_id, consumer, type, resource_id, id) where parked is null;

-- In which tenants which of these consumers has something that may be taken now. It tells no more than that: taking and
-- reading happens inside the tenant.
create function store.open_events(consumers text[]) returns table (tenant_id int, tenant_name text, consumer text)
language sql volatile security definer set search_path = '' as $$
  select t.id, t.name, c.consumer
  from store.tenant t, unnest(consumers) as c(consumer)
  where t.state = 'active' and exists (
    select from store.outbox o
    where o.tenant_id = t.id and o.consumer = c.consumer and o.parked is null
      and greatest(o.not_before, o.leased_until) <= (extract(epoch from clock_timestamp()) * 1000)::bigint
  )
$$;

-- How many events wait for each consumer, how many were given up, and since when the oldest waits: for /metrics.
create function store.event_depths() returns table (consumer text, waiting int, parked int, oldest bigint)
language sql stable security definer set search_path = '' as $$
  select o.consumer, count(*) filter (where o.parked is null)::int, count(o.parked)::int,
    min(o.at) filter (where o.parked is null)
  from store.outbox o group by o.consumer
$$;

-- On whose behalf an agent has asked a person to approve what it would do (the Task holds the what): the access that is
-- left to it when it is approved. Kept apart from the Task, so that who may write Tasks cannot widen it.
create table store.agent_request (
  tenant_id int not null,
  -- Id of the Task.
  task_id text collate "C" not null,
  agent text not null,
  action text not null,
  -- The caller's access/scope.ts AccessScope.
  scope jsonb not null,
  created bigint not null,
  primary key (tenant_id, task_id)
);

-- Tokens of the language model that a tenant has used.
create table store.model_use (
  tenant_id int not null,
  -- Days since 1970-01-01, UTC.
  day int not null,
  tokens bigint not null,
  requests int not null,
  primary key (tenant_id, day)
);

do $$
declare t text;
begin
  foreach t in array array['outbox', 'agent_request', 'model_use'] loop
    execute format('alter table store.%I enable row level security', t);
    execute format(
      'create policy tenant_only on store.%I using (tenant_id = current_setting(''app.tenant'')::int) with check (tenant_id = current_setting(''app.tenant'')::int)', t);
    execute format(
      'create view tenant.%I as select * from store.%I where tenant_id = current_setting(''app.tenant'')::int', t, t);
  end loop;
end $$;
