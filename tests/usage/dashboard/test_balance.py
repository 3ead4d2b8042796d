"""The chart of the forecast: measured balances, and the line down to the day without any."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Workspace
from billing.ledger import wallets
from billing.models import EntryKind, LedgerEntry
from tests.support.reading import text_of
from tests.support.request_records import spread
from usage.dashboard import balance
from usage.dashboard.balance import BalanceRow, Point
from usage.dashboard.forecast import FULL_DAYS, Forecast, forecast

TODAY = date(2026, 11, 18)
AMOUNTS = st.integers(0, 10**12)


def lasting(per_day: int, available: int, line: int | None = None) -> Forecast:
    return forecast([per_day] * FULL_DAYS, available=available, line=line, today=TODAY)


@given(
    closings=st.lists(st.none() | AMOUNTS, min_size=FULL_DAYS, max_size=FULL_DAYS),
    posted=AMOUNTS,
    held=AMOUNTS,
    per_day=st.integers(1, 10**9),
    line=st.none() | AMOUNTS,
)
def test_all_shapes_lie_in_the_plot(
    closings: list[int | None], posted: int, held: int, per_day: int, line: int | None
) -> None:
    available = max(0, posted - held)
    past = balance.measured(closings, posted=posted)
    found = lasting(per_day, available, line)

    chart = balance.plot(past, found, available=available, today=TODAY)

    for path in (chart.past, chart.ahead):
        for point in path.removeprefix("M").split("L"):
            x, y = map(float, point.split())
            assert 0 <= x <= 100
            assert 0 <= y < chart.height
    assert chart.line_y is None or 0 <= chart.line_y < chart.height
    places = sorted(mark.x for mark in chart.marks)
    assert all(right - left >= 22 for left, right in pairwise(places))
    assert (chart.dry_x is None) == (available / per_day > balance.days_ahead(found))


def test_the_line_ends_where_nothing_is_left() -> None:
    past = balance.measured([100] * FULL_DAYS, posted=100)

    chart = balance.plot(past, lasting(10, 100), available=100, today=TODAY)

    # 7 days behind, 11 ahead: 10 until the balance is spent, and one beyond.
    assert chart.dry_x == pytest.approx(100 * 17 / 18, abs=0.001)
    assert chart.ahead.endswith(f"L{chart.dry_x} {float(chart.gridlines[0].y)}")
    assert [mark.words for mark in chart.marks] == ["11 Nov", "today", "28 Nov"]


def test_a_balance_that_lasts_long_leaves_the_plot_above_its_base() -> None:
    past = balance.measured([100_000] * FULL_DAYS, posted=100_000)

    chart = balance.plot(past, lasting(10, 100_000), available=100_000, today=TODAY)

    assert chart.dry_x is None
    assert float(chart.ahead.rpartition(" ")[2]) < chart.gridlines[0].y


def test_days_before_the_first_entry_have_no_balance() -> None:
    past = balance.measured([None] * 5 + [50, 40], posted=30)

    assert past == [Point(-2, 50), Point(-1, 40), Point(0, 30)]


def test_the_table_goes_on_by_the_week_to_the_day_without_credits() -> None:
    past, found = [Point(-1, 190), Point(0, 170)], lasting(10, 160)

    ahead = balance.foretold(found, available=160)

    assert balance.rows(past, ahead, today=TODAY) == [
        BalanceRow(date(2026, 11, 17), 190, is_foretold=False, is_today=False),
        BalanceRow(TODAY, 170, is_foretold=False, is_today=True),
        BalanceRow(date(2026, 11, 25), 90, is_foretold=True, is_today=False),
        BalanceRow(date(2026, 12, 2), 20, is_foretold=True, is_today=False),
        BalanceRow(date(2026, 12, 4), 0, is_foretold=True, is_today=False),
    ]


def test_the_page_shows_the_balance_of_each_day_and_until_when_it_lasts(
    browser: Client, workspace: Workspace
) -> None:
    now = datetime.now(UTC)
    wallet = wallets.wallet_of(workspace)
    LedgerEntry.objects.filter(wallet=wallet).delete()
    balances = [1_000, 900, 700]
    for seq, (after, days) in enumerate(zip(balances, (6, 3, 1), strict=True), start=1):
        LedgerEntry.objects.create(
            wallet=wallet,
            seq=seq,
            kind=EntryKind.GRANT if seq == 1 else EntryKind.ADJUSTMENT,
            amount=after - (balances[seq - 2] if seq > 1 else 0),
            balance_after=after,
            reference=f"test-{seq}",
            created_at=now - timedelta(days=days),
        )
    wallet.posted, wallet.seq = balances[-1], len(balances)
    wallet.save()
    spread(workspace, [now - timedelta(days=1)], credits=100)

    page = text_of(browser.get("/developers/usage"))
    text = page.partition("Balance at its end")[2].partition("Spent a day")[0]

    def day_of(days: int) -> str:
        day = (now - timedelta(days=days)).date()
        return f"{day:%a}, {day.day} {day:%b}"

    assert f"{day_of(6)} 1,000" in text
    assert f"{day_of(4)} 1,000" in text
    assert f"{day_of(3)} 900" in text
    assert f"{day_of(1)} 700" in text
    assert day_of(7) not in text
    assert "Now 700" in text
    dry = (now + timedelta(days=7)).date()
    assert f"{dry:%a}, {dry.day} {dry:%b} about 0" in text


def test_without_spending_there_is_no_chart(browser: Client, workspace: Workspace) -> None:
    spread(workspace, [datetime.now(UTC)], credits=100)

    text = text_of(browser.get("/developers/usage"))

    assert "Not known yet" in text
    assert "forecast, without a top-up" not in text
