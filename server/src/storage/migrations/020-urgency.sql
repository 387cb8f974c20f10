-- What is urgent is told and sent before what is not, however much of that waits.

alter table store.outbox add column urgent boolean not null default false;
drop index store.outbox_next;
create index outbox_next on store.outbox (tenant_id, consumer, urgent desc, id) where parked is null;
create or replace view tenant.outbox as
  select * from store.outbox where tenant_id = current_setting('app.tenant')::int;

alter table store.communication_due add column urgent boolean not null default false;
drop index store.communication_due_next;
create index communication_due_next on store.communication_due (tenant_id, urgent desc, due);
create or replace view tenant.communication_due as
  select * from store.communication_due where tenant_id = current_setting('app.tenant')::int;
