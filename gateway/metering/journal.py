"""Ends of calls on this machine's own disk, for the time that PostgreSQL is away.

Each process has a file of its own, `<owner>.journal`, locked for as long as it lives: the kernel
lets go of the lock however a process ends, so a file that can be locked is a dead process's. One
line is one Close, with a checksum in front:

    1c291ca3 {"record":{"id":"0198…","workspace_id":1,…},"actual":12,"held":950}

A line counts once it is on the disk; only then its caller is told the charge. So a last line that
was cut off in the middle of writing is owed to nobody and is passed over. Applying a line a second
time changes nothing, so a file is emptied after its lines are committed, not together with them.
"""

import fcntl
import logging
import os
import zlib
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from gateway.metering.operations import Settle

logger = logging.getLogger(__name__)

_SUFFIX = ".journal"
_CHECKSUM_LENGTH = 8


class Contents(NamedTuple):
    """What a journal says: the ends in it, and the lines that nobody can read any more."""

    closes: list[Settle]
    damaged: list[bytes]


class Journal:
    """A journal file under lock: a living process's own, or a dead one's that we took over."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size

    @property
    def owner(self) -> int:
        """Whose it is."""
        return _owner_of(self._path)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not self._size

    def append(self, closes: Sequence[Settle]) -> None:
        """Put the ends on the disk; raises OSError, and then nothing was added."""
        lines = b"".join(_line(close) for close in closes)
        try:
            _write_all(self._descriptor, lines, at=self._size)
            os.fdatasync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(lines)

    def read(self) -> Contents:
        """Return what is in it. A last line that was cut off is dropped, with a warning."""
        lines = os.pread(self._descriptor, self._size, 0).split(b"\n")
        if lines.pop():
            logger.warning("%s: the last line was cut off while it was written", self._path.name)
        contents = Contents([], [])
        for line in lines:
            close = _parsed(line)
            if close is None:
                contents.damaged.append(line)
            else:
                contents.closes.append(close)
        return contents

    def clear(self, *, failed: Sequence[Settle] = ()) -> None:
        """Empty it, once everything in it is committed.

        What could not be read, and what the ledger would not take, is kept beside it for a person.
        """
        aside = [line + b"\n" for line in self.read().damaged] + [_line(close) for close in failed]
        if aside:
            path = self._path.with_suffix(".aside")
            with path.open("ab") as file:
                file.writelines(aside)
            logger.error("%d lines of a journal could not be applied: see %s", len(aside), path)
        os.ftruncate(self._descriptor, 0)
        self._size = 0

    def close(self) -> None:
        """Let go of the file; an empty one is removed, so that nobody looks after it."""
        if self.is_empty:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def create(folder: Path, *, owner: int) -> Journal:
    """Make the journal of this process; raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{owner}{_SUFFIX}"
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Seen before it was locked, it looked abandoned, and may have been removed.
        if _is_still_there(path, descriptor):
            _sync_folder(folder)
            return Journal(path, descriptor)
        os.close(descriptor)


def abandoned(folder: Path) -> Generator[Journal]:
    """Take over the journals of processes that are gone, one after the other."""
    for path in folder.glob(f"*{_SUFFIX}"):
        journal = _taken(path)
        if journal is not None:
            try:
                yield journal
            finally:
                journal.close()


def owners_alive(folder: Path) -> set[int]:
    """Return the processes of this machine that live, after `abandoned` took the others'."""
    return {_owner_of(path) for path in folder.glob(f"*{_SUFFIX}")}


def _taken(path: Path) -> Journal | None:
    """Lock a journal; None if its process lives, or if somebody else has dealt with it."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    if not _is_still_there(path, descriptor):
        os.close(descriptor)
        return None
    return Journal(path, descriptor)


def _is_still_there(path: Path, descriptor: int) -> bool:
    """Whether the file we have locked is still the one of that name."""
    try:
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _owner_of(path: Path) -> int:
    return int(path.stem)


def _line(close: Settle) -> bytes:
    body = msgspec.json.encode(close)
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _parsed(line: bytes) -> Settle | None:
    checksum, body = line[:_CHECKSUM_LENGTH], line[_CHECKSUM_LENGTH + 1 :]
    if checksum != b"%08x" % zlib.crc32(body):
        return None
    try:
        return msgspec.json.decode(body, type=Settle)
    except msgspec.DecodeError:
        return None  # whole, yet of another version's shape


def _write_all(descriptor: int, data: bytes, *, at: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, at)
        data, at = data[written:], at + written


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
