"""Settlements on this machine's disk, for the time that PostgreSQL is unavailable.

Each process has a file of its own, `<owner>.journal`, and locks it for as long as it lives. The
kernel releases the lock however a process ends, so a file that can be locked is a dead process's.
One line is one Settle, with a checksum in front:

    1c291ca3 {"record":{"id":"0198…","workspace_id":1,…},"actual":12,"held":950}

A line counts once it is on the disk, and only then does its caller receive the charge. So a last
line that was cut off while it was written can be skipped: no caller received it. Applying a line a
second time changes nothing, so a file is emptied after its lines are committed, not together with
them.
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
    """A journal's settlements, and its lines that cannot be decoded."""

    settles: list[Settle]
    damaged: list[bytes]


class Journal:
    """A locked journal file: this process's own, or a dead one's that was taken over."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size

    @property
    def owner(self) -> int:
        """The process that wrote it."""
        return _owner_of(self._path)

    @property
    def is_empty(self) -> bool:
        """Whether it has no lines."""
        return not self._size

    @property
    def is_in_place(self) -> bool:
        """Whether the file is still in its folder, where other processes find it."""
        return _is_same_file(self._path, self._descriptor)

    def append(self, settles: Sequence[Settle]) -> None:
        """Write the settlements to the disk; raises OSError, and then nothing was added."""
        lines = b"".join(_line(settle) for settle in settles)
        try:
            _write_all(self._descriptor, lines, at=self._size)
            os.fdatasync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(lines)

    def read(self) -> Contents:
        """Return its contents. A last line that was cut off is dropped, with a warning."""
        lines = os.pread(self._descriptor, self._size, 0).split(b"\n")
        if lines.pop():
            logger.warning("%s: the last line was cut off while it was written", self._path.name)
        contents = Contents([], [])
        for line in lines:
            settle = _parsed(line)
            if settle is None:
                contents.damaged.append(line)
            else:
                contents.settles.append(settle)
        return contents

    def clear(self, *, rejected: Sequence[Settle] = ()) -> None:
        """Empty it, once everything in it is committed.

        Damaged lines, and those that PostgreSQL rejected, go to a file beside it for an operator.
        """
        aside = [line + b"\n" for line in self.read().damaged]
        aside += [_line(settle) for settle in rejected]
        if aside:
            path = self._path.with_suffix(".aside")
            with path.open("ab") as file:
                file.writelines(aside)
            logger.error("%d lines of a journal could not be applied: see %s", len(aside), path)
        os.ftruncate(self._descriptor, 0)
        self._size = 0

    def close(self) -> None:
        """Unlock the file; an empty one is removed, so that no reaper has to open it."""
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
        # Before it was locked it looked abandoned, and another process may have removed it.
        if _is_same_file(path, descriptor):
            _sync_folder(folder)
            return Journal(path, descriptor)
        os.close(descriptor)


def abandoned(folder: Path) -> Generator[Journal]:
    """Take over the journals of dead processes, one after the other."""
    for path in folder.glob(f"*{_SUFFIX}"):
        journal = _take_over(path)
        if journal is not None:
            try:
                yield journal
            finally:
                journal.close()


def owners_alive(folder: Path) -> set[int]:
    """Return this machine's living processes, once `abandoned` has processed the others."""
    return {_owner_of(path) for path in folder.glob(f"*{_SUFFIX}")}


def _take_over(path: Path) -> Journal | None:
    """Lock a journal; None if its process lives, or if another process has taken it over."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    if not _is_same_file(path, descriptor):
        os.close(descriptor)
        return None
    return Journal(path, descriptor)


def _is_same_file(path: Path, descriptor: int) -> bool:
    """Whether the locked file is still the one of that name."""
    try:
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _owner_of(path: Path) -> int:
    return int(path.stem)


def _line(settle: Settle) -> bytes:
    body = msgspec.json.encode(settle)
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _parsed(line: bytes) -> Settle | None:
    checksum, body = line[:_CHECKSUM_LENGTH], line[_CHECKSUM_LENGTH + 1 :]
    if checksum != b"%08x" % zlib.crc32(body):
        return None
    try:
        return msgspec.json.decode(body, type=Settle)
    except msgspec.DecodeError:
        return None  # intact, but of an incompatible version


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
