"""Σ ledger = Σ log = Σ roll-ups = Σ GET /v1/usage, over random calls, ranges, zones and groups.

Calls are held and settled by the ledger's own function, or refused; the rest is read from where
people and programs read it. The oracle is the ledger: its entries, placed in time and in groups by
what this test sent. Records arrive late and in any order, while two beats roll up at the same time.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import psycopg
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.models import EntryKind
from gateway.http.usage_query import LONGEST
from gateway.metering import blocking_apply
from gateway.metering.operations import SettleResult
from tests.support.books import TestCall, database_url
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.request_records import refused
from tests.support.roll_ups import LEVELS, sums_of
from tests.support.usage_ranges import BEGIN, ZONES, bucket_of, moments
from usage import refused_records, request_log, roll_up
from usage.log_filters import LogFilter
from usage.reading import Width
from usage.records import Record
from usage.request_log import Cursor

OWNER = 7
calls = st.lists(
    st.fixed_dictionaries(
        {
            "at": moments,
            "kind": st.sampled_from(["charged", "charged", "above its hold", "failed", "refused"]),
            "amount": st.integers(1, 500),
            "model": st.sampled_from(["m1", "m2"]),
            "is_console": st.booleans(),
            "session": st.sampled_from([None, "s1", "s2"]),
            "tags": st.sampled_from([(), ("a",), ("a", "b"), ("c",)]),
        }
    ),
    max_size=10,
)
group_bys = st.sampled_from(["", "model", "key", "source,key,model", "tag", "session"])


class Sent(NamedTuple):
    """A call as this test made it; a refused one may stand for several."""

    id: uuid.UUID
    at: datetime
    requests: int
    groups: dict[str, Any]
    tags: tuple[str, ...]


class Total(NamedTuple):
    """What a part of the calls adds up to."""

    requests: int
    credits: int


@given(
    batches=st.lists(calls, min_size=1, max_size=3),
    since=moments,
    share=st.floats(0.001, 1),
    bucket=st.sampled_from(list(Width)),
    zone=st.sampled_from(ZONES),
    group_by=group_bys,
    limit=st.sampled_from([3, 1_000]),
)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_ledger_log_roll_ups_and_reports_have_the_same_sums(
    new_customer: NewCustomer,
    batches: list[list[dict[str, Any]]],
    since: datetime,
    share: float,
    bucket: Width,
    zone: str,
    group_by: str,
    limit: int,
) -> None:
    customer, sent = new_customer(), list[Sent]()
    until = since + LONGEST[bucket] * share
    asked = {"bucket": bucket.value, "time_zone": zone, "group_by": group_by, "limit": str(limit)}
    asked |= {"from": since.isoformat(), "to": until.isoformat()}
    with two_beats() as begin_roll_ups:
        for batch in batches:
            begin_roll_ups()  # of the batch before, while this one is written
            sent += made(customer, batch)
            begin_roll_ups()
            ledger = charges_of(customer)
            in_range = [call for call in sent if since <= call.at < until]

            assert reported(customer, asked) == expected(in_range, ledger, asked)
            assert logged(customer, since, until) == total_of(in_range, ledger)
    roll_up.roll_up()

    ledger, everything = charges_of(customer), total_of(sent, charges_of(customer))
    assert everything.credits == sum(ledger.values()) == 10**6 - customer.wallet().posted
    assert logged(customer, BEGIN, BEGIN + timedelta(days=400)) == everything
    for group_by in ("session", "tag", "source,key,model"):
        asked = {"bucket": "1d", "time_zone": zone, "group_by": group_by}
        asked |= {"from": BEGIN.isoformat(), "to": (BEGIN + timedelta(days=41)).isoformat()}
        assert reported(customer, asked) == expected(sent, ledger, asked)
    untagged = total_of([call for call in sent if not call.tags], ledger)
    for level in LEVELS:
        assert rolled_up(customer, f"usage_{level}") == everything
        tagged = rolled_up(customer, f"usage_tag_{level}", tag=None)
        assert Total(*map(sum, zip(tagged, untagged, strict=True))) == everything
        for tag in ("a", "b", "c"):
            of_tag = [call for call in sent if tag in call.tags]
            assert rolled_up(customer, f"usage_tag_{level}", tag=tag) == total_of(of_tag, ledger)


@contextmanager
def two_beats() -> Iterator[Callable[[], None]]:
    """Give the block a function that begins two roll-ups at the same time, and wait for all."""

    def beat() -> None:
        try:
            roll_up.roll_up()
        finally:
            connection.close()

    begun: list[Future[None]] = []
    with ThreadPoolExecutor(2) as threads:
        yield lambda: begun.extend(threads.submit(beat) for _ in range(2))
    for one in begun:
        one.result()


def made(customer: Customer, batch: Sequence[dict[str, Any]]) -> list[Sent]:
    """Make calls: those that hold credits in one transaction, as the reaper would void them."""
    with psycopg.connect(database_url()) as ledger:
        sent = [_held(ledger, customer, one) for one in batch if one["kind"] != "refused"]
    return sent + _refused(customer, [one for one in batch if one["kind"] == "refused"])


def _held(ledger: "psycopg.Connection[Any]", customer: Customer, given: dict[str, Any]) -> Sent:
    key_id = None if given["is_console"] else customer.key.pk
    source = "console" if given["is_console"] else "api"
    call = TestCall(customer.workspace.pk, given["amount"], key_id, accepted_at=given["at"])
    fields = {"resolved_model": given["model"], "source": source, "tags": given["tags"] or None}
    fields |= {"session_id": given["session"]}
    # As an upstream counts: less than was held, or more, which is our loss.
    actual = given["amount"] * (2 if given["kind"] == "above its hold" else 1) // 2 + 1
    settle = call.void(**fields) if given["kind"] == "failed" else call.settle(actual, **fields)
    for operation in (call.hold(), settle):
        [outcome] = blocking_apply.write(ledger, [operation], owner=OWNER)
    assert isinstance(outcome, SettleResult)
    groups = {"model": given["model"], "key_id": key_id, "source": source}
    return Sent(call.id, given["at"], 1, groups | {"session_id": given["session"]}, given["tags"])


def _refused(customer: Customer, batch: Sequence[dict[str, Any]]) -> list[Sent]:
    records = [
        refused(
            customer.workspace,
            at=one["at"],
            key_id=customer.key.pk,
            refusals=one["amount"],
            tags=one["tags"] or None,
            session_id=one["session"],
        )
        for one in batch
    ]
    asyncio.run(_write(records))
    return [
        Sent(
            record.id,
            record.accepted_at,
            record.refusals or 1,
            {
                "model": "",
                "key_id": record.key_id,
                "source": record.source,
                "session_id": record.session_id,
            },
            tuple(record.tags or ()),
        )
        for record in records
    ]


async def _write(records: Sequence[Record]) -> None:
    async with await psycopg.AsyncConnection.connect(database_url()) as books:
        await refused_records.write(books, records)


def charges_of(customer: Customer) -> dict[uuid.UUID, int]:
    """Return what the ledger took, by request."""
    entries = customer.wallet().entries.filter(kind=EntryKind.USAGE)
    return {uuid.UUID(entry.reference): -entry.amount for entry in entries}


def total_of(sent: Sequence[Sent], ledger: dict[uuid.UUID, int]) -> Total:
    """Add calls up, with the ledger's amounts."""
    return Total(sum(call.requests for call in sent), sum(ledger.get(call.id, 0) for call in sent))


Sums = Counter[tuple[Any, ...]]


def expected(sent: Sequence[Sent], ledger: dict[uuid.UUID, int], asked: dict[str, str]) -> Sums:
    """Return the sums by bucket and group that a report must have, from the ledger's amounts."""
    found: Sums = Counter()
    width, zone = Width(asked["bucket"]), ZoneInfo(asked["time_zone"])
    for call in sent:
        bucket = bucket_of(call.at, width, zone)
        for group in _groups_of(call, asked["group_by"]):
            found[bucket, group, "requests"] += call.requests
            found[bucket, group, "credits"] += ledger.get(call.id, 0)
    return +found


def _groups_of(call: Sent, group_by: str) -> list[tuple[Any, ...]]:
    if group_by == "tag":
        return [(tag,) for tag in call.tags] or [(None,)]
    return [tuple(call.groups[name] for name in _names(group_by))]


def _names(group_by: str) -> list[str]:
    fields = {"key": "key_id", "session": "session_id"}
    return [fields.get(name, name) for name in group_by.split(",") if name]


def reported(customer: Customer, asked: dict[str, str]) -> Sums:
    """Return the sums of all pages of GET /v1/usage."""
    found: Sums = Counter()
    width, zone = Width(asked["bucket"]), ZoneInfo(asked["time_zone"])
    page = dict(asked)
    while True:
        answer = customer.caller.get(f"/v1/usage?{urlencode(page)}")
        assert answer.status == 200, answer.body
        for row in answer.json()["data"]:
            bucket = bucket_of(datetime.fromisoformat(row["starts_at"]), width, zone)
            group = tuple(row[name] for name in _names(asked["group_by"]))
            found[bucket, group, "requests"] += row["requests"]
            found[bucket, group, "credits"] += row["credits_consumed"]
        if not answer.json()["has_more"]:
            return +found
        page["cursor"] = answer.json()["next_cursor"]


def logged(customer: Customer, since: datetime, until: datetime) -> Total:
    """Add up the rows of all pages of the log."""
    wanted, before, rows = LogFilter({}, "all", since, until), None, list[Any]()
    while True:
        page = request_log.log_page(customer.workspace.pk, wanted, before=before)
        rows += [row.call for row in page.rows]
        before = page.older
        if before is None:
            break
        assert isinstance(before, Cursor)
    return Total(sum(row.refusals or 1 for row in rows), sum(row.credits for row in rows))


def rolled_up(customer: Customer, table: str, **where: Any) -> Total:
    """Return what a roll-up has."""
    sums = sums_of(customer.workspace, table, **where)
    return Total(sums["requests"], sums["credits"])
