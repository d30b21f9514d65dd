-- Paid orders whose job has ended and whose money is still held. A hold tells of the order, not its job: the job's record goes with its retention, the
-- money stays.

-- part: order
       h.id as hold_id, h.job_id, h.account_id, h.amount, h.reason, h.state, h.created_at, h.ended_at, w.currency, p.id as plan_id,
       p.status as plan_status, p.provider_reference, p.ordered_at, r.code as product_code, r.family, v.id as provider_id, v.name as provider_name,
       v.driver, c.quantity, c.period
from wallet_holds h
join account_tree t on t.account_id = h.account_id and t.ancestor_id = $1
join wallets w on w.id = h.wallet_id
join plans p on p.id = h.reference_id
join products r on r.id = p.product_id
join providers v on v.id = p.provider_id

-- Holds and jobs change in the same transactions, so one snapshot never shows a held hold without its living job.
-- name: list
select f.kind, f.state as job_state, f.attempt, f.error_code, f.error, f.finished_at,
-- with: order
left join lateral (select * from finished_jobs d where d.id = h.job_id limit 1) f on true
left join price_checks c on c.id = substr(f.payload ->> 'priceCheckId', 7)::uuid
where h.state = 'held' and h.reason in ('plan.purchase', 'plan.extend') and h.reference_type = 'plan'
  and not exists (select 1 from jobs j where j.id = h.job_id)
  and ($2::uuid is null or h.job_id < $2)
  and ($3::uuid is null or h.account_id = $3)
  and ($4::uuid is null or v.id = $4)
order by h.job_id desc
limit $5

-- An order in whatever state, by its job: an open hold says itself whose it is; an ended one is found through the job's record while there is one, or by
-- whoever has just ended it and knows it ($3).
-- name: find
select coalesce(a.kind, f.kind) as kind, coalesce(a.state, f.state) as job_state, coalesce(f.attempt, a.attempt) as attempt, f.error_code, f.error,
       f.finished_at,
-- with: order
left join living_jobs a on a.id = h.job_id
left join lateral (select * from finished_jobs d where d.id = h.job_id limit 1) f on true
left join price_checks c on c.id = substr(coalesce(a.payload, f.payload) ->> 'priceCheckId', 7)::uuid
where h.job_id = $2 and h.reason in ('plan.purchase', 'plan.extend') and h.reference_type = 'plan'
  and h.id = any(array(
        select $3::uuid where $3 is not null
        union
        select o.id from wallet_holds o where o.job_id = $2 and o.state = 'held'
        union
        select substr(j.payload ->> 'holdId', 6)::uuid from jobs j where j.id = $2 and j.kind like 'plan.%'
        union
        select substr(j.payload ->> 'holdId', 6)::uuid from finished_jobs j where j.id = $2 and j.kind like 'plan.%'))

-- Keeps a retry of the job waiting until the order is resolved: a retry deletes this row.
-- name: lockEnded
select id from finished_jobs where id = $1 for update

-- name: isAlive
select id from jobs where id = $1

-- What was bought, when the job's record is gone.
-- name: priceCheck
select id from price_checks where job_id = $1 and plan_id = $2

-- The newest requests of each of these jobs.
-- name: requests
select u.id, u.provider_id, v.name as provider_name, u.account_id, u.job_id, u.method, u.path, u.status, u.duration_us, u.success, u.error_code,
       u.created_at
from unnest($1::uuid[]) as m (job_id)
cross join lateral (select * from upstream_requests q where q.job_id = m.job_id order by q.id desc limit $2) u
left join providers v on v.id = u.provider_id
order by u.id desc
