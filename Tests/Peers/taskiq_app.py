"""taskiq over aio-pika on a durable classic queue with persistent messages."""

import asyncio
import os

import job
from taskiq_aio_pika import AioPikaBroker
from taskiq_aio_pika.queue import Queue, QueueType

QUEUE = "peers_taskiq"

broker = AioPikaBroker(
    os.environ["PEERS_AMQP"],
    qos=200,
    task_queues=[Queue(name=QUEUE, type=QueueType.CLASSIC)],
    dead_letter_queue=Queue(name=QUEUE + "_dead", type=QueueType.CLASSIC),
)


@broker.task(task_name="noop")
async def noop(text: str) -> None:
    job.done()


@broker.task(task_name="txn")
async def txn(text: str) -> None:
    await job.async_transaction(text)
    job.done()


def enqueue(name, count):
    asyncio.run(_enqueue({"noop": noop, "txn": txn}[name], count))


async def _enqueue(task, count):
    await broker.startup()
    for start in range(0, count, 64):
        await asyncio.gather(*[task.kiq(job.payload(number)) for number in range(start, min(start + 64, count))])
    await broker.shutdown()
