"""A workspace asks for more than its share in a minute: two processes count together."""

import contextlib
import os
import uuid
from collections.abc import AsyncIterator

import pytest

from embedded import ports
from gateway.limits.rate_limiter import Limits, RateLimiter, TooManyRequests

LIMITS = Limits(requests=40, input_tokens=1000)


class Clock:
    """Starts at the beginning of some minute of its own, so that runs do not meet in Redis."""

    def __init__(self) -> None:
        self.now = 60.0 * (uuid.uuid4().int % 10**9)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@contextlib.asynccontextmanager
async def limiter(clock: Clock, *, url: str = "") -> AsyncIterator[RateLimiter]:
    one = RateLimiter(
        redis_url=url or os.environ["REDIS_URL"],
        limits=LIMITS,
        clock=clock,
        redis_timeout_s=30,  # a Redis that is slow is not away here
    )
    try:
        yield one
    finally:
        await one.close()


async def admitted(one: RateLimiter, *, tries: int, input_tokens: int = 0) -> int:
    count = 0
    for _ in range(tries):
        with contextlib.suppress(TooManyRequests):
            await one.admit(1, input_tokens=input_tokens)
            count += 1
    return count


async def test_exactly_the_limit_is_admitted_in_a_minute(clock):
    async with limiter(clock) as one:
        assert await admitted(one, tries=60) == 40


async def test_input_tokens_count_as_well(clock):
    async with limiter(clock) as one:
        assert await admitted(one, tries=20, input_tokens=100) == 10


async def test_two_processes_share_the_limit_to_a_sixteenth_each(clock):
    async with limiter(clock) as one, limiter(clock) as two:
        total = 0
        for _ in range(60):
            total += await admitted(one, tries=1) + await admitted(two, tries=1)

    assert 40 <= total <= 40 + 2 * 40 // 16


async def test_a_refusal_says_when_to_come_back_and_then_it_works(clock):
    async with limiter(clock) as one:
        await admitted(one, tries=40)
        with pytest.raises(TooManyRequests) as refused:
            await one.admit(1, input_tokens=0)
        headers = refused.value.headers()
        assert headers["anthropic-ratelimit-requests-remaining"] == "0"

        clock.now += int(headers["retry-after"])

        await one.admit(1, input_tokens=0)


async def test_the_window_slides_so_that_no_minute_sees_twice_the_limit(clock):
    async with limiter(clock) as one:
        clock.now += 50
        first = await admitted(one, tries=100)
        clock.now += 20

        second = await admitted(one, tries=100)

    assert first == 40
    assert 0 < second <= 10


async def test_a_call_larger_than_the_limit_is_told_not_to_wait(clock):
    async with limiter(clock) as one:
        with pytest.raises(TooManyRequests) as refused:
            await one.admit(1, input_tokens=1001)

    assert "retry-after" not in refused.value.headers()
    assert refused.value.headers()["x-should-retry"] == "false"


async def test_without_redis_each_process_holds_the_limit_by_itself(clock):
    nowhere = f"redis://127.0.0.1:{ports.free_port()}/0"
    async with limiter(clock, url=nowhere) as one:
        await one.sync()

        assert await admitted(one, tries=60) == 40
