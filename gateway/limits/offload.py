"""Work that grows with a request, kept off the event loop where the request is large.

Thirty megabytes of small blocks take a second or more to check, and as long again to translate. On
the event loop all other calls of the process would stand still meanwhile.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

# What is smaller takes a few milliseconds at the very most: no more than a change of threads, for
# which the event loop has to get the interpreter's lock back.
_SMALL_BYTES = 256 * 1024
# One at a time: each thread at work is one more that the event loop has to wait for.
_executor = ThreadPoolExecutor(1, thread_name_prefix="large-request")


async def work_off(work: Callable[[], Result], *, size_bytes: int) -> Result:
    """Return what `work` returns, or raise what it raises; it does no I/O and changes nothing that
    anybody else sees."""
    if size_bytes <= _SMALL_BYTES:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_executor, work)
