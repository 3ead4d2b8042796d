"""What a task awaits under a time limit: how it ends, and whose doing that was."""

import asyncio

import pytest

from gateway.time_limit import TimeLimit

SOON_S = 0.01
NEVER_S = 3600.0


async def test_what_takes_too_long_is_a_timeout_and_its_task_goes_on():
    with pytest.raises(TimeoutError):
        with TimeLimit(SOON_S):
            await asyncio.sleep(NEVER_S)
    await asyncio.sleep(0)  # would raise, were the task still being cancelled


async def test_what_is_done_in_time_is_left_alone():
    with TimeLimit(SOON_S):
        pass
    await asyncio.sleep(2 * SOON_S)


async def test_an_extended_limit_lets_pass_what_the_first_would_have_ended():
    with TimeLimit(SOON_S) as limit:
        limit.extend(NEVER_S)
        await asyncio.sleep(5 * SOON_S)


async def test_an_extended_limit_ends_what_takes_longer_than_that():
    with pytest.raises(TimeoutError):
        with TimeLimit(SOON_S) as limit:
            limit.extend(3 * SOON_S)
            await asyncio.sleep(NEVER_S)


async def test_a_cancellation_by_others_stays_one():
    async def limited() -> None:
        with TimeLimit(NEVER_S):
            await asyncio.sleep(NEVER_S)

    task = asyncio.create_task(limited())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_by_others_goes_before_a_limit_reached_meanwhile():
    async def limited() -> None:
        with TimeLimit(0):
            cancel_at_the_same_time()
            await asyncio.sleep(NEVER_S)

    def cancel_at_the_same_time() -> None:
        asyncio.get_running_loop().call_later(0, task.cancel)

    task = asyncio.create_task(limited())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelling() == 1  # ours is taken back, theirs is not


async def test_an_error_is_not_hidden_by_the_limit():
    with pytest.raises(ValueError, match="of its own"):
        with TimeLimit(SOON_S):
            try:
                await asyncio.sleep(NEVER_S)
            except asyncio.CancelledError:
                raise ValueError("of its own") from None
