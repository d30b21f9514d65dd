-- Permission groups. $1 is the caller's account wherever something is looked up.

-- name: insert
insert into permission_groups (id, account_id, name, permissions) values ($1, $2, $3, $4)

-- name: list
select g.id, g.account_id, g.name, g.permissions, g.created_at, g.updated_at,
       (select count(*) from accounts a where a.permission_group_id = g.id and a.archived_at is null) as account_count
from account_tree t join permission_groups g on g.account_id = t.account_id
where t.ancestor_id = $1 and ($2::uuid is null or g.id = $2) and ($3::uuid is null or g.id < $3) and ($4::uuid is null or g.account_id = $4)
order by g.id desc
limit $5

-- name: lock
select g.id
from account_tree t join permission_groups g on g.account_id = t.account_id
where t.ancestor_id = $1 and g.id = $2
for update of g

-- Whether the account $3 may have the group: depth is how far above it the group's owner is, null when the owner is not above it at all.
-- name: lockForUse
select (select s.depth from account_tree s where s.account_id = $3 and s.ancestor_id = g.account_id) as depth
from account_tree t join permission_groups g on g.account_id = t.account_id
where t.ancestor_id = $1 and g.id = $2
for key share of g

-- name: update
update permission_groups set name = $2, permissions = $3, updated_at = $4 where id = $1

-- name: isUsed
select exists (select from accounts where permission_group_id = $1) as used

-- name: delete
delete from permission_groups where id = $1
