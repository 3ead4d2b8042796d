"""An upstream's error becomes one of ours, without secrets of the upstream or of other callers."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import (
    GatewayError,
    UpstreamError,
    UpstreamFailed,
    UpstreamMisconfigured,
    UpstreamOverloaded,
    UpstreamRefused,
    UpstreamTimeout,
)
from gateway.formats import FORMATS
from gateway.formats.upstream_errors import HiddenWords, decode_in_band, in_band


def decoded(
    status: int, message: Any, retry_after: str | None = None, **error: Any
) -> UpstreamError:
    body = json.dumps({"error": {"message": message} | error}).encode()
    both = [
        wire.decode_error(status, body, retry_after, hide={"real-model": "caicaini/swift"})
        for wire in FORMATS.values()
    ]
    assert {(type(error), error.message) for error in both} == {(type(both[0]), both[0].message)}
    return both[0]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, UpstreamRefused),
        (413, UpstreamRefused),
        (422, UpstreamRefused),
        (401, UpstreamMisconfigured),
        (402, UpstreamMisconfigured),
        (403, UpstreamMisconfigured),
        (404, UpstreamMisconfigured),
        (405, UpstreamFailed),
        (301, UpstreamFailed),
        (204, UpstreamFailed),
        (500, UpstreamFailed),
        (502, UpstreamFailed),
        (408, UpstreamTimeout),
        (504, UpstreamTimeout),
        (429, UpstreamOverloaded),
        (503, UpstreamOverloaded),
        (529, UpstreamOverloaded),
    ],
)
def test_each_status_of_an_upstream_has_its_meaning(status: int, expected: type[GatewayError]):
    assert type(decoded(status, "something")) is expected


def test_only_a_fault_of_the_request_is_final():
    assert not UpstreamRefused("x").may_fall_back
    for error in (UpstreamFailed(), UpstreamTimeout(), UpstreamOverloaded()):
        assert error.may_fall_back


@pytest.mark.parametrize(
    "message",
    [
        "messages.0.content: Field required",
        "context_management: Extra inputs are not permitted",
        "adaptive thinking is not supported on this model",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 5000 + 32000 > 14000, decrease "
        "input length or `max_tokens` and try again",
    ],
)
def test_the_upstreams_own_words_about_the_request_pass_unwrapped(message: str):
    assert decoded(400, message).message in message
    assert decoded(400, message).message[:60] == message[:60]


def test_the_upstreams_name_for_the_model_is_replaced_by_ours():
    message = (
        "max_tokens: 9 > 5, which is the maximum allowed number of output tokens for real-model"
    )
    assert decoded(400, message).message.endswith("tokens for caicaini/swift")


UNSAFE = [
    "localhost refused",
    "header Authorization: Bearer abcdef",
    "<html><body>Bad request</body></html>",
    "<!DOCTYPE html>",
    "Traceback (most recent call last): boom",
    "1 validation error: input_value={'content': 'my secret prompt'}",
    "[{'type': 'missing', 'input': {'content': 'my secret prompt'}}]",
    "x" * 601,
    "bell \x07",
    "10.1.2.3",
    "",
    None,
    {"nested": "object"},
]


NAMED = [
    ("see http://10.1.2.3:8080/v1", "see …"),
    ("connect to 10.1.2.3 failed", "connect to … failed"),
    ("the tool sent sk-proj-abcdef123456", "the tool sent …"),
    ("open /usr/lib/model.bin failed", "open … failed"),
]


@pytest.mark.parametrize(("message", "shown"), NAMED)
@pytest.mark.parametrize("status", [400, 413, 422])
def test_names_are_taken_out_of_an_error_message(status: int, message: str, shown: str):
    error = decoded(status, message)
    assert error.message == shown
    assert error.original.startswith(f"{status} ")
    assert message in error.original


@pytest.mark.parametrize(("message", "shown"), NAMED)
@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503, 529])
def test_of_any_other_status_no_word_is_passed_on(status: int, message: str, shown: str):
    error = decoded(status, message)
    assert error.message == decoded(status, "other words").message
    assert message in error.original


def test_what_the_caller_sent_may_be_named():
    message = "messages.0.content: http://a.example/b is not at 10.1.2.3, see file_011CNha8iC"
    sent = b'{"messages": "look at http://a.example/b"}'
    for wire in FORMATS.values():
        body = json.dumps({"error": {"message": message}}).encode()
        hide = HiddenWords({"real": "ours"}, sent=sent)
        error = wire.decode_error(400, body, None, hide=hide)
        assert error.message == "messages.0.content: http://a.example/b is not at …, see …"
    in_band = {"type": "invalid_request_error", "message": message}
    assert decode_in_band(in_band, hide=hide).message == error.message


def test_a_refused_system_turn_of_a_failed_server_is_generic():
    error = decoded(500, "System message must be at the beginning, says vllm-3.internal")
    assert (error.status, error.message) == (400, "The model does not accept this request.")


@pytest.mark.parametrize("message", UNSAFE, ids=lambda value: str(value)[:30])
def test_unsafe_error_messages_are_replaced(message: Any):
    assert decoded(400, message).message == "The model does not accept this request."


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><h1>502 Bad Gateway</h1></html>",
        b"plain text from 10.0.0.1",
        b"[]",
        b"null",
        b'"text"',
        b'{"error": null}',
        b'{"error": "a string"}',
        b'{"message": "top"}',
        b'{"detail": [{"loc": ["body"]}]}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
    ids=lambda value: value[:20],
)
@pytest.mark.parametrize("status", [400, 429, 500])
def test_any_error_body_is_decoded(status: int, body: bytes):
    for wire in FORMATS.values():
        error = wire.decode_error(status, body, None)
        assert error.status in (400, 500, 529)
        assert "10.0.0.1" not in error.message
        assert "<" not in error.message


TOO_LONG = [
    (
        "request (2031 tokens) exceeds the available context size (1024 tokens), try increasing it",
        "prompt is too long: 2031 tokens > 1024 maximum",
    ),
    (
        "This model's maximum context length is 8192 tokens. However, your messages resulted in "
        "10,500 tokens. Please reduce the length of the messages.",
        "prompt is too long: 10500 tokens > 8192 maximum",
    ),
    (
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens "
        "(4000 in the messages, 1000 in the completion). Please reduce the length.",
        "input length and `max_tokens` exceed context limit: 4000 + 1000 > 4096, decrease input "
        "length or `max_tokens` and try again",
    ),
    (
        "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
        "prompt is too long: 5000 tokens > 4096 maximum",
    ),
    (
        "You passed 5000 input tokens and requested 1 output tokens. However, the model's context "
        "length is only 4096 tokens, resulting in a maximum input length of 4095 tokens.",
        "prompt is too long: 5000 tokens > 4096 maximum",
    ),
    (
        "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context "
        "length is 4096 tokens and your request has 13 input tokens (5000 > 4096 - 13).",
        "input length and `max_tokens` exceed context limit: 13 + 5000 > 4096, decrease input "
        "length or `max_tokens` and try again",
    ),
    (
        "the input exceeds the context window of this model",
        "prompt is too long (capability_rejected: prompt_too_long)",
    ),
]


@pytest.mark.parametrize(("message", "expected"), TOO_LONG)
def test_prompt_too_long_has_the_message_clients_match(message: str, expected: str):
    assert decoded(400, message).message == expected


def test_prompt_too_long_is_recognised_by_its_code_and_by_separate_numbers():
    numbers: dict[str, Any] = {"n_prompt_tokens": 2031, "n_ctx": 1024}
    error = decoded(400, "too much", type="exceed_context_size_error", **numbers)
    assert error.message == "prompt is too long: 2031 tokens > 1024 maximum"
    error = decoded(400, "too much", code="context_length_exceeded")
    assert error.message == "prompt is too long (capability_rejected: prompt_too_long)"


@pytest.mark.parametrize("member", ["message", "code", "type"])
def test_the_end_of_a_long_error_message_is_ignored(member: str):
    """It may quote a crafted request that would make the patterns run for seconds."""
    words = "maximum context length is 1 tokens has 1 input tokens"
    early, late = (
        decoded(400, **{"message": "no", member: f"{'x' * before} {words}"})
        for before in (100, 5000)
    )
    assert early.message.startswith("prompt is too long")
    assert late.message in ("no", "The model does not accept this request.")


def test_a_list_of_faults_is_read():
    faults = [
        {"type": "missing", "loc": ["body", "model"], "msg": "Field required", "input": {"a": 1}},
        {"loc": ["body", "messages", 1], "msg": "Input should be a valid dictionary"},
        {"loc": ["body"]},
        "no fault",
    ]
    body = json.dumps({"detail": faults}).encode()
    for wire in FORMATS.values():
        error = wire.decode_error(422, body, None)
        assert error.message == (
            "body.model: Field required; body.messages.1: Input should be a valid dictionary"
        )


def test_an_image_sent_to_a_text_model_is_an_invalid_request():
    error = decoded(500, "image input is not supported - hint: provide the mmproj")
    assert (error.status, error.message) == (400, "This model does not accept images.")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7),
        ("1.2", 2),
        ("0", 0),
        ("3600", None),
        ("-1", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1),
        ("Thu, 21 Oct 2094 07:28:00 GMT", None),
        ("9" * 400, None),
        ("²", None),
    ],
)
def test_retry_after_is_passed_on_if_waiting_helps(header: str | None, seconds: int | None):
    assert decoded(429, "slow", header).retry_after_s == seconds


def test_a_retry_after_date_is_passed_on_in_seconds():
    in_two_minutes = format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)

    assert decoded(429, "slow", in_two_minutes).retry_after_s in range(60, 121)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"type": "overloaded_error"}, UpstreamOverloaded),
        ({"type": "rate_limit_error"}, UpstreamOverloaded),
        ({"code": "insufficient_quota"}, UpstreamOverloaded),
        ({"type": "timeout_error"}, UpstreamTimeout),
        ({"type": "invalid_request_error", "message": "bad"}, UpstreamRefused),
        ({"type": "BadRequestError", "code": 400, "message": "bad"}, UpstreamRefused),
        ({"type": "authentication_error"}, UpstreamMisconfigured),
        ({"code": 503}, UpstreamOverloaded),
        ({"code": "503"}, UpstreamOverloaded),
        ({"code": "1210"}, UpstreamFailed),
        ({"code": 20}, UpstreamFailed),
        ({"type": ["list"], "code": {}}, UpstreamFailed),
        ("a string", UpstreamFailed),
        (None, UpstreamFailed),
    ],
)
def test_an_error_inside_a_success_has_its_meaning(error: Any, expected: type[GatewayError]):
    assert type(decode_in_band(error)) is expected


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": "boom"}, "boom"),
        ({"error": {}}, {}),
        ({"choices": [{"error": "boom", "delta": {}}]}, "boom"),
        ({"choices": [{"delta": {}}], "x_groq": {"error": "boom"}}, "boom"),
        ({"choices": [{"delta": {}, "error": None}], "x_groq": {"id": "r"}, "error": None}, None),
        ({"choices": [], "error": {}}, None),
        ({"content": [], "error": ""}, None),
    ],
)
def test_an_answer_holds_an_error_or_none(body: dict[str, Any], error: Any):
    assert in_band(body) == error


@given(
    status=st.integers(100, 599),
    message=st.text(max_size=80),
    retry_after=st.none() | st.text(max_size=12),
)
def test_every_upstream_error_becomes_one_of_ours(
    status: int, message: str, retry_after: str | None
):
    error = decoded(status, message, retry_after)
    assert error.status in (400, 413, 500, 504, 529)
    json.loads(error.body("req_1"))
    assert all(value.isascii() for value in error.headers().values())
