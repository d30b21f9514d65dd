-- Deliveries and their attempts.

-- name: forSending
select d.id, d.type, d.body, d.state, d.job_id, d.endpoint_id, d.signature_form, e.url, e.secret, e.previous_secret, e.previous_secret_until, e.active,
       e.deleted_at is not null as deleted
from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint_id
where d.id = $1

-- One statement for the attempt and what it means for its delivery.
-- name: record
with delivery as (
    update webhook_deliveries
    set state = $2, attempts = attempts + 1, ended_at = case when $2 = 'pending' then null else clock_timestamp() end
    where id = $1
    returning id, endpoint_id, attempts
)
insert into webhook_attempts (delivery_id, endpoint_id, attempt, started_at, duration_us, status, error_code, error, response_body, response_truncated,
                              remote_address, name_lookup_us, connect_us, tls_us, first_byte_us)
select id, endpoint_id, attempts, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 from delivery

-- name: cancel
update webhook_deliveries set state = 'cancelled', ended_at = now() where id = $1 and state = 'pending'

-- A delivery whose job was cancelled waits for nobody; it is shown as cancelled. Both are read in one snapshot, and a job's end and its delivery's commit
-- together.
-- name: list
select d.id, d.event_id, d.endpoint_id, d.type, case when d.state = 'pending' and j.id is null then 'cancelled' else d.state end as state, d.attempts,
       d.job_id, d.created_at, d.ended_at, case when j.state = 'queued' then j.run_at end as next_attempt_at, a.status, a.duration_us, a.error_code, a.error
from webhook_deliveries d
join account_tree t on t.account_id = d.account_id and t.ancestor_id = $1
left join jobs j on j.id = d.job_id
left join webhook_attempts a on a.delivery_id = d.id and a.attempt = d.attempts
where d.endpoint_id = $2 and ($3::uuid is null or d.id < $3) and ($5::text is null or d.type = $5)
  and ($4::text is null or case when d.state = 'pending' and j.id is null then 'cancelled' else d.state end = $4)
order by d.id desc limit $6

-- name: find
select d.id, d.event_id, d.endpoint_id, d.type, case when d.state = 'pending' and j.id is null then 'cancelled' else d.state end as state, d.attempts,
       d.job_id, d.created_at, d.ended_at, case when j.state = 'queued' then j.run_at end as next_attempt_at, a.status, a.duration_us, a.error_code, a.error,
       d.body
from webhook_deliveries d
join account_tree t on t.account_id = d.account_id and t.ancestor_id = $1
left join jobs j on j.id = d.job_id
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

-- name: failByJob
update webhook_deliveries set state = 'failed', ended_at = now() where id = $1 and job_id = $2 and state = 'pending'
