"""Runs each attack against each build and prints what the honest callers noticed."""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import psutil

from benchmarks import builds
from benchmarks.abuse import figures, targets
from benchmarks.abuse.attacks import ATTACKS
from benchmarks.abuse.figures import Run, Seen, Upload
from benchmarks.abuse.targets import Keys, Target
from benchmarks.abuse.upload import BYTES_PER_S
from benchmarks.checkouts import checked_out
from benchmarks.gateway.processes import PROJECT, running
from embedded.ports import free_port

_BEGINS_S = 1.0
# Beside these attacks, a further tenant makes large calls.
_WITH_LARGE_CALLS = ("large_bodies", "dense_bodies", "dense_counts", "hostile_connections")
_MOST_GROWTH_MIB = {"hostile_connections": 200.0}
_SAMPLE_EVERY_S = 0.5


def main(options: argparse.Namespace) -> int:
    """Print what each attack did; return 1 if, at this checkout, an honest call failed, the p95
    doubled, an upload did not pass, or the process grew by more than it may."""
    with ExitStack() as stack:
        port = free_port()
        stack.enter_context(
            running([sys.executable, "-m", "benchmarks.gateway.upstream", f"{port}"])
        )
        after = builds.prepared("after", PROJECT, upstream_port=port, number=0)
        attacked = [targets.of(after)]
        if options.beside:
            folder = stack.enter_context(checked_out(options.beside))
            before = builds.prepared("before", folder, upstream_port=port, number=1)
            attacked.append(targets.of(before))
        verdicts = [_compare(name, attacked, options) for name in options.only or list(ATTACKS)]
    return 0 if all(verdicts) else 1


def _compare(name: str, attacked: Sequence[Target], options: argparse.Namespace) -> bool:
    """Run one attack; return whether this checkout did as it should. Two builds are attacked in
    the turns A B B A, so that what else the machine does falls on both."""
    here, *others = attacked
    runs: dict[str, list[Run]] = {target.build.name: [] for target in attacked}
    for target in [*others, here, here, *others] if others else [here]:
        run = _attacked(name, target, options)
        runs[target.build.name].append(run)
        for line in figures.lines_of(run, f"{name} {target.build.name}"):
            print(line, flush=True)
    of_this = figures.pooled(runs[here.build.name])
    for other in others:
        for line in figures.comparison(figures.pooled(runs[other.build.name]), of_this):
            print(line, flush=True)
    return figures.is_good(of_this, most_grown_mib=_MOST_GROWTH_MIB.get(name, float("inf")))


def _attacked(name: str, target: Target, options: argparse.Namespace) -> Run:
    kinds = ("small", "large") if name in _WITH_LARGE_CALLS else ("small",)
    uploads_mib = options.upload_mib if name == "hostile_connections" else 0
    keys = target.keys
    with builds.served(target.build) as server:
        port, process = server.port, psutil.Process(server.process.pid)
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
            with _uploading(port, keys.small, uploads_mib) as uploads:
                began, used_before = time.monotonic(), server.cpu_s()
                during = _honest(url, keys, options.seconds, kinds)
                cpu_share = (server.cpu_s() - used_before) / (time.monotonic() - began)
    return Run(quiet, during, max(grown_mib), cpu_share, uploads)


def _honest(url: str, keys: Keys, seconds: float, kinds: Sequence[str]) -> dict[str, Seen]:
    """Call for some time, each kind in a process of its own; return what each saw."""
    command = [sys.executable, "-m", "benchmarks.abuse.honest", url]
    callers = {
        kind: subprocess.Popen(
            [*command, getattr(keys, kind), f"{seconds}", kind],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for kind in kinds
    }
    return {kind: _seen_by(caller) for kind, caller in callers.items()}


def _seen_by(caller: "subprocess.Popen[str]") -> Seen:
    written, _ = caller.communicate(timeout=300)
    seen = json.loads(written)
    return Seen(seen["latencies"], Counter(seen["failures"]))


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
        with suppress(psutil.Error):  # an attack may end the process
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
