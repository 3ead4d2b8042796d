"""A signed-in reader sees how much of the workspace's rate limits is left."""

import time

import pytest
import redis
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import Settings

from accounts.models import Workspace
from gateway.limits import shared_counts
from gateway.limits.rate_limiter import Limits, RateLimiter, TooManyRequests
from gateway.limits.shared_counts import CountsUnavailable
from tests.support.reading import text_of

pytestmark = pytest.mark.django_db
LIMITS = Limits(requests=10, input_tokens=1000)


async def count(workspace_id: int, *calls: int, now: float | None = None) -> RateLimiter:
    """Count calls of so many input tokens as a gateway process does, and share them."""
    limiter = RateLimiter(
        redis_url=django_settings.REDIS_URL,
        limits=LIMITS,
        clock=time.time if now is None else lambda: now,
        redis_timeout_s=5,
    )
    for input_tokens in calls:
        await limiter.admit(workspace_id, input_tokens=input_tokens)
    await limiter.sync()
    return limiter


def left(workspace_id: int, now: float) -> tuple[int, int]:
    state = shared_counts.read(
        workspace_id, limits=LIMITS, redis_url=django_settings.REDIS_URL, now=now
    )
    return state.requests.remaining, state.input_tokens.remaining


def page_after(requests: int, input_tokens: int, browser: Client, workspace: Workspace) -> str:
    """Return the page's text, read in the minute in which so much was counted."""
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        while True:
            minute = int(time.time() // 60)
            key = f"rate:{workspace.pk}:{minute}"
            client.hset(key, mapping={"requests": requests, "input_tokens": input_tokens})
            try:
                text = text_of(browser.get("/developers/limits"))
            finally:
                client.delete(key)
            if int(time.time() // 60) == minute:
                return text


async def test_the_state_is_what_the_gateway_decides_by() -> None:
    now = 60_000_000 * 30.0 + 20
    limiter = await count(-41, 100, 200, now=now)
    try:
        assert left(-41, now) == (8, 700)
        # A minute later two thirds of the last minute's counts still are in the sliding minute.
        assert left(-41, now + 60) == (8, 800)
        assert left(-41, now + 120) == (10, 1000)
        assert left(-42, now) == (10, 1000)
        with pytest.raises(TooManyRequests) as refused:
            await limiter.admit(-41, input_tokens=701)
        assert refused.value.headers()["anthropic-ratelimit-input-tokens-remaining"] == "700"
    finally:
        await limiter.close()
        with redis.Redis.from_url(django_settings.REDIS_URL) as client:
            client.delete(f"rate:-41:{int(now // 60)}")


def test_a_page_shows_the_workspaces_own_limits(
    browser: Client, workspace: Workspace, settings: Settings
) -> None:
    settings.RATE_LIMITS = {"requests": 40, "input_tokens": 1000}

    text = page_after(35, 100, browser, workspace)

    assert workspace.name in text
    assert "Nearly used up: 5 of 40 left 35 used" in text
    assert "Input tokens a minute 900 of 1,000 left 100 used" in text


def test_the_fragment_is_part_of_the_page(browser: Client) -> None:
    fragment = browser.get("/developers/limits", headers={"hx-request": "true"}).content.decode()

    assert "<html" not in fragment
    assert "600 of 600 left" in " ".join(text_of(browser.get("/developers/limits")).split())


def test_without_redis_the_page_says_so(browser: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    answer = browser.get("/developers/limits")

    assert answer.status_code == 200
    assert "counts are unavailable" in text_of(answer)
    with pytest.raises(CountsUnavailable):
        shared_counts.read(1, limits=LIMITS, redis_url=settings.REDIS_URL, now=time.time())


def test_the_docs_ask_for_them_once_somebody_is_signed_in(client: Client, browser: Client) -> None:
    assert 'hx-get="/developers/limits"' in browser.get("/docs/rate-limits").content.decode()

    signed_out = client.get("/docs/rate-limits").content.decode()
    assert "/developers/limits" not in signed_out
    assert "/accounts/login/?next=/docs/rate-limits" in signed_out
    assert "/developers/limits" not in client.get("/docs/rate-limits.md").content.decode()
