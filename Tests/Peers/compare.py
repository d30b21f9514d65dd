"""Runs Millrace and its peers in turn on the same servers, and prints what each drained and the ratio. Called by bin/compare-peers.

A round is one drain of each contestant; rounds alternate the order, so that what the machine does meanwhile meets all of them.
A peer is measured from the first job that it completes to the last, so that starting Python costs it nothing; Millrace from
the start of its relay and worker, connecting included, to the last completion in the ledger.
"""

import argparse
import base64
import importlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

import pika
import psycopg
from webhook import ENDPOINTS, Sink

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
# Each: the module, its workers' command lines, its queues in RabbitMQ. The set-ups are the fastest that were found on two cores.
CELERY = "celery -A celery_app worker -P solo -n {}@%h -Q peers_celery -l WARNING --without-gossip --without-mingle --without-heartbeat"
PEERS = {
    "dramatiq": ("dramatiq_app", ["dramatiq dramatiq_app -p 2 -t 2 -Q peers_dramatiq"], ["peers_dramatiq", "peers_dramatiq.DQ", "peers_dramatiq.XQ"]),
    "taskiq": (
        "taskiq_app",
        ["taskiq worker taskiq_app:broker -w 2 --no-parse --max-async-tasks 100 --max-prefetch 100 --log-level WARNING"],
        ["peers_taskiq", "peers_taskiq_dead"],
    ),
    "celery": ("celery_app", [CELERY.format("one"), CELERY.format("two")], ["peers_celery"]),
    "pgqueuer": ("pgqueuer_app", ["python pgqueuer_app.py 100"] * 2, []),
}
# Dramatiq prefetches two messages a thread unless told otherwise.
TUNING = {"dramatiq_queue_prefetch": "256"}
# A thread that waits for an answer leaves the processor to others.
WEBHOOKS = {"dramatiq": ["dramatiq dramatiq_app -p 2 -t 8 -Q peers_dramatiq"]}
KINDS = {"noop": "bench.noop", "txn": "bench.txn"}


def say(text):
    print(text, file=sys.stderr, flush=True)


class Servers:
    """One PostgreSQL and one RabbitMQ for all; a database for the peers and two for Millrace, dropped at the end."""

    def __init__(self, database_url, amqp_url):
        self.database_url = database_url
        self.amqp_url = amqp_url
        self.suffix = str(os.getpid())
        self.databases = {name: f"peers_{name}_{self.suffix}" for name in ("work", "millrace", "webhooks")}

    def url(self, name):
        parts = urllib.parse.urlsplit(self.database_url)
        return urllib.parse.urlunsplit(parts._replace(path="/" + self.databases[name]))

    def amqp(self):
        """With the default virtual host written out: not every client takes an empty path for it."""
        parts = urllib.parse.urlsplit(self.amqp_url)
        return urllib.parse.urlunsplit(parts._replace(path="/%2F" if parts.path in ("", "/") else parts.path))

    def sql(self, text, url=None):
        with psycopg.connect(url or self.database_url, autocommit=True) as connection:
            cursor = connection.execute(text)
            return cursor.fetchall() if cursor.description else []

    def __enter__(self):
        for name in self.databases.values():
            self.sql(f'create database "{name}"')
        return self

    def __exit__(self, *_):
        try:
            for _, _, queues in PEERS.values():
                self.delete_queues(queues)
        finally:
            for name in self.databases.values():
                self.sql(f'drop database if exists "{name}" with (force)')

    def delete_queues(self, queues):
        connection = pika.BlockingConnection(pika.URLParameters(self.amqp()))
        channel = connection.channel()
        for queue in queues:
            channel.queue_delete(queue)
        connection.close()

    def durability(self):
        names = ["fsync", "synchronous_commit", "full_page_writes"]
        return {name: self.sql(f"show {name}")[0][0] for name in names}


class Drain:
    """One drain of one peer."""

    def __init__(self, servers, peer, job, jobs, folder, limit, environment=None):
        self.servers, self.peer, self.job, self.jobs, self.limit = servers, peer, job, jobs, limit
        self.module, self.commands, self.queues = PEERS[peer]
        if job == "webhooks":
            self.commands = WEBHOOKS[peer]
        self.done = folder / "done"
        self.log = folder / f"{peer}.log"
        self.environment = dict(
            os.environ, PEERS_AMQP=servers.amqp(), PEERS_DATABASE=servers.url("work"), PEERS_DONE=str(self.done), PYTHONPATH=str(HERE),
            PYTHONDONTWRITEBYTECODE="1", **TUNING, **(environment or {}))

    def rate(self):
        self.prepare()
        self.run([sys.executable, str(HERE / "compare.py"), "--enqueue", self.peer, self.job, str(self.jobs)])
        self.servers.sql("checkpoint")
        self.done.write_bytes(b"")
        workers = [self.start(command) for command in self.commands]
        try:
            first, begun = self.wait(1)
            last, ended = self.wait(self.jobs)
        finally:
            stop(workers)
        if self.job == "txn":
            entries = self.servers.sql("select count(*) from bench_ledger", self.servers.url("work"))[0][0]
            if entries < self.jobs:
                raise SystemExit(f"{self.peer}: only {entries} of {self.jobs} entries are there")
        return (last - first) / (ended - begun)

    def prepare(self):
        import job

        work = self.servers.url("work")
        self.servers.delete_queues(self.queues)
        self.servers.sql("drop schema public cascade; create schema public", work)
        self.servers.sql(job.TABLES, work)
        if self.peer == "pgqueuer":
            self.run([str(BIN / "pgq"), "--pg-dsn", work, "install", "--durability", "durable"])
            self.run([str(BIN / "pgq"), "--pg-dsn", work, "autovac"])

    def run(self, command):
        with open(self.log, "ab") as log:
            result = subprocess.run(command, cwd=HERE, env=self.environment, stdout=log, stderr=log, timeout=self.limit, check=False)
        if result.returncode != 0:
            raise SystemExit(f"{self.peer}: {command[0]} failed\n{self.log.read_text()[-2000:]}")

    def start(self, command):
        words = command.split()
        with open(self.log, "ab") as log:
            return subprocess.Popen(
                [str(BIN / words[0]), *words[1:]], cwd=HERE, env=self.environment, stdout=log, stderr=log, start_new_session=True)

    def wait(self, count):
        """The number of completions, at least `count`, and when that was."""
        deadline = time.monotonic() + self.limit
        while True:
            size, now = self.done.stat().st_size, time.monotonic()
            if size >= count:
                return size, now
            if now > deadline:
                raise SystemExit(f"{self.peer}: {size} of {self.jobs} jobs after {self.limit} s\n{self.log.read_text()[-2000:]}")
            time.sleep(0.003)


def stop(workers):
    """Each is a session of its own, with its children in it."""
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 12
    for worker in workers:
        try:
            worker.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


class Millrace:
    """The contestant whose figures come from its own benchmarks."""

    def __init__(self, program, servers, limit, options):
        self.program, self.servers, self.limit, self.options = program, servers, limit, options
        self.environment = dict(os.environ, MILLRACE_AMQP_URL=servers.amqp_url)
        self.environment.setdefault("MILLRACE_LOG_LEVEL", "warning")
        # The secrets of the endpoints that it makes are sealed.
        self.environment.setdefault("MILLRACE_SECURITY_ENCRYPTION_KEYS", "1:" + base64.b64encode(os.urandom(32)).decode())
        self.is_migrated = False

    def drain(self, job, jobs):
        options = ["--kind", KINDS[job], "--jobs", str(jobs), "--runs", "1", *self.options]
        return self.bench("millrace", "drain", *options), KINDS[job], "drain_per_second"

    def webhooks(self, deliveries):
        # A database of its own: it makes accounts, and the other benchmarks take none that has some.
        if not self.is_migrated:
            self.run("webhooks", "migrate")
            self.is_migrated = True
        raw = self.bench("webhooks", "webhooks", "--endpoints", str(ENDPOINTS), "--deliveries", str(deliveries), "--runs", "1")
        run = raw["series"]["webhooks"]["runs"][0]
        if not run["verified"] >= run["logged"] >= deliveries:
            raise SystemExit(f"millrace: {run['logged']} deliveries are logged and {run['verified']} verified, {deliveries} were due")
        return raw, "webhooks", "deliveries_per_second"

    def bench(self, database, *words):
        return json.loads(self.run(database, "bench", *words, "--json"))

    def run(self, database, *words):
        environment = dict(self.environment, MILLRACE_DATABASE_URL=self.servers.url(database))
        try:
            result = subprocess.run(
                [self.program, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=self.limit, check=False)
        except subprocess.TimeoutExpired as error:
            raise SystemExit(f"millrace {' '.join(words)}: not done after {self.limit} s\n{(error.stderr or b'').decode()[-2000:]}") from error
        if result.returncode != 0:
            raise SystemExit(f"millrace {' '.join(words)}: {result.stderr.decode()[-2000:]}")
        return result.stdout


def peer_rate(arguments, servers, name, job, count, folder):
    if job != "webhooks":
        return Drain(servers, name, job, count, folder, arguments.limit).rate()
    with Sink(arguments.millrace, folder / "sink.log") as sink:
        rate = Drain(servers, name, job, count, folder, arguments.limit, sink.environment()).rate()
        sink.confirm(count)
    return rate


def compare(arguments, servers, folder):
    durability = servers.durability()
    print("settings: " + ", ".join(f"{name} {value}" for name, value in durability.items()) + "; durable queues, persistent messages", flush=True)
    if set(durability.values()) != {"on"}:
        print("WARNING: not durable: these figures are for orientation only", flush=True)
    document = {
        "settings": durability, "jobs": arguments.jobs, "deliveries": arguments.deliveries, "rounds": arguments.rounds, "drains": []}
    millrace = Millrace(arguments.millrace, servers, arguments.limit, arguments.millrace_option)
    for job in arguments.kinds:
        peers = [name for name in arguments.peers if job != "webhooks" or name in WEBHOOKS]
        contestants = ["millrace", *peers]
        count, unit = (arguments.deliveries, "deliveries/s") if job == "webhooks" else (arguments.jobs, "jobs/s")
        rates = {name: [] for name in contestants}
        for number in range(arguments.rounds):
            # There and back: who came last comes first.
            for name in contestants if number % 2 == 0 else reversed(contestants):
                entry = {"round": number + 1, "job": job, "contestant": name}
                if name == "millrace":
                    raw, series, figure = millrace.webhooks(count) if job == "webhooks" else millrace.drain(job, count)
                    document.setdefault("machine", raw["machine"])
                    document.setdefault("servers", raw["servers"])
                    entry["raw"] = raw["series"][series]["runs"][0]
                    rate = entry["raw"][figure]
                else:
                    rate = peer_rate(arguments, servers, name, job, count, folder)
                entry["per_second"] = rate
                rates[name].append(rate)
                document["drains"].append(entry)
                print(f"{job}, round {number + 1}  {name:<9} {rate:>9,.0f} {unit}", flush=True)
        document.setdefault("result", {})[job] = table(job, rates)
    return document


def table(job, rates):
    own = statistics.median(rates["millrace"])
    print(f"\n{job:<10} {'min':>9} {'median':>9} {'max':>9}  Millrace to it (by round)", flush=True)
    result = {}
    for name, values in sorted(rates.items(), key=lambda item: -statistics.median(item[1])):
        median = statistics.median(values)
        ratios = [one / other for one, other in zip(rates["millrace"], values)]
        text = "" if name == "millrace" else f"{own / median:.2f} ({', '.join(f'{ratio:.2f}' for ratio in ratios)})"
        print(f"{name:<10} {min(values):>9,.0f} {median:>9,.0f} {max(values):>9,.0f}  {text}", flush=True)
        result[name] = {"min": min(values), "median": median, "max": max(values), "ratio": own / median, "ratios": ratios}
    print(flush=True)
    return result


def terminate(*_):
    """Once: a second signal would break off the cleaning up (`timeout` sends two)."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def main():
    parser = argparse.ArgumentParser(prog="compare-peers")
    parser.add_argument("--database-url", default=os.environ.get("PEERS_SERVER_DATABASE"))
    parser.add_argument("--amqp-url", default=os.environ.get("PEERS_SERVER_AMQP"))
    parser.add_argument("--millrace", help="the program")
    parser.add_argument("--millrace-option", action="append", default=[], help="passed on to millrace bench drain, as --millrace-option=--lanes=4")
    parser.add_argument("--jobs", type=int, default=50_000)
    parser.add_argument("--deliveries", type=int, default=20_000, help="of webhooks, in one run; a multiple of 100")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", choices=[*KINDS, "webhooks"], default=[*KINDS, "webhooks"])
    parser.add_argument("--peers", nargs="+", choices=sorted(PEERS), default=list(PEERS))
    parser.add_argument("--limit", type=int, default=300, help="seconds for one step")
    parser.add_argument("--json", help="a file for every single figure")
    parser.add_argument("--enqueue", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.enqueue:
        peer, job, count = arguments.enqueue
        importlib.import_module(PEERS[peer][0]).enqueue(job, int(count))
        return
    if not arguments.millrace or not os.access(arguments.millrace, os.X_OK):
        parser.error(f"--millrace is a program: {arguments.millrace}")
    if arguments.deliveries < ENDPOINTS or arguments.deliveries % ENDPOINTS != 0:
        parser.error(f"--deliveries is a multiple of {ENDPOINTS}: each endpoint gets as many")
    signal.signal(signal.SIGTERM, terminate)
    with tempfile.TemporaryDirectory(prefix="millrace-peers-") as folder, Servers(arguments.database_url, arguments.amqp_url) as servers:
        document = compare(arguments, servers, Path(folder))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
