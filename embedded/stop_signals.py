"""SIGINT, SIGTERM and SIGHUP take effect only where the code waits, so no step is cut short.

SIGHUP has two meanings: the terminal was closed, which is a request to stop, or an operator asks
for a restart, as of most servers.
"""

import contextlib
import os
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
    """Counts stop signals from its creation on; `pause` raises for them.

    With `restarts_on_hangup`, a SIGHUP is counted as a request to restart unless the terminal that
    we were started from has been closed.
    """

    def __init__(self, *, restarts_on_hangup: bool = False) -> None:
        self.count = 0
        self._restarts = 0
        self._restarts_on_hangup = restarts_on_hangup
        self._stops_with_terminal = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN
        self._has_terminal = _terminal_is_open()
        if self._stops_with_terminal and signal.SIGHUP in signal.sigpending():
            self.count = 1  # the bootstrap was running when the terminal was closed
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        # A byte per signal wakes `wait` at once, also when a child exits.
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        set_stop_handler(self._on_signal)
        if restarts_on_hangup:
            signal.signal(signal.SIGHUP, self._on_hangup)
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

    def take_restart(self) -> bool:
        """Return whether a restart was requested since the last call."""
        requested, self._restarts = self._restarts, 0
        return requested > 0

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1

    def _on_hangup(self, _number: int, _frame: FrameType | None) -> None:
        is_closed = self._has_terminal and not _terminal_is_open()
        if not is_closed:
            self._restarts += 1
            return
        self._has_terminal = False  # a later SIGHUP comes from an operator
        self.count += self._stops_with_terminal  # False under nohup


def _terminal_is_open() -> bool:
    """Whether this process has a terminal that it could still use."""
    with contextlib.suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        return True
    return False
