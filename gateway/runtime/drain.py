"""Shut down without cutting off a call in silence.

On SIGTERM or SIGINT (Ctrl-C) the server closes its listener, lets running calls go on, and cancels
those that are left at the end of its window. Two seconds earlier we end the rest ourselves, with an
error that the caller can act on and nothing charged. Our own signal handler is needed for that: to
the application, a server that gives up looks like a caller that disconnected.
"""

import asyncio
import logging
import signal
import threading
from types import FrameType
from typing import Any

from gateway.call import Call

logger = logging.getLogger(__name__)

_BEFORE_THE_END_S = 2.0


class Drain:
    """The running calls of one event loop, and when they must end."""

    def __init__(self, *, window_s: float) -> None:
        self._window_s = window_s
        self._running: dict[asyncio.Task[Any], Call] = {}
        self.is_draining = False

    def listen(self) -> None:
        """Start draining on a signal to stop, beside the server's own handler.

        At a second SIGINT uvicorn ends at once; that is left to uvicorn.
        """
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread receives signals: a server inside a test, say
        for number in (signal.SIGTERM, signal.SIGINT):
            self._handle(number)

    def _handle(self, number: signal.Signals) -> None:
        loop = asyncio.get_running_loop()
        server_handler = signal.getsignal(number)

        def on_signal(signum: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.begin)
            if callable(server_handler):
                server_handler(signum, frame)

        signal.signal(number, on_signal)

    def begin(self) -> None:
        """Start draining; the second time changes nothing."""
        if self.is_draining:
            return
        self.is_draining = True
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
