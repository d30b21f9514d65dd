-- Events: written in the transaction of what they tell of, together with one delivery per endpoint that wants them.

-- name: insertEvent
insert into webhook_events (id, account_id, type, data, created_at) values ($1, $2, $3, $4, $5)

-- Endpoints of the account and of its ancestors: a reseller hears of what happens in its subtree.
-- name: subscribers
select e.id, e.account_id, e.signature_form, coalesce(h.is_slow, false) as is_slow
from account_tree t join webhook_endpoints e on e.account_id = t.ancestor_id
left join webhook_endpoint_health h on h.endpoint_id = e.id
where t.account_id = $1 and e.active and e.deleted_at is null and (e.events && array[$2, '*'])
order by e.id

-- name: insertDeliveries
insert into webhook_deliveries (id, event_id, endpoint_id, account_id, type, signature_form, body, job_id, created_at)
select n.id, $1, n.endpoint_id, n.account_id, $2, n.form, n.body, n.job_id, $3
from unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::bytea[], $9::uuid[]) as n (id, endpoint_id, account_id, form, body, job_id)
