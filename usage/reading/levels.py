"""Which roll-ups add up to buckets whose edges are not those of whole hours or days. Pure.

The sum up to an edge is taken from days up to the midnight next to it, corrected by the hours
between, and by the quarter hours between the next full hour and the edge. So a year by day of New
York reads 366 days and five hours at each midnight, instead of 8,784 hours.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from usage.reading.buckets import QUARTER, floor
from usage.reading.question import Width

LEVELS = {"quarter": QUARTER, "hour": timedelta(hours=1), "day": timedelta(days=1)}
_NONE = timedelta()
_COARSEST: dict[Width | None, str] = {Width.QUARTER: "quarter", Width.HOUR: "hour"}


class Correction(NamedTuple):
    """Rows from `since` to `until` of a finer level, at the edge between two buckets.

    They are added to the bucket before the edge and taken from the one after it if `sign` is 1, and
    the other way round if it is -1. Buckets are counted from 1.
    """

    since: datetime
    until: datetime
    before: int
    sign: int


class Levels(NamedTuple):
    """`base` is read between the first and the last of `base_edges`; the rest corrects it."""

    base: str
    base_edges: list[datetime]
    corrections: dict[str, list[Correction]]


def levels(edges: Sequence[datetime], width: Width | None) -> Levels:
    """Return what to read for buckets between these edges, all of them quarter hours."""
    names = list(LEVELS)
    return _of(edges, names[: names.index(_COARSEST.get(width, "day")) + 1])


def levels_of_sessions(edges: Sequence[datetime], width: Width | None) -> Levels:
    """Return the same of the roll-ups of sessions, which are of quarter hours and days.

    At an edge far from midnight the corrections are long: days are left out where these would read
    as many quarter hours as there are.
    """
    quarters = _of(edges, ["quarter"])
    if width in _COARSEST:
        return quarters
    days = _of(edges, ["quarter", "day"])
    read_twice = sum((2 * (one.until - one.since) for one in days.corrections["quarter"]), _NONE)
    return days if read_twice < edges[-1] - edges[0] else quarters


def _of(edges: Sequence[datetime], used: Sequence[str]) -> Levels:
    """Return what to read of these levels, the finest first."""
    near = {name: [_nearest(edge, LEVELS[name]) for edge in edges] for name in used}
    corrections = {
        finer: _corrections(near[coarser], near[finer]) for finer, coarser in pairwise(used)
    }
    return Levels(used[-1], near[used[-1]], corrections)


def _nearest(moment: datetime, length: timedelta) -> datetime:
    return floor(moment + length / 2, length)


def _corrections(coarse: Sequence[datetime], fine: Sequence[datetime]) -> list[Correction]:
    return [
        Correction(min(rough, exact), max(rough, exact), place, 1 if exact > rough else -1)
        for place, (rough, exact) in enumerate(zip(coarse, fine, strict=True))
        if rough != exact
    ]
