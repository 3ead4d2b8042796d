"""`bin/bench servers`: compares servers and HTTP clients under the same load.

docs/adr/0010-http-server-and-client.md has the results.
"""

import argparse
import statistics
import subprocess
import sys
from contextlib import ExitStack

from benchmarks.gateway.load import LoadSpec, Measurement
from benchmarks.gateway.processes import PROJECT, UVICORN, Server, load, running, served
from benchmarks.servers.clients import CLIENTS
from embedded.ports import free_port

_GRANIAN = ("granian", "--interface", "asgi", "--loop", "uvloop", "--no-ws")
_SERVERS = {"granian": _GRANIAN, "uvicorn": UVICORN}
_QUIET = {"GRANIAN_LOG_ENABLED": "false"}
_APP = "benchmarks.servers.app:app"


def main(options: argparse.Namespace) -> int:
    """Measure and print; return 0."""
    with ExitStack() as stack:
        port = free_port()
        stack.enter_context(
            running([sys.executable, "-m", "benchmarks.gateway.upstream", str(port)])
        )
        pairs = [
            stack.enter_context(
                served(
                    f"{server} with {client}",
                    [*command, _APP],
                    {"CLIENT": client, "UPSTREAM": f"http://127.0.0.1:{port}"} | _QUIET,
                )
            )
            for server, command in _SERVERS.items()
            for client in CLIENTS
        ]
        _compare(pairs, rounds=options.rounds, calls=options.calls)
    print("\nfrom the caller's disconnect to the end of the upstream's connection")
    for client in CLIENTS:
        if client != "no client":
            print(f"  {client:10} {_hang_up(client)}")
    return 0


def _compare(pairs: list[Server], *, rounds: int, calls: int) -> None:
    """Print medians over the rounds; in each round every pair runs once."""
    spec = LoadSpec(0, "key", "model", connections=32, calls=calls)
    for pair in pairs:
        load(pair, LoadSpec(0, "key", "model", connections=32, calls=500))  # to warm up
    measured: dict[str, list[Measurement]] = {pair.name: [] for pair in pairs}
    cpu_s = dict.fromkeys(measured, 0.0)
    for _ in range(rounds):
        for pair in pairs:
            before = pair.cpu_s()
            measured[pair.name].append(load(pair, spec))
            cpu_s[pair.name] += pair.cpu_s() - before
    print("32 connections")
    for name, some in measured.items():
        rate = statistics.median(one.completed / one.seconds for one in some)
        p50_ms = statistics.median(one.p50_ms for one in some)
        p99_ms = statistics.median(one.p99_ms for one in some)
        each_us = cpu_s[name] / sum(one.completed for one in some) * 1e6
        print(
            f"  {name:22} {rate:8.0f}/s  p50 {p50_ms:6.2f} ms  p99 {p99_ms:6.2f} ms"
            f"  cpu {each_us:4.0f} us each  failed {sum(one.failed for one in some)}"
        )


def _hang_up(client: str) -> str:
    command = [sys.executable, "-m", "benchmarks.servers.hang_up", client]
    done = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True)
    return done.stdout.strip()
