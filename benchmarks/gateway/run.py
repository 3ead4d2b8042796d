"""`bin/bench gateway`: requests, latency, streams and memory, the product beside the reference.

Everything runs on loopback, product and reference in turns, several rounds of each: so the ratios
of their medians are meaningful even on a machine that runs other programs. The product runs in
full: keys, validation, holds, settlements and request records in durable commits.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from benchmarks.gateway.load import LoadSpec, Measurement
from benchmarks.gateway.processes import PROJECT, UVICORN, Server, load, running, served
from embedded.ports import free_port

_MODEL = "bench/fixed"
_PRODUCT = "caicaini_portal.asgi:application"
_CATALOGUE = """
[[models]]
id = "{model}"
name = "Fixed"
context_tokens = 8192
max_output_tokens = 4096
capabilities = ["images"]
max_tokens_per_image = 1600
[[models.prices]]
from = 2026-11-01T00:00:00Z
input = 100_000
output = 450_000
cache_write = 125_000
cache_read = 10_000
[[models.upstreams]]
format = "messages"
base_url = "http://127.0.0.1:{port}"
model = "bench"
"""
_EMAIL = "demo@example.com"


def main(options: argparse.Namespace) -> int:
    """Measure and print; return 0, as no figure has a threshold."""
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
        for connections, calls in ((32, options.calls), (1, options.calls // 8)):
            spec = LoadSpec(0, key, _MODEL, connections=connections, calls=calls)
            _compare(f"{connections} connections", servers, spec, rounds=options.rounds)
        spec = LoadSpec(0, key, _MODEL, connections=200, events=options.events)
        _compare("200 streams of 20 events/s (late by)", servers, spec, rounds=1)
        _hold_streams(servers[1], LoadSpec(0, key, _MODEL, connections=500, events=options.events))
    return 0


def prepared(upstream_port: int) -> str:
    """Make a workspace with enough credits for every call; return its key."""
    catalogue = write_catalogue(Path(os.environ["DATA_DIR"]), upstream_port)
    os.environ["CATALOGUE"] = str(catalogue)
    return filled(PROJECT, os.environ)


def write_catalogue(folder: Path, upstream_port: int) -> Path:
    """Write a catalogue with the model of the benchmarks; return its file."""
    catalogue = folder / "benchmark-catalogue.toml"
    catalogue.write_text(_CATALOGUE.format(model=_MODEL, port=upstream_port))
    return catalogue


def filled(project: Path, env: Mapping[str, str]) -> str:
    """Prepare the database of a checkout with its own commands, for `prepared`; return the key."""
    for command in (
        ["migrate", "--no-input"],
        ["sync_catalogue"],
        ["seed_demo"],
        ["grant_credits", "--email", _EMAIL, "--credits", "1000000000", "--reason", "benchmark"],
    ):
        _manage(project, env, *command)
    return _manage(project, env, "mint_key", "--email", _EMAIL, "--name", "benchmark").strip()


def _manage(project: Path, env: Mapping[str, str], *arguments: str) -> str:
    command = [sys.executable, str(project / "manage.py"), *arguments]
    done = subprocess.run(
        command, cwd=project, env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


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
    limits = {"RATE_LIMITS": "requests=1000000000,input_tokens=1000000000000"}
    quiet = {"LOG_LEVEL": "WARNING"}
    with served(name, [*UVICORN, *options, target], limits | quiet | env) as server:
        yield server
