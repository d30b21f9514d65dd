"""Celery on a durable classic queue with persistent messages, acknowledged after the job; all that it can do without is off."""

import os

import job
from celery import Celery

QUEUE = "peers_celery"

app = Celery("peers", broker=os.environ["PEERS_AMQP"])
app.conf.update(
    task_default_queue=QUEUE,
    task_acks_late=True,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_default_delivery_mode="persistent",
    worker_prefetch_multiplier=128,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    worker_disable_rate_limits=True,
    worker_hijack_root_logger=False,
    broker_heartbeat=0,
    broker_connection_retry_on_startup=True,
)


@app.task(name="noop")
def noop(text):
    job.done()


@app.task(name="txn")
def txn(text):
    job.transaction(text)
    job.done()


def enqueue(name, count):
    task = {"noop": noop, "txn": txn}[name]
    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        for number in range(count):
            task.apply_async((job.payload(number),), producer=producer)
