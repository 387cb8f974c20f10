-- The audit log: rows that nobody changes. They lie in a schema of their own in which the serving role has no rights at
-- all; it reads by the views of schema `tenant` and adds by the functions of schema `store` below. Times are epoch
-- milliseconds. See server/src/audit/README.md for what is guaranteed.

create schema audit;

-- One event. All events of a batch have the batch's `written`, which rises with every batch of a tenant, so that the
-- primary key's order is the order of the chain.
create table audit.event (
  tenant_id int not null,
  written bigint not null,
  -- Place within the batch, from 0.
  n int not null,
  -- When it happened: before `written` by what batching, or an outage of the database, took.
  happened bigint not null,
  -- audit/kinds.ts
  kind smallint not null,
  -- R4 audit-event-outcome.
  outcome smallint not null,
  -- Keyed hashes of the references in agent.who and entity.what.
  keys bigint[] not null,
  -- All there is to know, as JSON text (audit/entry.ts); the other columns follow from it.
  entry text not null,
  primary key (tenant_id, written, n)
) partition by range (written);
create index event_keys on audit.event using gin (keys) with (fastupdate = on, gin_pending_list_limit = 4096);

-- One link of a tenant's chain.
create table audit.batch (
  tenant_id int not null,
  written bigint not null,
  count int not null,
  -- hash of the batch before; 32 zero bytes for the first.
  previous bytea not null,
  -- HMAC-SHA-256 over previous, written and the entries (audit/chain.ts).
  hash bytea not null,
  -- Which key it was made with.
  key_id text not null,
  primary key (tenant_id, written)
) partition by range (written);

-- The end of each tenant's chain. Its row is the lock under which batches are added.
create table audit.chain (
  tenant_id int primary key,
  written bigint not null default 0,
  hash bytea not null default decode(repeat('00', 32), 'hex'),
  -- Greatest written - happened so far: bounds where an event of a time can stand.
  longest_delay bigint not null default 0
);

-- The last batch that retention has removed.
create table audit.dropped (
  tenant_id int primary key,
  written bigint not null,
  hash bytea not null
);

-- Events of writes, committed with them, until they are added to the chain.
create table audit.inbox (
  tenant_id int not null,
  id bigint generated always as identity,
  happened bigint not null,
  kind smallint not null,
  outcome smallint not null,
  keys bigint[] not null,
  entry text not null,
  primary key (tenant_id, id)
);

-- How far the lines of a spool file have been taken over, so that none is twice.
create table audit.source (
  tenant_id int not null,
  source uuid not null,
  taken bigint not null,
  seen bigint not null,
  primary key (tenant_id, source)
);
create index source_seen on audit.source (seen);

create function audit.refuse() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception 'The audit log is append-only' using errcode = '42501';
end $$;
create trigger append_only before update or delete on audit.event for each row execute function audit.refuse();
create trigger append_only before update or delete on audit.batch for each row execute function audit.refuse();
create trigger not_emptied before truncate on audit.event for each statement execute function audit.refuse();
create trigger not_emptied before truncate on audit.batch for each statement execute function audit.refuse();

-- Makes the partitions of the month (UTC) that a moment lies in. They are attached, not created in place: that waits for
-- nobody who writes.
create function audit.ensure_month(moment bigint) returns void
language plpgsql security definer set search_path = '' as $$
declare
  month timestamp := date_trunc('month', to_timestamp(moment / 1000.0) at time zone 'UTC');
  suffix text := to_char(month, 'YYYY_MM');
  low bigint := extract(epoch from month)::bigint * 1000;
  high bigint := extract(epoch from month + interval '1 month')::bigint * 1000;
  t text;
begin
  if to_regclass('audit.event_' || suffix) is not null and to_regclass('audit.batch_' || suffix) is not null then
    return;
  end if;
  perform pg_advisory_xact_lock(7363917404160416);
  foreach t in array array['event', 'batch'] loop
    if to_regclass(format('audit.%I', t || '_' || suffix)) is null then
      execute format('create table audit.%I (like audit.%I including defaults including constraints)',
        t || '_' || suffix, t);
      execute format('alter table audit.%I attach partition audit.%I for values from (%s) to (%s)',
        t, t || '_' || suffix, low, high);
      execute format('create trigger not_emptied before truncate on audit.%I for each statement execute function audit.refuse()',
        t || '_' || suffix);
    end if;
  end loop;
end $$;

create function audit.check_tenant(named int) returns void
language plpgsql stable security definer set search_path = '' as $$
begin
  if named is distinct from current_setting('app.tenant')::int then
    raise exception 'not this tenant' using errcode = '42501';
  end if;
end $$;

-- Adds events of a write to the inbox: called in the write's own transaction. Event i has the keys from key_start[i] to
-- key_end[i] of all_keys.
create function store.audit_note(t int, happened bigint[], kind smallint[], outcome smallint[], key_start int[],
  key_end int[], all_keys bigint[], entry text[]) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform audit.check_tenant(t);
  insert into audit.inbox (tenant_id, happened, kind, outcome, keys, entry)
    select t, u.happened, u.kind, u.outcome, all_keys[u.low:u.high], u.entry
    from unnest(happened, kind, outcome, key_start, key_end, entry) with ordinality
      as u(happened, kind, outcome, low, high, entry, place) order by u.place;
end $$;

-- Takes the tenant's chain for the rest of the transaction: its end, when a batch may be written now, and how many lines
-- of a spool file are in it.
create function store.audit_begin(t int, from_source uuid) returns table (written bigint, hash bytea, taken bigint)
language plpgsql security definer set search_path = '' as $$
declare head audit.chain;
begin
  perform audit.check_tenant(t);
  select * into head from audit.chain c where c.tenant_id = t for update;
  if not found then
    insert into audit.chain (tenant_id) values (t) on conflict do nothing;
    select * into head from audit.chain c where c.tenant_id = t for update;
  end if;
  return query select greatest(head.written + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint), head.hash,
    coalesce((select s.taken from audit.source s where s.tenant_id = t and s.source = from_source), 0);
end $$;

-- Adds a batch, after audit_begin in the same transaction: first the named events of the inbox in this order, then those
-- given. The hash is the caller's business: `vesta audit verify` computes it again. The time is the present, give or take
-- an hour: a batch of long ago would be removed by the retention at once, and make partitions of every month since.
create function store.audit_seal(t int, batch_written bigint, previous_hash bytea, new_hash bytea, new_key_id text,
  from_source uuid, now_taken bigint, inbox_ids bigint[], happened bigint[], kind smallint[], outcome smallint[],
  key_start int[], key_end int[], all_keys bigint[], entry text[]) returns void
language plpgsql security definer set search_path = '' as $$
declare
  head audit.chain;
  moved int := 0;
  delay bigint;
begin
  perform audit.check_tenant(t);
  select * into head from audit.chain c where c.tenant_id = t for update;
  if head.hash is distinct from previous_hash or batch_written <= head.written
    or abs(batch_written - (extract(epoch from clock_timestamp()) * 1000)::bigint) > 3600000 then
    raise exception 'The batch does not follow the chain' using errcode = '40001';
  end if;
  perform audit.ensure_month(batch_written);
  if cardinality(inbox_ids) > 0 then
    with taken_out as (
      delete from audit.inbox i where i.tenant_id = t and i.id = any(inbox_ids) returning i.*
    )
    insert into audit.event (tenant_id, written, n, happened, kind, outcome, keys, entry)
      select t, batch_written, u.place::int - 1, o.happened, o.kind, o.outcome, o.keys, o.entry
      from unnest(inbox_ids) with ordinality as u(id, place) join taken_out o on o.id = u.id;
    get diagnostics moved = row_count;
    if moved <> cardinality(inbox_ids) then
      raise exception 'Events of the inbox are gone' using errcode = '40001';
    end if;
  end if;
  insert into audit.event (tenant_id, written, n, happened, kind, outcome, keys, entry)
    select t, batch_written, moved + u.place::int - 1, u.happened, u.kind, u.outcome, all_keys[u.low:u.high], u.entry
    from unnest(happened, kind, outcome, key_start, key_end, entry) with ordinality
      as u(happened, kind, outcome, low, high, entry, place);
  insert into audit.batch (tenant_id, written, count, previous, hash, key_id)
    values (t, batch_written, moved + cardinality(entry), previous_hash, new_hash, new_key_id);
  select batch_written - min(h) into delay from (
    select unnest(happened) as h
    union all select e.happened from audit.event e
      where moved > 0 and e.tenant_id = t and e.written = batch_written and e.n < moved) as all_times;
  update audit.chain c set written = batch_written, hash = new_hash,
    longest_delay = greatest(c.longest_delay, delay) where c.tenant_id = t;
  if from_source is not null then
    insert into audit.source as s (tenant_id, source, taken, seen) values (t, from_source, now_taken, batch_written)
      on conflict (tenant_id, source) do update set taken = excluded.taken, seen = excluded.seen;
  end if;
end $$;

-- Tenants with events that wait in the inbox. It tells no more than that.
create function store.audit_waiting() returns table (tenant_id int)
language sql stable security definer set search_path = '' as $$
  select distinct i.tenant_id from audit.inbox i
$$;

revoke all on all functions in schema audit from public;

do $$
declare t text;
begin
  foreach t in array array['event', 'batch', 'inbox', 'chain', 'source', 'dropped'] loop
    execute format('alter table audit.%I enable row level security', t);
    execute format(
      'create policy tenant_only on audit.%I using (tenant_id = current_setting(''app.tenant'')::int) with check (tenant_id = current_setting(''app.tenant'')::int)', t);
  end loop;
  foreach t in array array['event', 'inbox', 'chain'] loop
    execute format(
      'create view tenant.audit_%s as select * from audit.%I where tenant_id = current_setting(''app.tenant'')::int', t, t);
  end loop;
end $$;

select audit.ensure_month((extract(epoch from clock_timestamp()) * 1000)::bigint);
