"""Threads that do work for workspaces in turns."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class ThreadTurns:
    """So many threads. Workspaces take turns, so that however much work one has, another's begins
    once a single piece of it is done."""

    def __init__(self, threads: int, *, name: str) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free = threads
        self._waiting: OrderedDict[int, deque[asyncio.Future[None]]] = OrderedDict()

    async def run(
        self,
        work: Callable[[], Result],
        *,
        workspace_id: int,
        before: Callable[[], object] | None = None,
    ) -> Result:
        """Return what `work` returns, or raise what it raises. `before` is called when its turn has
        come; it may raise."""
        await self._wait(workspace_id)
        try:
            if before is not None:
                before()
            running = asyncio.get_running_loop().run_in_executor(self._executor, work)
        except BaseException:
            self._end()
            raise
        # Also if this task is cancelled: a thread cannot be.
        running.add_done_callback(lambda _: self._end())
        return await asyncio.shield(running)

    async def _wait(self, workspace_id: int) -> None:
        """Return when it is the workspace's turn; `_end` ends it."""
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace_id, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._end()  # it came in the moment of the cancellation
            raise

    def _end(self) -> None:
        """Pass the turn on to the next workspace that waits."""
        while self._waiting:
            workspace_id, turns = next(iter(self._waiting.items()))
            turn = turns.popleft()
            if turns:
                self._waiting.move_to_end(workspace_id)
            else:
                del self._waiting[workspace_id]
            if not turn.cancelled():
                turn.set_result(None)
                return
        self._free += 1
