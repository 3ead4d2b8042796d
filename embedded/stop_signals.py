"""SIGINT, SIGTERM and SIGHUP take effect only where the code waits, so no step is cut short."""

import select
import signal
import socket
from collections.abc import Callable
from types import FrameType

from embedded.errors import StopRequested

STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def set_stop_handler(handler: Callable[[int, FrameType | None], None]) -> None:
    """Call `handler` for each signal that asks to stop.

    An ignored SIGHUP stays ignored: that is what nohup is for. A shell that starts us with `&` has
    SIGINT ignored as well, but a SIGINT sent to a background process is deliberate.
    """
    for number in STOP:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


class StopSignals:
    """Counts stop signals from its creation on; `pause` raises for them."""

    def __init__(self) -> None:
        self.count = 0
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        # A byte per signal wakes `wait` at once, also when a child exits.
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        set_stop_handler(self._on_signal)
        # The bootstrap blocks them until this process has its handlers.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP)

    def pause(self, seconds: float) -> None:
        """Wait for `seconds` or until a signal arrives.

        Raises StopRequested for a stop signal, also for one from before the call.
        """
        self.wait(seconds if not self.count else 0)
        if self.count:
            raise StopRequested

    def wait(self, seconds: float) -> None:
        """Wait for `seconds` or until a signal arrives. For use while stopping: never raises."""
        if select.select([self._reader], [], [], seconds)[0]:
            self._reader.recv(4096)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
