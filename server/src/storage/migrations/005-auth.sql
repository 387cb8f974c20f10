-- Who may come in: signing keys, clients, grants with their codes and tokens, launches; accounts, sessions and second
-- factors. Times are epoch milliseconds. `*_hash` is the SHA-256 of a random secret that is stored nowhere; `sealed` is
-- AES-256-GCM under the master key (auth/keys/secret-box.ts).

-- Keys that tokens are signed with.
create table store.signing_key (
  tenant_id int not null,
  kid text collate "C" not null,
  algorithm text not null check (algorithm in ('RS256', 'ES256')),
  -- The public key as a JWK, with kid, alg and use.
  public_jwk jsonb not null,
  -- The private key as a sealed JWK.
  sealed_private bytea not null,
  created bigint not null,
  primary key (tenant_id, kid)
);

-- Apps and services, registered as RFC 7591 has it.
create table store.client (
  tenant_id int not null,
  id text collate "C" not null,
  name text not null,
  kind text not null check (kind in ('public', 'confidential-symmetric', 'confidential-asymmetric')),
  secret_hash bytea,
  redirect_uris text[] not null default '{}',
  launch_uri text,
  -- What it may ask for, separated by spaces.
  scopes text not null,
  grant_types text[] not null,
  jwks jsonb,
  jwks_uri text,
  -- Of the consent page: logo_uri, client_uri, policy_uri, tos_uri, contacts.
  about jsonb not null default '{}',
  state text not null default 'active' check (state in ('active', 'disabled')),
  created bigint not null,
  primary key (tenant_id, id)
);

-- What was authorized: by a person for a client, or for a client itself (then without an account).
create table store.auth_grant (
  tenant_id int not null,
  id uuid not null,
  client_id text collate "C" not null,
  account_id uuid,
  -- store.account_session.id: the session it was given in.
  session_id uuid,
  scopes text not null,
  role text,
  -- Relative to the tenant's base.
  fhir_user text,
  patient text,
  encounter text,
  purpose_of_use text,
  -- What else the token response says: nonce, need_patient_banner, intent, fhirContext, auth_time (seconds).
  context jsonb not null default '{}',
  created bigint not null,
  -- When its first token was issued.
  activated bigint,
  last_used bigint,
  revoked bigint,
  -- After this no token of it can be alive.
  expires bigint not null,
  primary key (tenant_id, id)
);
create index auth_grant_account on store.auth_grant (tenant_id, account_id) where revoked is null;
create index auth_grant_session on store.auth_grant (tenant_id, session_id) where revoked is null;
create index auth_grant_client on store.auth_grant (tenant_id, client_id) where revoked is null;
create index auth_grant_expires on store.auth_grant (expires);

create table store.authorization_code (
  tenant_id int not null,
  code_hash bytea not null,
  grant_id uuid not null,
  redirect_uri text not null,
  -- Of PKCE with S256.
  code_challenge text not null,
  expires bigint not null,
  used bigint,
  primary key (tenant_id, code_hash)
);
create index authorization_code_expires on store.authorization_code (expires);

-- A grant's refresh tokens follow each other; a used one stays, so that its reuse is noticed.
create table store.refresh_token (
  tenant_id int not null,
  token_hash bytea not null,
  grant_id uuid not null,
  created bigint not null,
  expires bigint not null,
  used bigint,
  -- token_hash of the one that it was exchanged for.
  successor_hash bytea,
  primary key (tenant_id, token_hash)
);
create index refresh_token_expires on store.refresh_token (expires);

-- Grants and access tokens that have ended before their time. Verifiers ask for what is new every few seconds.
create table store.token_revocation (
  tenant_id int not null,
  -- A grant's id or an access token's jti.
  id text collate "C" not null,
  -- By the database's clock.
  revoked bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
  -- After this no access token that it concerns is alive.
  expires bigint not null,
  primary key (tenant_id, id)
);
create index token_revocation_revoked on store.token_revocation (revoked);
create index token_revocation_expires on store.token_revocation (expires);

-- What was revoked since a moment (database clock, epoch milliseconds), in all tenants, and the moment of asking. It
-- tells no more than random ids.
create function store.revocations_since(moment bigint) returns table (now bigint, tenant_id int, id text)
language sql stable security definer set search_path = '' as $$
  select c.now, r.tenant_id, r.id
  from (select (extract(epoch from clock_timestamp()) * 1000)::bigint as now) c
  left join store.token_revocation r on r.revoked >= moment
$$;

-- Launch contexts that an EHR has made for an app (SMART App Launch, EHR launch).
create table store.launch (
  tenant_id int not null,
  launch_hash bytea not null,
  context jsonb not null,
  created bigint not null,
  expires bigint not null,
  primary key (tenant_id, launch_hash)
);
create index launch_expires on store.launch (expires);

-- jti of client assertions that were used (RFC 7523, section 3).
create table store.client_assertion (
  tenant_id int not null,
  jti_hash bytea not null,
  expires bigint not null,
  primary key (tenant_id, jti_hash)
);
create index client_assertion_expires on store.client_assertion (expires);

-- People who log in.
create table store.account (
  tenant_id int not null,
  id uuid not null,
  login text not null,
  name text not null,
  email text,
  role text not null,
  -- Relative to the tenant's base: Practitioner/1, PractitionerRole/1, Patient/1, RelatedPerson/1.
  fhir_user text,
  -- argon2id in PHC form; null for accounts that log in elsewhere only or have not set one.
  password_hash text,
  password_changed bigint,
  state text not null default 'active' check (state in ('invited', 'active', 'disabled')),
  -- BCP 47.
  language text,
  last_login bigint,
  -- JSON of second factors (TOTP seeds and so on).
  sealed_mfa bytea,
  -- RFC 6238 time step of the last one-time password that was accepted: none is good twice.
  totp_step bigint,
  -- What else is known: preferences, facts of the last login.
  details jsonb not null default '{}',
  created bigint not null,
  updated bigint not null,
  primary key (tenant_id, id)
);
create unique index account_login on store.account (tenant_id, lower(login));
create index account_fhir_user on store.account (tenant_id, fhir_user);
create index account_email on store.account (tenant_id, lower(email));

-- Logins at other identity providers.
create table store.account_identity (
  tenant_id int not null,
  provider text collate "C" not null,
  subject text collate "C" not null,
  account_id uuid not null,
  created bigint not null,
  last_used bigint,
  primary key (tenant_id, provider, subject)
);
create index account_identity_account on store.account_identity (tenant_id, account_id);

-- OpenID Connect and SAML providers of a tenant, with role mapping in config.
create table store.identity_provider (
  tenant_id int not null,
  id text collate "C" not null,
  kind text not null check (kind in ('oidc', 'saml')),
  name text not null,
  config jsonb not null,
  -- Client secret and the like.
  sealed_secret bytea,
  active boolean not null default true,
  created bigint not null,
  primary key (tenant_id, id)
);

-- Browser sessions.
create table store.account_session (
  tenant_id int not null,
  id uuid not null,
  -- Of the cookie's value.
  token_hash bytea not null,
  account_id uuid not null,
  created bigint not null,
  last_seen bigint not null,
  expires bigint not null,
  ended bigint,
  -- When and how the person proved who they are: epoch milliseconds, and RFC 8176 values (pwd, otp, hwk, ...).
  authenticated bigint not null,
  methods text[] not null default '{}',
  -- What is still to be done before it counts as a login: second-factor, enrol; null when it is complete.
  pending text check (pending in ('second-factor', 'enrol')),
  address text,
  user_agent text,
  data jsonb not null default '{}',
  primary key (tenant_id, id)
);
create unique index account_session_token on store.account_session (tenant_id, token_hash);
create index account_session_account on store.account_session (tenant_id, account_id) where ended is null;
create index account_session_expires on store.account_session (expires);

create table store.passkey (
  tenant_id int not null,
  -- base64url
  credential_id text collate "C" not null,
  account_id uuid not null,
  public_key bytea not null,
  counter bigint not null,
  transports text[] not null default '{}',
  device_type text,
  backed_up boolean not null default false,
  name text not null,
  created bigint not null,
  last_used bigint,
  primary key (tenant_id, credential_id)
);
create index passkey_account on store.passkey (tenant_id, account_id);

create table store.recovery_code (
  tenant_id int not null,
  account_id uuid not null,
  code_hash bytea not null,
  created bigint not null,
  used bigint,
  primary key (tenant_id, account_id, code_hash)
);

-- Invitations, password resets, WebAuthn challenges, half-finished logins: what is sent out once and comes back once.
create table store.account_token (
  tenant_id int not null,
  token_hash bytea not null,
  kind text not null,
  account_id uuid,
  data jsonb not null default '{}',
  -- What of the data is secret.
  sealed_data bytea,
  created bigint not null,
  expires bigint not null,
  used bigint,
  primary key (tenant_id, token_hash)
);
create index account_token_account on store.account_token (tenant_id, account_id);
create index account_token_expires on store.account_token (expires);

-- Login attempts that have not succeeded, by login (known or not) and by network address, for the back-off.
create table store.login_failure (
  tenant_id int not null,
  key text collate "C" not null,
  failures int not null,
  last_failure bigint not null,
  locked_until bigint,
  expires bigint not null,
  primary key (tenant_id, key)
);
create index login_failure_expires on store.login_failure (expires);

-- Authorization requests between their arrival and the code: they wait for login, second factor, patient and consent.
create table store.authorization_request (
  tenant_id int not null,
  id_hash bytea not null,
  -- SHA-256 of the cookie of the browser that it belongs to; null until the browser has come by GET.
  browser_hash bytea,
  request jsonb not null,
  created bigint not null,
  expires bigint not null,
  primary key (tenant_id, id_hash)
);
create index authorization_request_expires on store.authorization_request (expires);

-- What a person has agreed to for an app, so that they are not asked the same again.
create table store.consent_decision (
  tenant_id int not null,
  account_id uuid not null,
  client_id text collate "C" not null,
  -- Of the launch context; empty when there was none.
  patient text not null default '',
  scopes text not null,
  decided bigint not null,
  expires bigint not null,
  primary key (tenant_id, account_id, client_id, patient)
);

do $$
declare t text;
begin
  foreach t in array array['signing_key', 'client', 'auth_grant', 'authorization_code', 'refresh_token',
    'token_revocation', 'launch', 'client_assertion', 'account', 'account_identity', 'identity_provider',
    'account_session', 'passkey', 'recovery_code', 'account_token', 'login_failure', 'authorization_request',
    'consent_decision'] loop
    execute format('alter table store.%I enable row level security', t);
    -- What was revoked, and what was used once, the serving role cannot take back: it reads and adds.
    if t in ('token_revocation', 'client_assertion') then
      execute format(
        'create policy tenant_read on store.%I for select using (tenant_id = current_setting(''app.tenant'')::int)', t);
      execute format(
        'create policy tenant_insert on store.%I for insert with check (tenant_id = current_setting(''app.tenant'')::int)', t);
    else
      execute format(
        'create policy tenant_only on store.%I using (tenant_id = current_setting(''app.tenant'')::int) with check (tenant_id = current_setting(''app.tenant'')::int)', t);
    end if;
    execute format(
      'create view tenant.%I as select * from store.%I where tenant_id = current_setting(''app.tenant'')::int', t, t);
  end loop;
end $$;
