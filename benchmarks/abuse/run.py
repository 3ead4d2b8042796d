"""Runs each attack against each checkout and prints what the honest caller noticed."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.abuse.attacks import ATTACKS
from benchmarks.gateway.processes import PROJECT, UVICORN, running
from benchmarks.gateway.run import prepared
from embedded.ports import LOOPBACK, answers, free_port
from tests.support.waiting import eventually

_PRODUCT = "caicaini_portal.asgi:application"


class Honest(NamedTuple):
    """What the honest caller saw."""

    p50_ms: float
    p95_ms: float
    calls: int
    failures: Counter[int]  # by status, 0 for no answer


def main(options: argparse.Namespace) -> int:
    """Print a table; return 1 if an honest call failed at this checkout, or its p95 doubled."""
    chosen = options.only or list(ATTACKS)
    checkouts = {"after": PROJECT}
    if options.beside:
        checkouts = {"before": Path(options.beside), **checkouts}
    with ExitStack() as stack:
        port = free_port()
        stack.enter_context(
            running([sys.executable, "-m", "benchmarks.gateway.upstream", f"{port}"])
        )
        honest_key = prepared(port)
        hostile_keys = _hostile_keys()
        rows = [
            _attacked(name, which, folder, honest_key, hostile_keys, options.seconds)
            for name in chosen
            for which, folder in checkouts.items()
        ]
    return 0 if all(rows) else 1


def _attacked(
    name: str, which: str, folder: Path, honest_key: str, keys: list[str], seconds: float
) -> bool:
    with _served(folder) as (port, process):
        url = f"http://127.0.0.1:{port}"
        _honest(url, honest_key, 2)  # warm
        quiet = _honest(url, honest_key, seconds)
        before_mib = _memory_mib(process)
        with running([sys.executable, "-m", "benchmarks.abuse.attacks", name, f"{port}", *keys]):
            time.sleep(1)
            during = _honest(url, honest_key, seconds)
            grown_mib = _memory_mib(process) - before_mib
    print(
        f"{name:13} {which:6} quiet p50 {quiet.p50_ms:6.1f} p95 {quiet.p95_ms:6.1f} ms"
        f" | attacked p50 {during.p50_ms:7.1f} p95 {during.p95_ms:7.1f} ms"
        f"  failed {during.failures.total()}/{during.calls} {dict(during.failures) or ''}"
        f"  memory {grown_mib:+6.0f} MiB",
        flush=True,
    )
    return which == "before" or (not during.failures and during.p95_ms < 2 * quiet.p95_ms)


def _honest(url: str, key: str, seconds: float) -> Honest:
    command = [sys.executable, "-m", "benchmarks.abuse.honest", url, key, f"{seconds}"]
    done = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, timeout=300)
    seen = json.loads(done.stdout)
    latencies = sorted(seen["latencies"])
    return Honest(
        statistics.median(latencies),
        latencies[int(len(latencies) * 0.95)],
        len(latencies),
        Counter(seen["failures"]),
    )


def _memory_mib(process: psutil.Process) -> float:
    return float(process.memory_full_info().uss) / 2**20


def _hostile_keys() -> list[str]:
    command = [sys.executable, "-m", "benchmarks.abuse.hostile"]
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
