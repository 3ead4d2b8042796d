"""Large work: one piece at a time, and workspaces take turns."""

import asyncio
import threading
from functools import partial

import pytest

from gateway.limits import offload

LARGE = offload.SMALL_BYTES + 1


async def test_the_work_of_another_workspace_waits_for_one_piece_at_most() -> None:
    done: list[int] = []
    free = threading.Event()

    def work(number: int) -> int:
        free.wait(60)
        done.append(number)
        return number

    many = [
        asyncio.create_task(offload.run(partial(work, 1), size_bytes=LARGE, workspace_id=1))
        for _ in range(6)
    ]
    await asyncio.sleep(0)
    other = asyncio.create_task(offload.run(partial(work, 2), size_bytes=LARGE, workspace_id=2))
    await asyncio.sleep(0)
    free.set()

    assert await other == 2
    await asyncio.gather(*many)
    assert done.index(2) <= 2
    assert len(done) == 7


async def test_a_cancelled_turn_is_passed_on() -> None:
    free = threading.Event()
    running = asyncio.create_task(
        offload.run(lambda: free.wait(60), size_bytes=LARGE, workspace_id=1)
    )
    await asyncio.sleep(0)
    waiting = [
        asyncio.create_task(offload.run(lambda: 7, size_bytes=LARGE, workspace_id=one))
        for one in (1, 2, 3)
    ]
    await asyncio.sleep(0)

    waiting[1].cancel()
    running.cancel()  # its thread goes on: nobody else's work may begin beside it
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in (waiting[0], waiting[2]))
    free.set()

    assert await waiting[0] == await waiting[2] == 7


async def test_what_is_asked_before_may_refuse_and_passes_the_turn_on() -> None:
    def refuse() -> None:
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        await offload.run(lambda: 1, size_bytes=LARGE, before=refuse)

    assert await offload.run(lambda: 2, size_bytes=LARGE) == 2
