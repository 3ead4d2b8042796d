"""A refused call is noted for the pages of its workspace; it costs the caller nothing."""

import json
from datetime import UTC, datetime

import msgspec

from tests.support.customers import Customer
from tests.support.replies import answers
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually
from usage.refusals import Refusal, last_refusal


def noted(customer: Customer, request_id: str) -> Refusal:
    """Wait until the workspace's last refusal is that of this request."""

    def is_noted() -> bool:
        refusal = last_refusal(customer.workspace.pk)
        return refusal is not None and refusal.request_id == request_id

    eventually(is_noted, within_s=30, what="the note of the refused call")
    refusal = last_refusal(customer.workspace.pk)
    assert refusal
    return refusal


def test_the_last_refused_call_is_noted_with_what_its_caller_was_told(customer: Customer) -> None:
    customer.ask("hello", model="scripted/nothing")
    answer = customer.ask("hello", model="scripted/nowhere")

    assert answer.status == 404
    refusal = noted(customer, answer.headers["request-id"])
    assert refusal.key_id == customer.key.pk
    assert (refusal.status, refusal.type) == (404, "not_found_error")
    assert refusal.message == answer.json()["error"]["message"]


def test_an_upstream_s_words_are_not_kept_because_they_may_quote_the_prompt(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    quoting = {"error": {"type": "invalid_request_error", "message": "cannot read my secret"}}
    script = upstream.script(answers(json.dumps(quoting).encode(), status=400))

    answer = customer.ask(script.prompt)

    assert answer.json()["error"]["message"] == "cannot read my secret"
    refusal = noted(customer, answer.headers["request-id"])
    assert (refusal.status, refusal.type) == (400, "invalid_request_error")
    assert "secret" not in refusal.message


def test_a_long_message_is_kept_in_part() -> None:
    refusal = Refusal("req_1", 1, datetime.now(UTC), 400, "invalid_request_error", "m" * 5_000)

    kept = msgspec.json.decode(refusal.encoded(), type=Refusal)

    assert kept == msgspec.structs.replace(refusal, message="m" * 500)
