-- Providers, products with their price rules, price checks, plans.

-- An upstream that we buy from. `native` provisions here and has no row's secrets; `reseller-api` speaks the reseller API over HTTP.
create table providers (
    id uuid primary key,
    name text not null unique,
    driver text not null check (driver in ('native', 'reseller-api')),
    base_url text,
    api_key bytea,                       -- sealed (AES-256-GCM): we must present it
    on_loss text not null default 'refuse' check (on_loss in ('refuse', 'warn')), -- an order that would cost more than our customer pays
    active boolean not null default true,
    created_at timestamptz not null default now(),
    check (driver = 'native' or base_url is not null)
);

insert into providers (id, name, driver) values (gen_random_uuid(), 'native', 'native');

create table products (
    id uuid primary key,
    code text not null unique check (code ~ '^[a-z0-9][a-z0-9-]{1,59}$'),
    name text not null,
    family text not null check (family in ('proxy', 'access', 'credits')),
    proxy_type text check (proxy_type in ('residential', 'residential-lite', 'datacenter', 'ipv6', 'isp', 'mobile')),
    provider_id uuid not null references providers,
    provider_product text,               -- the upstream's code of it
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    -- {"model": "perGB", "unitPrice": "1.40", "tiers": [{"from": 100, "unitPrice": "1.20"}]} | {"model": "perPeriod", "month": "10", "year": "100"}
    -- | {"model": "perUnit", "unitPrice": "0.05"}
    pricing json not null,
    included_bytes bigint check (included_bytes >= 0), -- perPeriod: for each month; else: on top of what is bought
    limits json not null default '{}',   -- {"connections": 200, "requestsPerDay": 50000}
    features json not null default '{}',
    countries text[] not null default '{}',
    stock integer check (stock >= 0),    -- null: unlimited
    minimum_quantity integer not null default 1 check (minimum_quantity > 0),
    maximum_quantity integer not null default 1000 check (maximum_quantity >= minimum_quantity),
    validity_days integer not null default 30 check (validity_days between 1 and 3660),
    active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- A reseller's own price of a product, for itself and everybody below it, unless one nearer has another.
create table price_overrides (
    product_id uuid not null references products,
    account_id uuid not null references accounts,
    pricing json not null,               -- a price rule as in products, or {"model": "percent", "percent": "85"} of the product's own
    primary key (product_id, account_id)
);

-- What was shown: a purchase names it and uses it up, so nobody is charged another price than was shown, nor twice on one check.
create table price_checks (
    id uuid primary key,
    account_id uuid not null references accounts,
    purpose text not null check (purpose in ('purchase', 'extension')),
    product_id uuid not null references products,
    plan_id uuid,                        -- of an extension the plan; of a purchase the plan that it was used for
    quantity integer not null check (quantity > 0),
    period text check (period in ('month', 'year')),
    options json not null default '{}',
    currency text not null,
    price numeric(18,6) not null check (price >= 0),
    parts json not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    job_id uuid
);

create index price_checks_expiry on price_checks (expires_at);

create table plans (
    id uuid primary key,
    account_id uuid not null references accounts,
    product_id uuid not null references products,
    provider_id uuid not null references providers,
    status text not null check (status in ('pending', 'active', 'suspended', 'expired', 'cancelled')),
    quantity integer not null,
    period text check (period in ('month', 'year')),
    username text unique,
    password bytea,                      -- sealed
    host text,
    http_port integer,
    socks_port integer,
    quota_bytes bigint,
    used_bytes bigint not null default 0,
    price numeric(18,6) not null,
    currency text not null,
    provider_reference text,             -- the upstream's plan id
    customer_reference text,
    group_name text,
    allowed_ips cidr[] not null default '{}',
    options json not null default '{}',
    starts_at timestamptz,
    expires_at timestamptz,
    cancelled_at timestamptz,
    cancel_reason text,
    hold_id uuid,                        -- the money held for its purchase
    ordered_at timestamptz,              -- when its order went to the upstream: from then on it cannot be cancelled before it is active
    job_id uuid,                         -- the job that provisions it
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index plans_account on plans (account_id, id desc);
create index plans_expiring on plans (expires_at) where status in ('active', 'suspended');
create index plans_group on plans (account_id, group_name) where group_name is not null;
create index plans_reference on plans (account_id, customer_reference) where customer_reference is not null;
