"""An upstream takes its time: whoever streams hears every few seconds that somebody is there."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from anthropic import Anthropic, APIStatusError

from gateway import sse
from tests.support import servers, typescript_sdk
from tests.support.callers import Call, Transcript
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import after_release, answers, event, events, says, streams, then, wait
from tests.support.scripted_upstream import Exchange, Play, ScriptedUpstream
from tests.support.servers import WebServer
from usage.models import Ending

BUSY = answers(b'{"error": {"type": "overloaded_error"}}', status=529)


@pytest.fixture(scope="module")
def talkative(gateway_env: dict[str, str], logs: Path) -> Iterator[WebServer]:
    """A gateway that cannot stand a fifth of a second of silence."""
    env = {**gateway_env, "KEEP_ALIVE_EVERY_S": "0.2"}
    with servers.running(env=env, log=logs / "talkative.log") as server:
        yield server


@pytest.fixture
def customer(new_customer: NewCustomer, talkative: WebServer) -> Customer:
    return new_customer(url=talkative.url)


def assert_hears_somebody(call: Call) -> None:
    """Read three comments."""
    for line in sse.COMMENT.splitlines(keepends=True) * 3:
        assert call.response.readline() == line


@pytest.mark.parametrize(
    "play",
    [after_release(says()), streams(wait, *events()), streams(b": hm\n\n", wait, *events())],
    ids=["no head", "a head", "a comment"],
)
def test_comments_come_before_the_answer(
    customer: Customer, upstream: ScriptedUpstream, play: Play
) -> None:
    script = upstream.script(play)
    call = customer.begin(script.prompt, stream=True)

    assert_hears_somebody(call)
    script.release()

    assert call.response.status == 200
    assert Transcript([*call.events()]).text == "Hello there"
    assert customer.charges() == [60]


def test_comments_come_between_the_words(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(streams(*events()[:3], wait, *events()[3:]))
    call = customer.begin(script.prompt, stream=True)
    begun = [call.read_until("message_start"), call.read_until("content_block_start")]
    begun.append(call.read_until("content_block_delta"))

    assert_hears_somebody(call)
    script.release()

    assert Transcript([*begun, *call.events()]).text == "Hello there"
    assert customer.charges() == [60]


@pytest.mark.parametrize(
    "murmur",
    [b": hm\n\n", b"\n", events()[0], b"{", event("ping")],
    ids=["comments", "white space", "the beginning again", "a whole answer", "pings"],
)
def test_comments_come_while_an_upstream_says_nothing_that_is_passed_on(
    customer: Customer, upstream: ScriptedUpstream, murmur: bytes
) -> None:
    """Some servers send comments of their own while they wait for one of theirs."""

    async def until_released(exchange: Exchange) -> None:
        while exchange.script.releases.locked():
            await exchange.chunk(murmur)
            await asyncio.sleep(0.02)

    script = upstream.script(streams(until_released))
    call = customer.begin(script.prompt, stream=True)

    while (line := call.response.readline()) != sse.COMMENT[:-1]:
        assert line, "the stream ended without a comment"

    script.release()
    call.hang_up()


def test_after_comments_another_upstream_can_still_answer(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(then(after_release(BUSY), says()))
    call = customer.begin(script.prompt, model="scripted/two", stream=True)

    assert_hears_somebody(call)
    script.release()

    assert Transcript([*call.events()]).text == "Hello there"
    assert customer.charges() == [60]
    assert len(script.requests) == 2


def test_after_comments_a_failure_is_the_only_event_and_costs_nothing(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    refusal = answers(b'{"error": {"message": "too hot"}}', status=400)
    script = upstream.script(after_release(refusal))
    call = customer.begin(script.prompt, stream=True)

    assert_hears_somebody(call)
    script.release()

    [event] = call.events()
    assert call.response.status == 200
    assert (event.kind, event.data["error"]["type"]) == ("error", "invalid_request_error")
    assert event.data["error"]["message"] == "too hot"
    call.hang_up()
    record = customer.wait_for_record()
    assert (record.status, record.error_type) == (200, "invalid_request_error")
    assert record.ending == Ending.BROKE_OFF
    assert record.credits == record.lost_credits == 0


def test_who_hangs_up_amid_comments_pays_nothing(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(after_release(says()))
    call = customer.begin(script.prompt, stream=True)
    assert_hears_somebody(call)

    call.hang_up()

    script.wait_for_hang_up()
    assert customer.wait_for_record().ending == Ending.CALLER_LEFT
    assert customer.charges() == []


def test_a_body_that_turns_into_something_else_is_not_waited_for(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    """At the deadlines as they are shipped, of which the first is a minute away."""

    async def fall_over(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 500 Internal Server Error\r\n\r\nOops")

    script = upstream.script(streams(*events()[:3], wait, fall_over))
    call = customer.begin(script.prompt, stream=True)
    call.read_until("content_block_delta")

    script.release()

    assert call.read_until("error").data["error"]["type"] == "api_error"
    assert customer.charges() == []


def after_a_while(play: Play) -> Play:
    """Play after a silence that several comments fit into."""

    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(1)
        await play(exchange)

    return slow


def test_the_python_sdk_waits_as_well(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(after_a_while(says()))

    with (
        Anthropic(base_url=customer.url, api_key=customer.token, max_retries=0) as client,
        client.messages.stream(
            model="scripted/messages",
            max_tokens=100,
            messages=[{"role": "user", "content": script.prompt}],
        ) as stream,
    ):
        assert stream.get_final_text() == "Hello there"


def test_the_python_sdk_hears_a_failure_after_the_wait(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(after_a_while(BUSY))

    with (
        Anthropic(base_url=customer.url, api_key=customer.token, max_retries=0) as client,
        pytest.raises(APIStatusError) as failed,
    ):
        list(
            client.messages.create(
                model="scripted/messages",
                max_tokens=100,
                messages=[{"role": "user", "content": script.prompt}],
                stream=True,
            )
        )

    assert failed.value.type == "overloaded_error"


def test_the_typescript_sdk_waits_as_well(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(after_a_while(says()))
    failing = upstream.script(after_a_while(BUSY))

    seen = typescript_sdk.run("stream", customer, script.prompt)
    failed = typescript_sdk.run("events", customer, failing.prompt)

    assert "".join(seen["heard"]) == "Hello there"
    assert failed["type"] == "overloaded_error"
