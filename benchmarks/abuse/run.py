"""Runs each attack against each checkout and prints what the honest callers noticed."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.abuse.attacks import ATTACKS
from benchmarks.abuse.upload import BYTES_PER_S
from benchmarks.gateway.processes import PROJECT, UVICORN, running
from benchmarks.gateway.run import prepared
from embedded.ports import LOOPBACK, answers, free_port
from tests.support.waiting import eventually

_PRODUCT = "caicaini_portal.asgi:application"
_BEGINS_S = 1.0
# Beside these attacks, a further tenant makes large calls.
_WITH_LARGE_CALLS = ("large_bodies", "hostile_connections")
_MOST_GROWTH_MIB = {"hostile_connections": 200.0}
_SAMPLE_EVERY_S = 0.5


class Keys(NamedTuple):
    """The keys of the tenants: two honest ones, and the hostile ones as attacks take them."""

    small: str
    large: str
    hostile: list[str]


class Honest(NamedTuple):
    """What an honest caller saw."""

    p50_ms: float
    p95_ms: float
    calls: int
    failures: Counter[int]  # by status, 0 for no answer


class Upload(NamedTuple):
    """How an honest upload over a slow line ended; a status of 0 means no answer."""

    status: int
    seconds: float


def main(options: argparse.Namespace) -> int:
    """Print a table; return 1 if, at this checkout, an honest call failed, the p95 doubled, an
    upload did not pass, or the process grew by more than it may."""
    chosen = options.only or list(ATTACKS)
    checkouts = {"after": PROJECT}
    if options.beside:
        checkouts = {"before": Path(options.beside), **checkouts}
    with ExitStack() as stack:
        port = free_port()
        stack.enter_context(
            running([sys.executable, "-m", "benchmarks.gateway.upstream", f"{port}"])
        )
        honest = prepared(port)
        [large] = _tenant("large@example.com", credits=10**9, keys=1)
        poor = _tenant("hostile@example.com", credits=1, keys=3)
        [paying] = _tenant("paying@example.com", credits=10**9, keys=1)
        keys = Keys(honest, large, [*poor, paying])
        rows = [
            _attacked(name, which, folder, keys, options)
            for name in chosen
            for which, folder in checkouts.items()
        ]
    return 0 if all(rows) else 1


def _attacked(name: str, which: str, folder: Path, keys: Keys, options: argparse.Namespace) -> bool:
    kinds = ("small", "large") if name in _WITH_LARGE_CALLS else ("small",)
    uploads_mib = options.upload_mib if name == "hostile_connections" else 0
    with _served(folder) as (port, process):
        url = f"http://127.0.0.1:{port}"
        _honest(url, keys, 2, kinds)  # warm
        quiet = _honest(url, keys, options.seconds, kinds)
        with (
            _growth(process) as grown_mib,
            running(
                [sys.executable, "-m", "benchmarks.abuse.attacks", name, f"{port}", *keys.hostile]
            ),
        ):
            time.sleep(_BEGINS_S)
            with _uploading(port, keys.small, uploads_mib) as uploaded:
                during = _honest(url, keys, options.seconds, kinds)
    is_good = _is_within(name, grown_mib) and all(one.status == 200 for one in uploaded)
    for kind, before, after in zip(kinds, quiet, during, strict=True):
        is_good &= not after.failures and after.p95_ms < 2 * before.p95_ms
        print(_row(f"{name} {kind}", which, before, after), flush=True)
    words = [f"status {one.status} after {one.seconds:.0f} s" for one in uploaded]
    print(
        f"{'':25} memory {max(grown_mib):+6.0f} MiB"
        + (f"  upload of {uploads_mib:g} MiB: {words[0]}" if words else ""),
        flush=True,
    )
    return which == "before" or is_good


def _row(title: str, which: str, quiet: Honest, during: Honest) -> str:
    return (
        f"{title:25} {which:6} quiet p50 {quiet.p50_ms:6.1f} p95 {quiet.p95_ms:6.1f} ms"
        f" | attacked p50 {during.p50_ms:7.1f} p95 {during.p95_ms:7.1f} ms"
        f"  failed {during.failures.total()}/{during.calls} {dict(during.failures) or ''}"
    )


def _is_within(name: str, grown_mib: list[float]) -> bool:
    return max(grown_mib) <= _MOST_GROWTH_MIB.get(name, float("inf"))


def _honest(url: str, keys: Keys, seconds: float, kinds: Sequence[str]) -> list[Honest]:
    """Call for some time, each kind in a process of its own; return what each saw."""
    command = [sys.executable, "-m", "benchmarks.abuse.honest", url]
    callers = [
        subprocess.Popen(
            [*command, getattr(keys, kind), f"{seconds}", kind],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for kind in kinds
    ]
    return [_seen_by(caller) for caller in callers]


def _seen_by(caller: "subprocess.Popen[str]") -> Honest:
    written, _ = caller.communicate(timeout=300)
    seen = json.loads(written)
    latencies = sorted(seen["latencies"])
    return Honest(
        statistics.median(latencies),
        latencies[int(len(latencies) * 0.95)],
        len(latencies),
        Counter(seen["failures"]),
    )


@contextmanager
def _uploading(port: int, key: str, mib: float) -> Iterator[list[Upload]]:
    """Upload during the block, and after it until that is done; the list has how it ended."""
    ended: list[Upload] = []
    if not mib:
        yield ended
        return
    command = [sys.executable, "-m", "benchmarks.abuse.upload", f"{port}", key, f"{mib}"]
    caller = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    yield ended
    written, _ = caller.communicate(timeout=120 + 2 * mib * 2**20 / BYTES_PER_S)
    ended.append(Upload(**json.loads(written)))


@contextmanager
def _growth(process: psutil.Process) -> Iterator[list[float]]:
    """Measure how much larger the process is during the block than before it, in MiB."""
    before = _memory_mib(process)
    grown: list[float] = [0.0]
    is_over = threading.Event()

    def measure() -> None:
        while not is_over.wait(_SAMPLE_EVERY_S):
            grown.append(_memory_mib(process) - before)

    thread = threading.Thread(target=measure)
    thread.start()
    try:
        yield grown
    finally:
        is_over.set()
        thread.join()


def _memory_mib(process: psutil.Process) -> float:
    return float(process.memory_full_info().uss) / 2**20


def _tenant(email: str, *, credits: int, keys: int) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.abuse.tenant", email, f"{credits}", f"{keys}"]
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "caicaini_portal.settings"}
    done = subprocess.run(command, cwd=PROJECT, env=env, check=True, capture_output=True, text=True)
    return done.stdout.split()


@contextmanager
def _served(folder: Path) -> Iterator[tuple[int, psutil.Process]]:
    """Run a web process of a checkout, with its limits as they are shipped."""
    port = free_port()
    command = [sys.executable, "-m", *UVICORN, _PRODUCT, "--host", LOOPBACK, "--port", f"{port}"]
    env = os.environ | {"LOG_LEVEL": "ERROR", "PYTHONPATH": str(folder)}
    process = subprocess.Popen(command, cwd=folder, env=env)
    try:
        eventually(lambda: answers(LOOPBACK, port, "/readyz"), what="the web process")
        yield port, psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()
