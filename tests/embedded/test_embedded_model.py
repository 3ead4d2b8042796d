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
QUESTION = {"role": "user", "content": "What is the weather in Lisbon?"}
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather in a city, now.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}

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


def test_it_calls_a_tool_with_the_input_that_the_question_names() -> None:
    answer = _answer(max_tokens=100, messages=[QUESTION], tools=[WEATHER], temperature=0)

    [call] = answer["content"]
    assert (call["type"], call["name"]) == ("tool_use", "get_weather")
    assert call["input"] == {"city": "Lisbon"}
    assert answer["stop_reason"] == "tool_use"


def test_it_streams_the_input_of_a_call_in_pieces() -> None:
    asked: dict[str, Any] = {"messages": [QUESTION], "tools": [WEATHER], "temperature": 0}
    _, stream = _ask("/v1/messages", max_tokens=100, stream=True, **asked)

    data = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
    deltas = [event["delta"] for event in data if event["type"] == "content_block_delta"]
    pieces = [delta["partial_json"] for delta in deltas if delta["type"] == "input_json_delta"]
    assert len(pieces) > 1
    assert json.loads("".join(pieces)) == {"city": "Lisbon"}


def test_it_answers_in_words_from_the_result_of_a_call() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Lisbon"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Sunny, 21 degrees"}
    turns = [
        QUESTION,
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]

    answer = _answer(max_tokens=100, messages=turns, tools=[WEATHER], temperature=0)

    assert [block["type"] for block in answer["content"]] == ["text"]
    assert "21 degrees" in answer["content"][0]["text"]


def test_a_tool_that_must_be_called_gets_an_input_of_its_schema() -> None:
    """Whatever the question is: the grammar allows nothing else."""
    flag = {"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]}
    tools = [{"name": "set_lamp", "description": "Turn the lamp on or off.", "input_schema": flag}]
    choice = {"type": "tool", "name": "set_lamp"}

    answer = _answer(max_tokens=100, messages=GREETING, tools=tools, tool_choice=choice)

    [call] = answer["content"]
    assert call["name"] == "set_lamp"
    assert isinstance(call["input"]["on"], bool)


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
