"""A request that is much work keeps nobody else waiting."""

import time

from tests.gateway.callers import request_body
from tests.gateway.customers import Customer
from tests.gateway.replies import says
from tests.gateway.scripted_upstream import ScriptedUpstream

BLOCK = {"type": "text", "text": "a"}


def test_others_are_answered_while_it_is_checked(customer: Customer) -> None:
    blocks = [*[BLOCK] * 700_000, {"type": "text"}]  # wrong at its very end
    body = request_body("", messages=[{"role": "user", "content": blocks}])
    length = {"content-length": str(len(body)), "content-type": "application/json"}
    call = customer.caller.call("POST", "/v1/messages", None, length)
    call.send(body[:-1])
    assert customer.caller.get("/v1/models").status == 200
    time.sleep(0.5)  # until it is read; a test that is too quick for that only sees less
    call.send(body[-1:])
    time.sleep(0.05)  # until checking has begun

    assert customer.caller.get("/v1/models").status == 200
    assert not call.is_answered()
    answer = call.answer()
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert "messages.0.content.700000" in answer.error["message"]


def test_it_is_answered_like_any_other(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says())
    prompt = [{"type": "text", "text": script.prompt}, *[BLOCK] * 20_000]

    for model in ("scripted/messages", "scripted/chat"):
        body = request_body("", model=model, messages=[{"role": "user", "content": prompt}])
        assert customer.caller.post("/v1/messages", body).status == 200

    assert len(script.requests) == 2
