"""A call with a document is counted first: neither its size nor the catalogue bounds its tokens."""

from typing import Any

import pytest

from tests.support.gateways import NewCustomer
from tests.support.replies import after_release, answers, counts, message, says, usage
from tests.support.scripted_upstream import Script, ScriptedUpstream

CONTEXT_TOKENS = 200_000
SOURCES = [
    {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"},
    {"type": "url", "url": "https://example.com/a.pdf"},
]


def turn(script: Script, source: dict[str, str]) -> list[dict[str, Any]]:
    text = {"type": "text", "text": script.prompt}
    return [{"role": "user", "content": [{"type": "document", "source": source}, text]}]


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
