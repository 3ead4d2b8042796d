"""A time limit on what a task awaits, cheaper than asyncio.timeout: each call has two or more."""

import asyncio
from types import TracebackType
from typing import Any, Self


class TimeLimit:
    """Cancels what a block of its task awaits after `after_s`, and raises TimeoutError instead.

    A cancellation from elsewhere passes through. Few limits are ever reached, so extending one
    leaves its timer as it is: when the timer fires, it is set again for the time that is left.
    """

    __slots__ = ("_after_s", "_cancelling", "_fires_after_s", "_has_fired", "_task", "_timer")

    def __init__(self, after_s: float) -> None:
        self._after_s = self._fires_after_s = after_s
        self._has_fired = False
        self._task: asyncio.Task[Any]
        self._timer: asyncio.TimerHandle

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "a time limit needs a task to cancel"
        self._task = task
        self._cancelling = task.cancelling()
        self._timer = asyncio.get_running_loop().call_later(self._after_s, self._fire)
        return self

    def extend(self, after_s: float) -> None:
        """Allow the block `after_s` from its beginning; never less than at first."""
        self._after_s = after_s

    def _fire(self) -> None:
        if (left_s := self._after_s - self._fires_after_s) > 0:
            self._fires_after_s = self._after_s
            self._timer = asyncio.get_running_loop().call_later(left_s, self._fire)
        else:
            self._has_fired = True
            self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._has_fired:
            is_cancelled_elsewhere = self._task.uncancel() > self._cancelling
            if kind is asyncio.CancelledError and not is_cancelled_elsewhere:
                raise TimeoutError from error
