"""Stop without cutting anybody off in silence.

On SIGTERM, or SIGINT (Ctrl-C), the server closes its listener, lets running calls go on, and
cancels what is left when its window is over. Two seconds before that we end the rest ourselves:
with an error the caller can act on, and nothing charged. Our own signal handler tells the two
apart, since to the application a server that gives up looks just like a caller who hung up.
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
    """Knows the running calls of one event loop, and when they must end."""

    def __init__(self, *, window_s: float) -> None:
        self._window_s = window_s
        self._running: dict[asyncio.Task[Any], Call] = {}
        self.is_draining = False

    def listen(self) -> None:
        """Begin when asked to stop, beside whatever the server does then.

        At a second SIGINT uvicorn ends at once; that is for it to say.
        """
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread can hear signals: a server inside a test, say
        for number in (signal.SIGTERM, signal.SIGINT):
            self._listen_for(number)

    def _listen_for(self, number: signal.Signals) -> None:
        loop = asyncio.get_running_loop()
        server_handler = signal.getsignal(number)

        def on_signal(signum: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.begin)
            if callable(server_handler):
                server_handler(signum, frame)

        signal.signal(number, on_signal)

    def begin(self) -> None:
        """Be draining from now on; the second time changes nothing."""
        if self.is_draining:
            return
        self.is_draining = True
        timeout_s = max(0.0, self._window_s - _BEFORE_THE_END_S)
        asyncio.get_running_loop().call_later(timeout_s, self.end_running)

    def end_running(self) -> None:
        """End every call that still runs.

        One that is closed has its charge on the way to the books: it could only be told that
        nothing was charged, which is not so. It has what is left of the window.
        """
        cut = [(task, call) for task, call in self._running.items() if not call.is_closed]
        if cut:
            logger.warning("shutdown ends %d running calls", len(cut))
        for task, call in cut:
            call.is_cut_by_shutdown = True
            task.cancel()

    async def settle_rest(self) -> None:
        """End what is left when the server has closed its last connection, and wait for it.

        These callers have hung up, and the server may not have had the time to say so: their
        holds must be closed before the writer stops.
        """
        left = list(self._running)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_BEFORE_THE_END_S)

    def watch(self, task: "asyncio.Task[Any]", call: Call) -> None:
        """Remember a running call."""
        self._running[task] = call

    def forget(self, task: "asyncio.Task[Any]") -> None:
        """A call has ended by itself."""
        self._running.pop(task, None)
