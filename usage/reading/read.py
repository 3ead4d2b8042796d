"""Answers questions about usage from the database, for pages and for the gateway's event loop."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from django.db import connection as page_connection

from usage import kept
from usage.kept import Kept
from usage.reading import buckets, paging, statement
from usage.reading.paging import Probe
from usage.reading.question import Grouping, Question
from usage.reading.rows import Latency, Percentiles, UsageRow
from usage.reading.statement import Statement

# In SQL, as the rest: the ORM takes as long as PostgreSQL.
_MARKED = "SELECT DISTINCT starts_at FROM usage_dirtyhour WHERE workspace_id = %s"


class State(NamedTuple):
    """From when on a workspace's records are kept, and which of its hours are marked.

    Those who ask several questions for one page read it once and pass it.
    """

    kept_since: datetime | None
    marked: Sequence[datetime] | None = None  # None: each statement reads it


def state_of(workspace_id: int, retention: Kept | None = None) -> State:
    """Read the state of a workspace."""
    with page_connection.cursor() as cursor:
        cursor.execute(_MARKED, [workspace_id])
        return State((retention or kept.read()).since, [row[0] for row in cursor.fetchall()])


def usage(question: Question, state: State | None = None) -> list[UsageRow]:
    """Return the sums of each bucket and group that had calls, oldest first."""
    question = paging.from_cursor(question.within_calendar())
    given = (state or State(kept.since()))._asdict()
    probe = paging.probe(question)
    shorter = paging.until_full(question, _fetched(probe)) if probe else question
    asked = statement.sums(shorter, **given)
    rows = _usage_rows(shorter, asked, _fetched(asked))
    if not _has_room(rows, question, shorter):
        return rows
    asked = statement.sums(question, **given)
    return _usage_rows(question, asked, _fetched(asked))


class Overview(NamedTuple):
    """What a page shows of a range: sums by bucket and group, sums of the whole range by other
    groups, and how long the calls of each bucket and of the range took."""

    rows: list[UsageRow]
    whole: list[UsageRow]
    latencies: list[Latency]
    duration: Percentiles | None


def overview(question: Question, whole: Sequence[Grouping], state: State) -> Overview:
    """Return the overview of a range, from one statement. With groups for the whole range, all
    groups are models, keys and sources. Nothing is known of how long the calls of a tag took."""
    question = question.within_calendar()
    asked = statement.overview(question, whole, **state._asdict())
    own = 1 + len(question.group_by)
    every = list(dict.fromkeys([*question.group_by, *whole]))
    places, first = [1 + every.index(grouping) for grouping in whole], 1 + len(every)
    by_bucket, of_range, timed = [], [], []
    for *row, slots, counts in _fetched(asked):
        if slots is not None:
            timed.append((row[0], slots, counts))
        elif row[0] is None:
            group = tuple(row[place] for place in places)
            of_range.append(UsageRow(asked.edges[0], asked.edges[-1], group, *row[first:]))
        else:
            by_bucket.append((*row[:own], *row[first:]))
    rows = _usage_rows(question, asked, by_bucket)
    return Overview(rows, of_range, _latencies(question, asked, timed), _whole(timed))


def _whole(timed: Iterable[tuple[int, Sequence[int], Sequence[int]]]) -> Percentiles | None:
    """Return how long the calls of all buckets took."""
    sums: Counter[int] = Counter()
    for _, slots, counts in timed:
        sums.update(dict(zip(slots, counts, strict=True)))
    slots = sorted(sums)
    return Percentiles.of(slots, [sums[slot] for slot in slots])


async def usage_async(
    connection: "psycopg.AsyncConnection[Any]", question: Question, *, retention: Kept | None = None
) -> list[UsageRow]:
    """Return what `usage` returns, on a connection of the event loop."""
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


def latencies(question: Question, state: State | None = None) -> list[Latency]:
    """Return the percentiles of each bucket and group with answered calls, oldest first.

    Raises ValueError for groups that have none: tags, sessions and errors.
    """
    question = question.within_calendar()
    asked = statement.slots(question, **(state or State(kept.since()))._asdict())
    return _latencies(question, asked, _fetched(asked))


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
    return [
        Latency(
            starts[place - 1],
            ends[place - 1],
            tuple(group),
            sum(counts),
            Percentiles.of(slots, counts),
        )
        for place, *group, slots, counts in rows
    ]


def _bounds(question: Question, edges: Sequence[datetime]) -> tuple[list[datetime], list[datetime]]:
    """Return where the buckets begin and end in full, also the first and the last of the range."""
    width, zone = question.width, question.zone
    starts = [buckets.first_start(edges[0], width, zone), *edges[1:-1]]
    return starts, [*edges[1:-1], buckets.next_start(starts[-1], edges[-1], width, zone)]
