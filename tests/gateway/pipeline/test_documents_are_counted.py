"""A call with a document is counted first: neither its size nor the catalogue bounds its tokens."""

from typing import Any

import pytest

from tests.support.callers import request_body
from tests.support.gateways import NewCustomer
from tests.support.replies import after_release, answers, counts, message, says, usage
from tests.support.scripted_catalogue import MAX_TOKENS_PER_IMAGE, bound
from tests.support.scripted_upstream import Script, ScriptedUpstream

CONTEXT_TOKENS = 200_000
SOURCES = [
    {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"},
    {"type": "url", "url": "https://example.com/a.pdf"},
]


PDF_OF_A_PAGE = {
    "type": "web_fetch_result",
    "url": "https://example.com/a",
    "content": {
        "type": "document",
        "source": SOURCES[0],
    },
}
# Of types that pass as they are: they may hold what the known ones hold.
INSIDE = [
    {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": PDF_OF_A_PAGE},
    {"type": "hologram", "parts": [{"source": SOURCES[1]}]},
    {"type": "hologram", "parts": [{"source": {"type": "base64", "data": "JVBERi0x"}}]},
]


def turn(script: Script, source: dict[str, str]) -> list[dict[str, Any]]:
    return around(script, {"type": "document", "source": source})


def around(script: Script, block: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [block, {"type": "text", "text": script.prompt}]}]


@pytest.mark.parametrize("block", INSIDE, ids=["fetched", "url", "pdf"])
@pytest.mark.parametrize("place", ["message", "tool result"])
def test_a_document_inside_a_block_of_another_type_is_counted_too(
    new_customer: NewCustomer, upstream: ScriptedUpstream, block: dict[str, Any], place: str
) -> None:
    customer = new_customer(credits=1_000_000)
    script = upstream.script(
        after_release(answers(message(usage=usage(80_000, 10)))), counting=counts(80_000)
    )
    messages = around(script, block)
    if place == "tool result":
        use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
        result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [block]}
        messages += [
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result]},
        ]
        messages[0]["content"] = messages[0]["content"][1:]
    call = customer.begin("", messages=messages, max_tokens=100)
    script.wait_for_request()
    assert customer.wallet().held == 80_000 * 5 // 4 + 2 * 100

    script.release()
    assert call.answer().status == 200
    assert customer.wait_for_record().lost_credits == 0


def test_an_image_inside_a_block_of_another_type_is_held_for_as_one(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(credits=1_000_000)
    script = upstream.script(after_release(says()))
    image = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    messages = around(script, {"type": "hologram", "picture": {"type": "image", "source": image}})
    call = customer.begin("", messages=messages, max_tokens=100)
    script.wait_for_request()

    body = request_body("", messages=messages, max_tokens=100)
    of_image = MAX_TOKENS_PER_IMAGE * 5 // 4
    assert customer.wallet().held == bound(body, max_tokens=100) + of_image

    script.release()
    assert call.answer().status == 200


@pytest.mark.parametrize("source", SOURCES, ids=["pdf", "url"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_the_count_is_held_for_whatever_the_balance(
    new_customer: NewCustomer, upstream: ScriptedUpstream, source: dict[str, str], stream: bool
) -> None:
    customer = new_customer(credits=1_000_000)
    script = upstream.script(
        after_release(answers(message(usage=usage(80_000, 10)))), counting=counts(80_000)
    )
    call = customer.begin("", messages=turn(script, source), max_tokens=100, stream=stream)
    script.wait_for_request()
    assert customer.wallet().held == 80_000 * 5 // 4 + 2 * 100

    script.release()

    assert call.answer().status == 200
    record = customer.wait_for_record()
    assert (record.credits, record.lost_credits) == (80_000 + 20, 0)
    assert len(script.counts) == 1


def test_without_a_count_the_whole_context_is_held_for(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(credits=1_000_000)
    script = upstream.script(after_release(answers(message(usage=usage(150_000, 10)))))
    call = customer.begin("", messages=turn(script, SOURCES[0]), max_tokens=100)
    script.wait_for_request()
    assert customer.wallet().held == CONTEXT_TOKENS * 5 // 4 + 2 * 100

    script.release()

    assert call.answer().json()["usage"]["credits_consumed"] == 150_000 + 20
    assert customer.wait_for_record().lost_credits == 0


@pytest.mark.parametrize("tokens", [None, 9_000])
def test_a_document_that_does_not_fit_is_refused_before_the_model_is_asked(
    new_customer: NewCustomer, upstream: ScriptedUpstream, tokens: int | None
) -> None:
    customer = new_customer(credits=5_000)
    counting = counts(tokens) if tokens else None
    script = upstream.script(says(), counting=counting)

    refused = customer.ask("", messages=turn(script, SOURCES[0]), max_tokens=100)

    assert refused.status == 402
    expected = (tokens or CONTEXT_TOKENS) * 5 // 4 + 2 * 100
    assert refused.error["details"]["credits_required"] == expected
    assert script.requests == []
    assert len(script.counts) == 1


def test_a_text_as_a_document_is_bounded_by_its_bytes(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(credits=5_000)
    script = upstream.script(says())
    source = {"type": "text", "media_type": "text/plain", "data": "word"}

    assert customer.ask("", messages=turn(script, source), max_tokens=100).status == 200
    assert script.counts == []
