"""Σ dashboard = Σ export = Σ ledger, and of whole months = Σ statement.

Over random calls, time zones and ranges: clocks change in the zones below in both directions, and
two of them are 5:45 and 13:45 ahead of UTC. Each call is settled as soon as it is accepted, but
some records come after a roll-up. Some calls are refused, and their records stand for many.
"""

import csv
import io
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from billing.audit import sums
from billing.models import EntryKind, LedgerEntry, Wallet
from billing.pages import monthly
from tests.support.books import Books, open_books
from tests.support.request_records import a_record, refused, write
from usage import kept, log_filters, roll_up
from usage.dashboard import figures, wanted
from usage.exports import tables
from usage.exports.tables import Format, Table
from usage.records import Record

BEGIN = datetime(2026, 9, 20, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LENGTH_S = int((NOW - BEGIN).total_seconds())
ZONES = (
    *("UTC", "Asia/Kathmandu", "Pacific/Chatham", "Europe/Berlin", "America/New_York"),
    *("Australia/Sydney", "Australia/Lord_Howe"),
)
# Clocks go forward on 27 September (Chatham) and 4 October, and back on 25 October and 1 November.
CHANGES = (
    datetime(2026, 9, 26, 14, tzinfo=UTC),
    datetime(2026, 10, 3, 16, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
)
moments = st.one_of(
    # Up to, and not at, NOW: there the spans of the page end.
    st.integers(0, LENGTH_S - 1).map(lambda seconds: BEGIN + timedelta(seconds=seconds)),
    st.builds(
        lambda change, minutes: change + timedelta(minutes=minutes),
        st.sampled_from(CHANGES),
        st.integers(-24 * 60, 24 * 60),
    ),
    # Around midnight of every zone.
    st.builds(
        lambda quarters, us: BEGIN + quarters * timedelta(minutes=15) + timedelta(microseconds=us),
        st.integers(0, LENGTH_S // 900 - 1),
        st.integers(-1, 1),
    ).filter(lambda at: at >= BEGIN),
)


class Call(NamedTuple):
    """A call; one with `refusals` was refused as many times."""

    at: datetime
    credits: int
    key_id: int | None
    model: str
    tags: tuple[str, ...]
    is_late: bool
    refusals: int


answered = st.builds(
    Call,
    moments,
    st.integers(0, 500),
    st.sampled_from([None, 7, 10]),
    st.sampled_from(["m1", "m2"]),
    st.sampled_from([(), ("a",), ("a", "b")]),
    st.booleans(),
    st.just(0),
)
call = st.one_of(
    answered,
    answered,
    st.builds(
        lambda one, times: one._replace(credits=0, model="", refusals=times),
        answered,
        st.integers(1, 90),
    ),
)
days = st.dates(BEGIN.date() - timedelta(days=2), NOW.date())
slow = hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def settled(books: Books, calls: list[Call], *, is_rolled_up: bool) -> None:
    """Write the calls and their ledger entries, in the order of time; the records of some come
    late."""
    balance = 1_000_000
    entries = [_entry(books, 1, EntryKind.GRANT, balance, balance, BEGIN - timedelta(days=1))]
    charged = (one for one in calls if not one.refusals)
    for seq, one in enumerate(sorted(charged, key=lambda one: one.at), 2):
        balance -= one.credits
        entries.append(_entry(books, seq, EntryKind.USAGE, -one.credits, balance, one.at))
    LedgerEntry.objects.bulk_create(entries)
    Wallet.objects.filter(pk=books.wallet_id).update(posted=balance, seq=len(entries))
    write(*(_record(books, one) for one in calls if not one.is_late))
    if is_rolled_up:
        roll_up.roll_up()
    write(*(_record(books, one) for one in calls if one.is_late))


def _record(books: Books, one: Call) -> Record:
    source = "api" if one.key_id else "console"
    fields: dict[str, Any] = {"at": one.at, "key_id": one.key_id, "source": source}
    fields["tags"] = one.tags or None
    if one.refusals:
        return refused(books.workspace, refusals=one.refusals, **fields)
    return a_record(books.workspace, credits=one.credits, resolved_model=one.model, **fields)


def _entry(
    books: Books, seq: int, kind: EntryKind, amount: int, balance: int, at: datetime
) -> LedgerEntry:
    return LedgerEntry(
        wallet_id=books.wallet_id,
        seq=seq,
        kind=kind,
        amount=amount,
        balance_after=balance,
        reference=f"test-{seq}",
        created_at=at,
    )


class File(NamedTuple):
    """The credits that the header has, and the sums of the rows."""

    in_header: int
    credits: int
    requests: int


def exported(table: Table) -> File:
    with connection.cursor() as cursor:
        cursor.execute(*table.totals)
        count, in_header = cursor.fetchone()
        with cursor.copy(tables.copy_query(table, Format.CSV), table.parameters) as copy:
            text = b"".join(bytes(piece) for piece in copy).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline=""), dialect="excel"))
    assert len(rows) == count
    credits, requests = (sum(int(row[name]) for row in rows) for name in ("credits", "requests"))
    return File(in_header, credits, requests)


def calls_file(books: Books, since: datetime, until: datetime) -> File:
    """Return that of the single calls of a time."""
    asked = {"from": since.isoformat(), "to": until.isoformat()}
    wanted = log_filters.parse(asked, now=NOW)
    return exported(tables.records(books.workspace.pk, wanted, kept_since=kept.since()))


def in_ledger(books: Books, since: datetime, until: datetime) -> int:
    entries = LedgerEntry.objects.filter(
        wallet_id=books.wallet_id,
        kind=EntryKind.USAGE,
        created_at__gte=since,
        created_at__lt=until,
    )
    return -sum(entries.values_list("amount", flat=True))


@given(
    calls=st.lists(call, max_size=14),
    zone=st.sampled_from(ZONES),
    ends=st.tuples(days, days),
    by=st.sampled_from(["model", "key", "source"]),
    table=st.sampled_from(["model", "key", "source", "tag"]),
    width=st.sampled_from(["", "15m", "1h", "1d", "1w", "1mo"]),
    is_rolled_up=st.booleans(),
)
@slow
def test_page_file_and_ledger_have_the_same_credits(
    db: None,
    calls: list[Call],
    zone: str,
    ends: tuple[date, date],
    by: str,
    table: str,
    width: str,
    is_rolled_up: bool,
) -> None:
    books = open_books()
    settled(books, calls, is_rolled_up=is_rolled_up)
    params = {"from": f"{min(ends)}", "to": f"{max(ends)}", "width": width}
    params |= {"by": by, "table": table}
    asked = wanted.parse(params, now=NOW, zone=ZoneInfo(zone))
    own = asked.span

    shown = figures.read(books.workspace.pk, asked)
    question = figures.chart_question(books.workspace.pk, asked)
    of_sums = exported(tables.sums(question, kept_since=kept.since()))

    ledger = in_ledger(books, own.since, own.until)
    inside = [one for one in calls if own.since <= one.at < own.until]
    requests = sum(one.refusals or 1 for one in inside)
    assert ledger == sum(one.credits for one in inside)
    assert (shown.sums.credits, shown.sums.requests) == (ledger, requests)
    assert sum(shown.shown.totals) == ledger
    assert sum(bucket.total for bucket in shown.shown.buckets) == ledger
    assert of_sums == (ledger, ledger, requests)
    assert calls_file(books, own.since, own.until) == of_sums
    # A call with two tags counts in two rows.
    times = [max(len(one.tags), 1) if table == "tag" else 1 for one in inside]
    assert sum(row.credits for row in shown.table) == sum(
        one.credits * count for one, count in zip(inside, times, strict=True)
    )
    assert sum(row.requests for row in shown.table) == sum(
        (one.refusals or 1) * count for one, count in zip(inside, times, strict=True)
    )
    by_model = [credits for row in shown.table for _, credits in row.by_model]
    assert table == "tag" or sum(by_model) == ledger
    with connection.cursor() as cursor:
        assert sums.differences(cursor, None) == []


@given(
    calls=st.lists(call, min_size=1, max_size=14),
    zone=st.sampled_from(ZONES),
    first=st.dates(BEGIN.date() - timedelta(days=2), NOW.date() - timedelta(days=10)),
    length=st.integers(9, 60),
    is_rolled_up=st.booleans(),
)
@slow
def test_a_bar_of_a_week_is_the_sum_of_its_days(
    db: None, calls: list[Call], zone: str, first: date, length: int, is_rolled_up: bool
) -> None:
    books, own = open_books(), ZoneInfo(zone)
    settled(books, calls, is_rolled_up=is_rolled_up)
    days = {"from": f"{first}", "to": f"{first + timedelta(days=length)}"}
    by_day, by_week = (
        figures.read(
            books.workspace.pk, wanted.parse({**days, "width": width}, now=NOW, zone=own)
        ).shown
        for width in ("1d", "1w")
    )

    expected: defaultdict[date, list[int]] = defaultdict(lambda: [0] * len(by_day.groups))
    for bucket in by_day.buckets:
        day = bucket.starts_at.astimezone(own).date()
        of_week = expected[day - timedelta(days=day.weekday())]
        of_week[:] = [old + new for old, new in zip(of_week, bucket.amounts, strict=True)]

    assert by_week.groups == by_day.groups
    assert {
        bucket.starts_at.astimezone(own).date(): list(bucket.amounts) for bucket in by_week.buckets
    } == expected
    assert [bucket.total for bucket in by_week.buckets] == [
        sum(bucket.amounts) for bucket in by_week.buckets
    ]


@given(calls=st.lists(call, max_size=14), is_rolled_up=st.booleans())
@slow
def test_page_file_and_statement_of_a_month_have_the_same_credits(
    db: None, calls: list[Call], is_rolled_up: bool
) -> None:
    books = open_books()
    settled(books, calls, is_rolled_up=is_rolled_up)
    for month in (monthly.Month(2026, number) for number in (9, 10, 11)):
        params = {"from": f"{month}-01", "to": f"{month.last_day}"}
        asked = wanted.parse(params, now=NOW, zone=UTC)
        statement = monthly.statement_of(books.wallet(), month, now=NOW)
        charged = -sum(one.credits for one in statement.movements if one.label == "Usage")
        question = figures.chart_question(books.workspace.pk, asked)

        moved = sum(one.credits for one in statement.movements)
        assert statement.opening + moved == statement.closing
        assert figures.read(books.workspace.pk, asked).sums.credits == charged
        of_sums = exported(tables.sums(question, kept_since=None))
        assert of_sums[:2] == (charged, charged)
        until = min(month.next.begins_at, NOW)
        assert calls_file(books, month.begins_at, until) == of_sums
