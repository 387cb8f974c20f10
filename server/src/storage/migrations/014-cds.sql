-- CDS Hooks 2.0: who may call our services, and whose services we call.

-- EHRs (CDS clients) that a tenant trusts.
create table store.cds_client (
  tenant_id int not null,
  -- `iss` of its JWTs, compared exactly.
  issuer text collate "C" not null,
  name text not null,
  -- Where its keys are: a JWK set at a URL, or one that was given.
  jku text,
  jwks jsonb,
  created bigint not null,
  primary key (tenant_id, issuer),
  check ((jku is null) <> (jwks is null))
);

-- Providers of CDS services that a tenant's apps get cards from.
create table store.cds_provider (
  tenant_id int not null,
  -- Part of the ids of its services.
  id text collate "C" not null,
  name text not null,
  -- Base of its discovery endpoint, without `/cds-services`.
  url text not null,
  -- SMART scopes of the access token that its services get; none: they get no token.
  scopes text,
  created bigint not null,
  primary key (tenant_id, id)
);

do $$
declare t text;
begin
  foreach t in array array['cds_client', 'cds_provider'] loop
    execute format('alter table store.%I enable row level security', t);
    execute format(
      'create policy tenant_only on store.%I using (tenant_id = current_setting(''app.tenant'')::int) with check (tenant_id = current_setting(''app.tenant'')::int)', t);
    execute format(
      'create view tenant.%I as select * from store.%I where tenant_id = current_setting(''app.tenant'')::int', t, t);
  end loop;
end $$;

-- JWTs to CDS services are signed with ES384.
alter table store.signing_key drop constraint signing_key_algorithm_check;
alter table store.signing_key add constraint signing_key_algorithm_check
  check (algorithm in ('RS256', 'ES256', 'ES384'));
