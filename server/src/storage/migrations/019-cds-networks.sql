-- CDS Hooks: from where data is fetched, and who may be at a private address.

-- Bases of an EHR's FHIR servers: what it has not prefetched is fetched from these only.
alter table store.cds_client add column fhir_servers text[] not null default '{}';
-- Whether what belongs to it may be at a private address.
alter table store.cds_client add column private_network boolean not null default false;
alter table store.cds_provider add column private_network boolean not null default false;

do $$
declare t text;
begin
  foreach t in array array['cds_client', 'cds_provider'] loop
    execute format(
      'create or replace view tenant.%I as select * from store.%I where tenant_id = current_setting(''app.tenant'')::int', t, t);
  end loop;
end $$;
