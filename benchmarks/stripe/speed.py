"""How fast the webhook answers, with a broker and without one."""

import http.client
import json
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.stripe.figures import quantiles
from embedded import ports
from tests.billing.top_ups.forgeries import signature
from tests.servers import WebServer
from tests.waiting import eventually

_LIMIT_S = 0.150


def run(*, server: WebServer, env: Mapping[str, str], logs: Path, secret: str, count: int) -> int:
    """Deliver events one after the other; return how many of the two p99 are above 150 ms."""
    broken = int(_measure("with its broker", server, secret=secret, count=count))
    no_broker = {**env, "REDIS_URL": f"redis://{ports.LOOPBACK}:{ports.free_port()}/0"}
    lonely = WebServer(env=no_broker, log=logs / "lonely.log")
    try:
        eventually(
            lambda: ports.answers(ports.LOOPBACK, lonely.port, "/healthz"),
            within_s=60,
            what="the server without a broker",
        )
        broken += _measure("with its broker down", lonely, secret=secret, count=count)
    finally:
        lonely.stop()
    return broken


def _measure(what: str, server: WebServer, *, secret: str, count: int) -> bool:
    times = [_deliver(server, f"evt_{what}_{number}", secret) for number in range(count)]
    print(f"webhook {what}: answered after {quantiles(times)}", flush=True)
    return sorted(times)[int(len(times) * 0.99)] > _LIMIT_S


def _deliver(server: WebServer, event_id: str, secret: str) -> float:
    event = {
        "id": event_id.replace(" ", "_"),
        "type": "charge.refunded",
        "livemode": False,
        "data": {"object": {"id": "ch_unknown"}},
    }
    body = json.dumps(event).encode()
    header = signature(body, secret, at=int(time.time()))
    connection = http.client.HTTPConnection(ports.LOOPBACK, server.port, timeout=30)
    started = time.perf_counter()
    connection.request("POST", "/webhooks/stripe", body, {"Stripe-Signature": header})
    status = connection.getresponse().status
    took_s = time.perf_counter() - started
    connection.close()
    assert status == http.client.OK, status
    return took_s
