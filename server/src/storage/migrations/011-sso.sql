-- Single sign-on: identity providers and linked logins are tables of 005-auth; here is what their logins need on the way.

-- Logins that a person has gone to an identity provider for. Each comes back once, to the browser that it began in.
create table store.federated_login (
  tenant_id int not null,
  -- SHA-256 of `state` (OpenID Connect) or RelayState (SAML).
  state_hash bytea not null,
  -- store.identity_provider.id
  provider text collate "C" not null,
  -- SHA-256 of the browser's cookie.
  browser_hash bytea not null,
  -- What was asked and for what (nonce, PKCE verifier, request id), and what the provider has proved; see
  -- auth/sso/pending.ts.
  sealed bytea not null,
  -- Whether the provider's answer is in: a SAML response comes without the browser's cookie.
  answered boolean not null default false,
  created bigint not null,
  expires bigint not null,
  primary key (tenant_id, state_hash)
);
create index federated_login_expires on store.federated_login (expires);

alter table store.federated_login enable row level security;
create policy tenant_only on store.federated_login using (tenant_id = current_setting('app.tenant')::int)
  with check (tenant_id = current_setting('app.tenant')::int);
create view tenant.federated_login as
  select * from store.federated_login where tenant_id = current_setting('app.tenant')::int;

-- Sessions that began at an identity provider, and what it calls them (`sid`, SessionIndex).
alter table store.account_session add column provider text collate "C";
alter table store.account_session add column provider_session text collate "C";
create index account_session_provider on store.account_session (tenant_id, provider, provider_session)
  where ended is null and provider is not null;
create or replace view tenant.account_session as
  select * from store.account_session where tenant_id = current_setting('app.tenant')::int;
