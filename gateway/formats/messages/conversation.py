"""A conversation as a Messages upstream accepts it, though another upstream wrote a part of it."""

import re
from collections.abc import Collection
from typing import Any

from catalogue.snapshot import NOTHING_LEARNED, UpstreamRow
from gateway.formats import call_ids, tool_names
from gateway.formats.messages import thinking
from gateway.formats.protocol import ThinkingChange
from gateway.request.parse import MessagesRequest

Block = dict[str, Any]
Message = dict[str, Any]

_NO_CONTENT = {"type": "text", "text": "(no content)"}
_IDS = "[a-zA-Z0-9_-]{1,64}"
_IS_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}").fullmatch


def fitted(
    fields: dict[str, Any], request: MessagesRequest, upstream: UpstreamRow | None
) -> tuple[dict[str, Any], ThinkingChange]:
    """The fields with a conversation that this upstream accepts, as they are, nearly always; and
    what was done to its thinking."""
    change: ThinkingChange = ""
    learned = upstream.learned if upstream else NOTHING_LEARNED
    if learned.refuses_thinking_off and request.switches_thinking_off:
        fields = {name: fields[name] for name in fields if name != "thinking"}
    if request.opaque_bytes or learned.unverified:
        fields, change = _with_own_thinking(
            fields, upstream.id if upstream else 0, learned.unverified
        )
    if request.has_blank_text:
        fields = fields | {"messages": _without_blank_text(fields["messages"])}
    if (change or learned.wants_thinking) and _lacks_thinking(fields):
        # The provider refuses a tool loop in which it thinks, and that begins without thinking.
        fields, change = {name: fields[name] for name in fields if name != "thinking"}, "off"
    if request.has_odd_calls:
        usual = _UsualCalls(tool_names.Names.of(request))
        messages = [_map(message, usual.block) for message in fields["messages"]]
        fields = fields | {"messages": messages}
    return fields, change


def _with_own_thinking(
    fields: dict[str, Any], upstream_id: int, unverified: Collection[int]
) -> tuple[dict[str, Any], ThinkingChange]:
    messages = [
        _map(message, lambda block: thinking.verifiable(block, upstream_id, unverified))
        for message in fields["messages"]
    ]
    pairs = zip(messages, fields["messages"], strict=True)
    has_dropped = any(len(kept["content"]) < len(sent["content"]) for kept, sent in pairs)
    return fields | {"messages": _as_turns(messages)}, "dropped" if has_dropped else ""


def _without_blank_text(messages: list[Message]) -> list[Message]:
    """The messages without texts of white space, which other models write before they call a tool.
    One of the caller's that has nothing else is the caller's fault, and stays."""
    kept = []
    for message in messages:
        filled = _map(message, lambda block: None if _is_blank(block) else block)
        is_theirs = message["role"] == "assistant"
        kept.append(filled if filled["content"] or is_theirs else message)
    return _as_turns(kept)


def _as_turns(messages: list[Message]) -> list[Message]:
    """The messages, those of the assistant that have lost all content with a word in its place: the
    turns around one would become one turn. The last one, which the model goes on with, is left out.
    """
    turns: list[Message] = []
    for n, message in enumerate(messages):
        if message["content"]:
            turns.append(message)
        elif message["role"] == "assistant" and n < len(messages) - 1:
            turns.append(message | {"content": [dict(_NO_CONTENT)]})
    return turns


def _is_blank(block: Block) -> bool:
    return bool(block["type"] == "text" and block["text"].isspace())


def _lacks_thinking(fields: dict[str, Any]) -> bool:
    """Whether thinking is on in a tool loop that goes on, and begins without any."""
    if (fields.get("thinking") or {}).get("type") not in ("enabled", "adaptive"):
        return False
    first: set[str] = set()  # the kinds of blocks in the first turn of the loop
    for message in reversed(fields["messages"]):
        blocks = message["content"]
        kinds = {"text"} if isinstance(blocks, str) else {block["type"] for block in blocks}
        if message["role"] == "assistant":
            first = kinds
        elif message["role"] == "user" and "tool_result" not in kinds:
            break
    return "tool_use" in first and not first & {"thinking", "redacted_thinking"}


class _UsualCalls:
    """Gives calls ids and names that servers of this format accept: an id of one call alone, though
    some servers use the same ids again in each answer."""

    def __init__(self, names: tool_names.Names) -> None:
        self._names = names
        self._taken: set[str] = set()
        self._latest: dict[str, str] = {}  # of the calls with an id, by the caller's own

    def block(self, block: Block) -> Block:
        """The blocks of a conversation, in their order."""
        if block["type"] == "tool_use":
            name = block["name"]
            name = name if _IS_NAME(name) else self._names.restored(name)
            return block | {"id": self._claim(block["id"]), "name": name}
        if block["type"] == "tool_result":
            return block | {"tool_use_id": self._latest[block["tool_use_id"]]}
        return block

    def _claim(self, call_id: str) -> str:
        fit = call_ids.mapper(_IDS)
        mapped, number = fit(call_id), 1
        while mapped in self._taken:
            number += 1
            mapped = fit(f"{call_id} {number}")
        self._taken.add(mapped)
        self._latest[call_id] = mapped
        return mapped


def _map(message: Message, change: Any) -> Message:
    """The message with each block changed, or left out."""
    if isinstance(message["content"], str):
        return message
    changed = [change(block) for block in message["content"]]
    return message | {"content": [block for block in changed if block is not None]}
