-- Webhook endpoints, events, deliveries and their attempts.

create table webhook_endpoints (
    id uuid primary key,
    account_id uuid not null references accounts,
    url text not null check (length(url) <= 2048),
    description text not null default '',
    events text[] not null check (cardinality(events) >= 1), -- names, or *
    signature_form text not null default 'standard' check (signature_form in ('standard', 'seed')),
    secret bytea not null,               -- sealed
    previous_secret bytea,               -- sealed; signs too until previous_secret_until
    previous_secret_until timestamptz,
    max_in_flight integer not null default 16 check (max_in_flight between 1 and 256),
    rate_per_second integer check (rate_per_second between 1 and 1000), -- null: no limit
    active boolean not null default true,
    disabled_reason text,
    activated_at timestamptz not null default now(), -- failures before this are forgotten
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);

-- What the breaker remembers of an endpoint. A row of its own, so that nobody who emits an event meets the workers in the endpoint's row; written only where
-- something changes, so that deliveries to a healthy endpoint write nothing here. No foreign key: it would lock the endpoint's row.
create table webhook_endpoint_health (
    endpoint_id uuid primary key,
    phase text not null default 'closed' check (phase in ('closed', 'open', 'probing', 'ramping')),
    since timestamptz not null default 'epoch',
    until timestamptz,                   -- open: the probe may go; probing: the probe counts as lost
    probe_id uuid,                       -- the delivery that is on its way to find out
    failures integer not null default 0,
    openings integer not null default 0,
    allowed integer not null default 0,
    successes integer not null default 0,
    reason text,
    is_slow boolean not null default false,
    pace_count integer not null default 0
) with (fillfactor = 50);

-- For the count of those that are not closed, of which there are few.
create index webhook_endpoint_health_phase on webhook_endpoint_health (phase) where phase <> 'closed';

create index webhook_endpoints_account on webhook_endpoints (account_id) where deleted_at is null;

create table webhook_events (
    id uuid primary key,
    account_id uuid not null,
    type text not null,
    data json not null,
    created_at timestamptz not null default now()
);

create index webhook_events_account on webhook_events (account_id, id desc);
create index webhook_events_age on webhook_events (created_at);

-- One event for one endpoint. The body is stored once, as the bytes that are signed and sent on every attempt.
--
-- No foreign key to the endpoint: each insert would lock the endpoint's row, and a busy endpoint would be where all transactions that emit meet.
-- Endpoints are never removed, only marked as deleted.
create table webhook_deliveries (
    id uuid primary key,                 -- also webhook-id: the same over all attempts
    event_id uuid not null references webhook_events on delete cascade,
    endpoint_id uuid not null,
    account_id uuid not null,
    type text not null,
    signature_form text not null,        -- of the stored body, whatever the endpoint's is by now
    body bytea not null,
    state text not null default 'pending' check (state in ('pending', 'delivered', 'failed', 'cancelled')),
    attempts integer not null default 0,
    job_id uuid not null,                -- of the last sending; a replay is a new job under the same id
    created_at timestamptz not null default now(),
    not_before timestamptz,              -- the receiver's Retry-After: nothing brings the next attempt further forward
    ended_at timestamptz
) with (fillfactor = 80);

create index webhook_deliveries_endpoint on webhook_deliveries (endpoint_id, id desc);
create index webhook_deliveries_event on webhook_deliveries (event_id);

create table webhook_attempts (
    delivery_id uuid not null references webhook_deliveries on delete cascade,
    attempt integer not null,            -- counts on over replays
    endpoint_id uuid not null,
    started_at timestamptz not null,
    duration_us bigint not null,
    status integer,                      -- null: no answer
    error_code text,
    error text,
    response_body text,                  -- the first 4 KiB, control characters replaced
    response_truncated boolean not null default false,
    remote_address text,
    name_lookup_us bigint,
    connect_us bigint,
    tls_us bigint,
    first_byte_us bigint,
    primary key (delivery_id, attempt)
);

create index webhook_attempts_successes on webhook_attempts (endpoint_id, started_at) where status between 200 and 299;
create index webhook_attempts_failures on webhook_attempts (endpoint_id, started_at) where status is null or status not between 200 and 299;

-- Endpoints with their health, read off the attempts. Counters in the endpoint's row would be written by every delivery: deliveries to one endpoint would
-- wait for each other, and two batches that write two endpoints in different order would deadlock.
create view webhook_endpoint_states as
select e.*, coalesce(h.phase, 'closed') as phase, h.since as phase_since, h.until as phase_until, coalesce(h.allowed, 0) as allowed, h.reason,
       coalesce(h.is_slow, false) as is_slow, success.at as last_success_at, failure.at as last_failure_at, streak.failures, since.at as failing_since, trigger.at as last_triggered_at
from webhook_endpoints e
left join webhook_endpoint_health h on h.endpoint_id = e.id
cross join lateral (
    select max(a.started_at) as at from webhook_attempts a where a.endpoint_id = e.id and a.status between 200 and 299
) success
cross join lateral (
    select max(a.started_at) as at from webhook_attempts a
    where a.endpoint_id = e.id and (a.status is null or a.status not between 200 and 299)
) failure
cross join lateral (
    select min(a.started_at) as at from webhook_attempts a
    where a.endpoint_id = e.id and (a.status is null or a.status not between 200 and 299) and a.started_at > greatest(success.at, e.activated_at)
) since
-- Counted up to a thousand: more says nothing more, and a busy endpoint that fails for days has millions.
cross join lateral (
    select count(*)::int4 as failures
    from (
        select 1 from webhook_attempts a
        where a.endpoint_id = e.id and (a.status is null or a.status not between 200 and 299) and a.started_at >= since.at
        limit 1000
    ) counted
) streak
cross join lateral (
    select (select d.created_at from webhook_deliveries d where d.endpoint_id = e.id order by d.id desc limit 1) as at
) trigger;
