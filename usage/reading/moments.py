"""The moments that a statement reads between, and its parameters. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from usage.reading import buckets
from usage.reading.buckets import QUARTER
from usage.reading.levels import Levels, levels, levels_of_sessions
from usage.reading.question import Question

SESSIONS = "session_"  # begins the names of parameters for the roll-ups of sessions
HOUR = timedelta(hours=1)
_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Behind(NamedTuple):
    """The marked hours of a range, and the spans whose records are read: those of these hours, and
    of the partial quarter hours at the ends of the range."""

    hours: list[datetime]
    spans: list[tuple[datetime, datetime]]


class Moments(NamedTuple):
    """Bucket n is between edges n-1 and n. Roll-ups are read from `first` up to `last`: as
    `rolled` says, and those of sessions as `sessions` says, if the question is of sessions. The
    statement itself reads which hours are marked, unless that is known as `behind`."""

    kept_since: datetime
    edges: list[datetime]
    first: datetime
    last: datetime
    rolled: Levels
    sessions: Levels | None
    behind: Behind | None


def moments(
    question: Question, kept_since: datetime | None, marked: Sequence[datetime] | None = None
) -> Moments:
    """Return the moments; those before `kept_since` are rounded down to a quarter hour."""
    kept_since = kept_since or _ALWAYS
    since, until = _exact(question.since, kept_since), _exact(question.until, kept_since)
    edges = buckets.edges(since, until, question.width, question.zone)
    first, last = buckets.ceiling(since, QUARTER), buckets.floor(until, QUARTER)
    if first > last:  # within one quarter hour
        first = last = until
    rolled = _within(edges, first, last)
    return Moments(
        kept_since,
        edges,
        first,
        last,
        levels(rolled, question.width),
        levels_of_sessions(rolled, question.width) if question.is_of_sessions else None,
        None if marked is None else _behind(marked, kept_since, [since, first, last, until]),
    )


def _behind(marked: Sequence[datetime], kept_since: datetime, ends: Sequence[datetime]) -> Behind:
    since, first, last, until = ends
    hours = [one for one in marked if since - HOUR < one < until and one >= kept_since]
    spans = [(max(one, since), min(one + HOUR, until)) for one in hours]
    spans += [
        (begin, end)
        for begin, end in ((since, first), (last, until))
        if begin < end and buckets.floor(begin, HOUR) not in hours
    ]
    return Behind(hours, spans)


def parameters(question: Question, read: Moments) -> dict[str, Any]:
    """Return the parameters of a statement."""
    filters = question.filters
    found: dict[str, Any] = {
        "workspace_id": question.workspace_id,
        "since": read.edges[0],
        "until": read.edges[-1],
        "kept_since": read.kept_since,
        "head_until": read.first,
        "tail_since": read.last,
        "edges": _array(read.edges),
        "count": len(read.edges) - 1,
        "rolled_edges": _array(_within(read.edges, read.first, read.last)),
        "rolled_since": read.first,
        "rolled_until": read.last,
        "key_id": filters.key_id,
        "model": filters.model,
        "source": filters.source,
        "tag": filters.tag,
        "session": filters.session,
        "limit": question.limit,
        **_of_levels(read.rolled),
        **(_of_levels(read.sessions, SESSIONS) if read.sessions else {}),
        **_of_records(read),
    }
    if question.after is not None:
        moment, groups = question.after
        latest = max(moment, read.edges[0])
        found["after_place"] = sum(1 for edge in read.edges if edge <= latest)
        found |= {f"after_{place}": text for place, text in enumerate(groups)}
    return found


def _of_records(read: Moments) -> dict[str, Any]:
    if read.behind is None or not read.behind.spans:
        return {"records_since": read.edges[0], "records_until": read.edges[-1]}
    sinces, untils = zip(*read.behind.spans, strict=True)
    return {
        "marked": _array(read.behind.hours),
        "span_sinces": _array(sinces),
        "span_untils": _array(untils),
        "records_since": min(sinces),
        "records_until": max(untils),
    }


def _exact(moment: datetime, kept_since: datetime) -> datetime:
    return moment if moment >= kept_since else buckets.floor(moment, QUARTER)


def _within(edges: Sequence[datetime], first: datetime, last: datetime) -> list[datetime]:
    return [min(max(edge, first), last) for edge in edges]


def _array(values: Sequence[datetime] | Sequence[int]) -> str:
    """Return an array as PostgreSQL reads it: psycopg takes five times as long for a long one."""
    return f"{{{','.join(map(str, values))}}}"


def _of_levels(read: Levels, prefix: str = "") -> dict[str, Any]:
    base = f"{prefix}{read.base}"
    found: dict[str, Any] = {
        f"{base}_edges": _array(read.base_edges),
        f"{base}_since": read.base_edges[0],
        f"{base}_until": read.base_edges[-1],
    }
    for level, corrections in read.corrections.items():
        found[f"{prefix}{level}_sinces"] = _array([one.since for one in corrections])
        found[f"{prefix}{level}_untils"] = _array([one.until for one in corrections])
        found[f"{prefix}{level}_befores"] = _array([one.before for one in corrections])
        found[f"{prefix}{level}_signs"] = _array([one.sign for one in corrections])
    return found
