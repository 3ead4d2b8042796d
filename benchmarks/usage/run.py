"""`bin/bench usage`: how fast usage is read and rolled up, and how that grows with the records.

Records are added in steps of ten times as many; half of them are one workspace's. Each figure is
printed for each step, beside its goal. At the end, a flood of refusals from one key.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise

from django.db import connection
from django.test import Client

from accounts.models import Membership, User, Workspace
from benchmarks.gateway.processes import Server, running
from benchmarks.gateway.run import served_product
from benchmarks.gateway.workspace import prepared
from benchmarks.usage import export, fill, flood, reports
from benchmarks.usage.fill import Filled
from catalogue.models import ModelPrice
from embedded.ports import free_port
from keys import services
from keys.models import ApiKey
from usage import roll_up

_HOUR_RECORDS = 100_000
_ROLL_UP_GOAL_MS = 2_000
Steps = dict[int, dict[str, tuple[float, float]]]


def main(options: argparse.Namespace) -> int:
    """Measure and print; return 1 if a sum is wrong or a figure misses its goal."""
    # On a machine that is very busy this process is not scheduled for seconds within a roll-up.
    connection.settings_dict["OPTIONS"]["options"] += " -c idle_in_transaction_session_timeout=0"
    with ExitStack() as stack:
        upstream_port = free_port()
        stack.enter_context(
            running([sys.executable, "-m", "benchmarks.gateway.upstream", str(upstream_port)])
        )
        key = prepared(upstream_port)
        server = stack.enter_context(served_product())
        filled, browser = _workspaces(key)
        steps: Steps = {}
        for first, last in pairwise([0, *_sizes(options.records)]):
            print(f"\n{last:,} records", flush=True)
            _fill(filled, first, last)
            steps[last] = {}
            for name, goal, ms in _figures(filled, last, browser, server, key):
                steps[last][name] = (goal, ms)
                print(f"  {name:46} {ms:9.1f} ms   goal {goal:,.0f}", flush=True)
        if steps:
            _print_growth(steps)
        is_right = _is_right(filled)
        flooding = _another_key(key)
        is_right &= flood.run(
            server, honest_key=key, flooding_key=flooding, seconds=options.seconds
        )
    missed = [name for name, (goal, ms) in steps.get(options.records, {}).items() if ms > goal]
    print(f"\nmissed: {', '.join(missed) or 'none'}")
    return int(bool(missed) or not is_right)


def _sizes(records: int) -> list[int]:
    sizes = [records] if records else []
    while sizes and sizes[0] >= 1_000_000:
        sizes.insert(0, sizes[0] // 10)
    return sizes


def _workspaces(token: str) -> tuple[Filled, Client]:
    """Make the workspaces; the big one is the demo person's, whose key the gateway knows."""
    person = User.objects.get(email="demo@example.com")
    big = Membership.objects.filter(user=person).earliest("pk").workspace_id
    others = Workspace.objects.bulk_create(
        Workspace(name=f"Bench {number}") for number in range(fill.WORKSPACES)
    )
    price = ModelPrice.objects.earliest("pk").pk
    since, until = fill.span()
    fill.make_partitions(since)
    browser = Client(headers={"host": "localhost"})
    browser.force_login(person)
    return Filled(big, [one.pk for one in others], price, since, until), browser


def _another_key(token: str) -> str:
    """Return a key of another workspace than the honest caller's."""
    person = User.objects.create_user("flood@example.com")
    workspace = Workspace.objects.create(name="Flood")
    assert not ApiKey.objects.filter(workspace=workspace).exists()
    return services.mint(workspace=workspace, name="flood", created_by=person).token


def _fill(filled: Filled, first: int, last: int) -> None:
    seconds = fill.add(filled, first=first, last=last)
    began = time.monotonic()
    hours = roll_up.roll_up()
    rolled_s = time.monotonic() - began
    fill.analyze()
    print(
        f"  added {last - first:,} in {seconds:.0f} s;"
        f" {hours:,} hours rolled up in {rolled_s:.0f} s:"
        f" {fill.count('usage_quarter'):,} rows of quarters, {fill.count('usage_day'):,} of days"
    )


def _figures(
    filled: Filled, records: int, browser: Client, server: Server, key: str
) -> Iterator[tuple[str, float, float]]:
    name = "roll-up of 100,000 records of an hour (processor)"
    yield name, _ROLL_UP_GOAL_MS, _busy_hour(filled, records)
    yield from reports.figures(filled, browser, server, key)
    yield export.run(server, browser, records)


def _busy_hour(filled: Filled, records: int) -> float:
    """Add a busy hour to one of the small workspaces, another one for each number of records;
    return how long its roll-up takes."""
    since = filled.since.replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    other = filled.others[-len(str(records))]
    busy = filled._replace(big=other, others=[other])
    first = 10**12 + records
    until = since + timedelta(hours=1)
    fill.insert(busy, first, first + _HOUR_RECORDS, since, until)
    fill.mark(since, until)
    return reports.processor_ms(roll_up.roll_up, times=1)


def _print_growth(steps: Steps) -> None:
    """Print each figure at each size, side by side."""
    sizes = list(steps)
    print(f"\n{'ms':46} " + "".join(f"{size:>12,}" for size in sizes) + "   goal")
    for name, (goal, _) in steps[sizes[-1]].items():
        columns = "".join(f"{steps[size][name][1]:12.1f}" for size in sizes)
        print(f"{name:46} {columns} {goal:6,.0f}")


def _is_right(filled: Filled) -> bool:
    """Compare the records' credits with those of each roll-up."""
    sums = fill.credits_by_table(filled.big)
    print(f"\ncredits of the big workspace: {sums}")
    return len(set(sums.values())) == 1
