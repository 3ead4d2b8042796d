"""How long the balance lasts, and what the prompt cache has saved."""

from datetime import UTC, date, datetime, timedelta

import pytest

from catalogue.pricing import Price
from usage.dashboard.caching import caching
from usage.dashboard.forecast import forecast
from usage.reading import UsageRow

TODAY = date(2026, 11, 18)
START = datetime(2026, 11, 1, tzinfo=UTC)
PRICE = Price(1, 300_000, 1_500_000, 375_000, 30_000, 600_000)
DEARER = Price(2, 3_000_000, 15_000_000, 3_750_000, 300_000, 6_000_000)


def row(day: int, *, read: int = 0, written: int = 0, uncached: int = 0, hour: int = 0) -> UsageRow:
    starts_at = START + timedelta(days=day)
    ends_at = starts_at + timedelta(days=1)
    return UsageRow(starts_at, ends_at, ("m",), 1, 0, 0, uncached, 0, written, hour, read, 0, 0)


def test_the_balance_lasts_as_long_as_the_mean_of_the_full_days_says() -> None:
    found = forecast([100] * 7, available=1_050, line=500, today=TODAY)

    assert (found.per_day, found.lasts_days, found.dry_on) == (100, 10, date(2026, 11, 28))
    assert found.line_on == date(2026, 11, 23)


def test_days_before_the_first_call_do_not_count() -> None:
    assert forecast([0, 0, 0, 0, 0, 300, 0], available=1, line=None, today=TODAY).per_day == 150


@pytest.mark.parametrize("spent", [[], [0] * 7])
def test_without_a_full_day_of_calls_nothing_is_foretold(spent: list[int]) -> None:
    found = forecast(spent, available=1_000, line=None, today=TODAY)

    assert (found.per_day, found.dry_on, found.lasts_days) == (0, None, None)


def test_an_overdrawn_balance_lasts_no_day_and_a_far_day_is_not_named() -> None:
    assert forecast([10], available=-5, line=None, today=TODAY).lasts_days == 0
    assert forecast([1], available=10**9, line=None, today=TODAY).dry_on is None


def test_reads_save_and_writes_cost_the_difference_to_plain_input() -> None:
    rows = [row(0, read=1_000_000, written=300_000, uncached=200_000, hour=100_000)]

    found = caching(rows, {"m": [(START, PRICE)]})

    assert found.reads_saved == 270_000
    # 200,000 at 75,000 more and 100,000 at 300,000 more, per million
    assert found.writes_cost == 15_000 + 30_000
    assert found.saved == 225_000
    assert found.share_read == pytest.approx(1_000_000 / 1_500_000)


def test_each_day_has_the_price_that_was_in_force() -> None:
    prices = {"m": [(START - timedelta(days=9), PRICE), (START + timedelta(days=1), DEARER)]}

    found = caching([row(0, read=1_000_000), row(1, read=1_000_000)], prices)

    assert found.reads_saved == 270_000 + 2_700_000


def test_a_model_without_a_price_saves_nothing() -> None:
    assert caching([row(0, read=1_000)], {}).saved == 0
