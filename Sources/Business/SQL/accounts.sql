-- The tree of accounts. $1 is the caller's account wherever something is looked up.

-- Keeps the parent from being archived until we commit, and no more than that.
-- name: lockParent
select a.type, a.currency
from account_tree t join accounts a on a.id = t.account_id
where t.ancestor_id = $1 and t.account_id = $2 and a.archived_at is null
for key share of a

-- name: insert
insert into accounts (id, parent_id, type, name, email, phone, permission_group_id, allowed_ips, currency)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: insertOperator
insert into accounts (id, type, name, currency) values ($1, 'operator', $2, $3)
on conflict ((true)) where type = 'operator' do nothing
returning id

-- name: findOperator
select id from accounts where type = 'operator'

-- First the page, by walking the subtree's index backwards until it is full; then, for its rows alone, everything that costs.
-- name: list
with page as materialized (
    select t.account_id, t.depth
    from account_tree t
    join accounts a on a.id = t.account_id
    where t.ancestor_id = $1 and t.depth > 0 and a.archived_at is null
      and t.account_id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      and ($3::text is null or a.type = $3)
      and ($4::uuid is null or a.parent_id = $4)
      and ($5::boolean is null or a.active = $5)
      and ($6::text is null or a.name ilike $6 or a.email ilike $6
           or exists (select from users u where u.account_id = a.id and u.username like lower($6)))
    order by t.account_id desc
    limit $7
)
select a.id, a.parent_id, p.name as parent_name, a.type, a.name, a.email, a.phone,
       g.id as permission_group_id, g.name as permission_group_name, a.allowed_ips, a.active, st.active as reachable, a.currency,
       w.balance, w.held,
       (select count(*) from users u where u.account_id = a.id) as user_count,
       (select count(*) from plans q where q.account_id = a.id and q.status in ('pending', 'active', 'suspended')) as plan_count,
       (select count(*) from accounts c where c.parent_id = a.id and c.archived_at is null) as child_count,
       page.depth, a.created_at, a.updated_at
from page
join accounts a on a.id = page.account_id
join account_standing st on st.account_id = page.account_id
join accounts p on p.id = a.parent_id
left join wallets w on w.account_id = a.id and w.currency = a.currency
left join permission_groups g on g.id = a.permission_group_id
    and exists (select from account_tree s where s.account_id = g.account_id and s.ancestor_id = $1)
order by a.id desc

-- What is above the caller's own account is not shown to it.
-- name: get
select a.id, p.id as parent_id, p.name as parent_name, a.type, a.name, a.email, a.phone,
       g.id as permission_group_id, g.name as permission_group_name, a.allowed_ips, a.active, st.active as reachable, a.currency,
       w.balance, w.held,
       (select count(*) from users u where u.account_id = a.id) as user_count,
       (select count(*) from plans q where q.account_id = a.id and q.status in ('pending', 'active', 'suspended')) as plan_count,
       (select count(*) from accounts c where c.parent_id = a.id and c.archived_at is null) as child_count,
       t.depth, a.created_at, a.updated_at
from account_tree t
join accounts a on a.id = t.account_id
join account_standing st on st.account_id = a.id
left join accounts p on p.id = a.parent_id and t.depth > 0
left join wallets w on w.account_id = a.id and w.currency = a.currency
left join permission_groups g on g.id = a.permission_group_id
    and exists (select from account_tree s where s.account_id = g.account_id and s.ancestor_id = $1)
where t.ancestor_id = $1 and t.account_id = $2 and a.archived_at is null

-- name: lock
select a.id
from account_tree t join accounts a on a.id = t.account_id
where t.ancestor_id = $1 and t.account_id = $2 and a.archived_at is null
for no key update of a

-- name: lockToDelete
select a.id
from account_tree t join accounts a on a.id = t.account_id
where t.ancestor_id = $1 and t.account_id = $2 and a.archived_at is null
for update of a

-- name: update
update accounts
set name = $2, email = $3, phone = $4, allowed_ips = coalesce($5, allowed_ips),
    permission_group_id = case when $6::boolean then $7 else permission_group_id end, active = $8, updated_at = $9
where id = $1

-- name: remains
select exists (select from accounts c where c.parent_id = $1 and c.archived_at is null) as has_children,
       exists (select from plans q where q.account_id = $1 and q.status in ('pending', 'active', 'suspended')) as has_plans,
       exists (select from wallets w where w.account_id = $1 and (w.balance <> 0 or w.held <> 0)) as has_balance

-- name: archive
update accounts set active = false, permission_group_id = null, archived_at = $2, updated_at = $2 where id = $1
