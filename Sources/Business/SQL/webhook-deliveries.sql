-- Deliveries and their attempts.

-- name: forSending
select d.id, d.type, d.body, d.state, d.job_id, d.endpoint_id, d.signature_form, e.url, e.secret, e.previous_secret, e.previous_secret_until, e.active,
       e.deleted_at is not null as deleted, h.phase, h.since, h.until, h.is_slow, clock_timestamp() as now
from unnest($1::uuid[]) as w (id)
join webhook_deliveries d on d.id = w.id
join webhook_endpoints e on e.id = d.endpoint_id
left join webhook_endpoint_health h on h.endpoint_id = d.endpoint_id

-- One statement for the attempts and what they mean for their deliveries; none of which is named twice, a delivery is in one job's hand.
-- name: record
with attempt as (
    select * from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::int8[], $5::int4[], $6::text[], $7::text[], $8::text[], $9::boolean[], $10::text[],
                         $11::int8[], $12::int8[], $13::int8[], $14::int8[])
        as a (delivery_id, state, started_at, duration_us, status, error_code, error, response_body, response_truncated, remote_address, name_lookup_us,
              connect_us, tls_us, first_byte_us)
), delivery as (
    update webhook_deliveries d
    set state = a.state, attempts = attempts + 1, ended_at = case when a.state = 'pending' then null else clock_timestamp() end
    from attempt a where d.id = a.delivery_id
    returning d.id, d.endpoint_id, d.attempts
)
insert into webhook_attempts (delivery_id, endpoint_id, attempt, started_at, duration_us, status, error_code, error, response_body, response_truncated,
                              remote_address, name_lookup_us, connect_us, tls_us, first_byte_us)
select d.id, d.endpoint_id, d.attempts, a.started_at, a.duration_us, a.status, a.error_code, a.error, a.response_body, a.response_truncated,
       a.remote_address, a.name_lookup_us, a.connect_us, a.tls_us, a.first_byte_us
from delivery d join attempt a on a.delivery_id = d.id

-- name: cancel
update webhook_deliveries set state = 'cancelled', ended_at = now() where id = $1 and state = 'pending'

-- A delivery whose job was cancelled waits for nobody; it is shown as cancelled. Both are read in one snapshot, and a job's end and its delivery's commit
-- together.
-- name: list
select d.id, d.event_id, d.endpoint_id, d.type, case when d.state = 'pending' and j.id is null then 'cancelled' else d.state end as state, d.attempts,
       d.job_id, d.created_at, d.ended_at, w.run_at as next_attempt_at, a.status, a.duration_us, a.error_code, a.error
from webhook_deliveries d
join account_tree t on t.account_id = d.account_id and t.ancestor_id = $1
left join jobs j on j.id = d.job_id
left join outbox w on w.job_id = d.job_id
left join webhook_attempts a on a.delivery_id = d.id and a.attempt = d.attempts
where d.endpoint_id = $2 and ($3::uuid is null or d.id < $3) and ($5::text is null or d.type = $5)
  and ($4::text is null or case when d.state = 'pending' and j.id is null then 'cancelled' else d.state end = $4)
order by d.id desc limit $6

-- name: find
select d.id, d.event_id, d.endpoint_id, d.type, case when d.state = 'pending' and j.id is null then 'cancelled' else d.state end as state, d.attempts,
       d.job_id, d.created_at, d.ended_at, w.run_at as next_attempt_at, a.status, a.duration_us, a.error_code, a.error,
       d.body
from webhook_deliveries d
join account_tree t on t.account_id = d.account_id and t.ancestor_id = $1
left join jobs j on j.id = d.job_id
left join outbox w on w.job_id = d.job_id
left join webhook_attempts a on a.delivery_id = d.id and a.attempt = d.attempts
where d.id = $2

-- name: attempts
select attempt, started_at, duration_us, status, error_code, error, response_body, response_truncated, remote_address, name_lookup_us, connect_us, tls_us,
       first_byte_us
from webhook_attempts where delivery_id = $1 order by attempt

-- name: inRange
select d.id from webhook_deliveries d
where d.endpoint_id = $1 and d.created_at >= $2 and d.created_at < $3 and (not $4 or d.state = 'failed')
  and (d.state <> 'pending' or not exists (select 1 from jobs j where j.id = d.job_id))
order by d.id limit $5

-- name: startReplays
update webhook_deliveries d set state = 'pending', job_id = n.job_id, ended_at = null
from unnest($1::uuid[], $2::uuid[]) as n (id, job_id)
where d.id = n.id

-- The receiver has said when to come back.
-- name: setNotBefore
update webhook_deliveries d set not_before = clock_timestamp() + make_interval(secs => n.pause)
from unnest($1::uuid[], $2::float8[]) as n (id, pause)
where d.id = n.id

-- Jobs of an endpoint's deliveries that wait for a time: snoozed by its breaker, or between two attempts; not what its limit has given a time. By the
-- account, of which only what lives is looked at. $4: only those that were never sent.
-- name: waiting
select j.id
from jobs j
join outbox w on w.job_id = j.id and w.state = 'scheduled' and not w.gated and w.run_at > now()
left join webhook_deliveries d on d.id = substr(j.payload ->> 'deliveryId', 5)::uuid
where j.account_id = $1 and ($2::uuid is null or j.id > $2) and j.kind = 'webhook.deliver' and j.payload ->> 'endpointId' = $3
  and j.attempt <= case when $4 then 0 else j.max_attempts / 2 end and (d.not_before is null or d.not_before <= now())
order by j.id limit $5

-- name: failByJob
update webhook_deliveries set state = 'failed', ended_at = now() where id = $1 and job_id = $2 and state = 'pending'
