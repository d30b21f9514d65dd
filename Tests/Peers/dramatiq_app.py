"""Dramatiq on a durable classic queue with persistent messages; of its middleware only the retries, which is its fastest set-up that keeps jobs."""

import os

import dramatiq
import job
import webhook
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.middleware import Retries

QUEUE = "peers_dramatiq"

broker = RabbitmqBroker(url=os.environ["PEERS_AMQP"], middleware=[Retries()])
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name=QUEUE)
def noop(text):
    job.done()


@dramatiq.actor(queue_name=QUEUE)
def txn(text):
    job.transaction(text)
    job.done()


@dramatiq.actor(queue_name=QUEUE)
def webhooks(text):
    webhook.deliver(job.account(text))
    job.done()


def enqueue(name, count):
    broker.declare_queue(QUEUE, ensure=True)
    actor = {"noop": noop, "txn": txn, "webhooks": webhooks}[name]
    for number in range(count):
        actor.send(job.payload(number))
