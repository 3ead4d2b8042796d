"""A caller asks what was used: the sums are those of the request records, to the second."""

import json
from base64 import urlsafe_b64encode
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from billing.models import Hold, Source
from tests.support.api_description import Description
from tests.support.callers import Call, Caller
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import answers, message, says, usage
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually
from usage import roll_up
from usage.models import DirtyHour, Ending, RecordRetention, RequestRecord

DAY = datetime(2026, 6, 15, tzinfo=UTC)
BEFORE_TEN = DAY + timedelta(hours=9, minutes=59, seconds=59, microseconds=999_999)
TEN = DAY + timedelta(hours=10)
LATE = DAY + timedelta(hours=23, minutes=59)
NEXT_DAY = DAY + timedelta(days=1, minutes=5)
SPAN = {"from": "2026-06-15T00:00:00Z", "to": "2026-06-17T00:00:00Z"}
SUMS = (
    "requests",
    "refusals",
    "errors",
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "credits_consumed",
)
GROUPS = ("model", "key_id", "source")


def report(caller: Caller, **params: str) -> dict[str, Any]:
    """Return the whole answer."""
    answer = caller.get(f"/v1/usage?{urlencode(params)}")
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.json()
    return body


def sums(caller: Caller, **params: str) -> list[dict[str, Any]]:
    """Return the buckets."""
    rows: list[dict[str, Any]] = report(caller, **params)["data"]
    return rows


class Past:
    """Real calls of a customer, put where in time a test wants them."""

    def __init__(self, customer: Customer, upstream: ScriptedUpstream) -> None:
        self._customer = customer
        self._upstream = upstream

    def call(
        self,
        at: datetime,
        *,
        tokens: tuple[int, int, int, int] = (14, 23, 0, 0),
        caller: Caller | None = None,
        source: Source = Source.API,
        **fields: Any,
    ) -> None:
        """Make a call of so many tokens: input, output, written to the cache, read from it."""
        read, written, cache_write, cache_read = tokens
        counts = usage(read, written, cache_write=cache_write, cache_read=cache_read)
        script = self._upstream.script(answers(message(usage=counts)))
        seen = {record.id for record in self._customer.records()}
        (caller or self._customer.caller).ask(script.prompt, **fields)
        [record] = eventually(lambda: self._records_but(seen), what="the request record")
        self._move(record, at, source)

    def _records_but(self, seen: set[UUID]) -> list[RequestRecord]:
        return [record for record in self._customer.records() if record.id not in seen]

    def _move(self, record: RequestRecord, at: datetime, source: Source) -> None:
        place = RequestRecord.objects.filter(workspace_id=record.workspace_id, id=record.id)
        place.update(accepted_at=at, source=source)
        # The audit holds a record against its hold: the two moments move together.
        Hold.objects.filter(wallet=self._customer.wallet(), id=record.id).update(accepted_at=at)
        hour = at.replace(minute=0, second=0, microsecond=0)
        DirtyHour.objects.create(workspace_id=record.workspace_id, starts_at=hour)


@pytest.fixture
def past(customer: Customer, upstream: ScriptedUpstream) -> Past:
    return Past(customer, upstream)


@pytest.fixture
def busy(customer: Customer, past: Past) -> Customer:
    """A customer with calls of all sorts around the borders of hours and days."""
    other = Caller(customer.url, customer.another_key().token)
    past.call(BEFORE_TEN)
    past.call(TEN, tokens=(5, 7, 100, 0), caller=other)
    past.call(TEN + timedelta(minutes=30), tokens=(5, 7, 0, 300), model="scripted/able")
    past.call(TEN + timedelta(minutes=31), model="scripted/unreachable")
    past.call(LATE, source=Source.CONSOLE)
    past.call(NEXT_DAY, model="scripted/able", caller=other)
    return customer


def added_up(records: list[RequestRecord], *, length: timedelta, groups: list[str]) -> Any:
    """Add records up, one by one, and in the order that the answer has."""
    rows: dict[tuple[Any, ...], Counter[str]] = {}
    for record in records:
        whole = (record.accepted_at - DAY) // length
        place = (DAY + whole * length, *(_group(record, name) for name in groups))
        rows.setdefault(place, Counter()).update(
            requests=1,
            refusals=int(record.ending == Ending.REFUSED),
            errors=int(record.error_type != ""),
            input_tokens=record.input_tokens,
            output_tokens=record.output_tokens,
            cache_creation_input_tokens=record.cache_creation_input_tokens,
            cache_read_input_tokens=record.cache_read_input_tokens,
            credits_consumed=record.credits,
        )
    return [
        {
            "starts_at": _written(starts_at),
            "ends_at": _written(starts_at + length),
            **dict(zip(groups, values, strict=True)),
            **{name: totals[name] for name in SUMS},
        }
        for (starts_at, *values), totals in sorted(rows.items())
    ]


def _group(record: RequestRecord, name: str) -> Any:
    return record.resolved_model if name == "model" else getattr(record, name)


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("groups", ["", "model", "key", "source", "source,key,model"])
@pytest.mark.parametrize("bucket", ["1h", "1d"])
def test_sums_are_those_of_the_records_however_much_is_rolled_up(
    busy: Customer, past: Past, bucket: str, groups: str
) -> None:
    length = timedelta(hours=1) if bucket == "1h" else timedelta(days=1)
    named = [{"key": "key_id"}.get(name, name) for name in groups.split(",") if name]

    def assert_right() -> None:
        found = sums(busy.caller, bucket=bucket, group_by=groups, **SPAN)
        assert found == added_up(busy.records(), length=length, groups=named)
        assert sum(row["credits_consumed"] for row in found) == sum(busy.charges())

    assert_right()
    roll_up.roll_up()
    assert_right()
    past.call(TEN + timedelta(minutes=59), tokens=(1, 1, 1, 1))
    assert_right()
    roll_up.roll_up()
    assert_right()


def test_a_group_is_named_only_when_asked_for(busy: Customer) -> None:
    [day, next_day] = sums(busy.caller, bucket="1d", **SPAN)
    [split, *_] = sums(busy.caller, bucket="1d", group_by="key", **SPAN)

    assert day.keys() == next_day.keys() == {"starts_at", "ends_at", *SUMS}
    assert split.keys() == {"starts_at", "ends_at", "key_id", *SUMS}
    assert (day["requests"], day["errors"], next_day["requests"]) == (5, 1, 1)


def test_a_stretch_has_its_beginning_and_not_its_end(busy: Customer) -> None:
    def requests(since: datetime, until: datetime) -> int:
        span = {"from": since.isoformat(), "to": until.isoformat()}
        return sum(row["requests"] for row in sums(busy.caller, bucket="1h", **span))

    for _ in range(2):
        assert requests(DAY, BEFORE_TEN) == 0
        assert requests(BEFORE_TEN, TEN) == 1
        assert requests(TEN, TEN + timedelta(microseconds=1)) == 1
        assert requests(TEN, TEN + timedelta(minutes=31)) == 2
        roll_up.roll_up()


def test_a_call_is_counted_as_soon_as_it_is_answered(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    assert sums(customer.caller) == []
    answer = customer.ask(upstream.script(says()).prompt)

    for bucket in ("1h", "1d"):
        [row] = sums(customer.caller, bucket=bucket)
        assert row["requests"] == 1
        assert row["credits_consumed"] == answer.json()["usage"]["credits_consumed"] == 60


def test_long_reports_keep_no_other_workspace_from_its_own(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    """Ten readers of one workspace use half the connections; of several, all but one."""
    first, second, third = (new_customer() for _ in range(3))
    script = upstream.script(says())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE usage_day IN ACCESS EXCLUSIVE MODE")
        ask_for_long_reports(first, cursor, waiting=2)
        ask_for_long_reports(second, cursor, waiting=3)
        assert third.caller.get("/v1/usage").status == 503
        eventually(lambda: third.caller.get("/v1/credits").status == 200, what="its balance")
        assert third.ask(script.prompt).status == 200


def ask_for_long_reports(customer: Customer, cursor: CursorWrapper, *, waiting: int) -> None:
    """Ask for many at once: so many in all wait for the table's lock, and the rest is refused."""
    calls: list[Call] = []

    def is_lent() -> bool:
        calls.append(customer.caller.call("GET", "/v1/usage"))
        return count_of_waiting(cursor) >= waiting

    eventually(is_lent, what="the reports for which there is a connection")
    before = count_of_waiting(cursor)
    more = [customer.caller.call("GET", "/v1/usage") for _ in range(10)]
    eventually(
        lambda: sum(call.is_answered() for call in more) + count_of_waiting(cursor) - before == 10,
        what="the other reports",
    )
    assert count_of_waiting(cursor) == waiting


def count_of_waiting(cursor: CursorWrapper) -> int:
    cursor.execute(
        "SELECT count(*) FROM pg_locks WHERE relation = 'usage_day'::regclass AND NOT granted"
    )
    [count] = cursor.fetchone()
    return int(count)


def test_without_parameters_it_is_the_last_thirty_days_by_day(customer: Customer) -> None:
    body = report(customer.caller)
    by_hour = report(customer.caller, bucket="1h")

    assert (body["object"], body["bucket"], body["has_more"]) == ("usage", "1d", False)
    assert length_of(body) == timedelta(days=30)
    assert length_of(by_hour) == timedelta(days=1)
    assert abs(datetime.fromisoformat(body["to"]) - datetime.now(UTC)) < timedelta(minutes=5)


def length_of(body: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(body["to"]) - datetime.fromisoformat(body["from"])


@pytest.mark.parametrize(
    "written",
    [
        "2026-06-15T12:00:00+02:00",
        "2026-06-15T10:00:00",
        "2026-06-15T10:00Z",
        "2026-06-15t10:00:00z",
        "20260615T100000Z",
    ],
)
def test_times_are_read_in_their_zone_and_written_in_utc(customer: Customer, written: str) -> None:
    body = report(customer.caller, **{"from": written, "to": "2026-06-16"})

    assert body["from"] == "2026-06-15T10:00:00Z"
    assert body["to"] == "2026-06-16T00:00:00Z"


def test_a_plus_sign_may_stand_in_the_address_as_it_is(customer: Customer) -> None:
    address = "/v1/usage?from=2026-06-15T12:00:00+02:00&to=2026-06-16T00:00:00Z"

    assert customer.caller.get(address).json()["from"] == "2026-06-15T10:00:00Z"


def test_a_range_without_records_says_so_and_is_exact_to_the_quarter_hour(
    busy: Customer, description: Description
) -> None:
    roll_up.roll_up()
    asked = {"from": "2026-06-15T10:07:00Z", "to": SPAN["to"]}
    address, midnight = f"/v1/usage?{urlencode(asked)}", "2026-06-16T00:00:00Z"
    exact = report(busy.caller, **asked)
    RecordRetention.objects.create(id=1, kept_since=datetime.fromisoformat(midnight))
    try:
        answer = busy.caller.get(address)
        later = report(busy.caller, **{**asked, "from": midnight})
    finally:
        RecordRetention.objects.all().delete()

    description.assert_answer_fits(answer, "getUsage")
    rounded = answer.json()
    assert rounded["records_since"] == midnight
    assert "records_since" not in exact
    assert "records_since" not in later
    # From 10:00 on: with the call of that moment.
    assert [row["requests"] for row in rounded["data"]] == [4, 1]
    assert [row["requests"] for row in exact["data"]] == [3, 1]


def test_another_workspace_sees_nothing_of_it(
    busy: Customer, new_customer: NewCustomer, past: Past
) -> None:
    other = new_customer()

    for _ in range(2):
        assert sums(other.caller, group_by="model,key,source", **SPAN) == []
        assert sums(other.caller) == []
        assert len(sums(busy.caller, **SPAN)) == 2
        roll_up.roll_up()


def cursor_with(*groups: str) -> str:
    """Return the cursor of a page whose last row is of these groups."""
    moments = [DAY.isoformat(), (DAY + timedelta(days=1)).isoformat(), DAY.isoformat()]
    return urlsafe_b64encode(json.dumps([*moments, groups]).encode()).decode().rstrip("=")


BAD = [
    ({"bucket": "2w"}, "bucket"),
    ({"bucket": ""}, "bucket"),
    ({"bucket": "1H"}, "bucket"),
    ({"group_by": "colour"}, "group_by"),
    ({"group_by": "model,colour"}, "group_by"),
    ({"group_by": "key_id; DROP TABLE usage_day"}, "group_by"),
    ({"from": "yesterday"}, "from"),
    ({"from": ""}, "from"),
    ({"from": "1781510400"}, "from"),
    ({"from": "2026-06-15T25:00:00Z"}, "from"),
    ({"from": "2026-02-30T00:00:00Z"}, "from"),
    ({"from": "0001-01-01T00:00:00+14:00"}, "from"),
    ({"from": "2026-06-15T00:00:00Z\x00"}, "from"),
    ({"to": "9999-12-31T23:59:59-14:00"}, "to"),
    ({"to": "tomorrow"}, "to"),
    ({"to": "0001-01-01T00:00:00Z"}, "to"),
    ({"from": "2026-06-15T00:00:00Z", "to": "2026-06-15T00:00:00Z"}, "from"),
    ({"from": "2026-06-15T00:00:01Z", "to": "2026-06-15T00:00:00Z"}, "from"),
    ({"from": "2025-06-13T23:59:59Z", "to": "2026-06-15T00:00:00Z"}, "from"),
    ({"bucket": "1h", "from": "2026-05-14T23:59:59Z", "to": "2026-06-15T00:00:00Z"}, "from"),
    ({"from": "0001-01-01T00:00:00Z"}, "from"),
    ({"bucket": "15m", "from": "2026-06-01T00:00:00Z", "to": "2026-06-15T00:00:00Z"}, "from"),
    ({"group_by": "error"}, "group_by"),
    ({"limit": "0"}, "limit"),
    ({"limit": "1001"}, "limit"),
    ({"limit": "\uff11"}, "limit"),
    ({"limit": "9" * 5000}, "limit"),
    ({"cursor": ""}, "cursor"),
    ({"cursor": "e30"}, "cursor"),
    ({"cursor": "%"}, "cursor"),
    ({"cursor": "A" * 5_000}, "cursor"),
    ({"cursor": cursor_with(), "group_by": "model"}, "cursor"),
    ({"cursor": cursor_with(":m"), "group_by": "model,key"}, "cursor"),
    ({"cursor": cursor_with(":s\0"), "group_by": "session"}, "cursor"),
    ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ({"time_zone": "../../etc/passwd"}, "time_zone"),
    ({"time_zone": "Europe"}, "time_zone"),
    ({"time_zone": ""}, "time_zone"),
    ({"time_zone": "UTC\x00"}, "time_zone"),
]


@pytest.mark.parametrize(("params", "name"), BAD, ids=lambda value: str(value)[:60])
def test_a_bad_parameter_is_named(customer: Customer, params: dict[str, str], name: str) -> None:
    answer = customer.caller.get(f"/v1/usage?{urlencode(params)}")

    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error["message"].startswith(f"{name}: Input should be ")


@pytest.mark.parametrize(("bucket", "days"), [("15m", 7), ("1h", 31), ("1d", 366), ("1mo", 1830)])
def test_the_longest_stretch_is_taken(customer: Customer, bucket: str, days: int) -> None:
    until = DAY
    span = {"from": (until - timedelta(days=days)).isoformat(), "to": until.isoformat()}

    assert length_of(report(customer.caller, bucket=bucket, **span)) == timedelta(days=days)


def test_the_far_end_of_time_is_an_answer_without_calls(customer: Customer) -> None:
    span = {"from": "9999-12-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}

    assert sums(customer.caller, bucket="1h", **span) == []


def test_without_a_key_there_is_nothing_to_read(customer: Customer) -> None:
    assert Caller(customer.url, None).get("/v1/usage").status == 401
