"""How fast credits are spent, and when they will be gone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.burn import Burn, burn, quarter_of

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spent", "began_hours_ago", "rate"),
    [(2_400, 24, 100), (2_400, 100, 100), (2_400, 2, 1_200), (2_400, 0.25, 2_400), (1, 24, 1)],
)
def test_the_rate_is_the_mean_since_the_first_call_of_the_day(
    spent: int, began_hours_ago: float, rate: int
) -> None:
    began = NOON - timedelta(hours=began_hours_ago)

    assert burn(spent, began, at=NOON).credits_per_hour == rate


def test_without_calls_nothing_is_spent_and_nothing_runs_dry() -> None:
    idle = burn(0, None, at=NOON)

    assert idle == Burn(0, NOON)
    assert idle.runs_dry_at(1_000) is None


def test_credits_last_as_long_as_the_rate_lets_them() -> None:
    assert Burn(100, NOON).runs_dry_at(250) == NOON + timedelta(hours=2, minutes=30)
    assert Burn(100, NOON).runs_dry_at(0) == NOON
    assert Burn(100, NOON).runs_dry_at(-5) == NOON


def test_what_lasts_for_decades_has_no_date() -> None:
    assert Burn(1, NOON).runs_dry_at(10**9) is None


@given(st.integers(1, 10**12), st.integers(0, 10**15))
def test_at_its_rate_a_balance_is_spent_by_that_minute(rate: int, available: int) -> None:
    runs_dry_at = Burn(rate, NOON).runs_dry_at(available)

    if runs_dry_at is not None:
        hours = (runs_dry_at - NOON) / timedelta(hours=1)
        assert hours * rate <= available * 1.000001 + 1
        assert (hours + 1 / 60) * rate >= available * 0.999999


def test_a_quarter_begins_at_its_own_minute() -> None:
    late = NOON + timedelta(minutes=44, seconds=59, microseconds=999_999)

    assert quarter_of(late) == NOON + timedelta(minutes=30)
    assert quarter_of(NOON) == NOON
