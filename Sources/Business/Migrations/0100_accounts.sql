-- Accounts in a tree, the people who log in, their rights, keys and sessions.

create table permission_groups (
    id uuid primary key,
    account_id uuid not null,            -- the account that owns and may edit the group
    name text not null check (length(name) between 1 and 100),
    permissions text[] not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint permission_groups_name unique (account_id, name)
);

create table accounts (
    id uuid primary key,
    parent_id uuid references accounts,
    type text not null check (type in ('operator', 'reseller', 'customer', 'partner')),
    name text not null check (length(name) between 1 and 200),
    email text,
    phone text,
    permission_group_id uuid references permission_groups, -- owned by an ancestor; null: all that the role has
    allowed_ips cidr[] not null default '{}', -- where its users may log in from; empty: anywhere
    active boolean not null default true,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    archived_at timestamptz,             -- deleted, as far as people see; what has money or history never goes away
    check (archived_at is null or not active),
    check ((type = 'operator') = (parent_id is null))
);

create unique index accounts_one_operator on accounts ((true)) where type = 'operator';
create index accounts_parent on accounts (parent_id, id);
create index accounts_group on accounts (permission_group_id) where permission_group_id is not null;
alter table permission_groups add foreign key (account_id) references accounts deferrable initially deferred;

-- The tree, closed: a row for every account and each of its ancestors, itself included (depth 0). Every query about owned things joins it on
-- (ancestor_id = the caller's account, account_id = the owner): that is the one place of subtree scoping.
create table account_tree (
    ancestor_id uuid not null references accounts on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    depth smallint not null,
    primary key (ancestor_id, account_id) include (depth) -- with the depth, so that a subtree is walked in order, a page at a time, in the index alone
);

create index account_tree_upwards on account_tree (account_id, depth) include (ancestor_id);

create function grow_account_tree() returns trigger language plpgsql as $$
begin
    insert into account_tree (ancestor_id, account_id, depth)
    select t.ancestor_id, new.id, t.depth + 1 from account_tree t where t.account_id = new.parent_id
    union all select new.id, new.id, 0;
    return null;
end $$;

create trigger accounts_grow_tree after insert on accounts for each row execute function grow_account_tree();

-- How an account stands: whether it and every ancestor are active, and the permission groups of all of them, each as words with spaces between.
-- Rights and deactivation are inherited, so everything that lets somebody in reads this view. Lateral, so that it costs the depth of one account.
create view account_standing as
select a.id as account_id, chain.active, chain.groups
from accounts a
cross join lateral (
    select bool_and(b.active) as active, array_agg(array_to_string(g.permissions, ' ')) filter (where g.id is not null) as groups
    from account_tree t
    join accounts b on b.id = t.ancestor_id
    left join permission_groups g on g.id = b.permission_group_id
    where t.account_id = a.id
) chain;

create table users (
    id uuid primary key,
    account_id uuid not null references accounts,
    username text not null check (username ~ '^[a-z0-9][a-z0-9._@+-]{1,99}$'),
    email text,
    name text not null default '',
    password_hash text not null,
    role text not null check (role in ('super_admin', 'manager', 'support', 'analyst', 'reseller', 'customer', 'partner')),
    allowed_ips cidr[] not null default '{}',
    active boolean not null default true,
    last_login_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create unique index users_username on users (username);
create index users_account on users (account_id, id);

create table api_keys (
    id uuid primary key,
    user_id uuid not null references users,
    account_id uuid not null references accounts,
    name text not null check (length(name) between 1 and 100),
    prefix text not null,                -- for display: mr_live_ab12cd34
    hash bytea not null,                 -- SHA-256 of the whole key; the key itself is shown once and never stored
    permissions text[],                  -- null: all that the user has
    allowed_ips cidr[] not null default '{}' check (cardinality(allowed_ips) <= 50),
    active boolean not null default true,
    expires_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz not null default now(),
    deleted_at timestamptz
);

create unique index api_keys_hash on api_keys (hash);
create index api_keys_user on api_keys (user_id) where deleted_at is null;

create table sessions (
    id uuid primary key,
    user_id uuid not null references users,
    actor_id uuid not null references users, -- differs from user_id while somebody impersonates
    kind text not null check (kind in ('cookie', 'token', 'key')),
    token_hash bytea,                    -- of the cookie; a JWT carries the session's id instead
    api_key_id uuid references api_keys, -- a dashboard session opened with an API key ends with the key
    ip inet,
    user_agent text,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz
);

create unique index sessions_token on sessions (token_hash) where token_hash is not null;
create index sessions_user on sessions (user_id, id);
create index sessions_actor on sessions (actor_id) where actor_id <> user_id;
create index sessions_expiry on sessions (expires_at);
create index sessions_key on sessions (api_key_id) where api_key_id is not null;

-- Append-only: no update, no delete but by retention, which the table's owner alone can do.
create table audit_log (
    id uuid primary key,
    account_id uuid not null,            -- whose thing it is: scoping joins the tree on it
    actor_id uuid,
    subject_id uuid,
    api_key_id uuid,
    action text not null,
    resource_type text not null,
    resource_id uuid,
    before json,
    after json,
    metadata json,
    ip inet,
    user_agent text,
    request_id uuid,
    job_id uuid,
    created_at timestamptz not null default now()
);

create index audit_log_account on audit_log (account_id, id desc);
create index audit_log_resource on audit_log (resource_id, id desc);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the table % is append-only', tg_table_name using errcode = '42501';
end $$;

create trigger audit_log_append_only before update or delete on audit_log for each row execute function refuse_change();
