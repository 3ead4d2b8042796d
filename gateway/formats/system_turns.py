"""System messages within a conversation, which agents send with nearly every call.

Those before the first user turn belong to the system prompt. Later ones stay in place, merged with
their neighbours; for a server that refuses them there they become user turns.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from gateway.formats import tool_changes
from gateway.request.parse import MessagesRequest

Message = dict[str, Any]
Blocks = list[dict[str, Any]]


def arranged(
    request: MessagesRequest, *, as_user_turns: bool, may_change_tools: bool = False
) -> dict[str, Any]:
    """A request's fields with its system messages where the server wants them. The fields
    themselves are returned if there is none. `may_change_tools`: the server takes those that add
    and remove tools. Raises InvalidRequest."""
    fields = request.fields
    if request.has_tool_changes and (
        as_user_turns or not may_change_tools or tool_changes.are_leading(fields["messages"])
    ):
        fields = tool_changes.applied(fields)
    if not request.has_system_turns:
        return fields
    messages = fields["messages"]
    leading, rest = _split(messages)
    kept = _as_user_turns(rest) if as_user_turns else _merged(rest)
    if not leading:
        return fields | {"messages": kept}
    system = [*as_blocks(fields.get("system", [])), *leading]
    return fields | {"system": system, "messages": kept}


def _split(messages: list[Message]) -> tuple[Blocks, list[Message]]:
    """The blocks of the system messages before the first user turn, and the other messages."""
    first_user = next(
        (n for n, message in enumerate(messages) if message["role"] == "user"), len(messages)
    )
    leading = [
        block
        for message in messages[:first_user]
        if message["role"] == "system"
        for block in as_blocks(message["content"])
    ]
    before = [message for message in messages[:first_user] if message["role"] != "system"]
    return leading, [*before, *messages[first_user:]]


def _merged(messages: list[Message]) -> list[Message]:
    """Neighbouring system messages as one."""
    kept: list[Message] = []
    for role, group in groupby(messages, key=lambda message: message["role"]):
        run = list(group)
        if role == "system" and len(run) > 1:
            run = [{"role": role, "content": _joined(run)}]
        kept += run
    return kept


def _as_user_turns(messages: list[Message]) -> list[Message]:
    """User and system messages between two assistant turns as one user turn. The results of tool
    calls come first, as every server wants them."""
    kept: list[Message] = []
    runs = groupby(messages, key=lambda message: message["role"] == "assistant")
    for is_assistant, group in runs:
        run = list(group)
        if not is_assistant and any(message["role"] == "system" for message in run):
            blocks = _joined(run)
            results = [block for block in blocks if block["type"] == "tool_result"]
            others = [block for block in blocks if block["type"] != "tool_result"]
            run = [{"role": "user", "content": [*results, *others]}]
        kept += run
    return kept


def _joined(messages: Iterable[Message]) -> Blocks:
    return [block for message in messages for block in as_blocks(message["content"])]


def as_blocks(content: str | Blocks) -> Blocks:
    """Content as blocks; an empty string as none."""
    if not isinstance(content, str):
        return content
    return [{"type": "text", "text": content}] if content else []
