-- Logins and sessions.

-- name: candidate
select id, password_hash from users where username = $1

-- name: candidateByID
select id, password_hash from users where id = $1

-- name: accountOf
select account_id, role from users where id = $1

-- Holds off a deactivation of any account of the chain until we commit; from the root down, as everybody who locks several accounts.
-- name: lockChain
select a.id
from users u
join account_tree t on t.account_id = u.account_id
join accounts a on a.id = t.ancestor_id
where u.id = $1
order by t.depth desc
for share of a

-- Whether the user may log in from the address $2: every list of the chain that is not empty must hold it, the user's own too.
-- name: standing
select u.account_id, u.role, u.active and st.active as active, st.groups,
       (cardinality(u.allowed_ips) = 0 or coalesce($2::text::inet <<= any (u.allowed_ips), false))
       and not exists (
           select from account_tree t join accounts a on a.id = t.ancestor_id
           where t.account_id = u.account_id and cardinality(a.allowed_ips) > 0 and not coalesce($2::text::inet <<= any (a.allowed_ips), false)
       ) as address_allowed
from users u join account_standing st on st.account_id = u.account_id
where u.id = $1

-- name: noteLogin
update users set last_login_at = $4, password_hash = $3 where id = $1 and password_hash = $2 and active

-- name: noteKeyLogin
update users set last_login_at = $2 where id = $1 and active

-- name: insert
insert into sessions (id, user_id, actor_id, kind, token_hash, api_key_id, ip, user_agent, created_at, last_seen_at, expires_at)
values ($1, $2, $2, $3, $4, $5, $6::text::inet, $7, $8, $8, $9)
returning id, user_id, kind, api_key_id, host(ip) as ip, user_agent, created_at, last_seen_at, expires_at

-- Somebody who impersonates is looked at too: the actor must still be active, with all accounts above it.
-- part: session
select s.id as session_id, s.user_id, s.actor_id, s.kind, s.api_key_id, s.created_at, s.expires_at, s.revoked_at is not null as revoked, s.last_seen_at,
       u.account_id, u.role, u.active and st.active as active, st.groups,
       s.actor_id = s.user_id or exists (
           select from users v join account_standing w on w.account_id = v.account_id where v.id = s.actor_id and v.active and w.active
       ) as actor_active,
       k.active and k.deleted_at is null as key_active, k.expires_at as key_expires_at, k.permissions as key_permissions,
       cardinality(k.allowed_ips) = 0 or coalesce($2::text::inet <<= any (k.allowed_ips), false) as key_address_allowed
from sessions s
join users u on u.id = s.user_id
join account_standing st on st.account_id = u.account_id
left join api_keys k on k.id = s.api_key_id

-- name: byCookie
-- with: session
where s.token_hash = $1

-- name: byToken
-- with: session
where s.id = $1 and s.user_id = $3 and s.kind = 'token'

-- At most once a minute, and never waiting: of requests that come together one moves it, the others skip the locked row.
-- name: touch
update sessions set last_seen_at = $2, expires_at = $4
where id = (select s.id from sessions s where s.id = $1 and s.last_seen_at <= $3 and s.revoked_at is null for no key update skip locked)

-- name: list
select id, user_id, kind, api_key_id, host(ip) as ip, user_agent, created_at, last_seen_at, expires_at
from sessions
where user_id = $1 and revoked_at is null and expires_at > $3 and ($2::uuid is null or id < $2)
order by id desc
limit $4

-- name: get
select id, user_id, kind, api_key_id, host(ip) as ip, user_agent, created_at, last_seen_at, expires_at
from sessions
where id = $1 and user_id = $2

-- name: revoke
update sessions set revoked_at = $3 where id = $1 and user_id = $2 and revoked_at is null and expires_at > $3

-- All sessions as which a user acts or is acted for, but for the one that asks.
-- name: revokeUser
update sessions set revoked_at = $3
where (user_id = $1 or (actor_id = $1 and actor_id <> user_id)) and revoked_at is null and expires_at > $3 and ($2::uuid is null or id <> $2)

-- name: revokeSubtree
with users_below as materialized (
    select u.id from account_tree t join users u on u.account_id = t.account_id where t.ancestor_id = $1
)
update sessions set revoked_at = $2
where id in (
          select s.id from users_below b join sessions s on s.user_id = b.id
          union all
          select s.id from users_below b join sessions s on s.actor_id = b.id and s.actor_id <> s.user_id
      )
  and revoked_at is null and expires_at > $2

-- name: revokeKey
update sessions set revoked_at = $2 where api_key_id = $1 and revoked_at is null and expires_at > $2

-- name: sweep
delete from sessions
where id in (select id from sessions where expires_at < $1 or revoked_at < $1 order by id limit 1000 for update skip locked)
