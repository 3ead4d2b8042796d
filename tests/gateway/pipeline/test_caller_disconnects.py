"""A caller hangs up, at every point and in every manner: the upstream is stopped at once, and the
charge is for what was delivered."""

import asyncio
import contextlib
import http.client
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from billing.models import Hold, HoldState
from tests.support.callers import Call, request_body
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import (
    after_release,
    answers,
    chunks,
    does,
    event,
    events,
    message,
    says,
    silence,
    streams,
    text_event,
    usage,
    wait,
)
from tests.support.scripted_catalogue import LONG_ANSWER_CREDITS, LONG_ANSWER_TOKENS
from tests.support.scripted_upstream import Exchange, ScriptedUpstream
from tests.support.servers import WebServer
from tests.support.waiting import eventually
from usage.models import Ending

# Closing only one's own half counts as well: the server takes it for the end of the connection.
MANNERS: dict[str, Callable[[Call], None]] = {
    "closing": Call.hang_up,
    "resetting": Call.reset,
    "half-closing": Call.half_close,
}
# What else could end a call whose caller reads too little. That a connection is silent for a while
# when its reader comes back is the kernel's way: it asks now and then whether there is room again.
NO_OTHER_END = {"CALLER_STALL_TIMEOUT_S": "30", "UPSTREAM_IDLE_TIMEOUT_S": "30"}
LONG_ANSWER = {"model": "scripted/long", "max_tokens": LONG_ANSWER_TOKENS, "stream": True}
in_every_manner = pytest.mark.parametrize("leave", MANNERS.values(), ids=MANNERS.keys())


@in_every_manner
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_before_the_first_byte_it_costs_nothing(
    customer: Customer, upstream: ScriptedUpstream, leave: Callable[[Call], None], stream: bool
) -> None:
    script = upstream.script(does(silence))
    call = customer.begin(script.prompt, stream=stream)
    script.wait_for_request()

    leave(call)

    script.wait_for_hang_up()
    record = customer.wait_for_record()
    assert (record.ending, record.status, record.credits) == (Ending.CALLER_LEFT, 499, 0)
    assert customer.charges() == []
    assert len(script.requests) == 1


@in_every_manner
def test_before_the_first_word_it_costs_nothing(
    customer: Customer, upstream: ScriptedUpstream, leave: Callable[[Call], None]
) -> None:
    thinking = {"type": "thinking", "thinking": "", "signature": ""}
    begun = [events()[0], event("content_block_start", index=0, content_block=thinking)]
    script = upstream.script(streams(*begun, silence))
    call = customer.begin(script.prompt, stream=True)
    call.read_until("content_block_start")

    leave(call)

    script.wait_for_hang_up()
    record = customer.wait_for_record()
    assert (record.ending, record.credits, record.output_tokens) == (Ending.CALLER_LEFT, 0, 0)
    assert customer.charges() == []


@in_every_manner
@pytest.mark.parametrize("model", ["scripted/messages", "scripted/chat"])
@pytest.mark.parametrize("words", [1, 3, 9])
def test_amid_the_words_it_costs_the_input_and_the_words(
    customer: Customer,
    upstream: ScriptedUpstream,
    leave: Callable[[Call], None],
    model: str,
    words: int,
) -> None:
    text = "The quick brown fox jumps over the lazy dog"
    frames = chunks(text) if model == "scripted/chat" else events(text)
    opening = 1 if model == "scripted/chat" else 2
    script = upstream.script(streams(*frames[: opening + words], silence))
    call = customer.begin(script.prompt, model=model, stream=True)
    for _ in range(words):
        call.read_until("content_block_delta")

    leave(call)

    script.wait_for_hang_up()
    record = customer.wait_for_record()
    said = " ".join(text.split(" ")[:words])
    assert record.ending == Ending.CALLER_LEFT
    assert record.is_usage_estimated
    assert record.output_tokens == -(-len(said) // 4)
    if model == "scripted/messages":  # the other format tells its input at the end
        assert record.input_tokens == 14
    assert record.input_tokens > 0
    assert customer.charges() == [record.input_tokens + 2 * record.output_tokens]


@in_every_manner
def test_while_the_price_is_written_down_it_costs_all(
    customer: Customer, upstream: ScriptedUpstream, leave: Callable[[Call], None]
) -> None:
    """The upstream has done its work: nothing is left to save."""
    script = upstream.script(after_release(says()))
    call = customer.begin(script.prompt)
    script.wait_for_request()
    with customer.wallet_locked():
        script.release()
        eventually(customer.is_awaited, what="the writer standing before the lock")
        leave(call)
        time.sleep(0.3)  # the hang-up is noticed before the books can be written

    record = customer.wait_for_record()
    assert (record.ending, record.credits) == (Ending.COMPLETED, 60)
    assert customer.charges() == [60]


@in_every_manner
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_while_credits_are_being_held_nothing_is_asked_and_nothing_stays_held(
    customer: Customer,
    gateway: WebServer,
    upstream: ScriptedUpstream,
    leave: Callable[[Call], None],
    stream: bool,
) -> None:
    script = upstream.script(says())
    with customer.wallet_locked():
        call = customer.begin(script.prompt, stream=stream)
        eventually(customer.is_awaited, what="the writer standing before the lock")
        assert gateway.is_connected_to(call.port)
        leave(call)
        eventually(lambda: not gateway.is_connected_to(call.port), what="the connection's end")
        for _ in range(2):  # its event loop has been through what it heard before
            assert customer.caller.get("/v1/nothing").status == 404

    holds = Hold.objects.filter(wallet=customer.wallet())
    eventually(lambda: [hold.state for hold in holds.all()] == [HoldState.VOIDED])
    assert customer.wallet().held == 0
    assert script.requests == []
    assert customer.charges() == []


def test_while_the_prompt_is_counted_nothing_is_held(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(credits=1000)
    script = upstream.script(says(), counting=does(silence))
    call = customer.begin(script.prompt)
    eventually(lambda: script.counts, what="the question for the count")

    call.hang_up()

    script.wait_for_hang_up()
    assert not Hold.objects.filter(wallet=customer.wallet()).exists()
    assert script.requests == []


@in_every_manner
def test_while_the_request_is_sent_nothing_happens(
    customer: Customer, upstream: ScriptedUpstream, leave: Callable[[Call], None]
) -> None:
    script = upstream.script(says())
    body = request_body(script.prompt)
    call = customer.caller.call(
        "POST", "/v1/messages", body[:-10], {"content-length": str(len(body))}
    )

    leave(call)

    assert customer.ask(script.prompt).status == 200  # the gateway has gone on
    assert len(script.requests) == 1
    assert len(customer.records()) == 1


@in_every_manner
def test_after_the_last_byte_it_costs_all(
    customer: Customer, upstream: ScriptedUpstream, leave: Callable[[Call], None]
) -> None:
    script = upstream.script(says())
    call = customer.begin(script.prompt, stream=True)
    call.read_until("message_stop")

    leave(call)

    record = customer.wait_for_record()
    assert (record.ending, record.credits) == (Ending.COMPLETED, 60)
    assert customer.charges() == [60]


def test_without_waiting_for_anything_it_costs_at_most_the_answer(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    """At any moment at all: whatever the race brings, one charge or none, and no hold."""
    script = upstream.script(says())
    for pause_ms in range(30):
        call = customer.begin(script.prompt, stream=pause_ms % 2 == 0)
        time.sleep(pause_ms / 2000)
        call.reset()

    customer.wait_until_settled()
    assert len(customer.charges()) <= len(script.requests) <= 30
    assert set(customer.charges()) <= {60, *range(14, 60)}


async def pour_words(exchange: Exchange) -> None:
    while True:
        await exchange.chunk(text_event("x" * 60_000))


def test_who_stops_reading_is_gone_and_pays_for_what_was_sent(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    """The connection stands open all the while."""
    customer = new_customer(
        url=start_gateway(CALLER_STALL_TIMEOUT_S="2").url, credits=LONG_ANSWER_CREDITS
    )
    script = upstream.script(streams(*events()[:2], pour_words))
    call = customer.begin(script.prompt, **LONG_ANSWER)
    call.read_until("content_block_delta")

    record = customer.wait_for_record()

    script.wait_for_hang_up()
    assert record.ending == Ending.CALLER_LEFT
    assert customer.charges() == [record.credits] > [0]
    call.hang_up()


def test_who_reads_too_slowly_pays_for_what_was_sent(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    """Reading on and on until the upstream's time is over must not make the answer free."""
    gateway = start_gateway(UPSTREAM_TOTAL_TIMEOUT_S="6", **NO_OTHER_END)
    customer = new_customer(url=gateway.url, credits=LONG_ANSWER_CREDITS)
    script = upstream.script(streams(*events()[:2], pour_words))
    call = customer.begin(script.prompt, **LONG_ANSWER)

    def has_ended() -> bool:
        call.response.read(100_000)  # far less than the gateway could pass on meanwhile
        time.sleep(0.1)
        return bool(customer.records())

    eventually(has_ended, within_s=30, what="the end of the upstream's time")

    record = customer.wait_for_record()
    assert record.ending == Ending.CALLER_LEFT
    assert customer.charges() == [record.credits] > [0]
    call.hang_up()


def test_who_reads_nothing_until_the_upstream_gives_up_pays_for_what_was_sent(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    """A server that cannot send for some seconds hangs up, which is not its fault then."""
    has_given_up = threading.Event()

    async def pour_until_nobody_reads(exchange: Exchange) -> None:
        with contextlib.suppress(TimeoutError):
            while True:
                await asyncio.wait_for(exchange.chunk(text_event("x" * 60_000)), 3)
        await exchange.cut()
        has_given_up.set()

    customer = new_customer(url=start_gateway(**NO_OTHER_END).url, credits=LONG_ANSWER_CREDITS)
    script = upstream.script(streams(*events()[:2], pour_until_nobody_reads))
    call = customer.begin(script.prompt, **LONG_ANSWER)
    assert has_given_up.wait(30)

    with pytest.raises(http.client.IncompleteRead):
        call.response.read()

    record = customer.wait_for_record()
    assert record.ending == Ending.CALLER_LEFT
    assert customer.charges() == [record.credits] > [0]


def test_a_hundred_who_hang_up_at_once_leave_nothing_behind(
    customer: Customer, gateway: WebServer, upstream: ScriptedUpstream
) -> None:
    """No hold, no task that still asks the upstream, no socket."""
    script = upstream.script(streams(*events()[:3], silence))
    assert customer.ask(upstream.script(says()).prompt).status == 200
    before = gateway.open_sockets()
    calls: list[Call] = []
    lock = threading.Lock()

    def begin(_: int) -> None:
        call = customer.begin(script.prompt, stream=True)
        call.read_until("content_block_delta")
        with lock:
            calls.append(call)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(begin, range(100)))
    assert gateway.open_sockets() > before + 150

    for call in calls:
        call.reset()

    script.wait_for_hang_up(100)
    customer.wait_until_settled()
    # A few connections are kept for the next calls: to the upstream, the database and Redis.
    eventually(lambda: gateway.open_sockets() <= before + 5, what="the end of all sockets")
    assert customer.charges()[1:] == [14 + 2 * 2] * 100


def test_a_caller_can_hang_up_on_a_repeated_attempt(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    """While the gateway waits to ask a second time, nobody is left to ask for."""
    script = upstream.script(answers(b"<html>", status=502))
    call = customer.begin(script.prompt)
    script.wait_for_request()

    call.reset()

    record = customer.wait_for_record()
    assert record.credits == 0
    assert record.ending in (Ending.CALLER_LEFT, Ending.FAILED)
    assert customer.charges() == []


def test_one_who_hangs_up_disturbs_nobody_else(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(streams(*events()[:3], wait, *events()[3:]))
    staying = customer.begin(script.prompt, stream=True)
    leaving = customer.begin(script.prompt, stream=True)
    for call in (staying, leaving):
        call.read_until("content_block_delta")

    leaving.reset()
    script.wait_for_hang_up()
    script.release(2)

    assert [event.kind for event in staying.events()][-1] == "message_stop"
    assert sorted(customer.charges()) == [14 + 2 * 2, 60]


def test_an_answer_that_was_paid_is_not_paid_again_by_a_lost_connection(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    """The caller sees nothing, asks again, and is charged for two calls: they were two."""
    script = upstream.script(answers(message(usage=usage(14, 23))))
    first = customer.begin(script.prompt)
    eventually(lambda: customer.charges() == [60])
    first.reset()

    assert customer.ask(script.prompt).status == 200

    assert customer.charges() == [60, 60]
