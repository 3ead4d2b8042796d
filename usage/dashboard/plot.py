"""The shapes of the charts: places across in per cent of the plot, heights in pixels. Pure.

With places in per cent one drawing fits every screen, and its text keeps its size. All bars of a
group are one path, and so is a line: a browser gets a few elements, not hundreds.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import tzinfo
from typing import NamedTuple

from usage.dashboard.scale import Label, Scale, labels, scale
from usage.dashboard.series import Series
from usage.reading import Percentiles, Width

HEIGHT = 208
LATENCY_HEIGHT = 72
_TOP = 18  # above the highest gridline: the words of the highest bar
_BAR_SHARE = 0.68
_WIDEST = 5.0
_GAP = 1.0
_THINNEST = 1.0
_LINE_OF_TEXT = 13
_DASH = 1.5  # per cent across: a point of a line without neighbours


class Segment(NamedTuple):
    """A part of a bar; `rank` is that of its group, from 1."""

    rank: int
    y: float
    height: float


class Bar(NamedTuple):
    """A bucket's shapes. `step_x` and `step_width` are all the room it has, `before_y` the tick."""

    place: int
    x: float
    width: float
    middle: float
    step_x: float
    step_width: float
    segments: tuple[Segment, ...]
    before_y: float | None
    top: float


class Gridline(NamedTuple):
    """A line across the plot, and the value it stands for."""

    y: float
    value: int


class Mark(NamedTuple):
    """A label below the plot."""

    x: float
    words: str
    is_major: bool
    anchor: str


class Shape(NamedTuple):
    """What has one colour: the rank of a group, and its bars as the path of an SVG."""

    rank: int
    path: str


class BarPlot(NamedTuple):
    """Bars, gridlines from the base up, and labels; `highest` is the bar to write the value at."""

    bars: tuple[Bar, ...]
    gridlines: tuple[Gridline, ...]
    marks: tuple[Mark, ...]
    highest: Bar | None
    height: int = HEIGHT

    @property
    def shapes(self) -> list[Shape]:
        """The bars by rank."""
        paths: defaultdict[int, str] = defaultdict(str)
        for bar in self.bars:
            for part in bar.segments:
                paths[part.rank] += f"M{bar.x} {part.y}h{bar.width}v{part.height}h{-bar.width}z"
        return [Shape(rank, paths[rank]) for rank in sorted(paths)]

    @property
    def ticks(self) -> str:
        """The path of the marks of the span before, one across each bar."""
        return "".join(
            f"M{bar.x} {bar.before_y}h{bar.width}" for bar in self.bars if bar.before_y is not None
        )


class LinePlot(NamedTuple):
    """The lines of p50 and p95 as paths, their ends, and the gridlines in milliseconds."""

    p50: str
    p95: str
    gridlines: tuple[Gridline, ...]
    end_p50: float | None
    end_p95: float | None
    height: int = LATENCY_HEIGHT


class Spark(NamedTuple):
    """A small line without axes, in a box of 100 by 24."""

    points: str
    last_x: float
    last_y: float


def bar_plot(shown: Series, width: Width, zone: tzinfo, *, ends_now: bool) -> BarPlot:
    """Return the stacked bars of a series."""
    axis = scale(shown.largest)
    count = len(shown.buckets)
    step = 100 / max(1, count)
    bars = tuple(_bar(place, step, shown, axis) for place in range(count))
    filled = [bar for bar in bars if bar.segments]
    starts = [bucket.starts_at for bucket in shown.buckets]
    return BarPlot(
        bars,
        tuple(Gridline(_y(axis, value), value) for value in axis.lines),
        tuple(_mark(one, step, count) for one in labels(starts, width, zone, ends_now=ends_now)),
        min(filled, key=lambda bar: bar.top, default=None),
    )


def line_plot(times: Sequence[Percentiles | None], *, height: int = LATENCY_HEIGHT) -> LinePlot:
    """Return the lines of p50 and p95; a bucket without answered calls breaks them."""
    axis = scale(max((one.p95 for one in times if one), default=0))

    def y(value: int) -> float:
        return round(height - 4 - (height - 8) * axis.share(value), 1)

    p50 = [y(one.p50) if one else None for one in times]
    p95 = [y(one.p95) if one else None for one in times]
    lines = [axis.lines[0], axis.lines[-1]] if height < HEIGHT else axis.lines
    end_p50, end_p95 = _apart(_last(p50), _last(p95), height)
    return LinePlot(
        _line(p50),
        _line(p95),
        tuple(Gridline(y(value), value) for value in lines),
        end_p50,
        end_p95,
        height,
    )


def spark(amounts: Sequence[float]) -> Spark | None:
    """Return the small line of a tile; None for fewer than two amounts."""
    if len(amounts) < 2:
        return None
    top = max(amounts) or 1
    step = 96 / (len(amounts) - 1)
    points = [(2 + at * step, 21 - 18 * one / top) for at, one in enumerate(amounts)]
    last_x, last_y = points[-1]
    return Spark(
        " ".join(f"{x:.1f},{y:.1f}" for x, y in points), round(last_x, 1), round(last_y, 1)
    )


def _bar(place: int, step: float, shown: Series, axis: Scale) -> Bar:
    bucket = shown.buckets[place]
    width = min(_WIDEST, step * _BAR_SHARE)
    segments: list[Segment] = []
    base, so_far = _y(axis, 0), 0
    for rank, amount in enumerate(bucket.amounts, start=1):
        if amount <= 0:
            continue
        so_far += amount
        top = _y(axis, so_far)
        gap = _GAP if segments and base - top > 2 * _GAP else 0
        segments.append(Segment(rank, round(top, 1), round(max(_THINNEST, base - top - gap), 1)))
        base = top
    return Bar(
        place,
        x=round((place + 0.5) * step - width / 2, 3),
        width=round(width, 3),
        middle=round((place + 0.5) * step, 3),
        step_x=round(place * step, 3),
        step_width=round(step, 3),
        segments=tuple(segments),
        before_y=None if bucket.before is None else round(_y(axis, bucket.before), 1),
        top=round(base, 1),
    )


def _y(axis: Scale, value: float) -> float:
    return _TOP + (HEIGHT - _TOP - 1) * (1 - axis.share(value))


def _mark(label: Label, step: float, count: int) -> Mark:
    x = round((label.place + 0.5) * step, 3)
    is_last = label.place == count - 1 and count > 1
    anchor = "end" if is_last and step < 8 else "middle"
    return Mark(
        min(100.0, x + step / 2) if anchor == "end" else x, label.words, label.is_major, anchor
    )


def _line(heights: Sequence[float | None]) -> str:
    """Return the path through the points; it is broken where one is missing.

    A point alone is a short line.
    """
    step = 100 / max(1, len(heights))
    path = ""
    for place, height in enumerate(heights):
        if height is None:
            continue
        x = (place + 0.5) * step
        before = heights[place - 1] if place else None
        after = heights[place + 1] if place + 1 < len(heights) else None
        if before is None and after is None:
            path += f"M{round(x - _DASH / 2, 3)} {height}h{_DASH}"
        else:
            path += f"{'M' if before is None else 'L'}{round(x, 3)} {height}"
    return path


def _apart(p50: float | None, p95: float | None, height: int) -> tuple[float | None, float | None]:
    """Move the names at the ends of the lines apart, so that both can be read."""
    if p50 is None or p95 is None or p50 - p95 >= _LINE_OF_TEXT:
        return p50, p95
    p50 = min(p50 + (_LINE_OF_TEXT - (p50 - p95)) / 2, height - 4)
    return round(p50, 1), round(p50 - _LINE_OF_TEXT, 1)


def _last(heights: Sequence[float | None]) -> float | None:
    return next((one for one in reversed(heights) if one is not None), None)
