"""Edges of buckets in any zone, and the roll-ups that add up to what is between them."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.reading import Width, buckets
from usage.reading.buckets import QUARTER
from usage.reading.levels import LEVELS, Levels, levels, levels_of_sessions

BEGIN = datetime(2026, 9, 20, tzinfo=UTC)
ZONES = ("UTC", "Asia/Kathmandu", "Pacific/Chatham", "Europe/Berlin", "Australia/Lord_Howe")
moments = st.integers(0, 60 * 96).map(lambda quarters: BEGIN + quarters * QUARTER)
widths = st.sampled_from([None, *Width])
Choice = Callable[[Sequence[datetime], Width | None], Levels]


@given(
    choose=st.sampled_from([levels, levels_of_sessions]),
    ends=st.tuples(moments, moments),
    width=widths,
    zone=st.sampled_from(ZONES),
)
def test_levels_add_up_to_each_quarter_hour_of_its_bucket_once(
    choose: Choice, ends: tuple[datetime, datetime], width: Width | None, zone: str
) -> None:
    since, until = min(ends), max(ends)
    edges = buckets.edges(since, until, width, ZoneInfo(zone))
    found: Counter[tuple[int, datetime]] = Counter()
    read = choose(edges, width)
    base = LEVELS[read.base]
    moment = read.base_edges[0]
    while moment < read.base_edges[-1]:
        place = sum(edge <= moment for edge in read.base_edges)
        _add(found, moment, moment + base, place, 1, len(edges) - 1)
        moment += base
    for level, corrections in read.corrections.items():
        for since_, until_, before, sign in corrections:
            coarser = "hour" if level == "quarter" and choose is levels else "day"
            assert (until_ - since_) <= LEVELS[coarser] / 2
            _add(found, since_, until_, before, sign, len(edges) - 1)
            _add(found, since_, until_, before + 1, -sign, len(edges) - 1)

    expected = Counter(
        (place, start + n * QUARTER)
        for place, (start, end) in enumerate(pairwise(edges), 1)
        for n in range((end - start) // QUARTER)
    )
    assert {key: count for key, count in found.items() if count} == expected


@pytest.mark.parametrize(
    ("width", "zone", "base"),
    [
        (Width.HOUR, "UTC", "quarter"),
        (Width.DAY, "UTC", "day"),
        (Width.DAY, "Asia/Kathmandu", "day"),
        (Width.DAY, "Pacific/Fiji", "quarter"),  # its midnight is noon in UTC
        (Width.MONTH, "Pacific/Fiji", "day"),
        (None, "UTC", "day"),
    ],
)
def test_sessions_are_read_by_day_where_that_is_less(
    width: Width | None, zone: str, base: str
) -> None:
    since = BEGIN + timedelta(minutes=15)
    edges = buckets.edges(since, since + timedelta(days=40), width, ZoneInfo(zone))

    assert levels_of_sessions(edges, width).base == base


def _add(
    found: Counter[tuple[int, datetime]],
    since: datetime,
    until: datetime,
    place: int,
    sign: int,
    count: int,
) -> None:
    if 1 <= place <= count:
        for n in range((until - since) // QUARTER):
            found[place, since + n * QUARTER] += sign


@given(ends=st.tuples(moments, moments), width=widths, zone=st.sampled_from(ZONES))
def test_edges_ascend_from_the_beginning_to_the_end(
    ends: tuple[datetime, datetime], width: Width | None, zone: str
) -> None:
    since, until = min(ends), max(ends)
    edges = buckets.edges(since, until, width, ZoneInfo(zone))

    assert edges == sorted(edges)
    assert (edges[0], edges[-1]) == (since, until)
    assert len(set(edges[1:-1])) == len(edges) - 2
    start = buckets.first_start(since, width, ZoneInfo(zone))
    assert start <= since
    assert buckets.next_start(start, until, width, ZoneInfo(zone)) in (*edges[1:], until) or (
        until < buckets.next_start(start, until, width, ZoneInfo(zone))
    )


@pytest.mark.parametrize(
    ("zone", "width", "since", "hours"),
    [
        ("Europe/Berlin", Width.DAY, "2026-10-25T00:00+02:00", 25),
        ("Europe/Berlin", Width.DAY, "2026-03-29T00:00+01:00", 23),
        ("America/Santiago", Width.DAY, "2026-09-06T01:00-03:00", 23),  # clocks skip midnight
        ("Australia/Lord_Howe", Width.DAY, "2026-10-04T00:00+10:30", 23.5),
        ("Europe/Berlin", Width.WEEK, "2026-10-19T00:00+02:00", 7 * 24 + 1),
        ("Europe/Berlin", Width.WEEK, "2026-03-23T00:00+01:00", 7 * 24 - 1),
        ("America/Santiago", Width.WEEK, "2026-08-31T00:00-04:00", 7 * 24 - 1),
        ("Australia/Lord_Howe", Width.WEEK, "2026-09-28T00:00+10:30", 7 * 24 - 0.5),
        ("Asia/Kathmandu", Width.WEEK, "2026-12-28T00:00+05:45", 7 * 24),  # of two years
        ("Europe/Berlin", Width.MONTH, "2026-10-01T00:00+02:00", 31 * 24 + 1),
        ("Asia/Kathmandu", Width.MONTH, "2026-02-01T00:00+05:45", 28 * 24),
        ("Asia/Kathmandu", Width.HOUR, "2026-02-01T07:00+05:45", 1),
        ("Australia/Lord_Howe", Width.HOUR, "2026-10-04T01:00+10:30", 1),
    ],
)
def test_the_length_of_a_bucket(zone: str, width: Width, since: str, hours: float) -> None:
    start = datetime.fromisoformat(since)
    own = ZoneInfo(zone)
    edges = buckets.edges(start, start + timedelta(days=40), width, own)

    assert edges[1] - edges[0] == timedelta(hours=hours)
    assert buckets.first_start(edges[1] - timedelta(seconds=1), width, own) == start
    assert buckets.next_start(start, start, width, own) == edges[1]
