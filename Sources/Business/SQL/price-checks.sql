-- Price checks: what was shown, for some minutes, to be used up once.

-- name: insert
insert into price_checks (id, account_id, purpose, product_id, plan_id, quantity, period, options, currency, price, parts, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)

-- Uses the check up. No row: it is not there, not the caller's, of the other purpose, used or expired; `find` tells which.
-- name: consume
update price_checks c
set used_at = $4::timestamptz, job_id = $5, plan_id = coalesce(c.plan_id, $6::uuid)
from account_tree t
where c.id = $2 and t.account_id = c.account_id and t.ancestor_id = $1 and c.purpose = $3 and c.used_at is null and c.expires_at > $4::timestamptz
returning c.id, c.account_id, c.purpose, c.product_id, c.plan_id, c.quantity, c.period, c.options, c.currency, c.price, c.parts, c.created_at,
          c.expires_at, c.used_at

-- name: find
select c.id, c.account_id, c.purpose, c.product_id, c.plan_id, c.quantity, c.period, c.options, c.currency, c.price, c.parts, c.created_at, c.expires_at,
       c.used_at
from price_checks c join account_tree t on t.account_id = c.account_id and t.ancestor_id = $1
where c.id = $2

-- name: read
select id, account_id, purpose, product_id, plan_id, quantity, period, options, currency, price, parts, created_at, expires_at, used_at
from price_checks where id = $1
