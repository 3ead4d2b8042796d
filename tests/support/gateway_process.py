"""A gateway process as far as money goes: in this process, or one of its own that can be killed."""

import asyncio
import concurrent.futures
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from embedded.subprocesses import PROJECT
from gateway.metering.operations import Hold, Operation, Settle, Void
from gateway.metering.pending import LedgerUnreachable
from gateway.metering.process_ledger import ProcessLedger
from tests.support.books import TestCall
from tests.support.waiting import eventually

# Calls cross the pipe by their id; between their two orders they keep their moment.
_MOMENT = datetime.now(UTC)
_CHILD = """
import django
django.setup()
from tests.support import gateway_process
gateway_process.obey()
"""


class Process:
    """A meter and its event loop, in a thread of their own."""

    def __init__(self, *, database_url: str, journals: Path) -> None:
        self.meter = ProcessLedger(conninfo=database_url, journals=journals)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self) -> "Process":
        self._thread.start()
        self._wait_for(self.meter.start())
        return self

    def __exit__(self, *_: object) -> None:
        self._wait_for(self.meter.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def ask(self, operation: Operation) -> Any:
        """Return what the ledger answers; raises LedgerAway."""
        return self.begin(operation).result(30)

    def refuses(self, call: TestCall) -> bool:
        """Whether no hold is made, because the ledger is away."""
        try:
            self.ask(call.hold())
        except LedgerUnreachable:
            return True
        return False

    def await_ledger(self, call: TestCall) -> None:
        """Wait until holds are made again; the call is the first to get one."""
        eventually(lambda: not self.refuses(call), within_s=30, what="the ledger")

    def begin(self, operation: Operation) -> "concurrent.futures.Future[Any]":
        """Submit without waiting; cancelling the future is what a caller who hangs up does."""
        return asyncio.run_coroutine_threadsafe(self._ask(operation), self.loop)

    def hear(self) -> None:
        """Return once all that was begun has been submitted."""
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self.loop).result(30)

    async def _ask(self, operation: Operation) -> Any:
        writer = self.meter.writer
        if isinstance(operation, Hold):
            return await writer.hold(operation)
        if isinstance(operation, Settle):
            return await writer.settle(operation)
        assert isinstance(operation, Void)
        writer.void(operation)
        return None


class ChildProcess:
    """The same in a process of its own. It does what it is told, line by line, until it dies."""

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
        """Return the verdict, or what went wrong."""
        return self._do("hold", call)

    def settle(self, call: TestCall, actual: int) -> str:
        """Return what was charged, or what went wrong."""
        return self._do("settle", call, actual)

    def send_signal(self, number: signal.Signals) -> None:
        """Stop it, let it go on, or kill it."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as no code of its own could notice."""
        self._process.kill()
        self._process.communicate()

    def begin_settling(self, call: TestCall, actual: int) -> None:
        """Tell it to settle without waiting for the answer, which `finish` returns."""
        self._tell("settle", call, actual)

    def finish(self) -> str:
        """Return the answer to what was begun."""
        return self._answer()

    def _do(self, verb: str, call: TestCall, actual: int = 0) -> str:
        self._tell(verb, call, actual)
        return self._answer()

    def _tell(self, verb: str, call: TestCall, actual: int) -> None:
        assert self._process.stdin is not None
        order = [verb, str(call.id), call.workspace_id, call.amount, actual]
        print(json.dumps(order), file=self._process.stdin, flush=True)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextlib.contextmanager
def child_process(*, database_url: str, journals: Path) -> Iterator[ChildProcess]:
    """A process of its own for the block; it may be dead before the block's end."""
    child = ChildProcess(database_url=database_url, journals=journals)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGCONT)
        child.kill()


def _say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def obey() -> None:
    """Be such a process: do what the lines on stdin say."""
    database_url, journals = sys.argv[1:]
    with Process(database_url=database_url, journals=Path(journals)) as process:
        _say("ready")
        for line in sys.stdin:
            verb, call_id, workspace_id, amount, actual = json.loads(line)
            call = TestCall(workspace_id, amount, id=UUID(call_id), accepted_at=_MOMENT)
            try:
                if verb == "hold":
                    _say(process.ask(call.hold()).decision)
                else:
                    _say(process.ask(call.settle(actual)).charged)
            except Exception as error:  # noqa: BLE001 (told to whoever asked)
                _say(type(error).__name__)
