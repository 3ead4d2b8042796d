"""Load and faults for some minutes; then compares every call's result with the ledger."""

import argparse
import asyncio
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from benchmarks import catalogue, machine
from benchmarks.chaos import availability, faults, verdict
from benchmarks.chaos.availability import Judge
from benchmarks.chaos.callers import Callers, CallResult
from benchmarks.chaos.processes import Processes
from benchmarks.chaos.upstream import Upstream
from keys import services as keys
from tests.support.books import open_books
from tests.support.own_postgres import own_postgres, served_by
from tests.support.waiting import eventually

_MODEL = "bench/talker"
_WORKSPACES = 5


def main(options: argparse.Namespace) -> int:
    """Print the faults injected and the calls' results; 0 if the books are right and the product
    was as available as the faults allow."""
    random.seed(options.seed)
    print(
        f"{options.minutes:g} minutes at {options.rate:g} calls a second, a fault every"
        f" {options.every:g} s, seed {options.seed}",
        flush=True,
    )
    with (
        tempfile.TemporaryDirectory() as name,
        own_postgres(Path(name)) as server,
        served_by(server.url),
        machine.sampled(Path(name)) as samples,
    ):
        folder = Path(name)
        call_command("migrate", verbosity=0)
        with _Load(options.rate) as load:
            path = folder / "catalogue.toml"
            catalogue.write(
                path, model=_MODEL, prices=catalogue.DEAR, upstream_url=load.upstream_url
            )
            processes = Processes(server, folder, catalogue=path)
            _sync(path)
            with processes.running():
                callers = load.begin(processes.urls, _tokens(), seconds=options.minutes * 60)
                injected = _inject(processes, load, every_s=options.every, names=options.fault)
                processes.ensure_running()
                eventually(lambda: not verdict.open_holds(), within_s=60, what="the end of holds")
                needed = availability.hands_needed(processes)
        judge = Judge(processes.causes, machine.read(samples))
        return _report(callers.results, injected, judge, needed, folder)


class _Load:
    """Upstream and callers, on an event loop in a thread of their own."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.upstream_url = ""

    def __enter__(self) -> "_Load":
        self._thread.start()
        serving = Upstream().serving()
        begun = asyncio.run_coroutine_threadsafe(serving.__aenter__(), self._loop)
        self.upstream_url = begun.result(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def begin(self, urls: list[str], tokens: list[str], *, seconds: float) -> Callers:
        """Begin to call."""
        callers = Callers(urls=urls, tokens=tokens, model=_MODEL, per_second=self._per_second)
        self._calls = asyncio.run_coroutine_threadsafe(callers.call_for(seconds), self._loop)
        self._until = time.monotonic() + seconds
        return callers

    @property
    def is_calling(self) -> bool:
        """Whether new calls are still made."""
        return time.monotonic() < self._until

    def wait(self) -> None:
        """Wait for the last call to end."""
        self._calls.result(120)


def _inject(
    processes: Processes, load: _Load, *, every_s: float, names: Sequence[str] | None
) -> Counter[str]:
    """Inject a fault every `every_s` while calls are made; return how many of each kind."""
    injected: Counter[str] = Counter()
    table = faults.table(processes)
    due_at = time.monotonic() + every_s
    while load.is_calling:
        if time.monotonic() >= due_at:
            due_at += every_s
            name = random.choice(names or list(table))
            table[name]()
            injected[name] += 1
        time.sleep(0.1)
        processes.ensure_running()
    load.wait()
    return injected


def _sync(path: Path) -> None:
    settings.CATALOGUE = path
    call_command("sync_catalogue", verbosity=0)


def _tokens() -> list[str]:
    """Return keys of workspaces with enough credits for every call."""
    found = []
    for _ in range(_WORKSPACES):
        books = open_books(1_000_000_000)
        minted = keys.mint(workspace=books.workspace, name="chaos", created_by=books.user)
        found.append(minted.token)
    return found


def _report(
    results: list[CallResult],
    injected: Counter[str],
    judge: Judge,
    needed: Sequence[str],
    folder: Path,
) -> int:
    print(f"injected: {dict(injected)}, {injected.total()} in all")
    for line in (*verdict.summary(results), *judge.summary(results)):
        print(line)
    wrong = verdict.differences(results, folder)
    absent = [*judge.faults(results), *needed]
    for kind, found in (("WRONG", wrong), ("UNAVAILABLE", absent)):
        for one in found[:20]:
            print(f"{kind}: {one}")
    print(
        f"{len(results)} calls, {len(wrong)} differences in the books,"
        f" {len(absent)} faults of availability",
        flush=True,
    )
    return 1 if wrong or absent else 0
