"""Which buckets a page needs. Pure.

A page begins at its cursor, so earlier buckets are not read. A caller may name very many sessions:
a first look at their roll-up finds the bucket by which a page of them is full.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from usage.reading import buckets
from usage.reading.levels import LEVELS
from usage.reading.question import Grouping, Question, Width

# The roll-up that is looked at, and how many of its rows a bucket has for each session at most. A
# month has more: but few sessions last for days, and a page that is not full is read again, whole.
_LOOKS: dict[Width, tuple[str, int]] = {Width.QUARTER: ("quarter", 1), Width.HOUR: ("quarter", 4)}
_OF_DAYS = ("day", 2)
_LOOK = """
SELECT bucket FROM usage_session_{level}
WHERE workspace_id = %(workspace_id)s
    AND bucket >= %(since)s::timestamptz AND bucket < %(until)s::timestamptz
    AND (bucket >= %(next_at)s::timestamptz OR session_id COLLATE "C" > %(after)s)
ORDER BY bucket OFFSET %(rows)s LIMIT 1
"""


class Look(NamedTuple):
    """SQL, and its parameters. Its answer is the start of a quarter hour or day, or nothing."""

    sql: str
    parameters: dict[str, Any]


def resumed(question: Question) -> Question:
    """Return the question of the page without the buckets before that of its cursor."""
    if question.after is None:
        return question
    moment, _ = question.after
    starts = _edges(question)[:-1]
    since = max((start for start in starts if start <= moment), default=question.since)
    return replace(question, since=since)


def look(question: Question) -> Look | None:
    """Return the look for a page of sessions; None for other questions, which are read whole."""
    limit, width = question.limit, question.width
    if limit is None or width is None or question.filters.has_dimensions:
        return None
    if question.group_by != (Grouping.SESSION,):
        return None
    level, rows_each = _LOOKS.get(width, _OF_DAYS)
    parameters: dict[str, Any] = {
        "workspace_id": question.workspace_id,
        "since": buckets.ceiling(question.since, LEVELS[level]),
        "until": question.until,
        "rows": rows_each * limit,
        "next_at": question.since,
        "after": "",
    }
    if question.after is not None:
        _, (session,) = question.after
        parameters |= {"next_at": _edges(question)[1], "after": session.removeprefix(":")}
    return Look(_LOOK.format(level=level), parameters)


def shortened(question: Question, looked: Sequence[tuple[datetime]]) -> Question:
    """Return the question up to the end of the bucket that the look has found."""
    if not looked or question.width is None:
        return question
    level, _ = _LOOKS.get(question.width, _OF_DAYS)
    [(last,)] = looked
    beyond = last + LEVELS[level]
    until = next((edge for edge in _edges(question)[1:] if edge >= beyond), question.until)
    return replace(question, until=until)


def _edges(question: Question) -> list[datetime]:
    return buckets.edges(question.since, question.until, question.width, question.zone)
