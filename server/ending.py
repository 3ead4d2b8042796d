"""Whether the current task is being ended, for loops that last as long as their process."""

import asyncio


def goes_on() -> bool:
    """Return False once the current task was cancelled.

    A cancellation that arrives while a client of Redis or PostgreSQL closes a connection can be
    lost in it: a loop that relied on its exception would then keep the process from ending.
    """
    task = asyncio.current_task()
    return task is None or not task.cancelling()
