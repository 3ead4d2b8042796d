"""The chart's scale, labels and shapes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.dashboard import plot, scale, series, words
from usage.dashboard.series import OTHER, Answers, Series
from usage.dashboard.wanted import Measure
from usage.reading import Percentiles, UsageRow, Width

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
USUAL = Percentiles(100, 200, 300)


def row(day: int, group: str | None = None, credits: int = 0) -> UsageRow:
    starts_at = START + day * DAY
    groups = () if group is None else (group,)
    return UsageRow(starts_at, starts_at + DAY, groups, 1, 0, 0, 1, 1, 0, 0, 0, credits, 0)


def shown(rows: list[UsageRow], groups: list[UsageRow], days: int = 3) -> Series:
    edges = [START + day * DAY for day in range(days + 1)]
    return series.series(Measure.CREDITS, Answers(rows, groups, []), edges, None)


@given(st.integers(0, 10**15))
def test_an_axis_reaches_the_largest_amount_in_few_round_steps(largest: int) -> None:
    axis = scale.scale(largest)

    assert axis.top >= largest
    assert 4 <= len(axis.lines) <= 6
    assert str(axis.step).rstrip("0") in {"1", "2", "5"}


@pytest.mark.parametrize(("largest", "top"), [(0, 3), (1, 3), (190_058, 200_000), (7, 8)])
def test_an_axis_is_not_much_higher_than_it_must_be(largest: int, top: int) -> None:
    assert scale.scale(largest).top == top


def test_days_are_labelled_on_mondays_and_the_last_one_as_today() -> None:
    starts = [START + day * DAY for day in range(29)]  # 1 November 2026 is a Sunday

    labels = scale.labels(starts, Width.DAY, UTC, ends_now=True)

    assert [label.words for label in labels] == ["2 Nov", "9 Nov", "16 Nov", "23 Nov", "today"]


def test_hours_are_labelled_every_six() -> None:
    starts = [START + timedelta(hours=hour) for hour in range(24)]

    labels = scale.labels(starts, Width.HOUR, UTC, ends_now=False)

    assert [label.words for label in labels] == ["1 Nov", "06:00", "12:00", "18:00"]


def test_weeks_are_labelled_by_the_first_of_each_month() -> None:
    monday = datetime(2026, 8, 3, tzinfo=UTC)
    starts = [monday + week * 7 * DAY for week in range(18)]

    labels = scale.labels(starts, Width.WEEK, UTC, ends_now=True)

    assert [one.words for one in labels] == ["3 Aug", "7 Sep", "5 Oct", "2 Nov", "this week"]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (1, ["$0", "$0.00001", "$0.00002"]),
        (500, ["$0", "$0.005", "$0.010"]),
        (1_000, ["$0", "$0.01", "$0.02"]),
        (200_000, ["$0", "$2.00", "$4.00"]),
    ],
)
def test_dollars_have_the_places_that_tell_the_lines_apart(step: int, expected: list[str]) -> None:
    assert [words.dollars_on_axis(number * step, step) for number in range(3)] == expected


def test_a_time_alone_is_a_short_line_of_the_latency() -> None:
    chart = plot.line_plot([None, USUAL, None, USUAL, USUAL])

    alone, joined = chart.p50.split("M")[1:]
    assert alone.endswith("h1.5")
    assert joined.count("L") == 1
    assert "h" not in joined


def test_a_group_without_an_amount_is_not_in_the_chart() -> None:
    """Refused calls cost nothing, and no model has answered them."""
    groups = [row(0, "m", credits=90), row(0, "", credits=0), row(1, "", credits=0)]

    assert shown([row(0, credits=90), row(1)], groups).groups == ("m",)
    assert shown([row(0), row(1)], groups[1:]).groups == (None,)


@given(st.integers(1, 200), st.sampled_from([*Width]), st.booleans())
def test_labels_are_few_and_in_order(count: int, width: Width, ends_now: bool) -> None:
    starts = [START + at * DAY for at in range(count)]

    labels = scale.labels(starts, width, UTC, ends_now=ends_now)

    places = [label.place for label in labels]
    assert places == sorted(set(places))
    assert len(places) <= 9


def test_a_bar_is_as_high_as_what_it_adds_up_to() -> None:
    groups = [row(0, "a", 60), row(0, "b", 30), row(1, "a", 90)]
    chart = plot.bar_plot(
        shown([row(0, credits=90), row(1, credits=90)], groups), Width.DAY, UTC, ends_now=False
    )

    first, second, third = chart.bars
    assert [part.rank for part in first.segments] == [1, 2]
    assert first.top == second.top
    assert third.segments == ()
    height = sum(part.height for part in first.segments)
    assert height == pytest.approx(chart.gridlines[0].y - first.top, abs=1.2)


def test_the_path_of_a_group_has_its_part_of_each_bar() -> None:
    groups = [row(0, "a", 60), row(0, "b", 30), row(1, "a", 90)]
    chart = plot.bar_plot(
        shown([row(0, credits=90), row(1, credits=90)], groups), Width.DAY, UTC, ends_now=False
    )

    large, small = chart.shapes
    assert (large.rank, large.path.count("M")) == (1, 2)
    assert (small.rank, small.path.count("M")) == (2, 1)
    bar, part = chart.bars[0], chart.bars[0].segments[1]
    assert small.path == f"M{bar.x} {part.y}h{bar.width}v{part.height}h{-bar.width}z"
    assert chart.ticks == ""


def test_the_largest_group_over_the_whole_span_stands_at_the_base() -> None:
    groups = [row(0, "small", 50), row(0, "large", 10), row(1, "large", 500)]

    assert shown([], groups).groups == ("large", "small")


def test_beyond_seven_groups_the_rest_is_one_and_nothing_is_lost() -> None:
    groups = [row(0, f"g{at:02}", 100 - at) for at in range(20)]

    split = shown([row(0, credits=sum(one.credits for one in groups))], groups)

    assert len(split.groups) == 8
    assert split.groups[-1] == OTHER
    assert sum(split.totals) == split.buckets[0].total


@given(st.lists(st.lists(st.integers(0, 10**9), min_size=3, max_size=3), min_size=1, max_size=60))
def test_no_bar_leaves_the_plot(amounts: list[list[int]]) -> None:
    groups = [
        row(day, name, credits)
        for day, some in enumerate(amounts)
        for name, credits in zip("abc", some, strict=True)
    ]
    rows = [row(day, credits=sum(some)) for day, some in enumerate(amounts)]

    chart = plot.bar_plot(shown(rows, groups, len(amounts)), Width.DAY, UTC, ends_now=True)

    for bar in chart.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= 100.01
        assert all(0 <= part.y <= part.y + part.height <= plot.HEIGHT + 1 for part in bar.segments)


def test_a_bucket_without_answered_calls_breaks_the_lines() -> None:
    lines = plot.line_plot([USUAL, None, USUAL, Percentiles(90, 150, 200)])

    assert lines.p50.count("M") == lines.p95.count("M") == 2
    assert lines.p50.count("L") == lines.p95.count("L") == 1
    assert lines.end_p50 is not None
    assert lines.end_p95 is not None
    assert lines.end_p95 < lines.end_p50


def test_nothing_to_show_is_a_chart_with_axes() -> None:
    chart = plot.bar_plot(shown([], []), Width.DAY, UTC, ends_now=True)

    assert chart.highest is None
    assert len(chart.gridlines) == 4
    assert plot.line_plot([None, None]).p50 == ""
    assert plot.spark([1]) is None
