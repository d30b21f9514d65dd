-- What must be true of money, plans, deliveries and requests at every moment; a line of text for each breach (Engine's invariants say how they are read).

-- name: balanceAndEntries
select 'wallet_' || replace(w.id::text, '-', '') || ' balance ' || w.balance || ', entries ' || coalesce(e.sum, 0) as breach
from wallets w
left join (select wallet_id, sum(amount) as sum from wallet_entries group by wallet_id) e on e.wallet_id = w.id
where w.balance <> coalesce(e.sum, 0)

-- name: entriesNumbered
select 'wallet_' || replace(w.id::text, '-', '') as breach
from wallets w
left join (select wallet_id, count(*) as count, max(number) as last, min(number) as first from wallet_entries group by wallet_id) e on e.wallet_id = w.id
where (w.entries, w.entries, least(w.entries, 1)) is distinct from (coalesce(e.count, 0), coalesce(e.last, 0), coalesce(e.first, 0))

-- name: entryChain
select 'entry_' || replace(id::text, '-', '') as breach
from (
    select id, amount, balance_after, lag(balance_after, 1, 0::numeric) over (partition by wallet_id order by number) as balance_before
    from wallet_entries
) e
where balance_after <> balance_before + amount

-- name: heldAndHolds
select 'wallet_' || replace(w.id::text, '-', '') || ' held ' || w.held || ', holds ' || coalesce(h.sum, 0) as breach
from wallets w
left join (select wallet_id, sum(amount) as sum from wallet_holds where state = 'held' group by wallet_id) h on h.wallet_id = w.id
where w.held <> coalesce(h.sum, 0)

-- name: overdrawn
select 'wallet_' || replace(id::text, '-', '') as breach from wallets where balance - held < -credit_limit or held < 0

-- name: captureWithoutEntry
select 'hold_' || replace(h.id::text, '-', '') as breach
from wallet_holds h left join wallet_entries e on e.id = h.entry_id
where h.state = 'captured' and h.amount > 0
      and (h.wallet_id, h.reference_id, -h.amount, h.job_id) is distinct from (e.wallet_id, e.reference_id, e.amount, e.job_id)
   or h.state <> 'captured' and h.entry_id is not null

-- name: chargeWithoutHold
select 'entry_' || replace(e.id::text, '-', '') as breach
from wallet_entries e left join wallet_holds h on h.entry_id = e.id
where e.type in ('purchase', 'extension')
group by e.id having count(h.id) <> 1

-- name: chargedTwice
select 'job_' || replace(job_id::text, '-', '') as breach
from wallet_entries where type in ('purchase', 'extension') and job_id is not null group by job_id having count(*) > 1
union all
select 'plan_' || replace(reference_id::text, '-', '') from wallet_entries where type = 'purchase' group by reference_id having count(*) > 1

-- name: heldTwice
select 'job_' || replace(job_id::text, '-', '') as breach from wallet_holds where job_id is not null group by job_id having count(*) > 1

-- A dead job keeps its hold for an operator; a retry goes on with it.
-- name: holdOfNobody
select 'hold_' || replace(h.id::text, '-', '') as breach
from wallet_holds h
where h.state = 'held' and h.job_id is not null
  and not exists (select 1 from jobs j where j.id = h.job_id)
  and not exists (select 1 from finished_jobs f where f.id = h.job_id and f.state = 'dead')

-- The hold is captured in the transaction in which the job completes.
-- name: captureWithoutCompletion
select 'hold_' || replace(h.id::text, '-', '') as breach
from wallet_holds h
where h.state = 'captured' and (exists (select 1 from jobs j where j.id = h.job_id)
      or exists (select 1 from finished_jobs f where f.id = h.job_id and f.state <> 'completed'))

-- name: planAndHold
select 'plan_' || replace(p.id::text, '-', '') || ' ' || p.status || ', hold ' || coalesce(h.state, 'missing') as breach
from plans p left join wallet_holds h on h.id = p.hold_id
where p.hold_id is not null
  and (p.status = 'pending' and h.state is distinct from 'held'
       or p.status in ('active', 'suspended', 'expired') and h.state is distinct from 'captured'
       or p.status = 'cancelled' and (h.state is null or h.state = 'held'))

-- name: holdWithoutPlan
select 'hold_' || replace(h.id::text, '-', '') as breach
from wallet_holds h left join plans p on p.hold_id = h.id
where h.reason = 'plan.purchase' and (p.id is null or p.id is distinct from h.reference_id or p.account_id <> h.account_id)

-- name: credentialsMissing
select 'plan_' || replace(p.id::text, '-', '') as breach
from plans p join products r on r.id = p.product_id join providers v on v.id = p.provider_id
where p.status in ('active', 'suspended', 'expired') and v.driver = 'native' and r.family = 'proxy'
  and (p.username is null or p.password is null or p.host is null or p.starts_at is null or p.expires_at is null)

-- name: checkWithoutHold
select 'check_' || replace(c.id::text, '-', '') as breach
from price_checks c left join wallet_holds h on h.job_id = c.job_id
where c.used_at is not null and (h.id is null or h.amount <> c.price or h.reference_id is distinct from c.plan_id)

-- name: purchasesAudited
select 'plan_' || replace(p.id::text, '-', '') || ' requested ' || coalesce(a.requested, 0) || ', purchased ' || coalesce(a.purchased, 0) as breach
from plans p
join wallet_holds h on h.id = p.hold_id
left join (
    select resource_id, count(*) filter (where action = 'plan.purchase_requested') as requested, count(*) filter (where action = 'plan.purchased') as purchased
    from audit_log where action in ('plan.purchase_requested', 'plan.purchased') group by resource_id
) a on a.resource_id = p.id
where coalesce(a.requested, 0) <> 1 or coalesce(a.purchased, 0) <> case when h.state = 'captured' then 1 else 0 end

-- name: extensionsAudited
select 'hold_' || replace(h.id::text, '-', '') || ' extended ' || coalesce(a.extended, 0) as breach
from wallet_holds h
left join (select job_id, count(*) as extended from audit_log where action = 'plan.extended' group by job_id) a on a.job_id = h.job_id
where h.reason = 'plan.extend' and coalesce(a.extended, 0) <> case when h.state = 'captured' then 1 else 0 end

-- name: movementsAudited
select 'entry_' || replace(e.id::text, '-', '') || ' ' || e.type as breach
from wallet_entries e
left join audit_log a on a.resource_id = e.wallet_id and a.action = 'wallet.' || e.type and a.metadata ->> 'id' = 'entry_' || replace(e.id::text, '-', '')
where e.type in ('topup', 'bonus', 'transfer', 'withdraw', 'refund')
group by e.id, e.type having count(a.id) <> 1

-- Younger than a day, as what is older may have been removed by its retention.
-- name: purchasesTold
select 'plan_' || replace(f.plan::text, '-', '') || ' told ' || count(e.id) as breach
from (
    select h.reference_id as plan, h.account_id from wallet_holds h
    where h.state = 'captured' and h.reason = 'plan.purchase' and h.ended_at > now() - interval '20 hours'
) f
left join webhook_events e on e.account_id = f.account_id and e.type = 'plan.purchased'
     and e.data -> 'plan' ->> 'id' = 'plan_' || replace(f.plan::text, '-', '')
group by f.plan having count(e.id) <> 1

-- name: deliveredTwice
select 'event ' || event_id || ' endpoint ' || endpoint_id as breach
from webhook_deliveries group by event_id, endpoint_id having count(*) > 1

-- For endpoints that have not changed since long before the event: what they wanted then is what they want now. Of its own breaker an endpoint does not hear.
-- name: deliveryMissing
select 'event ' || v.id || ' endpoint ' || e.id as breach
from webhook_endpoints e
join account_tree t on t.ancestor_id = e.account_id
join webhook_events v on v.account_id = t.account_id and v.created_at > e.updated_at + interval '1 minute'
where e.active and e.deleted_at is null and (e.events && array[v.type, '*']) and v.type <> 'test'
  and not (v.type in ('webhook.breaker_opened', 'webhook.breaker_closed') and v.data ->> 'endpointId' = 'we_' || replace(e.id::text, '-', ''))
  and not exists (select 1 from webhook_deliveries d where d.event_id = v.id and d.endpoint_id = e.id)

-- A cancelled job's delivery is shown as cancelled. Jobs leave the ledger after their retention, so only what is young must still be there.
-- name: deliveryOfNobody
select 'msg_' || replace(d.id::text, '-', '') as breach
from webhook_deliveries d
where d.state = 'pending' and not exists (select 1 from jobs j where j.id = d.job_id)
  and not exists (select 1 from finished_jobs f where f.id = d.job_id and f.state = 'cancelled')
  and (d.created_at > now() - interval '1 day' or exists (select 1 from finished_jobs f where f.id = d.job_id))

-- name: deliveryUnproved
select 'msg_' || replace(d.id::text, '-', '') || ' ' || d.state || ', attempts ' || d.attempts as breach
from webhook_deliveries d
left join (
    select delivery_id, count(*) as count, count(*) filter (where status between 200 and 299) as taken from webhook_attempts group by delivery_id
) a on a.delivery_id = d.id
where d.attempts <> coalesce(a.count, 0) or d.state = 'delivered' and coalesce(a.taken, 0) = 0

-- name: unanswered
select 'account ' || account_id || ' ' || method || ' ' || path as breach from idempotency_records where status = 0

-- name: treeTorn
select 'acct_' || replace(a.id::text, '-', '') as breach
from accounts a
where not exists (select 1 from account_tree t where t.account_id = a.id and t.ancestor_id = a.id and t.depth = 0)
   or (select count(*) from account_tree t where t.account_id = a.id)
      <> 1 + (select count(*) from account_tree t where t.account_id = a.parent_id)
