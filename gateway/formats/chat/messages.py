"""Encodes the messages of a request as messages of a chat completion.

The formats differ most in tool results. A user message of

    [tool_result A, tool_result B (with an image), text]

becomes a `tool` message for A, one for B, and a `user` message with the image and the text. All
`tool` messages must directly follow the assistant's message, so consecutive user and system
messages are encoded as one run.
"""

from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import msgspec

from catalogue.habits import USUAL, Habits
from gateway.errors import InvalidRequest
from gateway.formats import call_ids, documents, tool_names
from gateway.formats.chat import thoughts
from gateway.reply.blocks import PROVIDER_BLOCKS

Message = dict[str, Any]
Part = dict[str, Any]

# No server is known to take longer ids than OpenAI's.
_MOST_IDS = r"[\s\S]{1,40}"
_TO_RESULTS = {"role": "assistant", "content": "OK."}
# Differs between calls, which would defeat the upstream's prompt cache.
_BILLING_HEADER = "x-anthropic-billing-header:"
# Traces of tools that a provider ran or lists; they are not part of the conversation.
_DROPPED = PROVIDER_BLOCKS | {"tool_reference", "browser_state"}


class Conversation(NamedTuple):
    """`has_dropped`: thinking that another upstream made is left out."""

    messages: list[Message]
    has_dropped: bool

    def with_answers_to_results(self) -> "Conversation":
        """For a server that takes no user message directly after the results of tools."""
        answered = self.messages[:1]
        for before, message in pairwise(self.messages):
            if (before["role"], message["role"]) == ("tool", "user"):
                answered.append(dict(_TO_RESULTS))
            answered.append(message)
        return self._replace(messages=answered)


def encode(fields: dict[str, Any], habits: Habits = USUAL, upstream_id: int = 0) -> Conversation:
    """The whole conversation, system prompt first. Raises InvalidRequest."""
    ids = str if habits.keeps_call_ids else call_ids.mapper(habits.call_ids or _MOST_IDS)
    names = tool_names.Names(fields.get("tools", ()))
    encoded: list[Message] = []
    has_dropped = False
    if system := _system_text(fields.get("system", "")):
        encoded.append({"role": "system", "content": system})
    kept = [(n, message) for n, message in _with_summaries(fields["messages"]) if _is_kept(message)]
    for is_assistant, run in groupby(kept, key=lambda numbered: numbered[1]["role"] == "assistant"):
        if is_assistant:
            thinking = thoughts.Returned(upstream_id, habits)
            encoded += _assistant_run(list(run), thinking, ids, names, habits)
            has_dropped = has_dropped or thinking.has_dropped
        else:
            encoded += _other_run(list(run), ids)
    if not encoded:
        raise InvalidRequest("nothing in them is available for this model", path="messages")
    return Conversation(encoded, has_dropped)


def _with_summaries(messages: list[Message]) -> Iterator[tuple[int, Message]]:
    """The messages with their numbers, each compaction's summary as a text. What it stands for may
    be gone from the conversation; one that begins it is a user turn then, as servers want first."""
    is_begun = False
    for n, message in enumerate(messages):
        blocks = _blocks(message["content"])
        summaries = list(filter(None, map(_summary, blocks)))
        if summaries and not is_begun:
            texts = [{"type": "text", "text": text} for text in summaries]
            yield n, {"role": "user", "content": texts}
            yield n, message
        elif summaries:
            readable = [_text_of_summary(block) if _summary(block) else block for block in blocks]
            yield n, message | {"content": readable}
        else:
            yield n, message
        is_begun = is_begun or bool(summaries) or message["role"] == "user"


def _summary(block: Part) -> str:
    """The summary that replaces an earlier part of the conversation; empty for other blocks."""
    content = block.get("content") if block["type"] == "compaction" else None
    return content if isinstance(content, str) else ""


def _text_of_summary(block: Part) -> Part:
    return {"type": "text", "text": _summary(block)}


def _is_kept(message: dict[str, Any]) -> bool:
    """Whether the message has content in this format; thinking alone is none."""
    return message["role"] != "assistant" or any(
        block["type"] in ("text", "tool_use") for block in _blocks(message["content"])
    )


def _system_text(system: str | list[dict[str, Any]]) -> str:
    if isinstance(system, str):
        return system
    texts = [block["text"] for block in system if block["type"] == "text"]
    return "\n\n".join(text for text in texts if not text.startswith(_BILLING_HEADER))


def _assistant_run(
    run: list[tuple[int, dict[str, Any]]],
    thinking: thoughts.Returned,
    ids: Callable[[str], str],
    names: tool_names.Names,
    habits: Habits,
) -> list[Message]:
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    for _, message in run:
        content = _blocks(message["content"])
        # The text blocks of one message are one text, split by citations or tool calls.
        texts.append("".join(block["text"] for block in content if block["type"] == "text"))
        for block in content:
            if block["type"] == "thinking":
                thinking.take(block)
            elif block["type"] == "tool_use":
                calls.append(thinking.with_extra(_tool_call(block, ids, names)))
    text = thinking.tagged("\n\n".join(filter(None, texts)))
    encoded: Message = {"role": "assistant", "content": text or None, **thinking.fields(calls)}
    if calls:
        encoded["tool_calls"] = list(thoughts.with_missing_signature(calls, habits))
    return [encoded]


def _tool_call(
    block: dict[str, Any], ids: Callable[[str], str], names: tool_names.Names
) -> dict[str, Any]:
    # Keeps the caller's order of keys, which is the model's.
    arguments = msgspec.json.encode(block["input"]).decode()
    function = {"name": names.sent(block["name"]), "arguments": arguments}
    return {"id": ids(block["id"]), "type": "function", "function": function}


def _other_run(run: list[tuple[int, dict[str, Any]]], ids: Callable[[str], str]) -> list[Message]:
    """User and system messages between two assistant messages."""
    results: list[Message] = []
    attachments: list[Part] = []
    rest: list[tuple[str, list[Part]]] = []
    for n, message in run:
        parts: list[Part] = []
        for m, block in enumerate(_blocks(message["content"])):
            path = f"messages.{n}.content.{m}"
            if block["type"] == "tool_result":
                results.append(_tool_message(block, path, attachments, ids))
            else:
                parts += _parts(block, path)
        rest.append((message["role"], parts))
    return results + _merged([("user", attachments), *rest])


def _tool_message(
    block: dict[str, Any], path: str, attachments: list[Part], ids: Callable[[str], str]
) -> Message:
    """The result's text; its images are added to `attachments`, since most servers accept only
    text in a `tool` message."""
    texts: list[str] = []
    for m, inner in enumerate(_blocks(block.get("content") or [])):
        for part in _parts(inner, f"{path}.content.{m}"):
            if part["type"] == "text":
                texts.append(part["text"])
            else:
                attachments.append(part)
    text = "\n".join(texts)
    if block.get("is_error"):
        text = f"Error: {text}"
    return {"role": "tool", "tool_call_id": ids(block["tool_use_id"]), "content": text}


def _merged(contents: list[tuple[str, list[Part]]]) -> list[Message]:
    """Merges consecutive messages of one role, as some chat templates require."""
    encoded: list[Message] = []
    for role, group in groupby(contents, key=lambda content: content[0]):
        parts = [part for _, message_parts in group for part in message_parts]
        if role == "system":
            text = "\n\n".join(part["text"] for part in parts if part["type"] == "text")
            encoded += [{"role": role, "content": text}] if text else []
        elif parts:
            is_plain = len(parts) == 1 and parts[0]["type"] == "text"
            encoded.append({"role": role, "content": parts[0]["text"] if is_plain else parts})
    return encoded


def _parts(block: dict[str, Any], path: str) -> list[Part]:
    """A block of a user message. Raises InvalidRequest for content that the format cannot express:
    the caller would pay for an answer that ignores it."""
    kind = block["type"]
    if kind == "text":
        return [{"type": "text", "text": block["text"]}]
    if kind == "image":
        return [{"type": "image_url", "image_url": {"url": _image_url(block["source"], path)}}]
    if kind == "search_result":
        return _parts(documents.search_result_as_block(block), path)
    if kind in _DROPPED:
        return []
    if kind != "document":
        reason = f"'{kind}' blocks are not available for this model"
        raise InvalidRequest(reason, path=f"{path}.type")
    if documents.is_textual(block):
        return [part for inner in documents.as_blocks(block) for part in _parts(inner, path)]
    return [_file(block, path)]


def _image_url(source: dict[str, Any], path: str) -> str:
    if source["type"] == "url":
        return str(source["url"])
    if source["type"] == "base64":
        return f"data:{source['media_type']};base64,{source['data']}"
    raise InvalidRequest("This model does not take files by id", path=f"{path}.source.type")


def _file(block: dict[str, Any], path: str) -> Part:
    source = block["source"]
    if source["type"] != "base64":
        reason = "This model takes documents inline only: use a source of type 'base64'"
        raise InvalidRequest(reason, path=f"{path}.source.type")
    data = f"data:{source['media_type']};base64,{source['data']}"
    name = block.get("title") or "document"
    if not name.lower().endswith(".pdf"):
        name += ".pdf"  # servers detect the type by the name, not by the data
    return {"type": "file", "file": {"filename": name, "file_data": data}}


def _blocks(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
