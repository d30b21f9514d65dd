-- Removing what has outlived its retention, in bounded batches so that no statement holds locks for long. Ledger history goes by partitions (Engine).

-- name: sweepIdempotency
delete from idempotency_records where ctid = any(array(
    select ctid from idempotency_records where created_at < $1 order by created_at limit $2))

-- name: sweepSessions
delete from sessions where id = any(array(select id from sessions where expires_at < $1 order by expires_at limit $2))

-- With its deliveries and their attempts. One that is still on its way keeps its event; one whose job was cancelled is not.
-- name: sweepEvents
delete from webhook_events where id = any(array(
    select e.id from webhook_events e
    where e.created_at < $1
      and not exists (select 1 from webhook_deliveries d join jobs j on j.id = d.job_id where d.event_id = e.id and d.state = 'pending')
    order by e.created_at limit $2))

-- name: sweepUpstreamRequests
delete from upstream_requests where id = any(array(select id from upstream_requests where created_at < $1 order by created_at limit $2))

-- name: sweepRateLimits
delete from rate_limits where key = any(array(select key from rate_limits where ends_at < $1 order by ends_at limit $2)) and ends_at < $1

-- name: sweepPriceChecks
delete from price_checks where id = any(array(select id from price_checks where expires_at < $1 and used_at is null order by expires_at limit $2))
