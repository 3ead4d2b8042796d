"""The log file of a child, bounded in size while the child runs.

The child writes into a pipe and a thread of ours into the file, so that the file can be replaced
between two lines. Copying and truncating a file that the child itself appends to would lose the
lines in between.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

LARGEST_BYTES = 20 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024


def open_log(directory: Path, name: str) -> Path:
    """Return the child's log file, which exists from then on."""
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / f"{name}.log"
    log.touch(mode=0o600)
    return log


class ChildLog:
    """Receives a child's output. A file at its largest size is renamed to `.log.1`, in the place
    of the one before."""

    def __init__(self, path: Path, *, largest_bytes: int = LARGEST_BYTES) -> None:
        self.path = path
        self._largest_bytes = largest_bytes
        self._guard = threading.Lock()
        self._file = _open(path)
        self._size = self._start = os.fstat(self._file).st_size
        self._ends_with_line = True
        self._readers: list[threading.Thread] = []

    @contextlib.contextmanager
    def pipe(self) -> Iterator[int]:
        """Return the descriptor for a new process of the child to write to; it is closed here
        after the block."""
        receiver, sender = os.pipe()
        reader = threading.Thread(
            target=self._receive, args=[receiver], name=self.path.name, daemon=True
        )
        self._readers = [*(one for one in self._readers if one.is_alive()), reader]
        reader.start()
        try:
            yield sender
        finally:
            os.close(sender)

    def drain(self, *, timeout_s: float = 2.0) -> None:
        """Wait until the output of ended processes is in the file.

        Not without end: a process that they have started may live on, and has the pipe, too.
        """
        give_up_at = time.monotonic() + timeout_s
        for reader in self._readers:
            reader.join(max(0.0, give_up_at - time.monotonic()))

    def begin_run(self) -> None:
        """Let `output` begin with what is written from now on."""
        with self._guard:
            self._start = self._size

    def output(self) -> str:
        """Return what the file has of the latest run."""
        with contextlib.suppress(OSError), self.path.open("rb") as lines:
            lines.seek(self._start)
            return lines.read().decode(errors="replace")
        return ""

    def write(self, data: bytes) -> None:
        """Append to the file, and replace the file between two lines if it would grow too large."""
        with self._guard:
            if self._size and self._size + len(data) > self._largest_bytes:
                data = self._end_line(data)
                if self._ends_with_line or self._size > 2 * self._largest_bytes:
                    self._rotate()
            self._append(data)

    def _end_line(self, data: bytes) -> bytes:
        """Append what completes the last line; return the rest."""
        if self._ends_with_line:
            return data
        line, newline, rest = data.partition(b"\n")
        self._append(line + newline)
        return rest

    def _receive(self, receiver: int) -> None:
        with open(receiver, "rb", buffering=0) as pipe:
            while data := pipe.read(_CHUNK_BYTES):
                self.write(data)

    def _append(self, data: bytes) -> None:
        # Without room on the disk the output is lost; if we stopped reading, the child would block.
        with contextlib.suppress(OSError):
            while data:
                written = os.write(self._file, data)
                self._size += written
                self._ends_with_line = data[written - 1 : written] == b"\n"
                data = data[written:]

    def _rotate(self) -> None:
        with contextlib.suppress(OSError):
            self.path.replace(self.path.with_suffix(".log.1"))
            file = _open(self.path)
            os.close(self._file)
            self._file, self._size, self._start = file, 0, 0


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
