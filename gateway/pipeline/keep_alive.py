"""Comments to a caller while the upstream has not begun to answer.

A prompt may take minutes to process, and proxies on the way cut a connection that is silent for
one. Once the upstream has begun, the relay notices its silences without this.
"""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self


class KeepAlive:
    """Sends a comment every few seconds until ended. A timer; a task only when one is due."""

    def __init__(self, comment: Callable[[], Coroutine[Any, Any, None]], *, every_s: float) -> None:
        self._comment = comment
        self._every_s = every_s
        self._timer: asyncio.TimerHandle
        self._sending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._schedule()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait({self._sending})
            if not self._sending.cancelled():
                self._sending.exception()  # retrieved: the sink reports a disconnect elsewhere

    async def end(self) -> None:
        """Send no further comment. One that is being sent is completed; raises what it raises."""
        self._timer.cancel()
        if self._sending is not None:
            await self._sending

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every_s, self._due)

    def _due(self) -> None:
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._comment())
        self._schedule()
