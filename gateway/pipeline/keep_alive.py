"""Keeps a caller from giving up while an upstream has not even begun to answer.

A prompt may take minutes to read; proxies on the way cut a connection that is silent for one. Once
the upstream has begun, whoever relays its answer sees its silences without this.
"""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self


class KeepAlive:
    """Speaks every few seconds until it is ended; a timer, and no task before it is due."""

    def __init__(self, speak: Callable[[], Coroutine[Any, Any, None]], *, every_s: float) -> None:
        self._speak = speak
        self._every_s = every_s
        self._timer: asyncio.TimerHandle
        self._speaking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._wait()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._speaking is not None:
            self._speaking.cancel()
            await asyncio.wait({self._speaking})
            if not self._speaking.cancelled():
                self._speaking.exception()  # heard: the caller's leaving is told by other means

    async def end(self) -> None:
        """Be silent from now on. What is being said is said to its end; raises what it raises."""
        self._timer.cancel()
        if self._speaking is not None:
            await self._speaking

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every_s, self._say)

    def _say(self) -> None:
        if self._speaking is None or self._speaking.done():
            self._speaking = asyncio.create_task(self._speak())
        self._wait()
