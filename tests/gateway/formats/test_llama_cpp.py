"""Both formats against the embedded llama.cpp server."""

import http.client
import json
import os
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.errors import GatewayError
from gateway.formats import FORMATS, EncodedRequest
from gateway.request import parse
from tests.support.stream_grammar import Seen, run

URL = os.environ.get("EMBEDDED_MODEL_URL", "")
API_KEY = os.environ.get("EMBEDDED_MODEL_API_KEY", "")
MODEL = "smollm2-135m-instruct"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAC"
    "hwGA60e6kgAAAABJRU5ErkJggg=="
)

pytestmark = [
    pytest.mark.skipif(not URL, reason="EMBEDDED_MODEL_URL is not set: no embedded model runs"),
    pytest.mark.parametrize("name", FORMATS),
]


def request(**fields: Any) -> parse.MessagesRequest:
    body = {"model": "m", "max_tokens": 12, "messages": [{"role": "user", "content": "Say hello."}]}
    return parse.messages_request(json.dumps(body | fields).encode())


def post(encoded: EncodedRequest, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(URL).netloc, timeout=60)
    try:
        connection.request("POST", encoded.path, encoded.body, encoded.headers | headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def ask(name: str, checked: parse.MessagesRequest) -> tuple[int, bytes]:
    encoded = FORMATS[name].encode_request(
        checked, upstream_model=MODEL, max_tokens=checked.max_tokens, stream=checked.stream
    )
    return post(encoded, FORMATS[name].auth_headers(API_KEY))


def rejection(name: str, **fields: Any) -> GatewayError:
    status, body = ask(name, request(**fields))
    assert status != 200
    return FORMATS[name].decode_error(status, body, None)


def streamed(name: str, **fields: Any) -> Seen:
    checked = request(stream=True, **fields)
    status, body = ask(name, checked)
    assert status == 200
    stream = FORMATS[name].open_stream(request=checked)
    return run(stream, *(body[at : at + 3] for at in range(0, len(body), 3)))


def test_a_non_streaming_answer(name: str):
    checked = request()
    status, body = ask(name, checked)
    assert status == 200
    reply = FORMATS[name].decode_reply(body, request=checked)
    assert reply.content[0]["text"]
    assert reply.stop_reason in ("end_turn", "max_tokens")
    assert reply.usage is not None
    assert 1 <= reply.usage.output_tokens <= 12


def test_a_streamed_answer(name: str):
    seen = streamed(name, system="Be kind.")
    assert seen.error is None
    assert seen.joined("text")
    assert seen.usage is not None
    assert 1 <= seen.usage["output_tokens"] <= 12
    assert seen.usage["input_tokens"] + seen.usage["cache_read_input_tokens"] > 5


def test_a_long_answer_is_cut_at_the_limit(name: str):
    seen = streamed(
        name, max_tokens=3, messages=[{"role": "user", "content": "Tell a long story."}]
    )
    assert seen.ending == {"stop_reason": "max_tokens", "stop_sequence": None}
    assert seen.usage is not None
    assert seen.usage["output_tokens"] == 3


def test_turns_of_every_role_are_accepted(name: str):
    contents = [
        ("user", "Hi."),
        ("system", "Be brief."),
        ("assistant", "Hello."),
        ("user", "Go on."),
    ]
    messages = [{"role": role, "content": text} for role, text in contents]
    assert streamed(name, messages=messages).error is None


def test_a_prompt_that_is_too_long_is_rejected_with_both_numbers(name: str):
    error = rejection(name, messages=[{"role": "user", "content": "hello " * 20_000}])
    assert error.status == 400
    assert error.message.startswith("prompt is too long: 2")
    assert error.message.endswith(" maximum")


def test_an_image_is_an_invalid_request(name: str):
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    image = {"type": "image", "source": source}
    error = rejection(name, messages=[{"role": "user", "content": [image]}])
    assert (error.status, error.message) == (400, "This model does not accept images.")


def test_a_wrong_credential_is_an_internal_error(name: str):
    encoded = FORMATS[name].encode_request(
        request(), upstream_model=MODEL, max_tokens=1, stream=False
    )
    status, body = post(encoded, FORMATS[name].auth_headers("wrong"))
    assert status == 401
    assert FORMATS[name].decode_error(status, body, None).status == 500
