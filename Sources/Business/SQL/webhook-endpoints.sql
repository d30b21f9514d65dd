-- Webhook endpoints of the caller's subtree.

-- The account's row is locked, so that two creations at once cannot both be the last one allowed.
-- name: lockAccount
select id from accounts where id = $1 for no key update

-- name: countOf
select count(*) as count from webhook_endpoints where account_id = $1 and deleted_at is null

-- name: insert
insert into webhook_endpoints (id, account_id, url, description, events, signature_form, active, disabled_reason, secret, max_in_flight,
                               rate_per_second)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: find
select e.* from webhook_endpoint_states e join account_tree t on t.account_id = e.account_id and t.ancestor_id = $1
where e.id = $2 and e.deleted_at is null

-- name: lock
select e.id from webhook_endpoints e join account_tree t on t.account_id = e.account_id and t.ancestor_id = $1
where e.id = $2 and e.deleted_at is null
for update of e

-- name: list
select e.* from webhook_endpoint_states e join account_tree t on t.account_id = e.account_id and t.ancestor_id = $1
where e.deleted_at is null and ($2::uuid is null or e.id < $2) and ($3::uuid is null or e.account_id = $3)
order by e.id desc limit $4

-- name: update
update webhook_endpoints
set url = $2, description = $3, events = $4, signature_form = $5, active = $6, max_in_flight = $8, rate_per_second = $9,
    disabled_reason = case when $6 then null when active then $7 else disabled_reason end,
    activated_at = case when $6 and not active then now() else activated_at end, updated_at = now()
where id = $1

-- name: rotate
update webhook_endpoints
set previous_secret = secret, previous_secret_until = $3, secret = $2, updated_at = now()
where id = $1

-- name: delete
update webhook_endpoints set deleted_at = now(), active = false, updated_at = now() where id = $1

-- How many of the last attempts failed in a row, counted up to $2, and since when; nothing for an endpoint that is not active any more.
-- name: streak
select streak.failures, since.at as failing_since
from webhook_endpoints e
cross join lateral (
    select max(a.started_at) as at from webhook_attempts a where a.endpoint_id = e.id and a.status between 200 and 299
) success
cross join lateral (
    select min(a.started_at) as at from webhook_attempts a
    where a.endpoint_id = e.id and (a.status is null or a.status not between 200 and 299) and a.started_at > greatest(success.at, e.activated_at)
) since
cross join lateral (
    select count(*)::int4 as failures
    from (
        select 1 from webhook_attempts a
        where a.endpoint_id = e.id and (a.status is null or a.status not between 200 and 299) and a.started_at >= since.at
        limit $2
    ) counted
) streak
where e.id = $1 and e.active

-- name: disable
update webhook_endpoints set active = false, disabled_reason = $2, updated_at = now() where id = $1 and active
returning account_id, url, max_in_flight, rate_per_second
