"""Which buckets a page needs. Pure.

A page begins at its cursor, so earlier buckets are not read. A caller may name very many sessions:
a probe of their roll-up finds the bucket by which a page of them is full, and later ones are not
read either.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from usage.reading import buckets
from usage.reading.levels import LEVELS
from usage.reading.question import Grouping, Question, Width

# The level of the roll-up that is probed, and how many of its rows a bucket has for each session at
# most. A month has more: but few sessions last for days, and a page that is not full is read again,
# whole.
_PROBED: dict[Width, tuple[str, int]] = {Width.QUARTER: ("quarter", 1), Width.HOUR: ("quarter", 4)}
_PROBED_OF_LONGER = ("day", 2)
_FULL_BY = """
SELECT bucket FROM usage_session_{level}
WHERE workspace_id = %(workspace_id)s
    AND bucket >= %(since)s::timestamptz AND bucket < %(until)s::timestamptz
    AND (bucket >= %(next_bucket_at)s::timestamptz OR session_id COLLATE "C" > %(last_session)s)
ORDER BY bucket OFFSET %(rows)s LIMIT 1
"""


class Probe(NamedTuple):
    """SQL, and its parameters. Its answer is the start of the quarter hour or day by which a page
    is full, or nothing if none is."""

    sql: str
    parameters: dict[str, Any]


def from_cursor(question: Question) -> Question:
    """Return the question without the buckets before that of its cursor."""
    if question.after is None:
        return question
    moment, _ = question.after
    starts = _edges(question)[:-1]
    since = max((start for start in starts if start <= moment), default=question.since)
    return replace(question, since=since)


def probe(question: Question) -> Probe | None:
    """Return the probe for a page of sessions; None for other questions, which are read whole."""
    limit, width = question.limit, question.width
    if limit is None or width is None or question.filters.has_dimensions:
        return None
    if question.group_by != (Grouping.SESSION,):
        return None
    level, rows_each = _PROBED.get(width, _PROBED_OF_LONGER)
    parameters: dict[str, Any] = {
        "workspace_id": question.workspace_id,
        "since": buckets.ceiling(question.since, LEVELS[level]),
        "until": question.until,
        "rows": rows_each * limit,
        "next_bucket_at": question.since,
        "last_session": "",
    }
    if question.after is not None:
        _, (session,) = question.after
        parameters |= {
            "next_bucket_at": _edges(question)[1],
            "last_session": session.removeprefix(":"),
        }
    return Probe(_FULL_BY.format(level=level), parameters)


def until_full(question: Question, found: Sequence[tuple[datetime]]) -> Question:
    """Return the question up to the end of the bucket that the probe has found."""
    if not found or question.width is None:
        return question
    level, _ = _PROBED.get(question.width, _PROBED_OF_LONGER)
    [(full_by,)] = found
    counted_until = full_by + LEVELS[level]
    until = next((edge for edge in _edges(question)[1:] if edge >= counted_until), question.until)
    return replace(question, until=until)


def _edges(question: Question) -> list[datetime]:
    return buckets.edges(question.since, question.until, question.width, question.zone)
