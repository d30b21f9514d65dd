-- Our API keys. $1 is the caller's account wherever something is looked up.

-- Whoever makes a key holds this until they commit.
-- name: lockOwner
select id from users where id = $1 for no key update

-- A statement of its own, after the lock: in one with it, the count would still see what was there before the wait.
-- name: count
select count(*) as key_count from api_keys where user_id = $1 and deleted_at is null

-- name: insert
insert into api_keys (id, user_id, account_id, name, prefix, hash, permissions, allowed_ips, expires_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: list
select k.id, k.user_id, k.account_id, u.username, k.name, k.prefix, k.permissions, k.allowed_ips, k.active, k.expires_at, k.last_used_at, k.created_at
from api_keys k
join users u on u.id = k.user_id
join account_tree t on t.account_id = k.account_id and t.ancestor_id = $1
where k.deleted_at is null and ($2::uuid is null or k.id = $2) and ($3::uuid is null or k.user_id = $3)
order by k.id desc

-- name: lock
select k.id
from api_keys k
join account_tree t on t.account_id = k.account_id and t.ancestor_id = $1
where k.id = $2 and k.deleted_at is null
for no key update of k

-- Keeps a key from being deleted or switched off until we commit.
-- name: lockLiving
select id from api_keys where id = $1 and active and deleted_at is null and (expires_at is null or expires_at > $2) for share

-- name: update
update api_keys set name = $2, active = $3, allowed_ips = coalesce($4, allowed_ips), expires_at = $5 where id = $1

-- name: delete
update api_keys set deleted_at = $2, active = false where id = $1

-- name: deleteOfAccount
update api_keys set deleted_at = $2, active = false where account_id = $1 and deleted_at is null

-- name: byHash
select k.id as api_key_id, k.user_id, k.active and k.deleted_at is null as key_active, k.expires_at as key_expires_at,
       u.account_id, u.role, u.active and st.active as active, st.groups, k.permissions as key_permissions,
       cardinality(k.allowed_ips) = 0 or coalesce($2::text::inet <<= any (k.allowed_ips), false) as key_address_allowed, k.last_used_at
from api_keys k
join users u on u.id = k.user_id
join account_standing st on st.account_id = u.account_id
where k.hash = $1

-- At most once a minute, and never waiting.
-- name: touch
update api_keys set last_used_at = $2
where id = (
    select k.id from api_keys k where k.id = $1 and (k.last_used_at is null or k.last_used_at <= $3) and k.deleted_at is null
    for no key update skip locked
)
