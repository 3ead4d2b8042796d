"""How much a workspace may read, in this process: at once, and in a minute."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from gateway.errors import RateLimited

_WINDOW_S = 60


class _Minute(NamedTuple):
    number: int
    reads: int
    reads_before: int  # in the minute before


class ReadLimits:
    """Counts reads of one kind by workspace. The window slides, as for calls."""

    def __init__(
        self,
        kind: str,
        *,
        at_once: int,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kind = kind
        self._at_once = at_once
        self._per_minute = per_minute
        self._clock = clock
        self._running: Counter[int] = Counter()
        self._minutes: dict[int, _Minute] = {}

    @contextmanager
    def counted(self, workspace_id: int) -> Iterator[None]:
        """Count a read for the block; raises RateLimited."""
        if self._running[workspace_id] >= self._at_once:
            raise RateLimited(
                f"This workspace has {self._at_once} {self._kind} running; wait for one to end.",
                retry_after_s=1,
            )
        self._count(workspace_id, 1, needed=1)
        self._running[workspace_id] += 1
        try:
            yield
        finally:
            self._running[workspace_id] -= 1
            if not self._running[workspace_id]:
                del self._running[workspace_id]

    def add(self, workspace_id: int, reads: int) -> None:
        """Count further reads for one that costs as much. They may exceed the minute's, but once
        it is exceeded RateLimited is raised."""
        self._count(workspace_id, reads, needed=0)

    def _count(self, workspace_id: int, reads: int, *, needed: int) -> None:
        number, into = divmod(self._clock(), _WINDOW_S)
        minute = self._minute(workspace_id, int(number))
        used = minute.reads_before * (1 - into / _WINDOW_S) + minute.reads
        missing = used + needed - self._per_minute
        if missing > 0:
            wait_s = math.ceil(max(1.0, missing) * _WINDOW_S / self._per_minute)
            raise RateLimited(
                f"This workspace's limit of {self._per_minute} {self._kind} a minute is used up.",
                retry_after_s=min(wait_s, _WINDOW_S),
            )
        self._minutes[workspace_id] = minute._replace(reads=minute.reads + reads)

    def _minute(self, workspace_id: int, number: int) -> _Minute:
        last = self._minutes.get(workspace_id)
        if last is None or last.number < number - 1:
            if len(self._minutes) > 10_000:
                self._forget_old(number)
            return _Minute(number, 0, 0)
        return last if last.number == number else _Minute(number, 0, last.reads)

    def _forget_old(self, number: int) -> None:
        current = self._minutes.items()
        self._minutes = {key: one for key, one in current if one.number >= number - 1}
