-- What requests leave behind: idempotency records, the log of requests to upstreams, rate-limit counters.

-- One row per answered request with an Idempotency-Key, written in the transaction of the request's effects.
create table idempotency_records (
    account_id uuid not null,
    method text not null,
    path text not null,
    key text not null check (length(key) between 1 and 255),
    body_hash bytea not null,
    status integer not null,             -- 0 inside of the transaction that answers
    response bytea not null,             -- without what is shown once
    content_type text not null,
    location text,
    created_at timestamptz not null,
    primary key (account_id, method, path, key)
);

create index idempotency_records_age on idempotency_records (created_at);

create table upstream_requests (
    id uuid primary key,
    provider_id uuid not null,
    account_id uuid,
    job_id uuid,
    method text not null,
    path text not null,                  -- without query values or secrets
    status integer,
    duration_us bigint not null,
    success boolean not null,
    error_code text,
    created_at timestamptz not null default now()
);

create index upstream_requests_age on upstream_requests (created_at);
create index upstream_requests_account on upstream_requests (account_id, id desc);
create index upstream_requests_job on upstream_requests (job_id, id desc) where job_id is not null;

-- Counters of fixed windows, shared by all API processes: one row per limited thing, begun anew when its window is over. Unlogged: after a crash the
-- windows begin anew too.
create unlogged table rate_limits (
    key text primary key,
    ends_at timestamptz not null,        -- when the window is over
    count integer not null
) with (fillfactor = 50);

create index rate_limits_age on rate_limits (ends_at);
