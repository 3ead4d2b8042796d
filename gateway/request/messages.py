"""Checks of messages: their content, and the pairing of tool calls and results."""

from typing import Any

from gateway.errors import InvalidRequest
from gateway.request import content, values

MAX_MESSAGES = 100_000
_ROLES = ("user", "assistant", "system")
_EMPTY_TEXT = "text content blocks must be non-empty"


def check_messages(messages: Any, stats: content.RequestStats) -> None:
    values.array(messages, "messages")
    if not messages:
        raise InvalidRequest("at least one message is required", path="messages")
    if len(messages) > MAX_MESSAGES:
        raise InvalidRequest(f"at most {MAX_MESSAGES} messages are allowed", path="messages")
    for n, message in enumerate(messages):
        _check_message(message, f"messages.{n}", stats)


def check_system(system: Any, stats: content.RequestStats) -> None:
    if type(system) is str:
        return
    if type(system) is not list:
        raise InvalidRequest("Input should be a valid string or array", path="system")
    for index, block in enumerate(system):
        content.check_message_block(block, f"system.{index}", "system", stats)


def without_empty_messages(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop empty text blocks, which several clients send and few models accept, and assistant and
    system messages without other content: an empty answer of ours returns in that form. An empty
    user message is rejected, since without it the previous message would be continued instead of
    answered."""
    kept: list[dict[str, Any]] = []
    for n, message in enumerate(messages):
        if isinstance(message["content"], list):
            message["content"] = content.without_empty_text(message["content"])
        if message["content"]:
            kept.append(message)
        elif message["role"] == "user":
            raise InvalidRequest(_EMPTY_TEXT, path=f"messages.{n}.content")
    if not kept:
        raise InvalidRequest(_EMPTY_TEXT, path="messages")
    return kept


def _check_message(message: Any, path: str, stats: content.RequestStats) -> None:
    if type(message) is not dict:
        raise InvalidRequest("Input should be an object", path=path)
    role = _check_role(values.field(message, "role", path), f"{path}.role")
    blocks = values.field(message, "content", path)
    if type(blocks) is list:
        at = f"{path}.content"
        for index, block in enumerate(blocks):
            content.check_message_block(block, f"{at}.{index}", role, stats)
    elif type(blocks) is not str:
        raise InvalidRequest("Input should be a valid string or array", path=f"{path}.content")
    if not blocks:
        stats.has_empty_text = True
    if role == "system":
        stats.has_system_turns = True


def _check_role(role: Any, path: str) -> str:
    if type(role) is not str or role not in _ROLES:
        # Clients match on the first half; the second half is for people.
        reason = "Input should be 'user' or 'assistant' (or 'system', in mid-conversation)"
        raise InvalidRequest(reason, path=path)
    return role


class _ToolCalls:
    """The tool calls of the latest assistant messages, and which of them have results."""

    def __init__(self) -> None:
        self.path = ""
        self.ids: set[str] = set()
        self.ids_with_result: set[str] = set()

    def missing(self) -> list[str]:
        return sorted(self.ids - self.ids_with_result)


def check_tool_pairs(messages: list[dict[str, Any]]) -> None:
    """Each `tool_use` has one result in the following user messages, and each result a call.

    Consecutive messages of one role count as one, and a system message may come between a call and
    its result. Raises InvalidRequest with the messages that clients match on.
    """
    calls = _ToolCalls()
    previous = "user"
    for n, message in enumerate(messages):
        role, blocks = message["role"], message["content"]
        if role == "assistant" and previous != "assistant":
            _require_results(calls)
            calls = _ToolCalls()
        previous = role
        if type(blocks) is list:
            _pair(blocks, f"messages.{n}", calls)
    _require_results(calls)


def _pair(blocks: list[dict[str, Any]], path: str, calls: _ToolCalls) -> None:
    for index, block in enumerate(blocks):
        kind = block["type"]
        if kind == "tool_use":
            calls.path = path
            if block["id"] in calls.ids:
                reason = "`tool_use` ids must be unique"
                raise InvalidRequest(reason, path=f"{path}.content.{index}.id")
            calls.ids.add(block["id"])
        elif kind == "tool_result":
            _add_result(block["tool_use_id"], f"{path}.content.{index}", calls)


def _add_result(call_id: str, path: str, calls: _ToolCalls) -> None:
    if call_id not in calls.ids:
        raise InvalidRequest(
            f"unexpected `tool_use_id` found in `tool_result` blocks: {call_id}. Each "
            "`tool_result` block must have a corresponding `tool_use` block in the previous "
            "message.",
            path=path,
        )
    if call_id in calls.ids_with_result:
        raise InvalidRequest(
            f"each tool_use must have a single result. Found multiple `tool_result` blocks with "
            f"id: {call_id}",
            path=path,
        )
    calls.ids_with_result.add(call_id)


def _require_results(calls: _ToolCalls) -> None:
    if missing := calls.missing():
        raise InvalidRequest(
            "`tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` "
            "block in the next message.",
            path=calls.path,
        )
