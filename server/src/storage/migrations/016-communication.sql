-- What is to be sent to people and when, the accounts by which it is sent, and where push messages go.
-- Times are epoch milliseconds by the database's clock.

-- A CommunicationRequest that begins later, or a Communication that has to be sent, tried again or asked after: one row
-- each, until there is nothing left to do about it.
create table store.communication_due (
  tenant_id int not null,
  -- `Type/id`.
  reference text collate "C" not null,
  due bigint not null,
  -- How often it was taken and could not be worked on.
  failures int not null default 0,
  -- Who works on it, and until when nobody else may take it.
  lease uuid,
  leased_until bigint not null default 0,
  primary key (tenant_id, reference)
);
create index communication_due_next on store.communication_due (tenant_id, due);

-- In which tenants something is due. It tells no more than that: taking happens inside the tenant.
create function store.due_communications() returns table (tenant_id int, tenant_name text)
language sql volatile security definer set search_path = '' as $$
  select t.id, t.name
  from store.tenant t, (select (extract(epoch from clock_timestamp()) * 1000)::bigint as now) c
  where t.state = 'active' and exists (
    select from store.communication_due d where d.tenant_id = t.id and d.due <= c.now and d.leased_until <= c.now
  )
$$;

-- What a tenant sends by: `twilio`, its account; `vapid`, the keys of its push messages (RFC 8292).
create table store.communication_account (
  tenant_id int not null,
  kind text collate "C" not null check (kind in ('twilio', 'vapid')),
  -- JSON, encrypted: the whole account with its secrets.
  sealed bytea not null,
  created bigint not null,
  primary key (tenant_id, kind)
);

-- Where push messages for a person go (RFC 8030); the Device of the same id shows that there is such a place.
create table store.push_subscription (
  tenant_id int not null,
  id text collate "C" not null,
  -- `Patient/1`.
  person text collate "C" not null,
  -- JSON, encrypted: who knows it can send to the person's device.
  sealed bytea not null,
  created bigint not null,
  primary key (tenant_id, id)
);
create index push_subscription_person on store.push_subscription (tenant_id, person);

do $$
declare t text;
begin
  foreach t in array array['communication_due', 'communication_account', 'push_subscription'] loop
    execute format('alter table store.%I enable row level security', t);
    execute format(
      'create policy tenant_only on store.%I using (tenant_id = current_setting(''app.tenant'')::int) with check (tenant_id = current_setting(''app.tenant'')::int)', t);
    execute format(
      'create view tenant.%I as select * from store.%I where tenant_id = current_setting(''app.tenant'')::int', t, t);
  end loop;
end $$;
