"""`bin/bench gateway`: requests, latency, streams and memory, the product beside the reference.

Everything runs on loopback, product and reference in turns, several rounds of each: so the ratios
of their medians are meaningful even on a machine that runs other programs. The product runs in
full: keys, validation, holds, settlements and request records in durable commits.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import msgspec

from benchmarks.gateway import beside
from benchmarks.gateway.load import LoadSpec, Measurement
from benchmarks.gateway.processes import UVICORN, Server, load, running, served
from benchmarks.gateway.workspace import MODEL, UNLIMITED, prepared
from embedded.ports import free_port

_PRODUCT = "caicaini_portal.asgi:application"


def main(options: argparse.Namespace) -> int:
    """Measure and print; return 0, as no figure has a threshold."""
    if options.beside:
        return beside.main(options)
    with ExitStack() as stack:
        upstream_port = free_port()
        stack.enter_context(
            running([sys.executable, "-m", "benchmarks.gateway.upstream", str(upstream_port)])
        )
        key = prepared(upstream_port)
        upstream = {"UPSTREAM": f"http://127.0.0.1:{upstream_port}"}
        servers = [
            stack.enter_context(_served("reference", "benchmarks.gateway.reference:app", upstream)),
            stack.enter_context(_served("product", _PRODUCT, {})),
            stack.enter_context(_served("2 workers", _PRODUCT, {}, "--workers", "2")),
        ]
        for connections, calls in ((32, options.calls), (1, max(1, options.calls // 8))):
            spec = LoadSpec(0, key, MODEL, connections=connections, calls=calls)
            _compare(f"{connections} connections", servers, spec, rounds=options.rounds)
        if options.events:
            spec = LoadSpec(0, key, MODEL, connections=200, events=options.events)
            _compare("200 streams of 20 events/s (late by)", servers, spec, rounds=1)
            _hold_streams(servers[1], msgspec.structs.replace(spec, connections=500))
    return 0


def _compare(title: str, servers: list[Server], spec: LoadSpec, *, rounds: int) -> None:
    """Print medians over the rounds, and the ratios of the others' to the first server's."""
    print(f"\n{title}")
    rates: dict[str, float] = {}
    medians: dict[str, float] = {}
    measured: dict[str, list[Measurement]] = {server.name: [] for server in servers}
    cpu_s = dict.fromkeys(measured, 0.0)
    for _ in range(rounds):
        for server in servers:
            before = server.cpu_s()
            measured[server.name].append(load(server, spec))
            cpu_s[server.name] += server.cpu_s() - before
    for server in servers:
        some = measured[server.name]
        rates[server.name] = statistics.median(one.completed / one.seconds for one in some)
        medians[server.name] = statistics.median(one.p50_ms for one in some)
        p99_ms = statistics.median(one.p99_ms for one in some)
        per_call_us = cpu_s[server.name] / sum(one.completed for one in some) * 1e6
        print(
            f"  {server.name:10} {rates[server.name]:8.0f}/s  p50 {medians[server.name]:7.2f} ms"
            f"  p99 {p99_ms:7.2f} ms  cpu {per_call_us:6.0f} us each"
            f"  memory {server.rss_mib():4.0f} MiB  failed {sum(one.failed for one in some)}"
        )
    for name in list(rates)[1:]:
        print(
            f"  {name}/{servers[0].name} {rates[name] / rates[servers[0].name]:.2f} of the rate, "
            f"{medians[name] - medians[servers[0].name]:+.2f} ms at the median"
        )


def _hold_streams(server: Server, spec: LoadSpec) -> None:
    """Print the product's memory while it has 500 streams open."""
    as_json = msgspec.json.encode(msgspec.structs.replace(spec, port=server.port)).decode()
    callers = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.gateway.load", as_json], stdout=subprocess.DEVNULL
    )
    most_mib = 0.0
    while callers.poll() is None:
        most_mib = max(most_mib, server.rss_mib())
        time.sleep(0.2)
    print(f"\n500 open streams: {most_mib:.0f} MiB at most")


@contextmanager
def served_product() -> Iterator[Server]:
    """Serve the product, in one process."""
    with _served("product", _PRODUCT, {}) as server:
        yield server


@contextmanager
def _served(name: str, target: str, env: dict[str, str], *options: str) -> Iterator[Server]:
    quiet = {"LOG_LEVEL": "WARNING"}
    with served(name, [*UVICORN, *options, target], UNLIMITED | quiet | env) as server:
        yield server
