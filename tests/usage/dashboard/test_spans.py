"""The spans of the dashboard, in zones where days have 23 to 25 hours."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.dashboard import spans
from usage.dashboard.spans import PRESETS
from usage.reading import Width, buckets

BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
NEW_YORK = ZoneInfo("America/New_York")
ZONES = st.sampled_from([UTC, BERLIN, KATHMANDU, ZoneInfo("Pacific/Chatham"), NEW_YORK])
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 6 * 366 * 86_400).map(lambda seconds: FIRST + timedelta(seconds=seconds))
NAMES = st.sampled_from([one.name for one in PRESETS])


def test_thirty_days_begin_at_midnight_by_the_viewers_clock() -> None:
    now = datetime(2026, 11, 18, 0, 30, tzinfo=UTC)

    berlin = spans.preset("30d", now=now, zone=BERLIN)
    new_york = spans.preset("30d", now=now, zone=NEW_YORK)

    # Clocks went back in between, in Berlin on 25 October and in New York on 1 November.
    assert berlin.since == datetime(2026, 10, 19, 22, tzinfo=UTC)
    assert new_york.since == datetime(2026, 10, 19, 4, tzinfo=UTC)


def test_a_month_begins_on_its_first_day() -> None:
    now = datetime(2026, 11, 30, 20, tzinfo=UTC)

    span = spans.preset("month", now=now, zone=KATHMANDU)

    assert span.since == datetime(2026, 11, 30, 18, 15, tzinfo=UTC)


@given(NAMES, MOMENTS, ZONES)
def test_the_span_before_does_not_overlap_and_has_the_same_weekdays(
    name: str, now: datetime, zone: ZoneInfo
) -> None:
    span = spans.preset(name, now=now, zone=zone)

    before = span.before

    first, first_before = span.since.astimezone(zone), before.since.astimezone(zone)
    assert before.until <= span.since + timedelta(hours=1)  # where an hour is repeated
    assert (first.date() - first_before.date()).days % 7 == 0


def test_chosen_days_are_whole_and_end_now_at_the_latest() -> None:
    now = datetime(2026, 11, 18, 12, tzinfo=UTC)

    past = spans.custom(date(2026, 10, 24), date(2026, 10, 25), now=now, zone=BERLIN)
    present = spans.custom(date(2026, 11, 1), date(2026, 12, 24), now=now, zone=BERLIN)

    assert past is not None
    assert present is not None
    assert past.until - past.since == timedelta(hours=49)
    assert (past.ends_now, present.ends_now, present.until) == (False, True, now)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 11, 2), date(2026, 11, 1)),
        (date(2026, 11, 19), date(2026, 11, 20)),
        (date(2000, 1, 1), date(2026, 1, 1)),
    ],
    ids=["backwards", "future", "too long"],
)
def test_days_that_cannot_be_shown_are_no_span(first: date, last: date) -> None:
    assert spans.custom(first, last, now=datetime(2026, 11, 18, tzinfo=UTC), zone=UTC) is None


@given(NAMES, MOMENTS, ZONES)
def test_each_span_offers_its_usual_width(name: str, now: datetime, zone: ZoneInfo) -> None:
    span = spans.preset(name, now=now, zone=zone)

    assert span.usual_width in span.widths


def test_a_day_is_split_into_hours_and_a_month_into_days() -> None:
    now = datetime(2026, 11, 18, tzinfo=UTC)

    assert spans.preset("24h", now=now, zone=UTC).usual_width is Width.HOUR
    assert spans.preset("30d", now=now, zone=UTC).usual_width is Width.DAY


@pytest.mark.parametrize(
    ("days", "usual"),
    [
        (92, Width.DAY),
        (93, Width.WEEK),
        (184, Width.WEEK),
        (366, Width.WEEK),
        (367, Width.MONTH),
        (5 * 365, Width.MONTH),
    ],
)
def test_a_long_span_has_neither_threads_of_days_nor_a_few_months(days: int, usual: Width) -> None:
    last = date(2026, 11, 17)
    now = datetime(2026, 11, 18, tzinfo=UTC)
    span = spans.custom(last - timedelta(days=days - 1), last, now=now, zone=UTC)

    assert span is not None
    assert span.usual_width is usual
    edges = buckets.edges(span.since, span.until, usual, UTC)
    assert 12 < len(edges) - 1 <= 92


@given(
    st.integers(93, 366),
    MOMENTS,
    ZONES,
)
def test_weeks_of_a_span_have_the_weekdays_of_those_before(
    days: int, now: datetime, zone: ZoneInfo
) -> None:
    today = now.astimezone(zone).date()
    span = spans.custom(today - timedelta(days=days), today, now=now, zone=zone)

    assert span is not None
    starts, before = (
        buckets.edges(one.since, one.until, Width.WEEK, zone)[1:-1] for one in (span, span.before)
    )
    assert {start.astimezone(zone).weekday() for start in (*starts, *before)} == {0}
    assert len(starts) == len(before)
