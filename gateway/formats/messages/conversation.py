"""A conversation as a Messages upstream accepts it, though another upstream wrote a part of it.

Thinking with a signature of ours comes from an upstream that signs none. Only that upstream has it
back, unsigned again if it speaks this format; all others would refuse it, so it is dropped.
"""

import re
from typing import Any

from gateway.formats import call_ids, tool_names
from gateway.formats.thought_seal import Thought, is_ours, open_seal, seal
from gateway.request.parse import MessagesRequest

Block = dict[str, Any]
Message = dict[str, Any]

_FIELD = "messages"
_IDS = "[a-zA-Z0-9_-]{1,64}"
_IS_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}").fullmatch
_NAME_OF_ID = {"tool_use": "id", "tool_result": "tool_use_id"}


def own_signature(upstream_id: int) -> str:
    """The signature of thinking that its upstream did not sign."""
    return seal(Thought(upstream_id, _FIELD))


def fitted(fields: dict[str, Any], request: MessagesRequest, *, upstream_id: int) -> dict[str, Any]:
    """The fields with a conversation that this upstream accepts: as they are, nearly always."""
    if request.opaque_bytes:
        fields = _with_own_thinking(fields, upstream_id)
    if request.has_odd_calls:
        names = tool_names.Names.of(request)
        messages = [
            _map(message, lambda block: _usual(block, names)) for message in fields["messages"]
        ]
        fields = fields | {"messages": messages}
    return fields


def _with_own_thinking(fields: dict[str, Any], upstream_id: int) -> dict[str, Any]:
    messages: list[Message] = []
    for message in fields["messages"]:
        kept = _map(message, lambda block: _own(block, upstream_id))
        if kept["content"]:
            messages.append(kept)
    kept_fields = fields | {"messages": messages}
    if _needs_thinking(messages) and _is_on(fields.get("thinking")):
        # Without its thinking, the provider refuses a tool loop in which it thinks.
        kept_fields.pop("thinking")
    return kept_fields


def _own(block: Block, upstream_id: int) -> Block | None:
    if block["type"] != "thinking" or not is_ours(block.get("signature")):
        return block
    thought = open_seal(block["signature"], upstream=upstream_id)
    if thought is None or thought.field != _FIELD:
        return None
    return block | {"signature": ""}


def _is_on(thinking: Any) -> bool:
    return isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive")


def _needs_thinking(messages: list[Message]) -> bool:
    """Whether the last tool turn belongs to a loop that goes on, and begins without thinking."""
    for message in reversed(messages):
        blocks = message["content"]
        if isinstance(blocks, str):
            return False
        kinds = [block["type"] for block in blocks]
        if message["role"] == "assistant":
            return "tool_use" in kinds and "thinking" not in kinds
        if message["role"] == "user" and "tool_result" not in kinds:
            return False
    return False


def _usual(block: Block, names: tool_names.Names) -> Block | None:
    """The block with an id, and of a call with a name, that servers of this format accept."""
    name = _NAME_OF_ID.get(block["type"])
    if name is None:
        return block
    block = block | {name: call_ids.mapper(_IDS)(block[name])}
    if block["type"] == "tool_use" and not _IS_NAME(block["name"]):
        block["name"] = names.restored(block["name"])
    return block


def _map(message: Message, change: Any) -> Message:
    """The message with each block changed, or left out."""
    if isinstance(message["content"], str):
        return message
    changed = [change(block) for block in message["content"]]
    return message | {"content": [block for block in changed if block is not None]}
