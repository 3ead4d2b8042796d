"""The webhook's response time: one delivery after the other, and many at once."""

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from http import HTTPStatus
from pathlib import Path

import aiohttp

from benchmarks.stripe.figures import quantiles
from embedded import ports
from tests.billing.top_ups.forgeries import signature
from tests.support.servers import WebServer
from tests.support.waiting import eventually

_LIMIT_S = 0.150
_AT_ONCE = 16
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_numbers = itertools.count()

Act = Callable[[aiohttp.ClientSession], Awaitable[float]]


def run(*, server: WebServer, env: Mapping[str, str], logs: Path, secret: str, count: int) -> int:
    """Deliver `count` events each way; return how many of the p99 are above 150 ms."""
    deliver = partial(_deliver, server=server, secret=secret)
    asyncio.run(_times(deliver, count=1, at_once=1))  # warm-up: imports and connections
    broken = int(_measure("webhook, one by one", deliver, count=count, at_once=1))
    broken += _measure("webhook, 16 at once", deliver, count=count, at_once=_AT_ONCE)
    # The base line: 16 at once on this machine, to a view without work.
    health = partial(_get_health, server=server)
    _measure("  /healthz, 16 at once", health, count=count, at_once=_AT_ONCE)
    return broken + _without_broker(env=env, logs=logs, secret=secret, count=count)


def _without_broker(*, env: Mapping[str, str], logs: Path, secret: str, count: int) -> int:
    no_broker = {**env, "REDIS_URL": f"redis://{ports.LOOPBACK}:{ports.free_port()}/0"}
    server = WebServer(env=no_broker, log=logs / "no_broker.log")
    deliver = partial(_deliver, server=server, secret=secret)
    try:
        eventually(
            lambda: ports.answers(ports.LOOPBACK, server.port, "/healthz"),
            within_s=60,
            what="the server without a broker",
        )
        return _measure("webhook, broker down", deliver, count=count, at_once=1)
    finally:
        server.stop()


def _measure(what: str, act: Act, *, count: int, at_once: int) -> bool:
    began = time.perf_counter()
    times = asyncio.run(_times(act, count=count, at_once=at_once))
    each_ms = (time.perf_counter() - began) / count * 1000
    print(f"{what}: response after {quantiles(times)}; one every {each_ms:.1f} ms", flush=True)
    return sorted(times)[int(len(times) * 0.99)] > _LIMIT_S


async def _times(act: Act, *, count: int, at_once: int) -> list[float]:
    """Act `count` times, in one thread: several would also measure their waits for each other."""
    turns = iter(range(count))
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session:

        async def caller() -> list[float]:
            return [await act(session) for _ in turns]

        by_caller = await asyncio.gather(*(caller() for _ in range(at_once)))
    return [took_s for times in by_caller for took_s in times]


async def _deliver(session: aiohttp.ClientSession, *, server: WebServer, secret: str) -> float:
    event = {
        "id": f"evt_{server.port}_{next(_numbers)}",
        "type": "charge.refunded",
        "livemode": False,
        "data": {"object": {"id": "ch_unknown"}},
    }
    body = json.dumps(event).encode()
    headers = {"Stripe-Signature": signature(body, secret, at=int(time.time()))}
    url = f"{server.url}/webhooks/stripe"
    return await _answered(session.post(url, data=body, headers=headers))


async def _get_health(session: aiohttp.ClientSession, *, server: WebServer) -> float:
    return await _answered(session.get(f"{server.url}/healthz"))


async def _answered(request: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> float:
    started = time.perf_counter()
    async with request as response:
        await response.read()
    took_s = time.perf_counter() - started
    assert response.status == HTTPStatus.OK, response.status
    return took_s
