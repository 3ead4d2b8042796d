"""A time limit on what a task awaits: asyncio.timeout costs three times as much, and each call is
under two of them or more."""

import asyncio
from types import TracebackType
from typing import Any, Self


class TimeLimit:
    """Cancels what a block of its task awaits after `after_s`, and raises TimeoutError instead.

    Somebody else's cancellation passes through. Hardly a limit is ever reached, so the timer is
    left where it is when the limit is extended: it looks again when it rings.
    """

    __slots__ = ("_after_s", "_cancelling", "_has_rung", "_rings_after_s", "_task", "_timer")

    def __init__(self, after_s: float) -> None:
        self._after_s = self._rings_after_s = after_s
        self._has_rung = False
        self._task: asyncio.Task[Any]
        self._timer: asyncio.TimerHandle

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "there is nothing to cancel outside of a task"
        self._task = task
        self._cancelling = task.cancelling()
        self._timer = asyncio.get_running_loop().call_later(self._after_s, self._ring)
        return self

    def extend(self, after_s: float) -> None:
        """Let the block take `after_s` from its beginning; no less than it was given then."""
        self._after_s = after_s

    def _ring(self) -> None:
        if (left_s := self._after_s - self._rings_after_s) > 0:
            self._rings_after_s = self._after_s
            self._timer = asyncio.get_running_loop().call_later(left_s, self._ring)
        else:
            self._has_rung = True
            self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._has_rung:
            is_cancelled_by_others = self._task.uncancel() > self._cancelling
            if kind is asyncio.CancelledError and not is_cancelled_by_others:
                raise TimeoutError from error
