"""How fast the webhook answers: one delivery after the other, and many at once."""

import http.client
import itertools
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.stripe.figures import quantiles
from embedded import ports
from tests.billing.top_ups.forgeries import signature
from tests.servers import WebServer
from tests.waiting import eventually

_LIMIT_S = 0.150
_AT_ONCE = 16
_numbers = itertools.count()


def run(*, server: WebServer, env: Mapping[str, str], logs: Path, secret: str, count: int) -> int:
    """Deliver `count` events each way; return how many of the p99 are above 150 ms."""

    def deliver() -> float:
        return _deliver(server, secret)

    deliver()  # the first one loads what the others find loaded
    broken = int(_measure("webhook, one by one", deliver, count=count, at_once=1))
    broken += _measure("webhook, 16 at once", deliver, count=count, at_once=_AT_ONCE)
    # What 16 at once cost on this machine where there is nothing to do.
    _measure("  nothing, 16 at once", lambda: _ask_nothing(server), count=count, at_once=_AT_ONCE)
    return broken + _without_broker(env=env, logs=logs, secret=secret, count=count)


def _without_broker(*, env: Mapping[str, str], logs: Path, secret: str, count: int) -> int:
    no_broker = {**env, "REDIS_URL": f"redis://{ports.LOOPBACK}:{ports.free_port()}/0"}
    lonely = WebServer(env=no_broker, log=logs / "lonely.log")
    try:
        eventually(
            lambda: ports.answers(ports.LOOPBACK, lonely.port, "/healthz"),
            within_s=60,
            what="the server without a broker",
        )
        return _measure(
            "webhook, broker down", lambda: _deliver(lonely, secret), count=count, at_once=1
        )
    finally:
        lonely.stop()


def _measure(what: str, act: Callable[[], float], *, count: int, at_once: int) -> bool:
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as callers:
        times = list(callers.map(lambda _: act(), range(count)))
    each_ms = (time.perf_counter() - began) / count * 1000
    print(f"{what}: answered after {quantiles(times)}; one every {each_ms:.1f} ms", flush=True)
    return sorted(times)[int(len(times) * 0.99)] > _LIMIT_S


def _deliver(server: WebServer, secret: str) -> float:
    event = {
        "id": f"evt_{server.port}_{next(_numbers)}",
        "type": "charge.refunded",
        "livemode": False,
        "data": {"object": {"id": "ch_unknown"}},
    }
    body = json.dumps(event).encode()
    headers = {"Stripe-Signature": signature(body, secret, at=int(time.time()))}
    return _ask(server, "POST", "/webhooks/stripe", body, headers)


def _ask_nothing(server: WebServer) -> float:
    return _ask(server, "GET", "/healthz", None, {})


def _ask(
    server: WebServer, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
) -> float:
    connection = http.client.HTTPConnection(ports.LOOPBACK, server.port, timeout=30)
    started = time.perf_counter()
    connection.request(method, path, body, dict(headers))
    status = connection.getresponse().status
    took_s = time.perf_counter() - started
    connection.close()
    assert status == http.client.OK, status
    return took_s
