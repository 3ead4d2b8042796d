"""Shut down without cutting off a call in silence.

On SIGTERM, SIGHUP or SIGINT (Ctrl-C) the server closes its listener, lets running calls go on, and
cancels those that are left at the end of its window. Two seconds earlier we end the rest ourselves,
with an error that the caller can act on and nothing charged. Our own signal handler is needed for
that: to the application, a server that gives up looks like a caller that disconnected.

SIGTERM and SIGHUP come when another process takes over: clients keep their idle connections for a
while (`server/http_protocol.py`). SIGINT comes when none does: idle connections are closed at once.
"""

import asyncio
import logging
import signal
import threading
from types import FrameType
from typing import Any

from gateway.call import Call
from server import notices

logger = logging.getLogger(__name__)

_BEFORE_THE_END_S = 2.0


class Drain:
    """The running calls of one event loop, and when they must end."""

    def __init__(self, *, window_s: float) -> None:
        self._window_s = window_s
        self._running: dict[asyncio.Task[Any], Call] = {}
        self._signals: set[int] = set()
        self.is_draining = False
        self.keeps_idle_connections = True

    def listen(self) -> None:
        """Start draining on a signal to stop, beside the server's own handler."""
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread receives signals: a server inside a test, say
        terminate = signal.getsignal(signal.SIGTERM)
        self._handle(signal.SIGTERM, terminate)
        self._handle(signal.SIGINT, signal.getsignal(signal.SIGINT))
        if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # nohup ignores it
            self._handle(signal.SIGHUP, terminate)

    def _handle(self, number: signal.Signals, server_handler: object) -> None:
        """Drain at this signal. uvicorn has no handler for SIGHUP: it sees a SIGTERM instead."""
        loop = asyncio.get_running_loop()
        passed_on = signal.SIGINT if number == signal.SIGINT else signal.SIGTERM

        def on_signal(_number: int, frame: FrameType | None) -> None:
            if loop.is_closed():
                return
            loop.call_soon_threadsafe(self.begin, number != signal.SIGINT)
            if callable(server_handler) and self._is_for_server(passed_on):
                server_handler(passed_on, frame)

        signal.signal(number, on_signal)

    def _is_for_server(self, number: int) -> bool:
        """Whether uvicorn may see the signal: it ends at once at a SIGINT after any other signal.

        That is right for a second Ctrl-C, but not for the first after a SIGTERM.
        """
        is_first_interrupt = number == signal.SIGINT and number not in self._signals
        is_draining = bool(self._signals)
        self._signals.add(number)
        return not (is_first_interrupt and is_draining)

    def begin(self, keeps_idle_connections: bool = True) -> None:
        """Start draining; the second time changes nothing."""
        if self.is_draining:
            return
        self.is_draining = True
        self.keeps_idle_connections = keeps_idle_connections
        notices.stopping()
        timeout_s = max(0.0, self._window_s - _BEFORE_THE_END_S)
        asyncio.get_running_loop().call_later(timeout_s, self.end_running)

    def end_running(self) -> None:
        """End every call that still runs, except settled ones.

        The charge of a settled call is being written, so an error that says that nothing was
        charged would be wrong. It has what is left of the window.
        """
        cut = [(task, call) for task, call in self._running.items() if not call.is_settled]
        if cut:
            logger.warning("shutdown ends %d running calls", len(cut))
        for task, call in cut:
            call.is_cut_by_shutdown = True
            task.cancel()

    def running(self) -> list[tuple["asyncio.Task[Any]", Call]]:
        """Return the calls that run now, with their tasks."""
        return list(self._running.items())

    async def settle_rest(self) -> None:
        """Cancel the calls that are left when the server has closed its last connection, and wait.

        Their callers have disconnected, perhaps without a message from the server. Their holds must
        be settled before the writer stops.
        """
        left = list(self._running)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_BEFORE_THE_END_S)

    def watch(self, task: "asyncio.Task[Any]", call: Call) -> None:
        """Add a running call."""
        self._running[task] = call

    def forget(self, task: "asyncio.Task[Any]") -> None:
        """Remove a call that has ended."""
        self._running.pop(task, None)
