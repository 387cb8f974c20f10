-- Concepts of code systems that are too large for memory, and the closure tables of clients. Rows of tenant 0 are shared:
-- every tenant reads them, and only the owner writes them.

create table store.code_system (
  tenant_id int not null,
  id int generated always as identity,
  url text collate "C" not null,
  -- Empty for a code system without one.
  version text collate "C" not null,
  -- 'loading' until all concepts are there: it is seen by nobody, and left over when a load was broken off.
  state text not null check (state in ('loading', 'ready')),
  -- For concepts of a stored CodeSystem: its row id and version number, `rid/version`. Null when loaded from a file.
  source text collate "C",
  -- The CodeSystem resource without its concepts, as JSON.
  info text not null,
  concepts int not null,
  -- Places of the concepts that have others below them.
  inner_places int[] not null default '{}',
  loaded bigint not null,
  primary key (tenant_id, id)
);
create unique index code_system_ready on store.code_system (tenant_id, url, version, coalesce(source, ''))
  where state = 'ready';

create table store.concept (
  tenant_id int not null,
  system_id int not null,
  -- The system's number in the upper 32 bits, the concept's place in the lower ones: parents come before children.
  id bigint not null,
  code text collate "C" not null,
  -- The code as it is looked for: lower-cased where the system is not case sensitive.
  folded text collate "C" not null,
  display text,
  -- Code, display and designations, normalized: what the text filter of an expansion looks through.
  words text collate "C" not null,
  inactive boolean not null,
  parents text[] not null,
  -- Ids of all concepts above, and the negated ids of those directly above.
  links bigint[] not null,
  -- Hashes of `property=value`.
  facts bigint[] not null,
  -- Definition, designations, properties and extensions as JSON; null when there are none.
  details text,
  primary key (tenant_id, system_id, id)
);
create unique index concept_code on store.concept (tenant_id, system_id, folded);
-- Written once in bulk and read ever after: no pending list that every search would have to look through.
create index concept_links on store.concept using gin (links) with (fastupdate = off);
create index concept_facts on store.concept using gin (facts) with (fastupdate = off);

-- $closure: a client's table, the concepts it has told of, and which of them subsumes which.
create table store.closure (
  tenant_id int not null,
  name text collate "C" not null,
  version int not null,
  created bigint not null,
  primary key (tenant_id, name)
);

create table store.closure_concept (
  tenant_id int not null,
  name text collate "C" not null,
  -- The version of the table that it came with.
  since int not null,
  system text collate "C" not null,
  system_version text collate "C" not null,
  code text collate "C" not null,
  primary key (tenant_id, name, system, system_version, code)
);

create table store.closure_entry (
  tenant_id int not null,
  name text collate "C" not null,
  since int not null,
  system text collate "C" not null,
  system_version text collate "C" not null,
  -- `above` subsumes `below`.
  below text collate "C" not null,
  above text collate "C" not null,
  primary key (tenant_id, name, system, system_version, below, above)
);

do $$
declare t text;
begin
  foreach t in array array['code_system', 'concept'] loop
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
  foreach t in array array['closure', 'closure_concept', 'closure_entry'] loop
    execute format('alter table store.%I enable row level security', t);
    execute format(
      'create policy tenant_only on store.%I using (tenant_id = current_setting(''app.tenant'')::int) with check (tenant_id = current_setting(''app.tenant'')::int)', t);
    execute format(
      'create view tenant.%I as select * from store.%I where tenant_id = current_setting(''app.tenant'')::int', t, t);
  end loop;
end $$;

-- Trigrams find words within displays. Without the extension the text filter reads all rows of the code system.
do $$
declare place text;
begin
  begin
    create extension if not exists pg_trgm schema store;
  exception when others then
    null;
  end;
  select quote_ident(n.nspname) into place
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm';
  if place is not null then
    execute format('create index concept_words on store.concept using gin (words %s.gin_trgm_ops) with (gin_pending_list_limit = 1024)', place);
  end if;
end $$;
