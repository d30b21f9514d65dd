-- Wallets, entries, holds. Amounts are numeric(18,6): millionths of the currency's unit, never floating point.

create table wallets (
    id uuid primary key,
    account_id uuid not null references accounts,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    balance numeric(18,6) not null default 0,
    held numeric(18,6) not null default 0 check (held >= 0),
    credit_limit numeric(18,6) not null default 0 check (credit_limit >= 0),
    low_balance numeric(18,6),           -- balance.low is sent when the available money falls below it
    low_since timestamptz,               -- set while it is below, so that the event is sent once per fall
    entries bigint not null default 0,   -- how many entries it has: the number of the last one
    created_at timestamptz not null default now(),
    unique (account_id, currency),
    constraint wallets_not_overdrawn check (balance - held >= -credit_limit)
) with (fillfactor = 80);

create table wallet_entries (
    id uuid primary key,
    wallet_id uuid not null references wallets,
    account_id uuid not null,
    number bigint not null,              -- counts the wallet's entries without a gap, in the order in which the balance moved
    type text not null check (type in (
        'purchase', 'extension', 'new', 'renewal', 'change_service', 'static_ip', 'addon', 'refill', 'data_topup', 'prepaid_card',
        'subscriber_topup', 'subscriber_purchase', 'reset_fup', 'rename', 'transfer', 'withdraw', 'refund', 'topup', 'usage', 'bonus', 'payout')),
    amount numeric(18,6) not null check (amount <> 0),
    balance_after numeric(18,6) not null,
    reference_type text,                 -- plan; wallet_entry: of a refund what it undoes, of a transfer the other side
    reference_id uuid,
    note text,
    actor_id uuid,
    job_id uuid,
    idempotency_key text,                -- names the effect: the same key never moves money twice
    created_at timestamptz not null default now()
);

create unique index wallet_entries_key on wallet_entries (wallet_id, idempotency_key) where idempotency_key is not null;
create unique index wallet_entries_number on wallet_entries (wallet_id, number);
create index wallet_entries_account on wallet_entries (account_id, id desc);
create index wallet_entries_reference on wallet_entries (reference_id) where reference_id is not null;
create trigger wallet_entries_append_only before update or delete on wallet_entries for each row execute function refuse_change();

create table wallet_holds (
    id uuid primary key,
    wallet_id uuid not null references wallets,
    account_id uuid not null,
    amount numeric(18,6) not null check (amount >= 0),
    reason text not null,
    state text not null default 'held' check (state in ('held', 'captured', 'released')),
    reference_type text,
    reference_id uuid,
    job_id uuid,
    entry_id uuid references wallet_entries,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    check ((state = 'held') = (ended_at is null))
);

create index wallet_holds_open on wallet_holds (wallet_id) where state = 'held';
create index wallet_holds_job on wallet_holds (job_id) where state = 'held';
create index wallet_holds_reference on wallet_holds (reference_id) where state = 'held';
