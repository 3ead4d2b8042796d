"""A caller asks for a stream and reads the answer while it is made."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.gateway.http.test_plain_calls import FORMATS, ODD_TEXT
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import (
    chunks,
    event,
    events,
    says,
    silence,
    streams,
    text_event,
    usage,
    wait,
    words,
)
from tests.support.scripted_catalogue import LONG_ANSWER_CREDITS, LONG_ANSWER_TOKENS
from tests.support.scripted_upstream import Exchange, ScriptedUpstream
from tests.support.waiting import eventually

TEXT = "The quick brown fox jumps over the lazy dog"


@pytest.mark.parametrize("model", FORMATS)
def test_a_stream_keeps_the_documented_grammar(
    customer: Customer, upstream: ScriptedUpstream, model: str
) -> None:
    script = upstream.script(says(TEXT))

    answer = customer.stream(script.prompt, model=model)

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["request-id"].startswith("req_")
    seen = answer.transcript
    assert seen.text == TEXT
    assert seen.start["id"] == f"msg_{answer.headers['request-id'].removeprefix('req_')}"
    assert (seen.start["type"], seen.start["role"]) == ("message", "assistant")
    assert (seen.start["model"], seen.start["content"]) == (model, [])
    assert seen.start["stop_reason"] is None
    assert seen.delta is not None
    assert seen.delta["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    charged = {"credits_consumed": 60, "credits_remaining": customer.wallet().posted}
    assert seen.usage == usage(14, 23) | charged
    assert customer.charges() == [60]


def test_the_start_says_what_the_input_was_and_names_no_price(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    """A provisional price there would stick in the clients' objects."""
    script = upstream.script(says())

    start = customer.stream(script.prompt).transcript.start

    assert start["usage"]["input_tokens"] == 14
    assert "credits_consumed" not in start["usage"]


@pytest.mark.parametrize("model", FORMATS)
def test_each_word_arrives_while_the_upstream_still_thinks(
    customer: Customer, upstream: ScriptedUpstream, model: str
) -> None:
    """The first one with the start of the message: before it, another attempt can be made."""
    frames = chunks(TEXT) if model == "scripted/chat" else events(TEXT)
    script = upstream.script(streams(*(step for frame in frames for step in (frame, wait))))
    call = customer.begin(script.prompt, model=model, stream=True)
    arriving = call.events()
    script.release(1 if model == "scripted/chat" else 2)  # up to the first word

    heard = ""
    for word in words(TEXT):
        while not heard.endswith(word):
            received = next(arriving)
            heard += received.data.get("delta", {}).get("text", "")
        assert not script.hang_ups
        script.release()  # one more frame, and the play stops again

    assert heard == TEXT
    assert script.requests
    script.release(len(frames))
    assert [received.kind for received in arriving][-2:] == ["message_delta", "message_stop"]


def test_the_price_is_told_only_once_it_is_in_the_books(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says())
    call = customer.begin(script.prompt, stream=True)

    final = call.read_until("message_delta")

    assert final.data["usage"]["credits_consumed"] == 60
    assert customer.charges() == [60]  # already there, without any waiting
    assert customer.open_holds() == 0
    call.hang_up()


@pytest.mark.parametrize("model", FORMATS)
def test_a_stream_that_trickles_in_byte_by_byte_is_the_same_stream(
    customer: Customer, upstream: ScriptedUpstream, model: str
) -> None:
    frames = chunks(ODD_TEXT) if model == "scripted/chat" else events(ODD_TEXT)
    single = (bytes([byte]) for byte in b"".join(frames))
    script = upstream.script(streams(*single))

    seen = customer.stream(script.prompt, model=model).transcript

    assert seen.text == ODD_TEXT
    charged = {"credits_consumed": 60, "credits_remaining": customer.wallet().posted}
    assert seen.usage == usage(14, 23) | charged


def test_a_large_event_passes_whole(new_customer: NewCustomer, upstream: ScriptedUpstream) -> None:
    customer = new_customer(credits=LONG_ANSWER_CREDITS)
    large = "a" * (4 * 1024 * 1024)
    script = upstream.script(says(large))

    seen = customer.stream(
        script.prompt, model="scripted/long", max_tokens=LONG_ANSWER_TOKENS
    ).transcript

    assert seen.text == large
    assert customer.charges() == [60]


def test_pings_pass_and_events_that_clients_do_not_know_are_kept_from_them(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    first, *others = events()
    script = upstream.script(
        streams(first, event("ping"), event("credits", spent=3), b": comment\n\n", *others)
    )

    answer = customer.stream(script.prompt)

    kinds = [received.kind for received in answer.transcript.events]
    assert kinds[:3] == ["message_start", "ping", "content_block_start"]
    assert "credits" not in kinds


def kernel_buffers_bytes() -> int:
    """Return what this machine keeps at most of what a connection is sent and does not read."""
    settings = Path("/proc/sys/net/ipv4")
    return sum(int((settings / name).read_text().split()[2]) for name in ("tcp_rmem", "tcp_wmem"))


def test_a_caller_who_reads_slowly_slows_the_upstream_down(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    """What the caller does not read is not piled up here: the upstream has to wait with it."""
    customer = new_customer(credits=LONG_ANSWER_CREDITS)
    sent = 0
    piece = text_event("x" * 60_000)
    start, block, *_ = events()

    async def pour(exchange: Exchange) -> None:
        nonlocal sent
        while True:
            await exchange.chunk(piece)
            sent += len(piece)

    script = upstream.script(streams(start, block, pour))
    call = customer.begin(
        script.prompt, model="scripted/long", max_tokens=LONG_ANSWER_TOKENS, stream=True
    )
    call.read_until("content_block_delta")

    def has_stalled() -> bool:
        before = sent
        time.sleep(0.5)
        return sent == before

    eventually(has_stalled, what="the upstream standing still")
    assert sent < 2 * kernel_buffers_bytes() + 8 * 1024 * 1024  # one connection on either side

    call.hang_up()
    script.wait_for_hang_up()


def test_fifty_streams_at_once_do_not_mix(customer: Customer, upstream: ScriptedUpstream) -> None:
    def stream(number: int) -> tuple[int, int]:
        text = " ".join(f"{number}.{part}" for part in range(20))
        counts = usage(number, 1)
        script = upstream.script(streams(*events(text, start_usage=counts, end_usage=counts)))
        seen = customer.stream(script.prompt).transcript
        assert seen.text == text
        return number, seen.usage["credits_consumed"]

    numbers = range(1, 51)
    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(stream, numbers))

    assert results == [(number, number + 2) for number in numbers]
    assert sorted(customer.charges()) == [number + 2 for number in numbers]


def test_a_silent_upstream_does_not_keep_the_first_words_back(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(streams(*events(TEXT)[:3], silence))
    call = customer.begin(script.prompt, stream=True)

    first = call.read_until("content_block_delta")

    assert first.data["delta"]["text"] == "The"
    call.hang_up()


def test_the_embedded_model_streams_word_by_word(customer: Customer, embedded_model: str) -> None:
    answer = customer.stream(
        "Count from one to ten.", model="caicaini/auto", max_tokens=12, temperature=0
    )

    seen = answer.transcript
    deltas = [received for received in seen.events if received.kind == "content_block_delta"]
    assert len(deltas) > 1
    assert seen.text.strip()
    assert seen.start["model"] == embedded_model
    assert customer.charges() == [seen.usage["credits_consumed"]]
