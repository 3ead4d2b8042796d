"""What a task awaits under a time limit: how it ends, and whose doing that was."""

import asyncio

import pytest

from gateway.limits.time_limit import RepeatedLimit, TimeLimit

SOON_S = 0.01
NEVER_S = 3600.0


async def _sleep(time_s: float, *, limit_s: float, extended_to_s: float | None = None) -> None:
    with TimeLimit(limit_s) as limit:
        if extended_to_s is not None:
            limit.extend(extended_to_s)
        await asyncio.sleep(time_s)


async def test_what_takes_too_long_is_a_timeout_and_its_task_goes_on():
    with pytest.raises(TimeoutError):
        await _sleep(NEVER_S, limit_s=SOON_S)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_what_is_done_in_time_is_left_alone():
    await _sleep(0, limit_s=SOON_S)
    await asyncio.sleep(2 * SOON_S)


async def test_an_extended_limit_lets_pass_what_the_first_would_have_ended():
    await _sleep(5 * SOON_S, limit_s=SOON_S, extended_to_s=NEVER_S)


async def test_an_extended_limit_ends_what_takes_longer_than_that():
    with pytest.raises(TimeoutError):
        await _sleep(NEVER_S, limit_s=SOON_S, extended_to_s=3 * SOON_S)


async def test_a_cancellation_by_others_stays_one():
    task = asyncio.create_task(_sleep(NEVER_S, limit_s=NEVER_S))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_by_others_goes_before_a_limit_reached_at_the_same_time():
    async def cancelled_as_it_ends() -> None:
        with TimeLimit(0):
            asyncio.get_running_loop().call_later(0, task.cancel)
            await asyncio.sleep(NEVER_S)

    task = asyncio.create_task(cancelled_as_it_ends())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelling() == 1  # ours is taken back, theirs is not


async def test_an_error_is_not_hidden_by_the_limit():
    async def fails_when_cancelled() -> None:
        with TimeLimit(SOON_S):
            try:
                await asyncio.sleep(NEVER_S)
            except asyncio.CancelledError:
                raise ValueError("of its own") from None

    with pytest.raises(ValueError, match="of its own"):
        await fails_when_cancelled()


async def _wait(limit: RepeatedLimit, time_s: float, *, limit_s: float) -> None:
    with limit.until(asyncio.get_running_loop().time() + limit_s):
        await asyncio.sleep(time_s)


async def test_the_limit_of_a_wait_does_not_end_the_next_one():
    limit = RepeatedLimit()
    await _wait(limit, 0, limit_s=SOON_S)
    await _wait(limit, 3 * SOON_S, limit_s=NEVER_S)


async def test_the_limit_of_a_wait_ends_nothing_after_it():
    await _wait(RepeatedLimit(), 0, limit_s=SOON_S)
    await asyncio.sleep(3 * SOON_S)


async def test_a_wait_after_others_that_takes_too_long_is_a_timeout():
    limit = RepeatedLimit()
    await _wait(limit, 0, limit_s=3 * SOON_S)
    with pytest.raises(TimeoutError):
        await _wait(limit, NEVER_S, limit_s=3 * SOON_S)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_a_wait_may_have_less_time_than_the_one_before():
    limit = RepeatedLimit()
    await _wait(limit, 0, limit_s=NEVER_S)
    with pytest.raises(TimeoutError):
        await _wait(limit, NEVER_S, limit_s=SOON_S)


async def test_waits_go_on_after_one_that_took_too_long():
    limit = RepeatedLimit()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await _wait(limit, NEVER_S, limit_s=SOON_S)
    await _wait(limit, 0, limit_s=NEVER_S)


async def test_a_cancellation_by_others_goes_before_the_limit_of_a_wait():
    async def cancelled_as_it_ends() -> None:
        asyncio.get_running_loop().call_later(0, task.cancel)
        await _wait(RepeatedLimit(), NEVER_S, limit_s=0)

    task = asyncio.create_task(cancelled_as_it_ends())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelling() == 1
