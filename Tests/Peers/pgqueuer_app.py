"""PgQueuer, whose queue is a table of PostgreSQL: logged ("durable"), a batch of jobs at a time. Run as a program it is the worker."""

import asyncio
import datetime
import os
import signal
import sys

import asyncpg
import job
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.queries import Queries


def enqueue(name, count):
    asyncio.run(_enqueue(name, count))


async def _enqueue(name, count):
    connection = await asyncpg.connect(os.environ["PEERS_DATABASE"])
    queries = Queries(AsyncpgDriver(connection))
    for start in range(0, count, 1000):
        numbers = range(start, min(start + 1000, count))
        await queries.enqueue([name] * len(numbers), [job.payload(number).encode() for number in numbers], [0] * len(numbers))
    await connection.close()


async def work(batch):
    queuer = PgQueuer.from_asyncpg_connection(await asyncpg.connect(os.environ["PEERS_DATABASE"]))

    @queuer.entrypoint("noop")
    async def noop(item):
        job.done()

    @queuer.entrypoint("txn")
    async def txn(item):
        await job.async_transaction(item.payload.decode())
        job.done()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, queuer.shutdown.set)
    await queuer.run(batch_size=batch, dequeue_timeout=datetime.timedelta(seconds=30))


if __name__ == "__main__":
    asyncio.run(work(int(sys.argv[1])))
