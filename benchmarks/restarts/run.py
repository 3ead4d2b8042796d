"""Restarts `bin/up`'s web processes under load; then looks for calls that were lost."""

import argparse
import asyncio
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from benchmarks import catalogue
from benchmarks.chaos.upstream import Upstream
from benchmarks.restarts import verdict
from benchmarks.restarts.callers import Callers, Outcome
from benchmarks.restarts.verdict import Restart
from embedded import ports
from keys import services as keys
from tests.browser import product
from tests.browser.product import Product
from tests.support import gateway_database
from tests.support.books import open_books
from tests.support.waiting import eventually

_MODEL = "bench/talker"
_WORKSPACES = 5
_STREAM_WORDS = range(30, 61)
_ANSWER_WORDS = range(1, 6)
# Two processes, each of which starts and then drains; the bound of a machine that is very busy.
_RESTART_WINDOW_S = 400.0
_REPORT = "Restarted the web processes."


@dataclass(frozen=True)
class Load:
    """The load, and how often the processes are restarted under it."""

    restarts: int
    streams: int
    per_second: float
    drain_window_s: int = 20


@dataclass(frozen=True)
class Result:
    """The outcome of each call, the restarts, faults of the books, warnings in the web log."""

    outcomes: list[Outcome]
    restarts: list[Restart]
    differences: list[str]
    warnings: list[str]


def main(options: argparse.Namespace) -> int:
    """Print each restart and what was lost; 0 if nothing was."""
    load = Load(options.restarts, options.streams, options.rate, options.window)
    print(
        f"{load.restarts} restarts under {load.streams} streams and {load.per_second:g} calls a"
        f" second, with a drain window of {load.drain_window_s} s",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        result = measure(load, Path(folder))
    for line in verdict.summary(result.outcomes, result.restarts):
        print(line)
    wrong = [
        *verdict.losses(result.outcomes, result.restarts),
        *verdict.refusals(result.outcomes, result.restarts),
        *result.differences,
    ]
    for one in wrong[:20]:
        print(f"WRONG: {one}")
    for line in result.warnings[:20] if wrong else []:
        print(f"web log: {line}")
    print(f"{len(result.outcomes)} calls, {len(wrong)} faults", flush=True)
    return 1 if wrong else 0


def measure(load: Load, folder: Path) -> Result:
    """Run the product in a folder, and restart its web processes under load."""
    with gateway_database.fresh("restarts") as url, _event_loop() as loop:
        serving = Upstream(stream_words=_STREAM_WORDS, answer_words=_ANSWER_WORDS).serving()
        upstream_url = asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result(10)
        path = folder / "catalogue.toml"
        catalogue.write(path, model=_MODEL, prices=catalogue.DEAR, upstream_url=upstream_url)
        env = {
            "DATABASE_URL": url,
            "REDIS_URL": settings.REDIS_URL,
            "CATALOGUE": str(path),
            "DRAIN_WINDOW_S": str(load.drain_window_s),
            "RATE_LIMITS": "requests=1000000000,input_tokens=1000000000000",
        }
        with product.running(folder / "data", **env) as running, gateway_database.in_use(url):
            callers, calling = _begin(load, running, loop)
            restarts = [_restart(running, number) for number in range(1, load.restarts + 1)]
            loop.call_soon_threadsafe(callers.end)
            calling.result(_RESTART_WINDOW_S)
            warnings = _warnings(folder / "data" / "log" / "web.log")
            return Result(callers.outcomes, restarts, verdict.differences(), warnings)


def _begin(
    load: Load, running: Product, loop: asyncio.AbstractEventLoop
) -> tuple[Callers, "Future[None]"]:
    """Begin to call, and return once calls and streams are answered."""
    callers = Callers(
        url=f"http://{ports.LOOPBACK}:{running.port}/v1/messages",
        tokens=_tokens(),
        model=_MODEL,
        streams=load.streams,
        per_second=load.per_second,
    )
    calling = asyncio.run_coroutine_threadsafe(callers.call(), loop)
    eventually(lambda: {one.is_stream for one in callers.outcomes} == {True, False}, what="answers")
    return callers, calling


def _restart(running: Product, number: int) -> Restart:
    """Restart all web processes once."""
    before = running.web_processes()
    began = time.monotonic()
    running.restart()
    eventually(
        lambda: running.output().count(_REPORT) >= number,
        within_s=_RESTART_WINDOW_S,
        what=f"the end of restart {number}",
    )
    seconds = time.monotonic() - began
    after = running.web_processes()
    assert not before & after, f"{before & after} were not replaced"
    assert len(after) == len(before), f"{len(before)} web processes became {len(after)}"
    print(f"restart {number}: {seconds:.1f} s", flush=True)
    return Restart(began, seconds)


def _warnings(log: Path) -> list[str]:
    lines = log.read_text(errors="replace").splitlines()
    return [line for line in lines if " WARNING " in line or " ERROR " in line]


def _tokens() -> list[str]:
    """Return keys of workspaces with enough credits for every call."""
    found = []
    for _ in range(_WORKSPACES):
        books = open_books(1_000_000_000)
        minted = keys.mint(workspace=books.workspace, name="restarts", created_by=books.user)
        found.append(minted.token)
    return found


@contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread for the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
