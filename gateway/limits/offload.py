"""Work that grows with a request, run off the event loop for large requests.

Checking thirty megabytes of small blocks takes a second or more, and translating them as long
again. On the event loop, all other calls of the process would wait for that.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

# A smaller request takes a few milliseconds at most: no more than a change of threads, after which
# the event loop has to get the interpreter's lock back.
SMALL_BYTES = 256 * 1024
# One at a time: the event loop has to wait for each thread that runs beside it.
_executor = ThreadPoolExecutor(1, thread_name_prefix="large-request")


class _Turns:
    """Whose work is next. Workspaces take turns, so that the many large requests of one delay a
    large request of another by one piece of work at most."""

    def __init__(self) -> None:
        self._is_taken = False
        self._waiting: OrderedDict[int, deque[asyncio.Future[None]]] = OrderedDict()

    async def wait(self, workspace_id: int) -> None:
        """Return when it is the workspace's turn; `end` ends it."""
        if not self._is_taken:
            self._is_taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace_id, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.end()  # it came in the moment of the cancellation
            raise

    def end(self) -> None:
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
        self._is_taken = False


_turns = _Turns()


async def run(
    work: Callable[[], Result],
    *,
    size_bytes: int,
    workspace_id: int = 0,
    before: Callable[[], object] | None = None,
) -> Result:
    """Return what `work` returns, or raise what it raises. It must do no I/O and change nothing
    that other code sees. `before` is called when the turn of large work has come; it may raise."""
    if size_bytes <= SMALL_BYTES:
        return work()
    await _turns.wait(workspace_id)
    try:
        if before is not None:
            before()
        running = asyncio.get_running_loop().run_in_executor(_executor, work)
    except BaseException:
        _turns.end()
        raise
    # Also if this task is cancelled: a thread cannot be.
    running.add_done_callback(lambda _: _turns.end())
    return await asyncio.shield(running)
