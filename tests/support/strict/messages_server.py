"""A Messages server that refuses what the official one refuses, in its words.

It signs its thinking, and takes no other. Its rules are those of the public documentation and of
error messages in public reports; where the two differ, the stricter one.
"""

import base64
import hashlib
import hmac
import json
import random
import re
from typing import Any

Block = dict[str, Any]
Message = dict[str, Any]

_FIELDS = {
    *("model", "max_tokens", "messages", "system", "stream", "stop_sequences", "temperature"),
    *("top_p", "top_k", "tools", "tool_choice", "thinking", "output_config", "metadata"),
    *("service_tier", "cache_control", "context_management"),
}
_BLOCKS_OF = {
    "user": {"text", "image", "document", "tool_result", "search_result"},
    "assistant": {"text", "thinking", "redacted_thinking", "tool_use"},
    "system": {"text", "tool_addition", "tool_removal"},
}
_MEMBERS_OF = {
    "text": {"type", "text", "cache_control", "citations"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
    "tool_use": {"type", "id", "name", "input", "cache_control"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
}
_LEAST_BUDGET = 1024
_IS_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}").fullmatch
_IS_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}").fullmatch


class Refused(Exception):
    """A 400, with its message."""


class MessagesServer:
    """One provider: what it signs is valid here, and nowhere else."""

    path = "/v1/messages"

    def __init__(self, name: str) -> None:
        self._key = name.encode()

    # --- What it refuses ------------------------------------------------------------------------

    def check(self, body: dict[str, Any]) -> None:
        """Raises Refused."""
        for name in body.keys() - _FIELDS:
            raise Refused(f"{name}: Extra inputs are not permitted")
        if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
            raise Refused("max_tokens: Field required")
        self._check_system(body.get("system", ""))
        _check_tools(body)
        messages = body["messages"]
        if not messages:
            raise Refused("messages: at least one message is required")
        for n, message in enumerate(messages):
            self._check_message(message, n, is_last=n == len(messages) - 1)
        _check_system_turns(messages)
        _check_pairs(messages)
        _check_thinking(body)

    def _check_system(self, system: Any) -> None:
        for n, block in enumerate(system if isinstance(system, list) else []):
            if block["type"] != "text" or not block["text"]:
                raise Refused(f"system.{n}: text content blocks must be non-empty")

    def _check_message(self, message: Message, n: int, *, is_last: bool) -> None:
        if message.keys() - {"role", "content", "clear_at", "output_config"}:
            raise Refused(f"messages.{n}: Extra inputs are not permitted")
        if message["role"] not in _BLOCKS_OF:
            raise Refused(f"messages.{n}.role: Input should be 'user' or 'assistant'")
        content = message["content"]
        if not content and not (is_last and message["role"] == "assistant"):
            raise Refused(f"messages.{n}: all messages must have non-empty content")
        if isinstance(content, str):
            return
        for m, block in enumerate(content):
            self._check_block(block, message["role"], f"messages.{n}.content.{m}")

    def _check_block(self, block: Block, role: str, path: str) -> None:
        kind = block["type"]
        if kind not in _BLOCKS_OF[role]:
            raise Refused(f"{path}: Input tag '{kind}' found using 'type' does not match")
        if extra := block.keys() - _MEMBERS_OF.get(kind, block.keys()):
            raise Refused(f"{path}.{kind}.{extra.pop()}: Extra inputs are not permitted")
        if kind == "text" and not block["text"].strip():
            raise Refused("messages: text content blocks must contain non-whitespace text")
        if kind == "thinking" and not self._has_signed(block):
            raise Refused(f"{path}: Invalid `signature` in `thinking` block")
        if kind == "redacted_thinking" and not block["data"].startswith(self.sign("")):
            raise Refused(f"{path}: Invalid `data` in `redacted_thinking` block")
        if kind == "tool_use":
            _check_call(block, path)
        if kind == "tool_result":
            if not _IS_ID(block["tool_use_id"]):
                raise Refused(f"{path}.tool_use_id: String should match pattern")
            _check_result(block.get("content", ""), path)

    def _has_signed(self, block: Block) -> bool:
        return hmac.compare_digest(block["signature"], self.sign(block["thinking"]))

    # --- What it answers ------------------------------------------------------------------------

    def sign(self, thinking: str) -> str:
        return base64.b64encode(hmac.digest(self._key, thinking.encode(), hashlib.sha256)).decode()

    def answer(
        self, turn: dict[str, Any], *, stream: bool, draw: random.Random, thinks: bool = True
    ) -> bytes:
        """A turn in this format: `thinking`, `text` and `calls` of a name and an input each."""
        content: list[Block] = []
        if turn.get("thinking") is not None and thinks:
            thinking = turn["thinking"]
            signature = self.sign(thinking)
            content.append({"type": "thinking", "thinking": thinking, "signature": signature})
        if turn.get("text"):
            content.append({"type": "text", "text": turn["text"]})
        for name, value in turn.get("calls", []):
            call_id = f"toolu_{draw.randbytes(12).hex()}"
            content.append({"type": "tool_use", "id": call_id, "name": name, "input": value})
        reason = "tool_use" if turn.get("calls") else "end_turn"
        return _streamed(content, reason, draw) if stream else _plain(content, reason)


def _check_call(block: Block, path: str) -> None:
    if not _IS_ID(block["id"]):
        raise Refused(f"{path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    if not _IS_NAME(block["name"]):
        raise Refused(f"{path}.tool_use.name: String should match pattern")
    if not isinstance(block["input"], dict):
        raise Refused(f"{path}.tool_use.input: Input should be a valid dictionary")


def _check_result(content: Any, path: str) -> None:
    for block in content if isinstance(content, list) else []:
        if block["type"] == "text" and not block["text"]:
            raise Refused(f"{path}: text content blocks must be non-empty")


def _check_tools(body: dict[str, Any]) -> None:
    names = [tool["name"] for tool in body.get("tools", [])]
    if len(set(names)) < len(names):
        raise Refused("tools: Tool names must be unique.")
    for n, tool in enumerate(body.get("tools", [])):
        if not _IS_NAME(tool["name"]):
            raise Refused(f"tools.{n}.custom.name: String should match pattern")
        if tool["input_schema"].get("type") != "object":
            raise Refused(f"tools.{n}.custom.input_schema.type: Field required")
    if "tool_choice" in body and not names:
        raise Refused("tool_choice: may only be specified while providing tools")


def _check_system_turns(messages: list[Message]) -> None:
    roles = [message["role"] for message in messages]
    for n, role in enumerate(roles):
        if role != "system":
            continue
        if n == 0 or roles[n - 1] != "user" or roles[n + 1 : n + 2] not in ([], ["assistant"]):
            raise Refused(f"messages.{n}: `system` must follow a user turn, and end the input or be followed by an assistant turn")  # fmt: skip  # noqa: E501


def _check_pairs(messages: list[Message]) -> None:
    """Every call has one result in the next user message, before any text."""
    merged = _merged([message for message in messages if message["role"] != "system"])
    open_ids: list[str] = []
    seen: set[str] = set()
    for n, (role, blocks) in enumerate(merged):
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if role == "user":
            if set(results) - set(open_ids):
                raise Refused(
                    f"messages.{n}: unexpected `tool_use_id` found in `tool_result` blocks"
                )
            kinds = [block["type"] for block in blocks]
            if open_ids and "tool_result" in kinds[len(results) :]:
                raise Refused(f"messages.{n}: `tool_result` blocks must come first")
            open_ids = [one for one in open_ids if one not in results]
        if open_ids:
            raise Refused(f"messages.{n}: `tool_use` ids were found without `tool_result` blocks immediately after")  # fmt: skip  # noqa: E501
        if role == "assistant":
            open_ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
            if seen & set(open_ids) or len(set(open_ids)) < len(open_ids):
                raise Refused(f"messages.{n}: `tool_use` ids must be unique")
            seen |= set(open_ids)
    if open_ids:
        raise Refused("messages: `tool_use` ids were found without `tool_result` blocks immediately after")  # fmt: skip  # noqa: E501


def _check_thinking(body: dict[str, Any]) -> None:
    thinking = body.get("thinking") or {}
    edits = (body.get("context_management") or {}).get("edits", [])
    if any(edit["type"].startswith("clear_thinking") for edit in edits) and not thinking:
        raise Refused("context_management: `clear_thinking` requires `thinking` to be enabled")
    if thinking.get("type") != "enabled":
        return
    if not _LEAST_BUDGET <= thinking["budget_tokens"] < body["max_tokens"]:
        raise Refused("thinking.budget_tokens: Input should be at least 1024 and below max_tokens")
    loop: list[Block] = []
    for role, blocks in _merged([one for one in body["messages"] if one["role"] != "system"]):
        is_result = any(block["type"] == "tool_result" for block in blocks)
        if role == "user" and not is_result:
            loop = []
        if role == "assistant":
            loop += blocks
    kinds = [block["type"] for block in loop]
    if "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking"):
        raise Refused(
            f"messages: Expected `thinking` or `redacted_thinking`, but found `{kinds[0]}`"
        )


def _merged(messages: list[Message]) -> list[tuple[str, list[Block]]]:
    """Consecutive messages of one role as one."""
    merged: list[tuple[str, list[Block]]] = []
    for message in messages:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if merged and merged[-1][0] == message["role"]:
            merged[-1][1].extend(blocks)
        else:
            merged.append((message["role"], list(blocks)))
    return merged


_USAGE = {
    "input_tokens": 14,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 23,
}


def _plain(content: list[Block], reason: str) -> bytes:
    return json.dumps(_message(content, reason)).encode()


def _message(content: list[Block], reason: str | None) -> dict[str, Any]:
    return {
        "id": "msg_of_the_upstream",
        "type": "message",
        "role": "assistant",
        "model": "a-name-for-insiders",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": _USAGE,
    }


def _streamed(content: list[Block], reason: str, draw: random.Random) -> bytes:
    events: list[dict[str, Any]] = [{"type": "message_start", "message": _message([], None)}]
    for index, block in enumerate(content):
        start, deltas = _deltas(block, draw)
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [{"type": "content_block_delta", "index": index, "delta": one} for one in deltas]
        events.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": reason, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 23}})
    events.append({"type": "message_stop"})
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events)


def _deltas(block: Block, draw: random.Random) -> tuple[Block, list[Block]]:
    kind = block["type"]
    if kind == "text":
        texts = cut(block["text"], draw)
        return block | {"text": ""}, [{"type": "text_delta", "text": one} for one in texts]
    if kind == "thinking":
        texts = cut(block["thinking"], draw)
        deltas = [{"type": "thinking_delta", "thinking": one} for one in texts]
        signed = {"type": "signature_delta", "signature": block["signature"]}
        return {"type": kind, "thinking": "", "signature": ""}, [*deltas, signed]
    texts = cut(json.dumps(block["input"]), draw)
    return block | {"input": {}}, [
        {"type": "input_json_delta", "partial_json": one} for one in texts
    ]


def cut(text: str, draw: random.Random) -> list[str]:
    """A text in random pieces, which are it again if joined."""
    pieces: list[str] = []
    while text:
        length = draw.randint(1, 9)
        pieces.append(text[:length])
        text = text[length:]
    return pieces
