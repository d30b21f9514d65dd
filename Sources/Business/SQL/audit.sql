-- The audit log: written in the transaction of what it tells of.

-- name: insert
insert into audit_log (id, account_id, actor_id, subject_id, api_key_id, action, resource_type, resource_id, before, after, metadata, ip, user_agent,
                       request_id, job_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::text::inet, $13, $14, $15)

-- name: list
select a.id, a.account_id, a.actor_id, a.subject_id, a.api_key_id, a.action, a.resource_type, a.resource_id, a.before, a.after, a.metadata,
       host(a.ip) as ip, a.user_agent, a.request_id, a.job_id, a.created_at, u.username as actor_name
from audit_log a
join account_tree t on t.account_id = a.account_id and t.ancestor_id = $1
left join users u on u.id = a.actor_id
where ($2::uuid is null or a.id < $2)
  and ($3::text is null or a.action = $3 or a.action like $3 || '.%')
  and ($4::text is null or a.resource_type = $4)
  and ($5::uuid is null or a.resource_id = $5)
  and ($6::uuid is null or a.actor_id = $6)
  and ($7::timestamptz is null or a.created_at >= $7)
  and ($8::timestamptz is null or a.created_at < $8)
order by a.id desc
limit $9
