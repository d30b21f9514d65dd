-- Rate limits and idempotency records.

-- A row per limited thing. An earlier window's row begins anew; a take that was late at the border counts in the newer window. What is over the limit is not
-- counted further than one.
-- name: take
with clock as materialized (select coalesce($4::timestamptz, clock_timestamp()) as now)
insert into rate_limits as r (key, ends_at, count)
select $1, date_bin($2::interval, clock.now, timestamptz '2000-01-01 00:00:00Z') + $2::interval, 1 from clock
on conflict (key) do update
set count = case when excluded.ends_at > r.ends_at then 1 else least(r.count, $3::integer) + 1 end,
    ends_at = greatest(r.ends_at, excluded.ends_at)
returning count, r.ends_at - (select now from clock) as reset_after

-- name: sweepLimits
delete from rate_limits
where key in (
    select key from rate_limits where ends_at < coalesce($1::timestamptz, clock_timestamp()) order by ends_at limit 1000 for update skip locked
)

-- For the rest of the transaction, or until the insert that follows has put the usual limit back.
-- name: limitWait
select usual.value as usual, set_config('lock_timeout', $1, true) as patience
from (select current_setting('lock_timeout') as value offset 0) usual

-- Waits for a transaction that has inserted the same key and not ended yet.
-- name: begin
insert into idempotency_records (account_id, method, path, key, body_hash, status, response, content_type, created_at)
values ($1, $2, $3, $4, $5, 0, '', '', $6)
on conflict (account_id, method, path, key) do nothing
returning set_config('lock_timeout', $7, true) as usual

-- name: find
select body_hash, status, response, content_type, location from idempotency_records where account_id = $1 and method = $2 and path = $3 and key = $4

-- name: answer
update idempotency_records set status = $5, response = $6, content_type = $7, location = $8
where account_id = $1 and method = $2 and path = $3 and key = $4

-- name: forget
delete from idempotency_records where account_id = $1 and method = $2 and path = $3 and key = $4

-- name: sweepRecords
delete from idempotency_records
where (account_id, method, path, key) in (
    select account_id, method, path, key from idempotency_records where created_at < $1 order by created_at limit 1000 for update skip locked
)
