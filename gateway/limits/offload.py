"""Work that grows with a request, run off the event loop for large requests.

Checking thirty megabytes of small blocks takes a second or more, and translating them as long
again. On the event loop, all other calls of the process would wait for that.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

# A smaller request takes a few milliseconds at most: no more than a change of threads, after which
# the event loop has to get the interpreter's lock back.
_SMALL_BYTES = 256 * 1024
# One at a time: the event loop has to wait for each thread that runs beside it.
_executor = ThreadPoolExecutor(1, thread_name_prefix="large-request")


async def run(work: Callable[[], Result], *, size_bytes: int) -> Result:
    """Return what `work` returns, or raise what it raises. It must do no I/O and change nothing
    that other code sees."""
    if size_bytes <= _SMALL_BYTES:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_executor, work)
