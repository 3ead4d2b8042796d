"""The ledger of a gateway process: in this process, or in one of its own that can be killed."""

import asyncio
import concurrent.futures
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import uvloop

from embedded.subprocesses import PROJECT
from gateway.metering.operations import Hold, HoldDecision, Operation, Settle, Void
from gateway.metering.pending import LedgerUnreachable
from gateway.metering.process_ledger import ProcessLedger
from tests.support.books import TestCall, database_url
from tests.support.waiting import eventually

# Calls cross the pipe by their id, so `accepted_at` is the same for all of them.
_ACCEPTED_AT = datetime.now(UTC)
_CHILD = """
import django
django.setup()
from tests.support import gateway_process
gateway_process.run_child()
"""


class Process:
    """A process's ledger and its event loop, in a thread of their own. uvloop is production's."""

    def __init__(
        self,
        *,
        database_url: str,
        journals: Path,
        new_event_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
    ) -> None:
        self.ledger = ProcessLedger(conninfo=database_url, journals=journals)
        self.loop = new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self) -> "Process":
        self._thread.start()
        self._wait_for(self.ledger.start())
        return self

    def __exit__(self, *_: object) -> None:
        self._wait_for(self.ledger.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def apply(self, operation: Operation) -> Any:
        """Return the operation's result; raises LedgerUnreachable."""
        return self.submit(operation).result(30)

    def admit(self, call: TestCall) -> TestCall:
        """Make the call's hold, and return the call."""
        assert self.apply(call.hold()).decision is HoldDecision.ADMITTED
        return call

    def refuses(self, call: TestCall) -> bool:
        """Whether no hold is made, because the ledger is unavailable."""
        try:
            self.apply(call.hold())
        except LedgerUnreachable:
            return True
        return False

    def await_recovery(self, call: TestCall) -> None:
        """Wait until holds are made again; the call gets the first one."""
        eventually(lambda: not self.refuses(call), within_s=30, what="the ledger")

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Keep its event loop busy for the block: it sees what happened meanwhile all at once."""
        begun, ended = threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            ended.wait()

        self.loop.call_soon_threadsafe(work)
        begun.wait()
        try:
            yield
        finally:
            ended.set()

    def submit(self, operation: Operation) -> "concurrent.futures.Future[Any]":
        """Submit without waiting. Cancelling the future is what a caller's disconnect does."""
        return asyncio.run_coroutine_threadsafe(self._apply(operation), self.loop)

    def await_submissions(self) -> None:
        """Return once everything passed to `submit` is in the writer's queue."""
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self.loop).result(30)

    async def _apply(self, operation: Operation) -> Any:
        writer = self.ledger.writer
        if isinstance(operation, Hold):
            return await writer.hold(operation)
        if isinstance(operation, Settle):
            return await writer.settle(operation)
        assert isinstance(operation, Void)
        writer.void(operation)
        return None


class ChildProcess:
    """The same in a process of its own, which executes commands line by line until it dies."""

    def __init__(self, *, database_url: str, journals: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, database_url, str(journals)],
            cwd=PROJECT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "caicaini_portal.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready"

    def hold(self, call: TestCall) -> str:
        """Return the decision, or the error's name."""
        return self._run("hold", call)

    def admit(self, call: TestCall) -> TestCall:
        """Make the call's hold, and return the call."""
        assert self.hold(call) == HoldDecision.ADMITTED
        return call

    def settle(self, call: TestCall, actual: int) -> str:
        """Return what was charged, or the error's name."""
        return self._run("settle", call, actual)

    def send_signal(self, number: signal.Signals) -> None:
        """Stop, continue or kill the process."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, without running any more of its code."""
        self._process.kill()
        self._process.communicate()

    def begin_settling(self, call: TestCall, actual: int) -> None:
        """Settle without waiting for the answer, which `finish` returns."""
        self._send("settle", call, actual)

    def finish(self) -> str:
        """Return the answer to `begin_settling`."""
        return self._answer()

    def _run(self, verb: str, call: TestCall, actual: int = 0) -> str:
        self._send(verb, call, actual)
        return self._answer()

    def _send(self, verb: str, call: TestCall, actual: int) -> None:
        assert self._process.stdin is not None
        command = [verb, str(call.id), call.workspace_id, call.amount, actual]
        print(json.dumps(command), file=self._process.stdin, flush=True)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextlib.contextmanager
def child_process(*, database_url: str, journals: Path) -> Iterator[ChildProcess]:
    """A process of its own for the block; the block may kill it."""
    child = ChildProcess(database_url=database_url, journals=journals)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGCONT)
        child.kill()


def end_sessions(name: str) -> None:
    """Terminate the sessions whose name is LIKE this, in the middle of whatever they run.

    It connects with write access, even where the database's default is read-only.
    """
    with psycopg.connect(
        database_url(), autocommit=True, options="-c default_transaction_read_only=off"
    ) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE %s AND datname = current_database()",
            [name],
        )


def _answer(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run_child() -> None:
    """Execute the commands on stdin."""
    url, journals = sys.argv[1:]
    with Process(database_url=url, journals=Path(journals)) as process:
        _answer("ready")
        for line in sys.stdin:
            verb, call_id, workspace_id, amount, actual = json.loads(line)
            call = TestCall(workspace_id, amount, id=UUID(call_id), accepted_at=_ACCEPTED_AT)
            try:
                if verb == "hold":
                    _answer(process.apply(call.hold()).decision)
                else:
                    _answer(process.apply(call.settle(actual)).charged)
            except Exception as error:  # noqa: BLE001 (answered to the parent)
                _answer(type(error).__name__)
