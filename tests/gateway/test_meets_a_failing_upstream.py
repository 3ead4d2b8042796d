"""The upstream fails in every way: the caller hears a documented error and pays nothing."""

import asyncio
import gzip
import json

import pytest

from tests.gateway.conftest import NewCustomer
from tests.gateway.customers import Customer
from tests.gateway.replies import (
    Step,
    answers,
    cut,
    does,
    event,
    events,
    half_close,
    message,
    reset,
    silence,
    streams,
    text_event,
    wait,
)
from tests.gateway.scripted_upstream import Exchange, Play, ScriptedUpstream
from tests.servers import WebServer
from usage.models import Ending, RequestRecord

FAILED = (500, "api_error")
TIMEOUT = (504, "timeout_error")
OVERLOADED = (529, "overloaded_error")
REFUSED = (400, "invalid_request_error")

JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
HTML = b"<html><body>nginx at 10.0.0.7</body></html>"


def error(kind: str, words: str = "It is a-name-for-insiders at 10.0.0.7") -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": words}}).encode()


async def pour(exchange: Exchange) -> None:
    """Send zeros for ever."""
    while True:
        await exchange.send(b"0" * 1_000_000)


def redirect(status: int) -> Play:
    async def play(exchange: Exchange) -> None:
        host = exchange.request.headers["host"]
        location = f"location: http://{host}/v1/messages/elsewhere"
        await exchange.reply(b"", status=status, headers=(location,))

    return play


def zipped(body: bytes) -> Play:
    return answers(gzip.compress(body), headers=("content-encoding: gzip",))


# What is played, and the error that the caller gets; the same whether they stream or not.
NO_ANSWER: dict[str, tuple[Play, tuple[int, str]]] = {
    "it accepts and says nothing": (does(silence), TIMEOUT),
    "it falls silent in its head": (does(JSON_HEAD, silence), TIMEOUT),
    "it hangs up": (does(), FAILED),
    "it half-closes": (does(half_close), FAILED),
    "it resets": (does(reset), FAILED),
    "it resets in its head": (does(JSON_HEAD, reset), FAILED),
    "it speaks another protocol": (does(b"SSH-2.0-OpenSSH_9.2\r\n"), FAILED),
    "it sends a bad status line": (does(b"HTTP/1.1 abc\r\n\r\n"), FAILED),
    "its headers never end": (does(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 50_000), FAILED),
    "its body is cut": (does(JSON_HEAD + b'content-length: 999\r\n\r\n{"content": ['), FAILED),
    "its chunks are none": (
        does(JSON_HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
        FAILED,
    ),
    "a page of HTML": (answers(HTML, content_type="text/html"), FAILED),
    "a page of HTML called JSON": (answers(HTML), FAILED),
    "nothing at all": (answers(b""), FAILED),
    "no content": (does(b"HTTP/1.1 204 No Content\r\n\r\n"), FAILED),
    "half of the JSON": (answers(message()[:-20]), FAILED),
    "a list": (answers(b"[]"), FAILED),
    "a string": (answers(b'"Hello"'), FAILED),
    "an empty object": (answers(b"{}"), FAILED),
    "text where blocks should be": (answers(b'{"content": "Hello", "usage": {}}'), FAILED),
    "broken UTF-8": (answers(message().replace(b"Hello", b"\xff\xfe")), FAILED),
    "compressed, which nobody asked for": (zipped(message()), FAILED),
    "a bomb": (zipped(b" " * 50_000_000), FAILED),
    "a redirect to itself, 302": (redirect(302), FAILED),
    "a redirect to itself, 307": (redirect(307), FAILED),
    "400 and why": (answers(error("invalid_request_error", "too hot"), status=400), REFUSED),
    "400 and secrets": (answers(error("invalid_request_error"), status=400), REFUSED),
    "401": (answers(error("authentication_error"), status=401), FAILED),
    "403": (answers(error("permission_error"), status=403), FAILED),
    "404": (answers(error("not_found_error"), status=404), FAILED),
    "418 in HTML": (answers(HTML, status=418, content_type="text/html"), FAILED),
    "429": (answers(error("rate_limit_error"), status=429), OVERLOADED),
    "500": (answers(error("api_error"), status=500), FAILED),
    "502 in HTML": (answers(HTML, status=502, content_type="text/html"), FAILED),
    "503": (answers(error("api_error"), status=503), OVERLOADED),
    "504": (answers(error("timeout_error"), status=504), TIMEOUT),
    "529": (answers(error("overloaded_error"), status=529), OVERLOADED),
}
NO_STREAM: dict[str, tuple[Play, tuple[int, str]]] = {
    "silence": (streams(silence), TIMEOUT),
    "nothing": (streams(), FAILED),
    "only comments": (streams(b": hello\n\n" * 3), FAILED),
    "an error first": (streams(event("error", error={"type": "overloaded_error"})), OVERLOADED),
    "HTML as events": (streams(HTML), FAILED),
    "JSON as events": (streams(message()), FAILED),
    "the end first": (streams(b"data: [DONE]\n\n"), FAILED),
}


def assert_nothing_was_charged(customer: Customer) -> RequestRecord:
    """… and return the record."""
    record = customer.wait_for_record()
    assert record.credits == 0
    assert customer.charges() == []
    assert customer.open_holds() == 0
    assert customer.wallet().available == customer.wallet().posted == 1_000_000
    return record


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(("play", "expected"), NO_ANSWER.values(), ids=NO_ANSWER.keys())
def test_no_answer_is_an_error_and_costs_nothing(
    new_customer: NewCustomer,
    impatient: WebServer,
    upstream: ScriptedUpstream,
    play: Play,
    expected: tuple[int, str],
    stream: bool,
) -> None:
    customer = new_customer(url=impatient.url)
    script = upstream.script(play)

    answer = customer.ask(script.prompt, stream=stream)

    assert (answer.status, answer.error["type"]) == expected
    for secret in (
        b"insiders",
        b"10.0.0.7",
        b"<",
        upstream.url[7:].encode(),
        script.prompt.encode(),
    ):
        assert secret not in answer.body
    assert {request.path for request in script.requests} == {"/v1/messages"}
    record = assert_nothing_was_charged(customer)
    assert (record.status, record.error_type) == expected
    assert record.ending == Ending.FAILED
    assert record.is_stream is stream


@pytest.mark.parametrize(("play", "expected"), NO_STREAM.values(), ids=NO_STREAM.keys())
def test_a_stream_without_a_word_is_an_error_by_its_status(
    new_customer: NewCustomer,
    impatient: WebServer,
    upstream: ScriptedUpstream,
    play: Play,
    expected: tuple[int, str],
) -> None:
    customer = new_customer(url=impatient.url)
    script = upstream.script(play)

    answer = customer.stream(script.prompt)

    assert (answer.status, answer.error["type"]) == expected
    assert assert_nothing_was_charged(customer).ending == Ending.FAILED


def test_an_error_that_calls_itself_a_success_is_an_error(
    new_customer: NewCustomer, impatient: WebServer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(url=impatient.url)
    script = upstream.script(answers(error("overloaded_error")))

    answer = customer.ask(script.prompt)

    assert (answer.status, answer.error["type"]) == OVERLOADED
    assert_nothing_was_charged(customer)


def test_an_endless_answer_is_given_up(
    new_customer: NewCustomer, impatient: WebServer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(url=impatient.url)
    head = JSON_HEAD + b"content-length: 999999999999\r\n\r\n"
    script = upstream.script(does(head, pour))

    answer = customer.ask(script.prompt)

    assert (answer.status, answer.error["type"]) in (FAILED, TIMEOUT)
    assert_nothing_was_charged(customer)


@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_is_not_there_is_an_error(customer: Customer, stream: bool) -> None:
    answer = customer.ask("Hello", model="scripted/unreachable", stream=stream)

    assert (answer.status, answer.error["type"]) == FAILED
    assert_nothing_was_charged(customer)


def test_what_the_upstream_finds_wrong_with_the_request_is_passed_on(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    words = "messages.0.content: this model is a-name-for-insiders and takes no poems"
    script = upstream.script(answers(error("invalid_request_error", words), status=400))

    answer = customer.ask(script.prompt)

    assert answer.error["message"] == words.replace("a-name-for-insiders", "scripted/messages")
    assert len(script.requests) == 1  # another attempt would find the same


def test_how_long_to_wait_is_passed_on(
    new_customer: NewCustomer, impatient: WebServer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(url=impatient.url)
    busy = answers(error("rate_limit_error"), status=429, headers=("retry-after: 7",))
    script = upstream.script(busy)

    answer = customer.ask(script.prompt)

    assert answer.status == 529
    assert answer.headers["retry-after"] == "7"


WAYS_TO_BREAK: dict[str, tuple[list[Step], str]] = {
    "cut": ([cut], "api_error"),
    "reset": ([reset], "api_error"),
    "half-closed": ([half_close], "api_error"),
    "ended too early": ([], "api_error"),
}
BOUNDARIES = range(1, len(events()))


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize(("steps", "kind"), WAYS_TO_BREAK.values(), ids=WAYS_TO_BREAK.keys())
def test_a_stream_that_breaks_between_events_ends_with_an_error_event(
    new_customer: NewCustomer,
    impatient: WebServer,
    upstream: ScriptedUpstream,
    boundary: int,
    steps: list[Step],
    kind: str,
) -> None:
    assert_breaks_off(new_customer, impatient, upstream, events()[:boundary], steps, kind)


BROKEN_MIDWAY: dict[str, tuple[list[Step], str]] = {
    "silent": ([silence], "timeout_error"),
    "cut within an event": ([text_event("more")[:40], cut], "api_error"),
    "cut within a character": ([text_event("x").replace(b"x", b"\xf0\x9f"), cut], "api_error"),
    "no JSON": ([b"event: content_block_delta\ndata: {oops\n\n"], "api_error"),
    "no object": ([b"event: content_block_delta\ndata: []\n\n"], "api_error"),
    "a page": ([HTML + b"\n\n"], "api_error"),
    "an error": ([event("error", error={"type": "overloaded_error"})], "overloaded_error"),
    "an unknown error": ([event("error", error={"type": "x", "message": "y"})], "api_error"),
    "an error that is none": ([event("error", error=None)], "api_error"),
    "another status line": ([b"", b"HTTP/1.1 500 Oops\r\n\r\n", cut], "api_error"),
    "too large an event": ([b"data: ", b"a" * 17_000_000, silence], "api_error"),
}


@pytest.mark.parametrize(("steps", "kind"), BROKEN_MIDWAY.values(), ids=BROKEN_MIDWAY.keys())
def test_a_stream_that_breaks_in_the_middle_ends_with_an_error_event(
    new_customer: NewCustomer,
    impatient: WebServer,
    upstream: ScriptedUpstream,
    steps: list[Step],
    kind: str,
) -> None:
    assert_breaks_off(new_customer, impatient, upstream, events()[:3], steps, kind)


def assert_breaks_off(
    new_customer: NewCustomer,
    gateway: WebServer,
    upstream: ScriptedUpstream,
    proper: list[bytes],
    steps: list[Step],
    kind: str,
) -> None:
    """A caller who has heard the beginning hears the error as the last event, and pays nothing."""
    customer = new_customer(url=gateway.url)
    script = upstream.script(streams(*proper, wait, *steps))
    call = customer.begin(script.prompt, stream=True)
    arriving = call.events()
    assert next(arriving).kind == "message_start"

    script.release()

    *_, last = arriving
    assert call.response.status == 200
    assert last.kind == "error"
    assert last.data["error"]["type"] == kind
    assert last.data["request_id"] == call.response.headers["request-id"]
    assert "insiders" not in str(last.data)
    call.hang_up()
    record = assert_nothing_was_charged(customer)
    assert (record.status, record.error_type, record.ending) == (200, kind, Ending.BROKE_OFF)
    assert len(script.requests) == 1  # what was said cannot be unsaid: no second attempt
    # What the upstream did for nothing is our loss: the input, and the words that went out.
    said = sum(b"text_delta" in frame for frame in proper)
    assert (record.lost_credits > 0) is (said > 0)


def test_a_slow_stream_is_cut_at_its_longest(
    new_customer: NewCustomer, impatient: WebServer, upstream: ScriptedUpstream
) -> None:
    """One that is never idle for long, and never done."""

    async def dawdle(exchange: Exchange) -> None:
        while True:
            await exchange.chunk(text_event(" and"))
            await asyncio.sleep(0.3)

    customer = new_customer(url=impatient.url)
    script = upstream.script(streams(*events()[:2], dawdle))

    seen = customer.stream(script.prompt).transcript

    assert seen.error is not None
    assert seen.error["type"] == "timeout_error"
    assert assert_nothing_was_charged(customer).ending == Ending.BROKE_OFF
