-- The people who log in. $1 is the caller's account wherever something is looked up.

-- name: insert
insert into users (id, account_id, username, email, name, password_hash, role, allowed_ips) values ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: list
select u.id, u.account_id, a.name as account_name, u.username, u.name, u.email, u.role, u.allowed_ips, u.active, u.last_login_at, u.created_at,
       u.updated_at
from account_tree t
join accounts a on a.id = t.account_id
join users u on u.account_id = t.account_id
where t.ancestor_id = $1 and a.archived_at is null
  and ($2::uuid is null or u.id < $2)
  and ($3::uuid is null or t.account_id = $3)
  and ($4::text is null or u.username like lower($4) or u.name ilike $4 or u.email ilike $4)
order by u.id desc
limit $5

-- name: get
select u.id, u.account_id, a.name as account_name, u.username, u.name, u.email, u.role, u.allowed_ips, u.active, u.last_login_at, u.created_at,
       u.updated_at
from users u
join accounts a on a.id = u.account_id
join account_tree t on t.account_id = u.account_id and t.ancestor_id = $1
where u.id = $2 and a.archived_at is null

-- name: lock
select a.type
from users u
join accounts a on a.id = u.account_id
join account_tree t on t.account_id = u.account_id and t.ancestor_id = $1
where u.id = $2 and a.archived_at is null
for no key update of u

-- name: update
update users set name = $2, email = $3, role = $4, allowed_ips = coalesce($5, allowed_ips), active = $6, updated_at = $7 where id = $1

-- name: setPassword
update users set password_hash = $2, updated_at = $3 where id = $1

-- Only if nobody has changed it since it was verified.
-- name: replacePassword
update users set password_hash = $3, updated_at = $4 where id = $1 and password_hash = $2

-- name: standing
select active, groups from account_standing where account_id = $1

-- name: lockSuperAdmins
select id from users where role = 'super_admin' and active order by id for no key update

-- name: name
select username from users where id = $1
