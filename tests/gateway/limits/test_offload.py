"""A request that is much work keeps nobody else waiting."""

import time

from tests.support.callers import request_body
from tests.support.customers import Customer
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually

BLOCK = {"type": "text", "text": "a"}


def answered_meanwhile(customer: Customer, body: bytes) -> int:
    """Send a body that is refused; return how many others were answered before that."""
    length = {"content-length": str(len(body)), "content-type": "application/json"}
    call = customer.caller.call("POST", "/v1/messages", None, length)
    call.send(body[:-1])
    assert customer.caller.get("/v1/models").status == 200
    time.sleep(0.5)  # until it is read, so that the rest of the time it is checked
    call.send(body[-1:])
    count = 0
    while not call.is_answered():
        assert customer.caller.get("/v1/models").status == 200
        count += 1
    answer = call.answer()
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert "messages.0.content.130000" in answer.error["message"]
    return count


def test_others_are_answered_while_it_is_checked(customer: Customer) -> None:
    """Usually dozens are; where the check stands in their way, one or two are that came before."""
    blocks = [*[BLOCK] * 130_000, {"type": "text"}]  # wrong at its very end
    body = request_body("", messages=[{"role": "user", "content": blocks}])

    eventually(lambda: answered_meanwhile(customer, body) >= 5, what="a handful of answers")


def test_it_is_answered_like_any_other(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says())
    prompt = [{"type": "text", "text": script.prompt}, *[BLOCK] * 20_000]

    for model in ("scripted/messages", "scripted/chat"):
        body = request_body("", model=model, messages=[{"role": "user", "content": prompt}])
        assert customer.caller.post("/v1/messages", body).status == 200

    assert len(script.requests) == 2
