"""What the bodies of a process may take of its memory and its disk, shared fairly.

A body that is still arriving is in memory with its first megabyte at most, and with less while many
arrive; the rest is in a temporary file without a name. Once it is complete, the memory for all of
it is lent to it before it is read back, until its call ends.
"""

import mmap
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from gateway.errors import BusyUploading
from gateway.limits.fair_budget import BudgetSpent, FairBudget, Holder
from gateway.limits.thread_turns import ThreadTurns

# Smaller bodies are not budgeted: the limits of concurrent calls bound them.
SMALL_BYTES = 64 * 1024
_LARGEST_IN_MEMORY = 1024 * 1024
# While all arriving bodies together have more than this in memory, each keeps SMALL_BYTES there.
_MOST_ARRIVING_BYTES = 48 * 1024 * 1024


class Uploads:
    """The budgets of a process. A workspace may have half of each, a key three eighths, but a body
    of the largest size always fits."""

    def __init__(
        self,
        *,
        folder: Path,
        memory_bytes: int,
        disk_bytes: int,
        largest_body_bytes: int,
        wait_s: float,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.largest_body_bytes = largest_body_bytes
        self.memory = _budget(memory_bytes, largest_body_bytes)
        self.disk = _budget(disk_bytes, largest_body_bytes)
        self.wait_s = wait_s
        self.arriving_bytes = 0  # of all bodies, in memory
        # A slow disk delays uploads, not the event loop, and those of one workspace no other's.
        self.writers = ThreadTurns(2, name="uploads")

    def upload(self, holder: Holder) -> "Upload":
        """Return the room of one body; call its `end`."""
        return Upload(self, holder)


class Upload:
    """One body: where its bytes are, and what it has of the budgets."""

    __slots__ = ("_arriving", "_chunks", "_file", "_holder", "_left_s", "_lent", "_map", "_uploads")

    def __init__(self, uploads: Uploads, holder: Holder) -> None:
        self._uploads = uploads
        self._holder = holder
        self._left_s = uploads.wait_s  # for budgets, in all
        self._lent: list[tuple[FairBudget, int]] = []
        self._chunks: list[bytes] = []
        self._arriving = 0  # bytes in _chunks
        self._file: IO[bytes] | None = None
        self._map: mmap.mmap | None = None

    async def reserve_disk(self, size: int) -> None:
        """Wait for room for a body of this size; raises BusyUploading."""
        await self._take(self._uploads.disk, size)

    async def add(self, chunk: bytes) -> None:
        """Keep a part of the body."""
        self._chunks.append(chunk)
        self._arriving += len(chunk)
        self._uploads.arriving_bytes += len(chunk)
        is_crowded = self._uploads.arriving_bytes > _MOST_ARRIVING_BYTES
        if self._arriving > (SMALL_BYTES if is_crowded else _LARGEST_IN_MEMORY):
            await self._write()

    async def whole(self, size: int) -> bytes | mmap.mmap:
        """Wait for so much memory and return the complete body; raises BusyUploading."""
        await self._take(self._uploads.memory, size)
        if self._file is None:
            body = b"".join(self._chunks)
            self._forget_chunks()
            return body
        await self._write()
        # Mapped, not read: the body's own bytes are then no copy beside those that are parsed.
        self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map

    def parsed(self) -> None:
        """Give back the file: nobody reads the body's own bytes any more."""
        self._forget_chunks()
        if self._map is not None:
            with suppress(BufferError):  # a thread reads it whose call was cancelled
                self._map.close()
            self._map = None
        if self._file is not None:
            self._file.close()
            self._file = None
        self._give_back(self._uploads.disk)

    def end(self) -> None:
        """Give everything back; the second time changes nothing."""
        self.parsed()
        self._give_back(self._uploads.memory)

    async def _take(self, budget: FairBudget, size: int) -> None:
        began = time.monotonic()
        try:
            amount = await budget.take(self._holder, size, wait_s=self._left_s)
        except BudgetSpent:
            raise BusyUploading from None
        self._left_s = max(0.0, self._left_s - (time.monotonic() - began))
        self._lent.append((budget, amount))

    def _give_back(self, budget: FairBudget) -> None:
        for lent in [lent for lent in self._lent if lent[0] is budget]:
            self._lent.remove(lent)
            budget.give_back(self._holder, lent[1])

    async def _write(self) -> None:
        """Move what is in memory to the file."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(  # noqa: SIM115 (`parsed` closes it)
                dir=self._uploads.folder, buffering=0
            )
        data = b"".join(self._chunks)
        self._forget_chunks()
        await self._uploads.writers.run(
            partial(_write_all, self._file, data), workspace_id=self._holder.workspace_id
        )

    def _forget_chunks(self) -> None:
        self._uploads.arriving_bytes -= self._arriving
        self._arriving = 0
        self._chunks.clear()


def _write_all(file: IO[bytes], data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _budget(total: int, largest: int) -> FairBudget:
    return FairBudget(
        max(total, largest),
        per_workspace=max(total // 2, largest),
        per_key=max(total * 3 // 8, largest),
    )
