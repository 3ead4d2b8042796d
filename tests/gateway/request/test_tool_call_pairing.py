"""Each tool call has one result, and each result has its call."""

from typing import Any

import pytest

from tests.support.request_bodies import (
    CALL,
    RESULT,
    TEXT,
    TOOL,
    assistant,
    parsed,
    rejection,
    user,
)

OTHER_CALL = CALL | {"id": "call_2"}
OTHER_RESULT = RESULT | {"tool_use_id": "call_2"}
UNPAIRED = [
    ([assistant(CALL), user(TEXT)], "messages.0: `tool_use` ids were found without"),
    ([assistant(CALL)], "messages.0: `tool_use` ids were found without"),
    (
        [assistant(CALL), {"role": "system", "content": "x"}, assistant(TEXT), user(RESULT)],
        "messages.0: `tool_use` ids were found without",
    ),
    (
        [user(TEXT), assistant(CALL, OTHER_CALL), user(RESULT)],
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: "
        "call_2.",
    ),
    (
        [assistant(CALL), user(TEXT), assistant(TEXT), user(RESULT)],
        "messages.0: `tool_use` ids were found without",
    ),
    (
        [user(RESULT)],
        "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: call_1.",
    ),
    (
        [assistant(CALL), user(TEXT, OTHER_RESULT)],
        "messages.1.content.1: unexpected `tool_use_id` found in `tool_result` blocks: call_2.",
    ),
    (
        [assistant(CALL), user(RESULT), assistant(TEXT), user(RESULT)],
        "messages.3.content.0: unexpected `tool_use_id`",
    ),
    (
        [assistant(CALL), user(RESULT, RESULT)],
        "messages.1.content.1: each tool_use must have a single result.",
    ),
    (
        [assistant(CALL, CALL), user(RESULT)],
        "messages.0.content.1.id: `tool_use` ids must be unique",
    ),
]


@pytest.mark.parametrize(("messages", "message"), UNPAIRED)
def test_calls_without_results_and_results_without_calls_are_rejected(messages: Any, message: str):
    assert rejection(messages=messages, tools=[TOOL]).startswith(message)


PAIRED = [
    [assistant(CALL, OTHER_CALL), user(OTHER_RESULT, RESULT)],
    [assistant(CALL), user(RESULT), assistant(CALL), user(RESULT)],
    [assistant(CALL), user(RESULT, TEXT)],
    [assistant(CALL, OTHER_CALL), user(RESULT), user(OTHER_RESULT)],
    [assistant(CALL), assistant(TEXT), user(RESULT)],
    [assistant(CALL), {"role": "system", "content": "hurry"}, user(RESULT)],
]


@pytest.mark.parametrize("messages", PAIRED)
def test_calls_with_their_results_pass(messages: Any):
    assert parsed(messages=messages).fields["messages"] == messages
