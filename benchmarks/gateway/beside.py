"""`bin/bench gateway --beside COMMIT`: the gateway's speed beside its speed in another state.

Both builds run from the beginning to the end. Each round measures them in the turns A B B A, so
that what else the machine does falls on both, and gives one ratio for each figure. The median of
these ratios is printed with its 95 % interval.
"""

import argparse
import math
import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

import msgspec

from benchmarks import builds
from benchmarks.checkouts import checked_out
from benchmarks.gateway.load import LoadSpec
from benchmarks.gateway.processes import PROJECT, Server, load, running
from benchmarks.gateway.workspace import MODEL, UNLIMITED
from embedded.ports import free_port

_CONNECTIONS = 32
_STREAMS = 200
_OUTSIDE = 0.025  # of all samples, on each side of the interval
Figures = dict[str, float]


class Side(NamedTuple):
    """A build's server and its key."""

    server: Server
    key: str


def main(options: argparse.Namespace) -> int:
    """Measure and print; return 0, as no figure has a threshold."""
    with ExitStack() as stack:
        port = free_port()
        stack.enter_context(
            running([sys.executable, "-m", "benchmarks.gateway.upstream", f"{port}"])
        )
        folder = stack.enter_context(checked_out(options.beside))
        sides = []
        for number, (name, project) in enumerate((("after", PROJECT), ("before", folder))):
            build = builds.prepared(name, project, upstream_port=port, number=number)
            sides.append(Side(stack.enter_context(builds.served(build, UNLIMITED)), build.key))
        after, before = sides
        calls = LoadSpec(0, "", MODEL, connections=_CONNECTIONS, calls=options.calls)
        _compare(f"{_CONNECTIONS} connections", before, after, calls, options.rounds)
        if options.events:
            streams = LoadSpec(0, "", MODEL, connections=_STREAMS, events=options.events)
            _compare(f"{_STREAMS} streams", before, after, streams, options.rounds)
    return 0


def _compare(title: str, before: Side, after: Side, spec: LoadSpec, rounds: int) -> None:
    for side in (before, after):
        _measured(side, spec)  # warm
    measured: dict[str, list[Figures]] = {"before": [], "after": []}
    ratios: dict[str, list[float]] = {}
    for _ in range(rounds):
        of_round: dict[str, list[Figures]] = {"before": [], "after": []}
        for side in (before, after, after, before):
            of_round[side.server.name].append(_measured(side, spec))
        sums = {name: _summed(two) for name, two in of_round.items()}
        for name, two in of_round.items():
            measured[name] += two
        for figure, value in sums["after"].items():
            if sums["before"][figure]:
                ratios.setdefault(figure, []).append(value / sums["before"][figure])
    print(f"\n{title}, {rounds} rounds  (before, after, after to before)")
    for figure, some in ratios.items():
        low, high = interval(some)
        first, second = (
            statistics.median(one[figure] for one in measured[name]) for name in measured
        )
        print(
            f"  {figure:24} {first:9.1f} {second:9.1f}"
            f"   {statistics.median(some):.3f} [{low:.3f}, {high:.3f}]",
            flush=True,
        )


def _measured(side: Side, spec: LoadSpec) -> Figures:
    used_s = side.server.cpu_s()
    seen = load(side.server, msgspec.structs.replace(spec, key=side.key))
    used_s = side.server.cpu_s() - used_s
    if seen.failed:
        raise RuntimeError(f"{seen.failed} calls failed at the build {side.server.name}")
    each = "processor, us an event" if spec.events else "processor, us a call"
    rate = {} if spec.events else {"calls a second": seen.completed / seen.seconds}
    late = "late by" if spec.events else "answered in"
    return {
        **rate,
        f"{late}, p50, ms": seen.p50_ms,
        f"{late}, p99, ms": seen.p99_ms,
        each: used_s / seen.completed * 1e6,
    }


def _summed(two: Sequence[Figures]) -> Figures:
    return {figure: sum(one[figure] for one in two) for figure in two[0]}


def interval(samples: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the median, from the order of the samples alone: at most 2.5 %
    of all series of this length have fewer than `k` samples on one side of the true median."""
    count, ordered = len(samples), sorted(samples)
    k, below = 0, 0.5**count
    while below <= _OUTSIDE and k < (count - 1) // 2:
        k += 1
        below += math.comb(count, k) * 0.5**count
    return ordered[max(0, k - 1)], ordered[-max(1, k)]
