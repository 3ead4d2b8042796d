"""Visitors run fixed questions on the demo wallet: within its credits, and within limits."""

import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis
import redis.asyncio
from django.conf import settings
from pytest_django import Settings

from billing.ledger import demo, grants
from billing.models import Source
from console import demo_limits
from console.demo import QUESTIONS, DemoRun
from console.errors import DemoClosed
from gateway.limits.refusal_pace import RefusalPace
from tests.support.callers import Answer, Call, Caller
from tests.support.customers import Customer
from tests.support.replies import events, says, streams, wait
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.servers import WebServer
from tests.support.waiting import eventually
from usage.models import Ending, RequestRecord

CREDITS = 10_000


@pytest.fixture
def counters() -> Iterator[redis.Redis]:
    """Redis, in which no visitor has been counted."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        forget(client)
        yield client
        forget(client)


def forget(client: redis.Redis) -> None:
    for key in client.scan_iter("demo:*"):
        client.delete(key)


@pytest.fixture
def books_of_demo(books: None, counters: object) -> Customer:
    """The demo's workspace with CREDITS credits."""
    demo.fill(credits=CREDITS)
    wallet = demo.wallet()
    assert wallet is not None
    if missing := CREDITS - wallet.posted:
        grants.grant(workspace=wallet.workspace, credits=missing, reason="For a test")
    return Customer(wallet.workspace, None, None, "", "")  # type: ignore[arg-type]


def begin(server: WebServer, query: str = "", **headers: str) -> Call:
    named = {"origin": server.url, "content-length": "0"} | headers
    return Caller(server.url, None).call("POST", f"/demo/run{query}", None, named)


def run(server: WebServer, query: str = "", **headers: str) -> Answer:
    return begin(server, query, **headers).answer()


def newest(of: Customer) -> RequestRecord:
    return RequestRecord.objects.filter(workspace=of.workspace).latest("accepted_at")


def test_a_visitor_s_run_streams_and_is_paid_by_the_demo_wallet(
    small: WebServer, books_of_demo: Customer, upstream: ScriptedUpstream
) -> None:
    upstream.script_for(QUESTIONS[0], says("It scatters."))

    answer = run(small)

    assert answer.transcript.text == "It scatters."
    charged = answer.transcript.usage["credits_consumed"]
    assert books_of_demo.charges()[-1] == charged > 0
    assert books_of_demo.wallet().posted == CREDITS - charged
    record = newest(books_of_demo)
    assert (record.source, record.member_id, record.key_id) == (Source.CONSOLE, None, None)
    assert int(answer.headers["caicaini-credits-held"]) == record.hold_amount


def test_only_the_fixed_questions_are_asked(
    small: WebServer, books_of_demo: Customer, upstream: ScriptedUpstream
) -> None:
    scripts = [upstream.script_for(question, says("Yes.")) for question in QUESTIONS]
    before = [len(script.requests) for script in scripts]

    for query in ("?question=1", "?question=99", "?question=-1", "?question=%C2%B2", "?question=x"):
        assert run(small, query).status == 200

    asked = [len(script.requests) - count for script, count in zip(scripts, before, strict=True)]
    assert asked == [4, 1, 0]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_only_a_page_of_ours_can_run_it(
    small: WebServer, books_of_demo: Customer, origin: str
) -> None:
    answer = run(small, origin=origin)

    assert answer.status == 403
    assert answer.error["details"]["error_code"] == "untrusted_origin"
    assert books_of_demo.wallet().posted == CREDITS


def test_once_the_credits_are_spent_nothing_runs(small: WebServer, books_of_demo: Customer) -> None:
    grants.grant(workspace=books_of_demo.workspace, credits=10 - CREDITS, reason="For a test")

    answer = run(small)

    assert answer.status == 429
    assert answer.error["type"] == "rate_limit_error"
    assert answer.error["details"]["error_code"] == "demo_budget_spent"
    assert books_of_demo.wallet().posted == 10


def test_an_address_has_its_share_of_runs(
    small: WebServer, books_of_demo: Customer, upstream: ScriptedUpstream
) -> None:
    upstream.script_for(QUESTIONS[0], says("Yes."))
    for _ in range(demo_limits.RUNS_PER_ADDRESS):
        assert run(small).status == 200

    answer = run(small)

    assert answer.status == 429
    assert answer.error["details"]["error_code"] == "demo_rate_limited"
    assert 0 < int(answer.headers["retry-after"]) <= demo_limits.PER_S


def test_so_many_run_at_once_and_no_more(
    small: WebServer, books_of_demo: Customer, upstream: ScriptedUpstream
) -> None:
    steps = events("It scatters.")
    script = upstream.script_for(QUESTIONS[0], streams(*steps[:3], wait, *steps[3:]))
    calls = [begin(small) for _ in range(demo_limits.RUNS_AT_ONCE)]
    for call in calls:
        call.read_until("content_block_delta")

    refused = run(small)
    script.release(len(calls))
    for call in calls:
        call.read_until("message_stop")

    assert refused.error["details"]["error_code"] == "demo_busy"
    upstream.script_for(QUESTIONS[0], says("Yes."))
    eventually(lambda: run(small).status == 200, what="room for a run")


def test_a_visitor_who_leaves_makes_room(
    small: WebServer,
    books_of_demo: Customer,
    upstream: ScriptedUpstream,
    counters: redis.Redis,
) -> None:
    upstream.script_for(QUESTIONS[0], streams(*events("It scatters.")[:4], wait))
    call = begin(small)
    call.read_until("content_block_delta")
    assert counters.zcard("demo:running") == 1

    call.hang_up()

    eventually(lambda: counters.zcard("demo:running") == 0, what="room for a run")
    books_of_demo.wait_until_settled()
    assert newest(books_of_demo).ending == Ending.CALLER_LEFT


def test_no_address_is_stored(
    small: WebServer,
    books_of_demo: Customer,
    upstream: ScriptedUpstream,
    counters: redis.Redis,
) -> None:
    upstream.script_for(QUESTIONS[0], says("Yes."))
    run(small)

    keys = [key.decode() for key in counters.scan_iter("demo:*")]

    assert any(key.startswith("demo:address:") for key in keys)
    assert not any("127" in key for key in keys)


def scope_from(address: str, **headers: str) -> dict[str, Any]:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http",
        "method": "POST",
        "path": "/demo/run",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *raw],
        "client": (address, 1),
    }


def test_an_ipv6_network_counts_as_one_address() -> None:
    key = demo_limits.address_key

    assert key(scope_from("2001:db8:1:2::1")) == key(scope_from("2001:db8:1:2:ffff::9"))
    assert key(scope_from("2001:db8:1:2::1")) != key(scope_from("2001:db8:1:3::1"))
    assert key(scope_from("::ffff:192.0.2.7")) == key(scope_from("192.0.2.7"))
    assert key(scope_from("192.0.2.7")) != key(scope_from("192.0.2.8"))


def test_a_visitor_cannot_choose_an_address() -> None:
    key = demo_limits.address_key

    forged = scope_from("192.0.2.7", x_forwarded_for="198.51.100.1")

    assert key(forged) == key(scope_from("192.0.2.7"))
    assert key(scope_from("")) == key(scope_from("not an address"))


async def test_without_redis_nothing_runs() -> None:
    async with redis.asyncio.Redis.from_url("redis://127.0.0.1:1/0") as nowhere:
        with pytest.raises(DemoClosed):
            async with demo_limits.counted(nowhere, scope_from("192.0.2.7"), uuid.uuid4()):
                pytest.fail("it ran")


async def test_a_run_of_a_killed_process_stops_counting(counters: redis.Redis) -> None:
    counters.zadd("demo:running", {f"killed-{one}": 1 for one in range(99)})

    async with (
        redis.asyncio.Redis.from_url(settings.REDIS_URL) as client,
        demo_limits.counted(client, scope_from("192.0.2.7"), uuid.uuid4()),
    ):
        assert counters.zcard("demo:running") == 1


async def test_a_setting_of_0_offers_none(settings: Settings) -> None:
    settings.DEMO_CREDITS_PER_DAY = 0
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    services = SimpleNamespace(refusal_pace=RefusalPace())
    scope = scope_from("192.0.2.7") | {"state": {"services": services}}
    await DemoRun()(scope, receive, send)

    assert sent[0]["status"] == 404
