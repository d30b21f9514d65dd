"""The job that every contestant runs: what Millrace's bench.noop and bench.txn do.

A payload is 300 bytes. `noop` only records its completion, by one append of a byte to a file that the comparison watches;
`txn` first runs one PostgreSQL transaction: one of a thousand balances is updated, an entry inserted. `webhooks` is in webhook.py.
"""

import asyncio
import os
import threading

TABLES = """
drop table if exists bench_balance, bench_ledger;
create table bench_balance (id integer primary key, amount bigint not null) with (fillfactor = 50);
insert into bench_balance select n, 0 from generate_series(1, 1000) n;
create table bench_ledger (
    id bigint generated always as identity primary key, account integer not null, amount bigint not null, memo text,
    at timestamptz not null default now());
"""
PAYLOAD_BYTES = 300

_file = None
_thread = threading.local()
_pool = None


def payload(number):
    return f"{number * 7919 % 1000 + 1:04d}".ljust(PAYLOAD_BYTES, "x")


def account(text):
    return int(text[:4])


def done():
    global _file
    if _file is None:
        _file = os.open(os.environ["PEERS_DONE"], os.O_WRONLY | os.O_APPEND)
    os.write(_file, b".")


def transaction(text):
    """On a connection of this thread's own."""
    import psycopg

    connection = getattr(_thread, "connection", None)
    if connection is None:
        connection = _thread.connection = psycopg.connect(os.environ["PEERS_DATABASE"], autocommit=True)
    with connection.transaction():
        connection.execute("update bench_balance set amount = amount - 1 where id = %s", (account(text),))
        connection.execute("insert into bench_ledger (account, amount, memo) values (%s, -1, %s)", (account(text), text[:24]))


async def _connect():
    import asyncpg

    return await asyncpg.create_pool(os.environ["PEERS_DATABASE"], min_size=1, max_size=8)


async def async_transaction(text):
    """On a connection of a pool of eight; jobs that begin at once wait for the one pool."""
    global _pool
    if _pool is None:
        _pool = asyncio.ensure_future(_connect())
    pool = await _pool
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("update bench_balance set amount = amount - 1 where id = $1", account(text))
        await connection.execute("insert into bench_ledger (account, amount, memo) values ($1, -1, $2)", account(text), text[:24])
