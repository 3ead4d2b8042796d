"""The embedded model serves the Messages format over HTTP: plain, streaming, counting."""

import http.client
import json
import os
from typing import Any
from urllib.parse import urlsplit

import pytest

from catalogue import file as catalogue_file
from embedded.model_server import ALIAS, parameters
from embedded.subprocesses import PROJECT

MODEL_URL = os.environ.get("EMBEDDED_MODEL_URL", "")
API_KEY = os.environ.get("EMBEDDED_MODEL_API_KEY", "")
GREETING = [{"role": "user", "content": "Say hello."}]

pytestmark = pytest.mark.skipif(not MODEL_URL, reason="bin/test runs the embedded model")


def _ask(path: str, *, key: str = API_KEY, **body: Any) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(MODEL_URL).netloc, timeout=300)
    try:
        connection.request(
            "POST",
            path,
            body=json.dumps({"model": ALIAS, "messages": GREETING, **body}),
            headers={"x-api-key": key, "content-type": "application/json"},
        )
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def _answer(**body: Any) -> dict[str, Any]:
    status, text = _ask("/v1/messages", **body)
    assert status == 200, text
    answer: dict[str, Any] = json.loads(text)
    return answer


def test_it_answers_with_text_and_its_own_count_of_tokens() -> None:
    answer = _answer(max_tokens=5, temperature=0)

    assert answer["type"] == "message"
    assert answer["model"] == ALIAS
    assert answer["content"][0]["text"]
    assert answer["usage"]["output_tokens"] == 5
    assert answer["stop_reason"] == "max_tokens"


def test_the_counted_input_tokens_are_those_of_the_usage() -> None:
    _, counted = _ask("/v1/messages/count_tokens")
    usage = _answer(max_tokens=1)["usage"]

    assert json.loads(counted) == {
        "input_tokens": usage["input_tokens"] + usage["cache_read_input_tokens"]
    }


def test_it_streams_one_event_for_each_token() -> None:
    _, stream = _ask("/v1/messages", max_tokens=6, stream=True, temperature=0)

    events = [line for line in stream.splitlines() if line.startswith("event: ")]
    assert events[:2] == ["event: message_start", "event: content_block_start"]
    assert events.count("event: content_block_delta") >= 2
    assert events[-2:] == ["event: message_delta", "event: message_stop"]


def test_a_stranger_is_refused() -> None:
    status, _ = _ask("/v1/messages", key="guessed", max_tokens=1)

    assert status == 401


def test_every_slot_has_the_context_that_the_shipped_catalogue_promises() -> None:
    shipped = catalogue_file.read(PROJECT / "catalogue.toml")
    promised = [
        model.context_tokens
        for model in shipped.models
        for upstream in model.upstreams
        if (upstream.base_url, upstream.model) == ("embedded", ALIAS)
    ]

    params = parameters(port=1, api_key="key")

    assert promised
    assert max(promised) <= params.n_ctx // params.n_parallel
