"""The formats of credits, times, durations and shares."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.html import strip_tags
from hypothesis import given
from hypothesis import strategies as st

from web.templatetags import display

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("credits", "text"),
    [
        (0, "$0.00"),
        (1, "$0.00001"),
        (12, "$0.00012"),
        (-12, "−$0.00012"),
        (999, "$0.00999"),
        (1_000, "$0.01"),
        (499_988, "$5.00"),
        (-499_988, "−$5.00"),
        (123_456_789_000, "$1,234,567.89"),
    ],
)
def test_credits_read_as_dollars(credits: int, text: str) -> None:
    assert display.dollars(credits) == text


@given(st.integers(-(10**15), 10**15))
def test_dollars_are_within_half_a_cent_of_the_credits(credits: int) -> None:
    text = display.dollars(credits).replace("$", "").replace(",", "").replace("−", "-")
    dollars = float(text)

    assert abs(dollars * 100_000 - credits) <= 500 + abs(credits) * 1e-9


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=29), "29 d ago"),
        (timedelta(days=30), "23 Oct 2026"),
        (timedelta(seconds=-30), "in a moment"),
        (timedelta(hours=-5), "in 5 h"),
        (timedelta(days=-29, seconds=-86_390), "in 30 d"),
        (timedelta(days=-40), "1 Jan 2027"),
    ],
)
def test_times_read_relative_to_now(ago: timedelta, text: str) -> None:
    assert display.relative(NOW - ago, now=NOW) == text


def test_a_time_stands_with_its_exact_moment() -> None:
    html = display.moment(datetime(2026, 11, 22, 12, 3, 4, tzinfo=UTC))

    assert 'datetime="2026-11-22T12:03:04Z"' in html
    assert strip_tags(html).endswith(" (2026-11-22 12:03:04 UTC)")


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(0, "0 ms"), (999, "999 ms"), (1000, "1.0 s"), (61_500, "61.5 s")]
)
def test_durations_read_in_their_unit(milliseconds: int, text: str) -> None:
    assert display.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0%"), (1.0, "100%"), (0.056, "5.6%"), (0.0004, "0.0%")]
)
def test_shares_read_as_percent(share: float, text: str) -> None:
    assert display.percent(share) == text
