"""A million operations from four processes; every wallet must agree with all their results."""

import contextlib
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator

import msgspec
import psycopg
from django.conf import settings

from benchmarks.money.observer import Observer
from benchmarks.money.orders import Order, Purse, Results
from billing.audit.report import audit
from billing.models import LedgerEntry, Wallet
from embedded.subprocesses import PROJECT
from tests.support.books import open_books

_WALLETS = 200
_FIRST_CREDITS = 5_000
_CUT_EVERY_S = 5.0


def run(*, operations: int, seconds: float, processes: int, clients: int) -> int:
    """Print the results; return how many discrepancies there are."""
    seed = secrets.randbits(32)
    print(f"{operations:,} operations by {processes} processes with {clients} clients each,")
    print(f"on {_WALLETS} wallets, seed {seed}", flush=True)
    purses = [_purse() for _ in range(_WALLETS)]
    with (
        tempfile.TemporaryDirectory() as journals,
        Observer(settings.DATABASE_URL, [purse.wallet_id for purse in purses]) as observer,
        _sessions_cut() as cuts,
    ):
        orders = [
            Order(purses, operations // processes, seconds, clients, seed + number, journals)
            for number in range(processes)
        ]
        results = _run_hammers(orders)
    wrong = [*observer.discrepancies, *_differences(purses, results)]
    _print(results, looks=observer.looks, cuts=cuts[0])
    report = audit()
    wrong += [f"{finding.rule}: {finding.places}" for finding in report.findings]
    print(f"  audit: {'in order' if report.is_ok else 'BROKEN'}, {report.entries:,} entries")
    for one in wrong[:20]:
        print(f"  DISCREPANCY {one}")
    print(f"  {len(wrong)} discrepancies", flush=True)
    return len(wrong)


def _purse() -> Purse:
    books = open_books(_FIRST_CREDITS)
    return Purse(books.workspace.pk, books.wallet_id)


def _run_hammers(orders: list[Order]) -> list[Results]:
    hammers = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.money.hammer", msgspec.json.encode(order).decode()],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # every session that is cut is logged
        )
        for order in orders
    ]
    outputs = [hammer.communicate()[0] for hammer in hammers]
    for hammer in hammers:
        assert hammer.returncode == 0, "a hammer broke"
    return [msgspec.json.decode(one, type=Results) for one in outputs]


@contextlib.contextmanager
def _sessions_cut() -> Iterator[list[int]]:
    """Every few seconds terminate a writer's session in the middle of its batch."""
    done = threading.Event()
    cuts = [0]

    def cut() -> None:
        with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
            while not done.wait(_CUT_EVERY_S):
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'caicaini-writer' ORDER BY random() LIMIT 1"
                )
                cuts[0] += 1

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        yield cuts
    finally:
        done.set()
        thread.join()


def _differences(purses: list[Purse], results: list[Results]) -> Iterator[str]:
    """Compare each wallet with the results of all processes."""
    for purse in purses:
        wallet = Wallet.objects.get(pk=purse.wallet_id)
        net = _FIRST_CREDITS + sum(one.net.get(wallet.pk, 0) for one in results)
        settled = sum(one.settled.get(wallet.pk, 0) for one in results)
        entries = LedgerEntry.objects.filter(wallet=wallet, kind="usage").count()
        if (wallet.posted - wallet.owed, wallet.held, entries) != (net, 0, settled):
            yield (
                f"wallet {wallet.pk}: posted {wallet.posted} - owed {wallet.owed}, held"
                f" {wallet.held}, {entries} usage entries; expected {net}, 0, {settled}"
            )


def _print(results: list[Results], *, looks: int, cuts: int) -> None:
    counts: dict[str, int] = {}
    for one in results:
        for name, count in one.counts.items():
            counts[name] = counts.get(name, 0) + count
    total = sum(count for name, count in counts.items() if name != "refused while unavailable")
    seconds = max(one.seconds for one in results)
    latencies = [value for one in results for value in one.hold_ms]
    cut_points = statistics.quantiles(latencies, n=100)
    print(f"  {total:,} operations in {seconds:.0f} s: {total / seconds:,.0f} a second")
    for name in sorted(counts):
        print(f"    {counts[name]:>9,} {name}")
    print(f"  a hold takes {cut_points[49]:.1f} ms, {cut_points[98]:.1f} ms at the 99th percentile")
    print(f"  {looks:,} looks at all wallets, {cuts} sessions cut")
