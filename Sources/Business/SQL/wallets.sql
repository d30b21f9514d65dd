-- Wallets, their entries and holds. Every statement that moves money locks the wallet's row first, then the hold's; a balance and the entry that
-- explains it change in one statement, so neither can be seen or left without the other. What would overdraw the wallet moves nothing and
-- returns no row; the constraint wallets_not_overdrawn stands behind it.

-- name: open
insert into wallets (id, account_id, currency, created_at) values ($1, $2, $3, $4) on conflict (account_id, currency) do nothing

-- The wallet in the account's own currency unless another is asked for.
-- name: find
select w.id, w.account_id, w.currency, w.balance, w.held, w.credit_limit, w.low_balance, w.low_since, w.created_at
from wallets w
join account_tree t on t.account_id = w.account_id and t.ancestor_id = $1
join accounts a on a.id = w.account_id
where w.account_id = $2 and w.currency = coalesce($3::text, a.currency)

-- name: read
select w.id, w.account_id, w.currency, w.balance, w.held, w.credit_limit, w.low_balance, w.low_since, w.created_at
from wallets w
join accounts a on a.id = w.account_id
where w.account_id = $1 and w.currency = coalesce($2::text, a.currency)

-- In the order of the accounts, as batches of jobs are: two transactions that need the same wallets cannot wait for each other.
-- name: lock
select id, account_id, currency, balance, held, credit_limit, low_balance, low_since, created_at
from wallets where id = any($1::uuid[]) order by account_id, id for update

-- name: lockOfHold
select w.id from wallets w where w.id = (select h.wallet_id from wallet_holds h where h.id = $1) for update

-- name: move
with locked as materialized (
    select id, low_since from wallets where id = $1 for update
), moved as (
    update wallets w
    set balance = w.balance + $2::numeric,
        entries = w.entries + 1,
        low_since = case when w.balance + $2::numeric - w.held + w.credit_limit < w.low_balance then coalesce(w.low_since, $11::timestamptz) end
    from locked
    where w.id = locked.id and w.balance + $2::numeric - w.held >= -w.credit_limit
    returning w.id, w.account_id, w.currency, w.balance, w.held, w.credit_limit, w.low_balance, w.low_since, w.created_at, w.entries,
              locked.low_since is null and w.low_since is not null as fell
), entry as (
    insert into wallet_entries (id, wallet_id, account_id, number, type, amount, balance_after, reference_type, reference_id, note, actor_id, job_id,
                                idempotency_key, created_at)
    select $3, id, account_id, entries, $4, $2::numeric, balance, $5, $6, $7, $8, $9, $10, $11::timestamptz from moved
)
select id, account_id, currency, balance, held, credit_limit, low_balance, low_since, created_at, entries, fell from moved

-- name: entryByKey
select e.id, e.wallet_id, e.account_id, e.number, e.type, e.amount, e.balance_after, e.reference_type, e.reference_id, e.note, e.actor_id, e.job_id,
       e.created_at, w.currency
from wallet_entries e join wallets w on w.id = e.wallet_id
where e.wallet_id = $1 and e.idempotency_key = $2

-- name: entry
select e.id, e.wallet_id, e.account_id, e.number, e.type, e.amount, e.balance_after, e.reference_type, e.reference_id, e.note, e.actor_id, e.job_id,
       e.created_at, w.currency
from wallet_entries e
join wallets w on w.id = e.wallet_id
join account_tree t on t.account_id = e.account_id and t.ancestor_id = $1
where e.id = $2

-- name: refunded
select coalesce(sum(amount), 0) as amount from wallet_entries where wallet_id = $1 and reference_id = $2 and type = 'refund'

-- Entries of the subtree: account, types, from, before; each may be null.
-- part: entriesAsked
from wallet_entries e
join account_tree t on t.account_id = e.account_id and t.ancestor_id = $1
join wallets w on w.id = e.wallet_id
where ($2::uuid is null or e.account_id = $2)
  and ($3::text[] is null or e.type = any($3))
  and ($4::timestamptz is null or e.created_at >= $4)
  and ($5::timestamptz is null or e.created_at < $5)

-- name: listEntries
select e.id, e.wallet_id, e.account_id, e.number, e.type, e.amount, e.balance_after, e.reference_type, e.reference_id, e.note, e.actor_id, e.job_id,
       e.created_at, w.currency
-- with: entriesAsked
  and ($6::uuid is null or e.id < $6)
order by e.id desc
limit $7

-- name: entryTotals
select w.currency, count(*) as count,
       coalesce(sum(e.amount) filter (where e.amount > 0), 0) as credits,
       coalesce(-sum(e.amount) filter (where e.amount < 0), 0) as debits,
       coalesce(-sum(e.amount) filter (where e.type <> all($6::text[])), 0) as income
-- with: entriesAsked
group by w.currency
order by w.currency

-- name: hold
with locked as materialized (
    select id, low_since from wallets where account_id = $2 and currency = $3 for update
), moved as (
    update wallets w
    set held = w.held + $4::numeric,
        low_since = case when w.balance - w.held - $4::numeric + w.credit_limit < w.low_balance then coalesce(w.low_since, $9::timestamptz) end
    from locked
    where w.id = locked.id and w.balance - w.held - $4::numeric >= -w.credit_limit
    returning w.id, w.account_id, w.currency, w.balance, w.held, w.credit_limit, w.low_balance, w.low_since, w.created_at,
              locked.low_since is null and w.low_since is not null as fell
), made as (
    insert into wallet_holds (id, wallet_id, account_id, amount, reason, reference_type, reference_id, job_id, created_at)
    select $1, id, account_id, $4::numeric, $5, $6, $7, $8, $9::timestamptz from moved
)
select id, account_id, currency, balance, held, credit_limit, low_balance, low_since, created_at, fell from moved

-- What is available does not change: the hold had taken it already. A hold of nothing is captured without an entry. The reference must be the hold's:
-- the money that was held for one thing never pays for another.
-- name: capture
with locked as materialized (
    select w.id from wallets w where w.id = (select h.wallet_id from wallet_holds h where h.id = $1) for update
), ended as (
    update wallet_holds h
    set state = 'captured', ended_at = $9::timestamptz, entry_id = case when h.amount > 0 then $2::uuid end
    from locked
    where h.id = $1 and h.wallet_id = locked.id and h.state = 'held' and h.reference_type = $4 and h.reference_id = $5
    returning h.wallet_id, h.amount
), moved as (
    update wallets w
    set balance = w.balance - ended.amount, held = w.held - ended.amount, entries = w.entries + case when ended.amount > 0 then 1 else 0 end
    from ended
    where w.id = ended.wallet_id
    returning w.id, w.account_id, w.balance, w.entries, ended.amount
), entry as (
    insert into wallet_entries (id, wallet_id, account_id, number, type, amount, balance_after, reference_type, reference_id, note, actor_id, job_id,
                                created_at)
    select $2::uuid, id, account_id, entries, $3, -amount, balance, $4, $5, $6, $7, $8, $9::timestamptz from moved where amount > 0
)
select id from moved

-- name: release
with locked as materialized (
    select w.id from wallets w where w.id = (select h.wallet_id from wallet_holds h where h.id = $1) for update
), ended as (
    update wallet_holds h
    set state = 'released', ended_at = $2::timestamptz
    from locked
    where h.id = $1 and h.wallet_id = locked.id and h.state = 'held' and h.reference_type = $3 and h.reference_id = $4
    returning h.wallet_id, h.amount
)
update wallets w
set held = w.held - ended.amount,
    low_since = case when w.balance - w.held + ended.amount + w.credit_limit < w.low_balance then coalesce(w.low_since, $2::timestamptz) end
from ended
where w.id = ended.wallet_id
returning w.id

-- name: findHold
select h.id, h.wallet_id, h.account_id, h.amount, h.reason, h.state, h.reference_type, h.reference_id, h.job_id, h.entry_id, h.created_at, h.ended_at,
       w.currency
from wallet_holds h join wallets w on w.id = h.wallet_id
where h.id = $1

-- name: setLimits
update wallets w
set credit_limit = $2, low_balance = $3,
    low_since = case when w.balance - w.held + $2 < $3 then coalesce(w.low_since, $4::timestamptz) end
where id = $1 and w.balance - w.held >= -$2::numeric
returning w.id, w.account_id, w.currency, w.balance, w.held, w.credit_limit, w.low_balance, w.low_since, w.created_at

-- Whether an account lies strictly below another.
-- name: isBelow
select 1 as below from account_tree where ancestor_id = $1 and account_id = $2 and depth > 0

-- Whether the caller may know of the account at all.
-- name: isVisible
select a.currency from accounts a join account_tree t on t.account_id = a.id and t.ancestor_id = $1 where a.id = $2

-- name: isEntryOf
select 1 as found from wallet_entries where id = $1 and wallet_id = $2
