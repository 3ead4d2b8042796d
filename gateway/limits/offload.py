"""Work that grows with a request, run off the event loop for large requests.

Checking thirty megabytes of small blocks takes a second or more, and translating them as long
again. On the event loop, all other calls of the process would wait for that.
"""

from collections.abc import Callable
from typing import TypeVar

from gateway.limits.thread_turns import ThreadTurns

Result = TypeVar("Result")

# A smaller request takes a few milliseconds at most: no more than a change of threads, after which
# the event loop has to get the interpreter's lock back.
SMALL_BYTES = 256 * 1024
# One at a time: the event loop has to wait for each thread that runs beside it.
_turns = ThreadTurns(1, name="large-request")


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
    return await _turns.run(work, workspace_id=workspace_id, before=before)
