"""Σ records = Σ of each report, over any range, width, zone and grouping.

The oracle adds records up one by one, in Python, with `zoneinfo` for the buckets. That they agree
with the ledger, tests/gateway/http/test_usage_agrees_with_ledger.py shows.
"""

import threading
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import Workspace
from tests.support import people
from tests.support.request_records import a_record, refused, write
from tests.support.roll_ups import falsify, sums_of
from tests.support.usage_ranges import BEGIN, ZONES, bucket_of, moments
from usage import log_filters, roll_up
from usage.exports import tables
from usage.measures import MEASURES
from usage.models import RequestRecord
from usage.reading import Filters, Grouping, Question, UsageRow, Width, latencies, state_of, usage

session = st.sampled_from([None, "s1", "s2", "s3", "\U0001f600", "é"])
call = st.fixed_dictionaries(
    {
        "at": moments,
        "kind": st.sampled_from(["answered", "cached", "failed", "refused", "lost"]),
        "credits": st.integers(0, 500),
        "resolved_model": st.sampled_from(["m1", "m2"]),
        "key_id": st.sampled_from([None, 7, 10]),
        "session_id": session,
        "tags": st.sampled_from([None, ("a",), ("a", "b"), ("c",)]),
    }
)
calls = st.lists(call, max_size=12)
asked_for = st.sampled_from(
    [
        {"group_by": group_by}
        for group_by in (
            *((), (Grouping.MODEL,), (Grouping.KEY,), (Grouping.TAG,), (Grouping.SESSION,)),
            (Grouping.SOURCE, Grouping.KEY, Grouping.MODEL),
        )
    ]
    + [{"filters": Filters(session="s1")}]
)
widths = st.sampled_from([None, *Width])
slow = hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def made(workspace: Workspace, given: dict[str, Any]) -> Any:
    """Return the record of a generated call."""
    fields = dict(given)
    kind, credits, at = fields.pop("kind"), fields.pop("credits"), fields.pop("at")
    source = "api" if fields["key_id"] else "console"
    if kind == "refused":
        fields["resolved_model"] = ""
        return refused(workspace, at=at, source=source, refusals=credits or None, **fields)
    if kind == "failed":
        ended = {"error_type": "api_error", "error_code": "upstream_failed", "ending": "failed"}
        return a_record(workspace, at=at, source=source, credits=0, **ended, **fields)
    if kind == "lost":
        return a_record(workspace, at=at, source=source, credits=0, lost_credits=credits, **fields)
    cached = {"cache_read_input_tokens": 5, "cache_creation_1h_input_tokens": 2}
    more = {**cached, "cache_creation_input_tokens": 3} if kind == "cached" else {}
    return a_record(workspace, at=at, source=source, credits=credits, **more, **fields)


def measured(record: RequestRecord) -> dict[str, int]:
    """Return what a record adds to each measure."""
    count = record.refusals or 1
    plain = {name: getattr(record, name) or 0 for name in MEASURES[3:]}
    return {
        "requests": count,
        "refusals": count if record.ending == "refused" else 0,
        "errors": count if record.error_type else 0,
        **plain,
    }


def groups_of(record: RequestRecord, group_by: tuple[Grouping, ...]) -> Iterable[tuple[Any, ...]]:
    if group_by == (Grouping.TAG,):
        return [(tag,) for tag in record.tags] if record.tags else [(None,)]
    names = {"model": "resolved_model", "key": "key_id", "session": "session_id"}
    return [tuple(getattr(record, names.get(one, one)) for one in group_by)]


def expected(question: Question, zone: ZoneInfo) -> Counter[Any]:
    """Add the records of a range up, by bucket, group and measure."""
    found: Counter[Any] = Counter()
    for record in RequestRecord.objects.filter(
        workspace_id=question.workspace_id,
        accepted_at__gte=question.since,
        accepted_at__lt=question.until,
        **({"session_id": question.filters.session} if question.filters.session else {}),
    ):
        bucket = bucket_of(record.accepted_at, question.width, zone)
        for group in groups_of(record, question.group_by):
            for name, amount in measured(record).items():
                found[bucket, group, name] += amount
    return +found


def answered(rows: list[UsageRow], question: Question, zone: ZoneInfo) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for row in rows:
        bucket = bucket_of(row.starts_at, question.width, zone)
        for name in MEASURES:
            found[bucket, row.group, name] += getattr(row, name)
    return +found


@given(
    before=calls,
    after=calls,
    ends=st.tuples(moments, moments),
    width=widths,
    zone=st.sampled_from(ZONES),
    asked=asked_for,
)
@slow
def test_every_report_adds_up_to_the_records_at_any_state_of_the_roll_up(
    workspace: Workspace,
    before: list[Any],
    after: list[Any],
    ends: tuple[datetime, datetime],
    width: Width | None,
    zone: str,
    asked: dict[str, Any],
) -> None:
    mine = people.workspace_of(people.new_person())
    own_zone = ZoneInfo(zone)
    question = Question(
        workspace_id=mine.pk,
        since=min(ends),
        until=max(ends),
        width=width,
        zone=own_zone,
        **asked,
    )
    for batch in (before, after):
        write(*(made(mine, one) for one in batch), *(made(workspace, one) for one in batch))
        right, state = expected(question, own_zone), state_of(mine.pk)
        for known in (None, state):
            assert answered(usage(question, known), question, own_zone) == right
        if batch is before:
            roll_up.roll_up()
            for known in (None, state):  # of which one is older than the roll-up
                assert answered(usage(question, known), question, own_zone) == right


@given(
    given_calls=calls,
    late=calls,
    ends=st.tuples(moments, moments),
    width=st.sampled_from(Width),
    zone=st.sampled_from(ZONES),
)
@slow
def test_pages_of_any_length_have_all_rows_in_order(
    db: None,
    given_calls: list[Any],
    late: list[Any],
    ends: tuple[datetime, datetime],
    width: Width,
    zone: str,
) -> None:
    mine = people.workspace_of(people.new_person())
    write(*(made(mine, one) for one in given_calls))
    roll_up.roll_up()
    write(*(made(mine, one) for one in late))
    for group_by in ((Grouping.KEY, Grouping.MODEL), (Grouping.TAG,), (Grouping.SESSION,), ()):
        question: dict[str, Any] = {
            "workspace_id": mine.pk,
            "since": min(ends),
            "until": max(ends),
            "width": width,
            "zone": ZoneInfo(zone),
            "group_by": group_by,
        }
        everything = usage(Question(**question))
        paged: list[UsageRow] = []
        after = None
        while page := usage(Question(**question, limit=2, after=after)):
            assert len(page) == 2 or page[-1] == everything[-1]
            paged += page
            after = page[-1].cursor

        assert paged == everything


@given(given_calls=calls, ends=st.tuples(moments, moments))
@slow
def test_percentiles_are_those_of_the_answered_calls(
    db: None, given_calls: list[Any], ends: tuple[datetime, datetime]
) -> None:
    mine = people.workspace_of(people.new_person())
    durations = range(1, 100_000, 997)
    records = [made(mine, one) for one in given_calls]
    write(
        *(
            msgspec.structs.replace(
                record, duration_ms=durations[place], first_byte_ms=durations[place] // 2
            )
            for place, record in enumerate(records)
        )
    )
    roll_up.roll_up()
    since, until = min(ends), max(ends)
    in_range = [
        record.duration_ms
        for record in RequestRecord.objects.filter(
            workspace_id=mine.pk, accepted_at__gte=since, accepted_at__lt=until, ending="completed"
        )
    ]

    found = latencies(Question(workspace_id=mine.pk, since=since, until=until))

    assert sum(row.answered for row in found) == len(in_range)
    for row in found:
        assert row.duration
        median = sorted(in_range)[(len(in_range) - 1) // 2]
        assert median / 1.4 - 1 <= row.duration.p50 <= median * 1.4 + 1
        assert row.duration.p50 <= row.duration.p95 <= row.duration.p99


@given(
    before=calls,
    after=calls,
    ends=st.tuples(moments, moments),
    filters=st.sampled_from(
        [
            *({}, {"key": "7"}, {"key": "none"}, {"model": "m1"}, {"session": "s1"}),
            *({"model": "m2", "source": "console"}, {"tag": "a"}, {"status": "error"}),
        ]
    ),
)
@slow
def test_the_totals_of_a_file_of_calls_are_those_of_its_rows(
    workspace: Workspace,
    before: list[Any],
    after: list[Any],
    ends: tuple[datetime, datetime],
    filters: dict[str, str],
) -> None:
    """Also where roll-ups have them, which count each refusal that a row stands for."""
    mine = people.workspace_of(people.new_person())
    since, until = min(ends), max(ends)
    asked = {**filters, "from": since.isoformat(), "to": until.isoformat()}
    wanted = log_filters.parse(asked, now=until)
    table = tables.records(mine.pk, wanted, kept_since=None)
    counted = table._replace(rolled_up=None).totals
    for batch in (before, after):
        write(*(made(mine, one) for one in batch), *(made(workspace, one) for one in batch))
        with connection.cursor() as cursor:
            found = [cursor.execute(*one).fetchone() for one in (table.totals, counted)]
        assert found[0] == found[1]
        if batch is before:
            roll_up.roll_up()
    is_known = since < until and not filters.keys() & {"tag", "status"}
    assert (table.rolled_up is not None) == is_known


def test_filters_leave_the_rest_out(workspace: Workspace) -> None:
    at = BEGIN + timedelta(hours=3, minutes=20)
    write(
        a_record(workspace, at=at, key_id=7, resolved_model="m1", credits=1, tags=("a",)),
        a_record(workspace, at=at, key_id=7, resolved_model="m2", credits=2, session_id="s"),
        a_record(workspace, at=at, source="console", credits=4, tags=("a", "b")),
    )

    def credits(**filters: Any) -> int:
        question = Question(
            workspace_id=workspace.pk,
            since=BEGIN,
            until=BEGIN + timedelta(days=1),
            filters=Filters(**filters),
        )
        return sum(row.credits for row in usage(question))

    for _ in range(2):
        assert credits() == 7
        assert credits(key_id=7) == 3
        assert credits(is_console=True) == 4
        assert credits(model="m2") == 2
        assert credits(key_id=7, model="m1") == 1
        assert credits(source="console") == 4
        assert credits(tag="a") == 5
        assert credits(tag="b") == 4
        assert credits(session="s") == 2
        assert credits(session="s", key_id=8) == 0
        roll_up.roll_up()


def test_errors_are_counted_by_code(workspace: Workspace) -> None:
    at = BEGIN + timedelta(hours=3, minutes=20)
    write(
        refused(workspace, at=at, code="rate_limited", refusals=9),
        refused(workspace, at=at, code="out_of_credits"),
        a_record(workspace, at=at),
    )
    question = Question(
        workspace_id=workspace.pk,
        since=BEGIN,
        until=BEGIN + timedelta(days=1),
        group_by=(Grouping.ERROR,),
    )
    for _ in range(2):
        found = {row.group: (row.requests, row.errors) for row in usage(question)}
        assert found == {("rate_limited",): (9, 9), ("out_of_credits",): (1, 1)}
        roll_up.roll_up()


def test_whole_buckets_come_from_the_roll_ups_and_marked_hours_from_the_records(
    workspace: Workspace,
) -> None:
    hour = timedelta(hours=1)
    write(*(a_record(workspace, at=BEGIN + n * hour + hour / 10) for n in range(4)))
    roll_up.roll_up()
    falsify(workspace, BEGIN + hour, level="hour", credits=1_000_000)
    question = Question(workspace_id=workspace.pk, since=BEGIN, until=BEGIN + 4 * hour)
    assert [row.credits for row in usage(question)] == [1_000_000 + 3 * 12]

    falsify(workspace, BEGIN + hour, level="hour", credits=12)
    write(a_record(workspace, at=BEGIN + hour, credits=5))
    assert [row.credits for row in usage(question)] == [4 * 12 + 5]


@pytest.mark.parametrize(
    "asked", [{"filters": Filters(session="s")}, {"group_by": (Grouping.SESSION,)}]
)
def test_whole_days_of_a_session_come_from_its_days(
    workspace: Workspace, asked: dict[str, Any]
) -> None:
    """And a marked hour of them from its records."""
    day = timedelta(days=1)
    write(*(a_record(workspace, at=BEGIN + n * day + day / 3, session_id="s") for n in range(4)))
    roll_up.roll_up()
    falsify(workspace, BEGIN + day, level="session_day", credits=1_000_000)
    question = Question(workspace_id=workspace.pk, since=BEGIN, until=BEGIN + 4 * day, **asked)

    def credits() -> list[int]:
        return [row.credits for row in usage(question) if row.group in ((), ("s",))]

    assert credits() == [1_000_000 + 3 * 12]
    write(a_record(workspace, at=BEGIN + day + day / 3, session_id="s", credits=5))
    assert credits() == [1_000_000 + 3 * 12 + 5]
    roll_up.roll_up()
    assert credits() == [4 * 12 + 5]


@pytest.mark.django_db(transaction=True)
def test_reports_are_right_while_two_beats_roll_up() -> None:
    """A report reads one snapshot: no call counts twice, or not at all."""
    workspace = people.workspace_of(people.new_person())
    question = Question(
        workspace_id=workspace.pk,
        since=BEGIN,
        until=BEGIN + timedelta(days=3),
        width=Width.DAY,
        zone=ZoneInfo("Asia/Kathmandu"),
    )
    is_over = threading.Event()

    def beat() -> None:
        try:
            while not is_over.is_set():
                roll_up.roll_up()
        finally:
            connection.close()

    beats = [threading.Thread(target=beat) for _ in range(2)]
    for one in beats:
        one.start()
    try:
        for number in range(60):
            write(a_record(workspace, at=BEGIN + number * timedelta(minutes=61), tags=("a",)))
            assert sum(row.requests for row in usage(question)) == number + 1
    finally:
        is_over.set()
        for one in beats:
            one.join()
    roll_up.roll_up()

    assert sums_of(workspace, "usage_day")["requests"] == 60
    assert sums_of(workspace, "usage_tag_day", tag="a")["requests"] == 60


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/New_York", date(2027, 3, 14), 23),
        ("Asia/Kathmandu", date(2026, 10, 25), 24),
        ("Pacific/Chatham", date(2026, 10, 25), 24),
    ],
)
def test_a_day_is_that_of_the_zone(workspace: Workspace, zone: str, day: date, hours: int) -> None:
    own = ZoneInfo(zone)
    midnight = datetime(day.year, day.month, day.day, tzinfo=own).astimezone(UTC)
    end = midnight + timedelta(hours=hours)
    instant = timedelta(microseconds=1)
    write(
        *(a_record(workspace, at=at) for at in (midnight - instant, midnight, end - instant, end))
    )
    for _ in range(2):
        rows = usage(
            Question(
                workspace_id=workspace.pk,
                since=midnight - timedelta(days=3),
                until=midnight + timedelta(days=3),
                width=Width.DAY,
                zone=own,
            )
        )
        [found] = [row for row in rows if row.starts_at == midnight]
        assert (found.ends_at, found.requests) == (end, 2)
        assert [row.requests for row in rows] == [1, 2, 1]
        roll_up.roll_up()


def test_questions_that_cannot_be_answered_are_refused() -> None:
    span = {"workspace_id": 1, "since": BEGIN, "until": BEGIN}
    for wrong in (
        {"group_by": (Grouping.TAG, Grouping.KEY)},
        {"group_by": (Grouping.KEY,), "filters": Filters(tag="a")},
        {"group_by": (Grouping.TAG,), "filters": Filters(model="m")},
    ):
        with pytest.raises(ValueError, match="cannot be"):
            Question(**span, **wrong)  # type: ignore[arg-type]
