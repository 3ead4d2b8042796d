"""Answers questions about usage from the database, for pages and for the gateway's event loop."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import psycopg
from django.db import connection as page_connection

from usage import kept
from usage.kept import Kept
from usage.reading import buckets, paging, statement
from usage.reading.paging import Probe
from usage.reading.question import Question
from usage.reading.rows import Group, Latency, Percentiles, UsageRow
from usage.reading.statement import Statement


def usage(question: Question, *, retention: Kept | None = None) -> list[UsageRow]:
    """Return the sums of each bucket and group that had calls, oldest first.

    Those who ask several questions for one page read the retention once and pass it.
    """
    question = paging.from_cursor(question.within_calendar())
    kept_since = (retention or kept.read()).since
    probe = paging.probe(question)
    shorter = paging.until_full(question, _fetched(probe)) if probe else question
    asked = statement.sums(shorter, kept_since=kept_since)
    rows = _usage_rows(shorter, asked, _fetched(asked))
    if not _has_room(rows, question, shorter):
        return rows
    asked = statement.sums(question, kept_since=kept_since)
    return _usage_rows(question, asked, _fetched(asked))


async def usage_async(
    connection: "psycopg.AsyncConnection[Any]", question: Question, *, retention: Kept | None = None
) -> list[UsageRow]:
    """Return the same, on a connection of the event loop."""
    question = paging.from_cursor(question.within_calendar())
    kept_since = (retention or await kept.read_async(connection)).since
    probe = paging.probe(question)
    found = await _fetched_async(connection, probe) if probe else []
    shorter = paging.until_full(question, found)
    asked = statement.sums(shorter, kept_since=kept_since)
    rows = _usage_rows(shorter, asked, await _fetched_async(connection, asked))
    if not _has_room(rows, question, shorter):
        return rows
    asked = statement.sums(question, kept_since=kept_since)
    return _usage_rows(question, asked, await _fetched_async(connection, asked))


def _has_room(rows: Sequence[UsageRow], question: Question, shorter: Question) -> bool:
    """Whether the page has room for rows of the buckets that were not read."""
    return shorter != question and len(rows) < (question.limit or 0)


def latencies(question: Question, *, retention: Kept | None = None) -> list[Latency]:
    """Return the percentiles of each bucket and group with answered calls, oldest first.

    Raises ValueError for groups that have none: tags, sessions and errors.
    """
    question = question.within_calendar()
    asked = statement.slots(question, kept_since=(retention or kept.read()).since)
    return _latencies(question, asked, _fetched(asked))


def latencies_and_whole(
    question: Question, *, retention: Kept | None = None
) -> tuple[list[Latency], Percentiles | None]:
    """Return the same of a question without groups, and how long all of its calls took."""
    question = question.within_calendar()
    asked = statement.slots(question, kept_since=(retention or kept.read()).since)
    rows = _fetched(asked)
    whole: Counter[int] = Counter()
    for _, kind, slots, counts in rows:
        if kind == "latency":
            whole.update(dict(zip(slots, counts, strict=True)))
    slots = sorted(whole)
    return (
        _latencies(question, asked, rows),
        Percentiles.of(slots, [whole[slot] for slot in slots]),
    )


async def latencies_async(
    connection: "psycopg.AsyncConnection[Any]", question: Question
) -> list[Latency]:
    """Return the same, on a connection of the event loop."""
    question = question.within_calendar()
    asked = statement.slots(question, kept_since=(await kept.read_async(connection)).since)
    return _latencies(question, asked, await _fetched_async(connection, asked))


def _fetched(asked: Statement | Probe) -> list[Any]:
    with page_connection.cursor() as cursor:
        cursor.execute(asked.sql, asked.parameters)
        return list(cursor.fetchall())


async def _fetched_async(
    connection: "psycopg.AsyncConnection[Any]", asked: Statement | Probe
) -> list[Any]:
    cursor = await connection.execute(asked.sql, asked.parameters, prepare=False)
    return await cursor.fetchall()


def _usage_rows(question: Question, asked: Statement, rows: Iterable[Any]) -> list[UsageRow]:
    starts, ends = _bounds(question, asked.edges)
    size = len(question.group_by)
    return [
        UsageRow(starts[row[0] - 1], ends[row[0] - 1], row[1 : 1 + size], *row[1 + size :])
        for row in rows
    ]


def _latencies(question: Question, asked: Statement, rows: Iterable[Any]) -> list[Latency]:
    starts, ends = _bounds(question, asked.edges)
    found: dict[tuple[int, Group], dict[str, tuple[Sequence[int], Sequence[int]]]] = {}
    for place, *group, kind, slots, counts in rows:
        found.setdefault((place, tuple(group)), {})[kind] = (slots, counts)
    return [
        Latency(
            starts[place - 1],
            ends[place - 1],
            group,
            sum(kinds.get("latency", ((), ()))[1]),
            Percentiles.of(*kinds.get("latency", ((), ()))),
            Percentiles.of(*kinds.get("first_byte", ((), ()))),
        )
        for (place, group), kinds in found.items()
    ]


def _bounds(question: Question, edges: Sequence[datetime]) -> tuple[list[datetime], list[datetime]]:
    """Return where the buckets begin and end in full, also the first and the last of the range."""
    width, zone = question.width, question.zone
    starts = [buckets.first_start(edges[0], width, zone), *edges[1:-1]]
    return starts, [*edges[1:-1], buckets.next_start(starts[-1], edges[-1], width, zone)]
