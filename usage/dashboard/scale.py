"""Axes of a chart: round steps, and which buckets have a label. Pure."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from usage.reading import Width

_MOST_STEPS = 5
_MONDAY = 0
_WEEK_DAYS = 7
_FEW = 12  # buckets that all have a label
_HOURS_APART = 6


class Scale(NamedTuple):
    """Gridlines from 0 to `top` in equal steps of 1, 2 or 5 times a power of ten."""

    step: int
    top: int

    @property
    def lines(self) -> list[int]:
        """The values of the gridlines, 0 first."""
        return list(range(0, self.top + 1, self.step))

    def share(self, value: float) -> float:
        """Return how far up a value is, from 0 to 1."""
        return value / self.top


def scale(largest: int) -> Scale:
    """Return the scale with the fewest, but at least three, steps that reaches `largest`."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            step = factor * power
            steps = max(1, -(-largest // step))
            if steps <= _MOST_STEPS:
                return Scale(step, step * max(steps, min(3, _MOST_STEPS)) if largest else step * 3)
        power *= 10


class Label(NamedTuple):
    """Words below a bucket. Those that are not `major` are left out where there is little room."""

    place: int
    words: str
    is_major: bool


def labels(
    starts: Sequence[datetime], width: Width, zone: tzinfo, *, ends_now: bool
) -> list[Label]:
    """Return the labels of the buckets that start then; the last is the present one, if it is."""
    local = [start.astimezone(zone) for start in starts]
    chosen = [
        Label(place, _words(one, width), place % 2 == 0)
        for place, one in enumerate(local)
        if len(local) <= _FEW or _is_labelled(one, width)
    ]
    if not ends_now or not local:
        return _thinned(chosen)
    last = len(local) - 1
    room = max(1, len(local) // 8)
    before = [one for one in chosen if one.place <= last - room]
    return [*_thinned(before), Label(last, _PRESENT[width], True)]


_PRESENT = {
    Width.QUARTER: "now",
    Width.HOUR: "now",
    Width.DAY: "today",
    Width.WEEK: "this week",
    Width.MONTH: "this month",
}


def _thinned(chosen: list[Label]) -> list[Label]:
    """Keep every second, third … label, so that at most eight are left."""
    every = -(-len(chosen) // 8)
    return [
        one._replace(is_major=at % 2 == 0)
        for at, one in enumerate(chosen[::every] if every > 1 else chosen)
    ]


def _is_labelled(local: datetime, width: Width) -> bool:
    if width in (Width.QUARTER, Width.HOUR):
        return local.minute == 0 and local.hour % _HOURS_APART == 0
    if width is Width.DAY:
        return local.weekday() == _MONDAY
    return width is not Width.WEEK or local.day <= _WEEK_DAYS  # the first week of a month


def _words(local: datetime, width: Width) -> str:
    if width in (Width.QUARTER, Width.HOUR):
        return (
            f"{local.day} {local:%b}" if local.hour == 0 and local.minute == 0 else f"{local:%H:%M}"
        )
    if width in (Width.DAY, Width.WEEK):
        return f"{local.day} {local:%b}"
    return f"{local:%b %Y}" if local.month == 1 else f"{local:%b}"
