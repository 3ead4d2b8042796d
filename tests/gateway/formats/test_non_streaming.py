"""A non-streaming reply to a streaming request reaches the caller as a stream.

Errors in that form are in tests/gateway/faults/bodies.py.
"""

from typing import Any

import pytest

from tests.support.api_description import Description
from tests.support.customers import Customer
from tests.support.replies import answers, completion, message, usage
from tests.support.scripted_upstream import ScriptedUpstream
from usage.models import Ending

CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": ["it"]}}
CHAT_CALL = {
    "id": "toolu_1",
    "type": "function",
    "function": {"name": "look", "arguments": '{"at": ["it"]}'},
}
WHOLE: dict[str, tuple[str, bytes]] = {
    "messages": (
        "scripted/messages",
        message(
            content=[
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "text", "text": "Hello there"},
                CALL,
            ],
            stop_reason="tool_use",
        ),
    ),
    "chat completions": (
        "scripted/chat",
        completion(
            choices=[
                {
                    "index": 0,
                    "finish_reason": "tool_calls",
                    "message": {
                        "role": "assistant",
                        "reasoning_content": "Hm.",
                        "content": "Hello there",
                        "tool_calls": [CHAT_CALL],
                    },
                }
            ]
        ),
    ),
}


@pytest.mark.parametrize(("model", "body"), WHOLE.values(), ids=WHOLE.keys())
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_a_non_streaming_reply_becomes_a_stream(
    customer: Customer,
    upstream: ScriptedUpstream,
    description: Description,
    model: str,
    body: bytes,
    content_type: str,
) -> None:
    script = upstream.script(answers(body, content_type=content_type))

    answer = customer.stream(script.prompt, model=model)

    description.assert_answer_fits(answer, "createMessage")
    seen = answer.transcript
    assert seen.start["usage"]["input_tokens"] == 14
    thinking, text, call = seen.content
    assert (thinking["thinking"], text["text"]) == ("Hm.", "Hello there")
    assert (call["name"], call["partial_json"]) == ("look", '{"at":["it"]}')
    assert seen.delta is not None
    assert seen.delta["delta"]["stop_reason"] == "tool_use"
    assert seen.usage | usage() == seen.usage
    assert seen.usage["credits_consumed"] == 14 + 2 * 23
    assert customer.charges() == [60]
    record = customer.wait_for_record()
    assert (record.ending, record.is_stream, record.is_usage_estimated) == (
        Ending.COMPLETED,
        True,
        False,
    )


@pytest.mark.parametrize("counts", [None, usage(14, 0)])
def test_usage_of_a_non_streaming_reply_without_a_count_is_estimated(
    customer: Customer, upstream: ScriptedUpstream, counts: Any
) -> None:
    script = upstream.script(answers(message("word " * 40, usage=counts)))

    seen = customer.stream(script.prompt).transcript

    assert seen.usage["output_tokens"] == 50
    record = customer.wait_for_record()
    assert record.is_usage_estimated
    charge = seen.usage["input_tokens"] + 100
    assert customer.charges() == [charge] == [record.credits]
