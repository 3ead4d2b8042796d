"""SIGINT, SIGTERM and SIGHUP, noticed only where the code waits: nothing is left half done."""

import select
import signal
import socket
from collections.abc import Callable
from types import FrameType

from embedded.errors import StopRequested

STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def on_stop(handler: Callable[[int, FrameType | None], None]) -> None:
    """Call `handler` for each request to stop.

    nohup ignores SIGHUP on purpose, so that stays ignored. A shell that starts us with & has SIGINT
    ignored too, but whoever sends one to such a process means it.
    """
    for number in STOP:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


class StopSignals:
    """Counts requests to stop from its making on; `pause` is where they take effect."""

    def __init__(self) -> None:
        self.count = 0
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        # A byte per signal wakes `wait` at once, for a child's death too.
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        on_stop(self._on_signal)
        # The bootstrap blocks them while it hands over to us.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP)

    def pause(self, seconds: float) -> None:
        """Wait, at most until a signal comes.

        Raises StopRequested when one asks to stop, also one from before the call.
        """
        self.wait(seconds if not self.count else 0)
        if self.count:
            raise StopRequested

    def wait(self, seconds: float) -> None:
        """Wait, at most until a signal comes; for the time when we are stopping already."""
        if select.select([self._reader], [], [], seconds)[0]:
            self._reader.recv(4096)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
