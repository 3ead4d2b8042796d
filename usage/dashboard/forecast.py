"""How long the balance lasts, at the rate of the last seven full days. Pure."""

from datetime import date, timedelta
from typing import NamedTuple

FULL_DAYS = 7
_FURTHEST_DAYS = 730


class Forecast(NamedTuple):
    """Credits spent a day, and the day on which the balance, and its line, are reached."""

    per_day: int
    dry_on: date | None
    lasts_days: int | None
    line: int | None
    line_on: date | None


def forecast(spent_by_day: list[int], *, available: int, line: int | None, today: date) -> Forecast:
    """Return the forecast from what was spent on the last full days, oldest first.

    Days before the first call do not count: a new workspace spends less in a week than in a day.
    """
    counted = spent_by_day
    while counted and not counted[0]:
        counted = counted[1:]
    per_day = -(-sum(counted) // len(counted)) if counted else 0
    lasts = _days(available, per_day)
    until_line = _days(available - line, per_day) if line is not None else None
    return Forecast(
        per_day,
        dry_on=None if lasts is None else today + timedelta(days=lasts),
        lasts_days=lasts,
        line=line,
        line_on=None if until_line is None else today + timedelta(days=until_line),
    )


def _days(amount: int, per_day: int) -> int | None:
    if not per_day:
        return None
    days = max(0, amount) // per_day
    return days if days <= _FURTHEST_DAYS else None
