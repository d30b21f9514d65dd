-- Providers that we buy from, and the log of requests to them.

-- name: findByName
select id from providers where name = $1

-- name: list
select id, name, driver, base_url, api_key is not null as has_api_key, on_loss, active, created_at from providers order by name

-- name: find
select id, name, driver, base_url, api_key is not null as has_api_key, on_loss, active, created_at from providers where id = $1

-- name: access
select id, name, base_url, api_key, on_loss, active from providers where id = $1 and driver <> 'native'

-- name: insert
insert into providers (id, name, driver, base_url, api_key, on_loss, active, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (name) do nothing
returning id

-- name: update
update providers
set base_url = coalesce($2, base_url), api_key = coalesce($3::bytea, api_key), on_loss = coalesce($4, on_loss), active = coalesce($5, active)
where id = $1
returning id

-- name: logRequest
insert into upstream_requests (id, provider_id, account_id, job_id, method, path, status, duration_us, success, error_code, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: listRequests
select u.id, u.provider_id, v.name as provider_name, u.account_id, u.job_id, u.method, u.path, u.status, u.duration_us, u.success, u.error_code,
       u.created_at
from upstream_requests u
join account_tree t on t.account_id = u.account_id and t.ancestor_id = $1
left join providers v on v.id = u.provider_id
where ($2::uuid is null or u.id < $2)
  and ($3::uuid is null or u.account_id = $3)
  and ($4::uuid is null or u.job_id = $4)
  and ($5::boolean is null or u.success = $5)
order by u.id desc
limit $6
