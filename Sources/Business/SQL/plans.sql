-- Plans. Every transition is conditional on the state that it starts from, so a repeated or a late one changes nothing; it returns no row, and the code
-- looks what had happened. All selects have the columns that `Plan` reads.

-- name: insert
insert into plans (id, account_id, product_id, provider_id, status, quantity, period, price, currency, customer_reference, group_name, options, hold_id,
                   job_id, created_at, updated_at)
values ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)

-- name: find
select p.*, r.code as product_code, r.name as product_name, v.driver
from plans p
join account_tree t on t.account_id = p.account_id and t.ancestor_id = $1
join products r on r.id = p.product_id
join providers v on v.id = p.provider_id
where p.id = $2

-- name: read
select p.*, r.code as product_code, r.name as product_name, v.driver
from plans p
join products r on r.id = p.product_id
join providers v on v.id = p.provider_id
where p.id = $1

-- name: lock
select p.*, r.code as product_code, r.name as product_name, v.driver
from plans p
join products r on r.id = p.product_id
join providers v on v.id = p.provider_id
where p.id = $1
for update of p

-- name: list
select p.*, r.code as product_code, r.name as product_name, v.driver
from plans p
join account_tree t on t.account_id = p.account_id and t.ancestor_id = $1
join products r on r.id = p.product_id
join providers v on v.id = p.provider_id
where ($2::uuid is null or p.id < $2)
  and ($3::uuid is null or p.account_id = $3)
  and ($4::text[] is null or p.status = any($4))
  and ($5::text is null or r.code = $5)
  and ($6::text is null or strpos(lower(coalesce(p.customer_reference, '')), lower($6)) > 0 or strpos(coalesce(p.username, ''), lower($6)) > 0)
  and ($7::text is null or p.group_name = $7)
  and ($8::timestamptz is null or p.expires_at < $8)
order by p.id desc
limit $9

-- Months first, then days, in UTC: the same day of the month as far as the month has it.
-- name: activate
update plans p
set status = 'active', username = $2, password = $3, host = $4, http_port = $5, socks_port = $6, quota_bytes = $7, provider_reference = $8,
    starts_at = $9::timestamptz,
    expires_at = coalesce($12::timestamptz, ($9::timestamptz at time zone 'UTC' + make_interval(months => $10, days => $11)) at time zone 'UTC'),
    job_id = $13, updated_at = $9::timestamptz
from products r, providers v
where p.id = $1 and p.status = 'pending' and r.id = p.product_id and v.id = p.provider_id
returning p.*, r.code as product_code, r.name as product_name, v.driver

-- Time is added to the end of the plan, or to now when it has run out. With $4 periods are added; without, the plan gets the product's validity from now
-- on unless it has more.
-- name: extend
update plans p
set quantity = p.quantity + $2,
    quota_bytes = case when $3::bigint is null then p.quota_bytes else coalesce(p.quota_bytes, 0) + $3::bigint end,
    expires_at = coalesce(
        $6::timestamptz,
        case when $4::integer > 0
             then (greatest(p.expires_at, $7::timestamptz) at time zone 'UTC' + make_interval(months => $4::integer)) at time zone 'UTC'
             else greatest(p.expires_at, ($7::timestamptz at time zone 'UTC' + make_interval(days => $5)) at time zone 'UTC') end),
    status = case p.status when 'expired' then 'active' else p.status end,
    updated_at = $7::timestamptz
from products r, providers v
where p.id = $1 and p.status in ('active', 'suspended', 'expired') and r.id = p.product_id and v.id = p.provider_id
returning p.*, r.code as product_code, r.name as product_name, v.driver

-- What was bought, from the check that showed it.
-- name: terms
select c.purpose, c.quantity, c.period, c.price, r.family, r.included_bytes, r.validity_days, r.pricing ->> 'model' = 'perGB' as by_volume
from price_checks c join products r on r.id = c.product_id
where c.id = $1 and c.plan_id = $2

-- name: markOrderSent
update plans set ordered_at = coalesce(ordered_at, $2), updated_at = $2 where id = $1 and status = 'pending' returning id

-- name: markOrdered
update plans set provider_reference = $2, updated_at = $3
where id = $1 and status = 'pending' and (provider_reference is null or provider_reference = $2)
returning id

-- name: cancelPending
update plans p
set status = 'cancelled', cancelled_at = $2::timestamptz, cancel_reason = $3, updated_at = $2::timestamptz
from products r, providers v
where p.id = $1 and p.status = 'pending' and ($4 or p.ordered_at is null) and r.id = p.product_id and v.id = p.provider_id
returning p.*, r.code as product_code, r.name as product_name, v.driver

-- name: cancel
update plans p
set status = 'cancelled', cancelled_at = $2::timestamptz, cancel_reason = $3, updated_at = $2::timestamptz
from products r, providers v
where p.id = $1 and p.status in ('active', 'suspended') and r.id = p.product_id and v.id = p.provider_id
returning p.*, r.code as product_code, r.name as product_name, v.driver

-- An extension that is paid for and on its way.
-- name: hasOpenExtension
select 1 as open from wallet_holds where reference_id = $1 and reason = 'plan.extend' and state = 'held' limit 1

-- A plan that somebody else has locked (an extension about to commit) is left to the next sweep.
-- name: expireDue
update plans p
set status = 'expired', updated_at = $1::timestamptz
from products r, providers v
where p.id in (
        select d.id from plans d
        where d.status in ('active', 'suspended') and d.expires_at <= $1::timestamptz
        order by d.expires_at limit $2 for update skip locked)
  and r.id = p.product_id and v.id = p.provider_id
returning p.*, r.code as product_code, r.name as product_name, v.driver

-- name: edit
update plans p
set customer_reference = $2, group_name = $3, allowed_ips = $4::text[]::cidr[], updated_at = $5
from products r, providers v
where p.id = $1 and r.id = p.product_id and v.id = p.provider_id
returning p.*, r.code as product_code, r.name as product_name, v.driver

-- name: order
select p.id, p.account_id, p.status, p.quantity, p.period, p.price, p.currency, p.options, p.provider_id, p.provider_reference, p.ordered_at, r.code as product_code,
       r.provider_product, v.driver
from plans p
join products r on r.id = p.product_id
join providers v on v.id = p.provider_id
where p.id = $1

-- name: password
select password from plans where id = $1 and password is not null
