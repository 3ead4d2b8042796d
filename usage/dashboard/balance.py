"""The chart of the forecast: balances at the ends of the last days, and what is left ahead. Pure.

As in plot.py, places across are in per cent of the plot and heights in pixels.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from usage.dashboard.forecast import FULL_DAYS, Forecast
from usage.dashboard.plot import Gridline, Mark
from usage.dashboard.scale import Scale, scale

HEIGHT = 96
_TOP = 8
_FEWEST_DAYS, _MOST_DAYS = 7, 56  # ahead
_A_WEEK = 7
_APART = 22  # per cent between two labels: a date's width on a phone


class Point(NamedTuple):
    """A balance, `days` after today: measured up to today, foretold after it."""

    days: int
    balance: int


class BalancePlot(NamedTuple):
    """Paths, gridlines from the base up, and labels. `line_y` is the height of the low-balance
    line, `dry_x` the place where nothing is left; each is None if it is not in the plot."""

    past: str
    ahead: str
    gridlines: tuple[Gridline, ...]
    marks: tuple[Mark, ...]
    line_y: float | None
    dry_x: float | None
    height: int = HEIGHT


class BalanceRow(NamedTuple):
    """A row of the chart's table: a day, its balance, and whether that is foretold."""

    day: date
    balance: int
    is_foretold: bool
    is_today: bool


def measured(closings: Sequence[int | None], *, posted: int) -> list[Point]:
    """Return the balances at the ends of the last full days, oldest first, and that of now."""
    days = range(-len(closings), 0)
    known = zip(days, closings, strict=True)
    return [*(Point(day, one) for day, one in known if one is not None), Point(0, posted)]


def foretold(found: Forecast, *, available: int) -> list[Point]:
    """Return the balances ahead: of now, after each week, and at the end.

    That is the day on which the balance is spent, or the last that the chart shows.
    """
    last, lasts = days_ahead(found), found.lasts_days
    dry = lasts if lasts is not None and lasts <= last else None
    end = last if dry is None else dry
    days = sorted({0, *range(_A_WEEK, end, _A_WEEK), end})
    return [Point(day, 0 if day == dry else available - day * found.per_day) for day in days]


def days_ahead(found: Forecast) -> int:
    """Return how many days ahead the chart shows."""
    lasts = _MOST_DAYS if found.lasts_days is None else found.lasts_days + 1
    return min(_MOST_DAYS, max(_FEWEST_DAYS, lasts))


def rows(past: Sequence[Point], ahead: Sequence[Point], *, today: date) -> list[BalanceRow]:
    """Return the rows of the table; that of today is the measured one."""
    return [
        BalanceRow(today + timedelta(days=one.days), one.balance, is_foretold, one.days == 0)
        for points, is_foretold in ((past, False), (ahead[1:], True))
        for one in points
    ]


def plot(past: Sequence[Point], found: Forecast, *, available: int, today: date) -> BalancePlot:
    """Return the shapes: the measured balances, and a straight line from now on."""
    last = days_ahead(found)
    axis = scale(max([*(one.balance for one in past), available, found.line or 0]))
    is_dry = found.per_day > 0 and max(0, available) / found.per_day <= last
    dry = max(0, available) / found.per_day if is_dry else None
    left = 0 if dry is not None else available - last * found.per_day
    end = last if dry is None else dry
    return BalancePlot(
        past=_path([(_x(one.days, last), _y(axis, one.balance)) for one in past]),
        ahead=_path([(_x(0, last), _y(axis, available)), (_x(end, last), _y(axis, left))]),
        gridlines=tuple(Gridline(_y(axis, value), value) for value in (0, axis.top)),
        marks=_marks(dry, last, today),
        line_y=_y(axis, found.line) if found.line else None,
        dry_x=None if dry is None else _x(dry, last),
    )


def _marks(dry: float | None, last: int, today: date) -> tuple[Mark, ...]:
    """Return the labels, without those for which there is no room beside more important ones."""
    wanted = [] if dry is None else [(int(dry), _x(dry, last))]
    wanted += [(0, _x(0, last)), (last, 100.0), (-FULL_DAYS, 0.0)]
    kept: list[tuple[int, float]] = []
    for days, x in wanted:
        if all(abs(x - other) >= _APART for _, other in kept):
            kept.append((days, x))
    return tuple(Mark(x, _words(days, today), True, _anchor(x)) for days, x in sorted(kept))


def _words(days: int, today: date) -> str:
    day = today + timedelta(days=days)
    return f"{day.day} {day:%b}" if days else "today"


def _anchor(x: float) -> str:
    if x < _APART / 2:
        return "start"
    return "end" if x > 100 - _APART / 2 else "middle"


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def _x(days: float, last: int) -> float:
    return round(100 * (days + FULL_DAYS) / (last + FULL_DAYS), 3)


def _y(axis: Scale, balance: float) -> float:
    return round(_TOP + (HEIGHT - _TOP - 1) * (1 - axis.share(max(0, balance))), 1)
