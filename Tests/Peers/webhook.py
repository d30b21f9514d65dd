"""The webhook that a peer delivers: what Millrace's bench webhooks sends, to a sink that verifies it, and the sink itself."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import socket
import subprocess
import threading
import time
import urllib.request
import uuid

ENDPOINTS = 100

_thread = threading.local()


def deliver(number):
    """Signed by Standard Webhooks 1.0.0, over a connection of this thread's own that stays open; an answer that is not 2xx is an error."""
    import requests

    session = getattr(_thread, "session", None)
    if session is None:
        session = _thread.session = requests.Session()
        # Else each request looks for proxies in the environment and for passwords in a file.
        session.trust_env = False
        _thread.key = base64.b64decode(os.environ["PEERS_SECRET"].removeprefix("whsec_"))
    body = json.dumps(
        {
            "type": "plan.purchased",
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
            "data": {"plan": {"id": "plan_0192f0c1d2e37abc8def0123456789ab"}, "fill": "x" * 180},
        }
    ).encode()
    identifier, timestamp = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
    code = hmac.digest(_thread.key, f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": identifier,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(code).decode(),
    }
    session.post(f"{os.environ['PEERS_SINK']}/e{number % ENDPOINTS}", data=body, headers=headers, timeout=10).raise_for_status()


class Sink:
    """`millrace simulate webhook-sink` as a process: the program that bench webhooks has inside itself."""

    def __init__(self, program, log):
        self.program, self.log = program, log
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()

    def __enter__(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        command = [self.program, "simulate", "webhook-sink", "--port", str(port), "--secret", self.secret, "--every", "0"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while True:
            try:
                self.counts()
                return self
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise SystemExit(f"the webhook sink does not answer: {error}") from error
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def environment(self):
        return {"PEERS_SINK": self.base, "PEERS_SECRET": self.secret}

    def counts(self):
        # No proxy of the environment's stands before loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.base}/stats", timeout=5) as answer:
            return json.load(answer)["total"]

    def confirm(self, deliveries):
        """Each was taken, and each was signed by the right secret."""
        counts = self.counts()
        if counts["accepted"] < deliveries or counts["verified"] != counts["received"]:
            raise SystemExit(f"the webhook sink took {counts}, and {deliveries} signed deliveries were due")
