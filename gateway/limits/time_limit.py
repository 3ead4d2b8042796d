"""Time limits on what a task awaits, cheaper than asyncio.timeout: each call has two or more."""

import asyncio
import math
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
            _end_cancelled(self._task, self._cancelling, kind, error)


class RepeatedLimit:
    """A time limit on each of many waits of the task that makes it, one after the other.

    To set and cancel a timer for each event of a stream is a good part of the event's cost. So a
    timer is left to fire: it is then set again for the time that the wait under way has left.
    """

    __slots__ = ("_cancelling", "_due_at", "_fires_at", "_has_fired", "_loop", "_task", "_timer")

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "a time limit needs a task to cancel"
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = self._due_at = math.inf

    def until(self, due_at: float) -> Self:
        """Return the limit of the next block: a moment of the event loop's clock."""
        self._due_at = due_at
        return self

    def __enter__(self) -> Self:
        self._has_fired = False
        self._cancelling = self._task.cancelling()
        if self._due_at < self._fires_at:
            self._set_timer()
        return self

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._fires_at = self._due_at
        self._timer = self._loop.call_at(self._due_at, self._fire)

    def _fire(self) -> None:
        self._timer, self._fires_at = None, math.inf
        if self._due_at <= self._loop.time():
            self._has_fired = True
            self._task.cancel()
        elif self._due_at < math.inf:
            self._set_timer()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._due_at = math.inf
        if self._has_fired:
            _end_cancelled(self._task, self._cancelling, kind, error)


def _end_cancelled(
    task: "asyncio.Task[Any]",
    cancelling: int,
    kind: type[BaseException] | None,
    error: BaseException | None,
) -> None:
    """Take the cancellation of a block back, and raise TimeoutError unless others cancelled it too:
    `cancelling` is how often they had done so before it."""
    is_cancelled_elsewhere = task.uncancel() > cancelling
    if kind is asyncio.CancelledError and not is_cancelled_elsewhere:
        raise TimeoutError from error
