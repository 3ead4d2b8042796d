"""Invalid requests get an error that names the fault, and cost nothing."""

import json
from typing import Any

import pytest

from tests.support.callers import Answer, Caller, request_body
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.servers import WebServer

USER = {"role": "user", "content": "Hello"}
IMAGE = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}


def assert_rejected(answer: Answer, *, status: int, kind: str, words: str) -> None:
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.error["type"] == kind
    assert words in answer.error["message"]


def assert_nothing_happened(customer: Customer) -> None:
    assert customer.wallet().posted == 1_000_000
    assert customer.open_holds() == 0
    assert customer.records() == []


NOT_JSON = {
    "nothing": b"",
    "white space": b" \n",
    "words": b"Hello there",
    "a form": b"model=caicaini%2Fauto&max_tokens=1",
    "xml": b"<?xml version='1.0'?><request/>",
    "half an object": b'{"model": "scripted/messages", "max_tok',
    "two objects": b"{} {}",
    "single quotes": b"{'model': 'scripted/messages'}",
    "a trailing comma": b'{"model": "scripted/messages",}',
    "not a number": b'{"max_tokens": NaN}',
    "infinity": b'{"max_tokens": Infinity}',
    "latin-1": '{"model": "été"}'.encode("latin-1"),
    "utf-16": '{"model": "x"}'.encode("utf-16"),
    "a lone continuation byte": b'{"model": "\x80"}',
    "half a surrogate pair": rb'{"model": "\ud800"}',
    "a NUL byte": b'{"model": "\x00"}',
    "a bomb of brackets": b"[" * 100_000,
    "a bomb of objects": b'{"a":' * 100_000,
    "bytes of no kind": bytes(range(256)),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_a_body_that_is_not_json_is_rejected(customer: Customer, body: bytes) -> None:
    answer = customer.caller.post("/v1/messages", body)

    assert_rejected(answer, status=400, kind="invalid_request_error", words="request body")
    assert_nothing_happened(customer)


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null", b"true", b'[{"model": 1}]'])
def test_json_that_is_no_object_is_rejected(customer: Customer, body: bytes) -> None:
    answer = customer.caller.post("/v1/messages", body)

    assert_rejected(answer, status=400, kind="invalid_request_error", words="JSON object")
    assert_nothing_happened(customer)


WRONG_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"model": None}, "model: Field required"),
    ({"model": 7}, "model: Input should be a valid string"),
    ({"model": ""}, "model: "),
    ({"model": ["scripted/messages"]}, "model: Input should be a valid string"),
    ({"max_tokens": None}, "max_tokens: Field required"),
    ({"max_tokens": "100"}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": 1.5}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to"),
    ({"max_tokens": 10**30}, "max_tokens: "),
    ({"messages": None}, "messages: Field required"),
    ({"messages": []}, "messages: at least one message is required"),
    ({"messages": "Hello"}, "messages: Input should be a valid array"),
    ({"messages": {"role": "user"}}, "messages: Input should be a valid array"),
    ({"messages": ["Hello"]}, "messages.0: Input should be an object"),
    ({"messages": [{"content": "Hello"}]}, "messages.0.role: Field required"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role: "),
    ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    ({"messages": [USER, {"role": "user", "content": 5}]}, "messages.1.content: "),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text"),
    ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages.0.content.0.type"),
    ({"system": 3}, "system: "),
    ({"stream": "yes"}, "stream: Input should be a valid boolean"),
    ({"temperature": "warm"}, "temperature: Input should be a valid number"),
    ({"temperature": 1.1}, "temperature: "),
    ({"top_p": -0.1}, "top_p: "),
    ({"top_k": 0.5}, "top_k: Input should be a valid integer"),
    ({"stop_sequences": "STOP"}, "stop_sequences: Input should be a valid array"),
    ({"stop_sequences": [1]}, "stop_sequences.0: Input should be a valid string"),
    ({"tools": {"name": "x"}}, "tools: Input should be a valid array"),
    ({"tools": [{"name": "x"}]}, "tools.0"),
    ({"tools": [{"input_schema": {"type": "object"}}]}, "tools.0"),
    ({"tool_choice": "auto"}, "tool_choice: Input should be an object"),
    ({"thinking": True}, "thinking: Input should be an object"),
    ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens: Field required"),
    ({"metadata": "user"}, "metadata: Input should be an object"),
    ({"output_config": []}, "output_config: Input should be an object"),
    ({"service_tier": 1}, "service_tier: Input should be a valid string"),
]


@pytest.mark.parametrize(("fields", "words"), WRONG_FIELDS, ids=lambda value: str(value)[:60])
def test_a_wrong_field_is_named(customer: Customer, fields: dict[str, Any], words: str) -> None:
    answer = customer.ask("Hello", **fields)

    assert_rejected(answer, status=400, kind="invalid_request_error", words=words)
    assert answer.error["message"].startswith(words)
    assert_nothing_happened(customer)


@pytest.mark.parametrize(
    "model",
    [
        "gpt-17",
        "caicaini/nothing",
        "scripted/without-price",
        "scripted/priced-later",
        "SCRIPTED/MESSAGES",
        "scripted/messages ",
        "../../etc/passwd",
        "é\u2028\u0000",
    ],
)
def test_an_unknown_model_is_named(customer: Customer, model: str) -> None:
    answer = customer.ask("Hello", model=model)

    assert answer.status == 404
    assert answer.error["type"] == "not_found_error"
    assert answer.error["message"] == f"model: {model}"
    assert_nothing_happened(customer)


def test_input_that_no_model_supports_is_rejected_before_credits_are_held(
    customer: Customer,
) -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, IMAGE]}]

    named = customer.ask("", model="caicaini/swift", messages=messages)
    auto = customer.ask("", model="caicaini/auto", messages=messages)

    for answer in (named, auto):
        assert_rejected(answer, status=400, kind="invalid_request_error", words="images")
    assert_nothing_happened(customer)


def test_huge_numbers_in_unknown_fields_are_harmless(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says())
    tail = b', "later": {"a": 1' + b"0" * 400 + b', "b": -1e308, "c": 18446744073709551616}}'
    body = request_body(script.prompt)[:-1] + tail

    answer = customer.caller.post("/v1/messages", body)

    assert answer.status in (200, 400)
    assert answer.status == 200 or answer.error["type"] == "invalid_request_error"


def test_the_last_of_two_equal_names_counts(customer: Customer, upstream: ScriptedUpstream) -> None:
    """The value that was checked is forwarded: a duplicate name hides nothing."""
    script = upstream.script(says())
    twice = b', "max_tokens": 7}'

    answer = customer.caller.post("/v1/messages", request_body(script.prompt)[:-1] + twice)

    assert answer.status == 200
    assert script.requests[0].raw.count(b"max_tokens") == 1
    assert script.requests[0].body["max_tokens"] == 7


def test_a_body_over_the_limit_is_answered_not_cut(
    new_customer: NewCustomer, small: WebServer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(url=small.url)
    script = upstream.script(says())

    answer = customer.ask(script.prompt + "x" * 11_000)

    assert_rejected(answer, status=413, kind="request_too_large", words="10000 bytes")
    assert script.requests == []
    assert_nothing_happened(customer)


def test_a_body_of_exactly_the_limit_is_accepted(
    new_customer: NewCustomer, small: WebServer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(url=small.url)
    script = upstream.script(says())
    body = request_body(script.prompt)
    body += b" " * (10_000 - len(body))

    assert customer.caller.post("/v1/messages", body).status == 200
    assert customer.caller.post("/v1/messages", body + b" ").status == 413


def test_a_body_in_chunks_that_never_end_is_rejected(
    new_customer: NewCustomer, small: WebServer
) -> None:
    customer = new_customer(url=small.url)
    call = customer.caller.call("POST", "/v1/messages", None, {"transfer-encoding": "chunked"})
    # Up to twice the limit is read and discarded. The last of these chunks exceeds it; more could
    # hit a connection that is already closed.
    for _ in range(20):
        call.send(b"400\r\n" + b"x" * 0x400 + b"\r\n")

    answer = call.answer()

    assert_rejected(answer, status=413, kind="request_too_large", words="10000 bytes")
    assert_nothing_happened(customer)


def test_a_large_prompt_within_the_limit_is_accepted(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(credits=60_000_000)
    script = upstream.script(says())

    answer = customer.ask(script.prompt + "x" * 31_000_000)

    assert answer.status == 200
    assert len(script.requests[0].raw) > 31_000_000


def test_a_body_in_chunks_is_accepted(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says())
    call = customer.caller.call("POST", "/v1/messages", None, {"transfer-encoding": "chunked"})
    for byte in request_body(script.prompt):
        call.send(b"1\r\n" + bytes([byte]) + b"\r\n")
    call.send(b"0\r\n\r\n")

    assert call.answer().status == 200


def test_expect_100_continue_is_answered(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says())

    answer = customer.ask(script.prompt, headers={"expect": "100-continue"})

    assert answer.status == 200


def test_a_compressed_body_is_rejected(customer: Customer) -> None:
    answer = customer.caller.post("/v1/messages", b"{}", {"content-encoding": "gzip"})

    assert_rejected(answer, status=400, kind="invalid_request_error", words="content-encoding")
    assert_nothing_happened(customer)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json; charset=latin-1"])
def test_the_content_type_does_not_matter(
    customer: Customer, upstream: ScriptedUpstream, content_type: str
) -> None:
    script = upstream.script(says())

    assert customer.ask(script.prompt, headers={"content-type": content_type}).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v1/message",
        "/v1/messages/",
        "/v1/v1/messages",
        "//v1/messages",
        "/v1/complete",
        "/v1/chat/completions",
        "/messages",
        "/v1/%ff%fe",
        "/v1/messages/..%2f..%2fadmin",
    ],
)
def test_an_unknown_address_names_the_right_one(customer: Customer, path: str) -> None:
    answer = customer.caller.post(path, request_body("Hello"))

    assert_rejected(answer, status=404, kind="not_found_error", words="POST /v1/messages")
    assert_nothing_happened(customer)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/messages", "POST"),
        ("PUT", "/v1/messages", "POST"),
        ("DELETE", "/v1/models", "GET"),
        ("POST", "/v1/credits", "GET"),
    ],
)
def test_a_wrong_method_names_the_right_one(
    customer: Customer, method: str, path: str, allowed: str
) -> None:
    answer = customer.caller.call(method, path, b"{}").answer()

    assert_rejected(answer, status=405, kind="invalid_request_error", words=allowed)
    assert allowed in answer.headers["allow"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/messages", 404), ("POST", "/v1/models", 405), ("PUT", "/v1/messages", 405)],
)
def test_a_large_body_at_a_wrong_address_is_answered_not_cut(
    customer: Customer, method: str, path: str, status: int
) -> None:
    body = request_body("x" * 8_000_000)

    assert customer.caller.call(method, path, body).answer().status == status


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_a_large_body_without_a_key_is_answered_not_cut(gateway: WebServer, path: str) -> None:
    stranger = Caller(gateway.url, None)

    assert stranger.post(path, request_body("x" * 8_000_000)).status == 401


def test_the_query_does_not_matter(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says())

    answer = customer.caller.post("/v1/messages?beta=true", request_body(script.prompt))

    assert answer.status == 200


def test_every_answer_has_a_request_id_of_its_own(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says())
    caller, stranger = customer.caller, Caller(customer.url, None)

    answers = [
        caller.ask(script.prompt),
        caller.ask(script.prompt, stream=True),
        caller.post("/v1/messages", b"{"),
        caller.get("/v1/messages"),
        caller.get("/v1/nowhere"),
        caller.get("/v1/models"),
        caller.get("/v1/models/nothing"),
        caller.get("/v1/credits"),
        stranger.ask(script.prompt),
        stranger.get("/v1/credits"),
    ]

    ids = [answer.headers["request-id"] for answer in answers]
    assert all(request_id.startswith("req_") for request_id in ids)
    assert len(set(ids)) == len(answers)
    for answer in answers:
        if answer.status >= 400:
            assert json.loads(answer.body)["request_id"] == answer.headers["request-id"]
