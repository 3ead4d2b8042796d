"""The supervisor's end of the pipe through which a child reports that it is ready or stopping.

The product writes the other end: `server/notices.py`, in the words of systemd's sd_notify(3).
"""

import contextlib
import os

PIPE = "CAICAINI_NOTIFY_FD"


class Notices:
    """The notices of one process."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._received = b""

    def close_writer(self) -> None:
        """Leave the writing end to the child, once it has been spawned."""
        os.close(self.writer)

    def close(self) -> None:
        """Stop listening."""
        os.close(self._reader)

    def read(self) -> None:
        """Read what has arrived."""
        with contextlib.suppress(BlockingIOError):
            self._received += os.read(self._reader, 1024)

    @property
    def is_ready(self) -> bool:
        """Whether the process has reported that it answers."""
        return b"READY=1\n" in self._received

    @property
    def is_stopping(self) -> bool:
        """Whether the process has reported that it accepts nothing more."""
        return b"STOPPING=1\n" in self._received
