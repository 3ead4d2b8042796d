"""The reasoning of chat completions: as blocks of thinking, and back under the field it came in.

Servers refuse the second turn of a tool loop without it. So what they sent travels in the signature
of the block, and a signature that belongs to a tool call (Gemini) in that of a block directly
before the call.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from catalogue.habits import Habits
from gateway.formats.chat import think_tags
from gateway.formats.chat.reply import part_texts
from gateway.formats.thought_seal import Thought, open_seal, seal
from gateway.reply.blocks import ThinkingBlock

Message = dict[str, Any]

# What came in tags of the text is read as if it came in a field of this name, which no server has.
_OF_TAGS = "<think>"
_TEXT_FIELDS = ("reasoning_content", "reasoning")
_OF_TEXT = (*_TEXT_FIELDS, _OF_TAGS)
_DETAILS_FIELDS = ("reasoning_details", "thinking_blocks")
# What the pieces of a streamed detail are joined in.
_JOINED = ("text", "summary", "data", "thinking")


class Reasoning(NamedTuple):
    """The reasoning in a message or in a delta of one."""

    text: str
    field: str
    details: list[Any]


def reasoning_of(message: Message) -> Reasoning | None:
    """Two names are in use for the text; servers that send both send the same text twice."""
    text, field = _text_of(message)
    for name in _DETAILS_FIELDS:
        details = message.get(name)
        if isinstance(details, list) and details:
            return Reasoning(text or _text_of_details(details), name, details)
    return Reasoning(text, field, []) if text else None


def _text_of(message: Message) -> tuple[str, str]:
    for name in _OF_TEXT:
        if isinstance(message.get(name), str) and message[name]:
            return str(message[name]), name
    content = message.get("content")
    return ("".join(part_texts(content, "thinking")), "") if isinstance(content, list) else ("", "")


def _text_of_details(details: list[Any]) -> str:
    parts = [part for part in details if isinstance(part, dict)]
    texts = (part.get("text") or part.get("summary") or part.get("thinking") for part in parts)
    return "".join(text for text in texts if isinstance(text, str))


def of_tags(thinking: str) -> Reasoning:
    """A piece of thinking that came in tags of the text."""
    return Reasoning(thinking, _OF_TAGS, [])


def without_tags(message: Message) -> Message:
    """A message whose thinking is in tags of its text, with the thinking as reasoning."""
    content = message.get("content")
    if not isinstance(content, str):
        return message
    thinking, text = think_tags.split(content)
    return message | {"content": text, _OF_TAGS: thinking} if thinking else message


class SealedThinking(ThinkingBlock):
    """A block of thinking whose signature holds what its upstream wants back."""

    def __init__(self, upstream_id: int) -> None:
        super().__init__(sign=self._seal)
        self._upstream_id = upstream_id
        self._field = ""
        self._details: list[Any] = []
        self.call: dict[str, Any] | None = None

    def add(self, reasoning: Reasoning) -> None:
        """Note where the text came from, and the details beside it."""
        self._field = reasoning.field or self._field
        for detail in reasoning.details:
            _append(self._details, detail)

    def _seal(self) -> str:
        return seal(Thought(self._upstream_id, self._field, self._details or None, self.call))


def _append(details: list[Any], detail: Any) -> None:
    """Add a detail, or the next piece of the last one."""
    last = details[-1] if details else None
    if not (
        isinstance(last, dict)
        and isinstance(detail, dict)
        and "signature" not in last
        and (last.get("type"), last.get("index")) == (detail.get("type"), detail.get("index"))
    ):
        details.append(dict(detail) if isinstance(detail, dict) else detail)
        return
    for name, value in detail.items():
        if name in _JOINED and isinstance(value, str) and isinstance(last.get(name), str):
            last[name] += value
        elif value is not None:
            last[name] = value


def as_blocks(
    reasoning: Reasoning | None, call: dict[str, Any] | None, *, upstream_id: int
) -> list[dict[str, Any]]:
    """The block of a complete message's reasoning, or of what belongs to a call; none without."""
    if reasoning is None and call is None:
        return []
    text, field, details = reasoning or Reasoning("", "", [])
    signature = seal(Thought(upstream_id, field, details or None, call))
    return [{"type": "thinking", "thinking": text, "signature": signature}]


class Returned:
    """The thinking of one assistant turn on its way back to the upstream that made it."""

    def __init__(self, upstream_id: int, habits: Habits) -> None:
        self._upstream_id = upstream_id
        self._habits = habits
        self._texts: dict[str, list[str]] = {}
        self._details: dict[str, list[Any]] = {}
        self._call: dict[str, Any] | None = None
        self.has_dropped = False

    def take(self, block: dict[str, Any]) -> None:
        """A block of thinking; that of another maker is dropped."""
        thought = open_seal(block.get("signature"), upstream=self._upstream_id)
        if thought is None:
            self.has_dropped = True
            return
        self._call = thought.call or self._call
        wanted = self._habits.reasoning_field or thought.field
        if thought.details and (wanted == thought.field or wanted not in _TEXT_FIELDS):
            self._details.setdefault(thought.field, []).extend(thought.details)
        elif block["thinking"] and (wanted in _TEXT_FIELDS or thought.field in _OF_TEXT):
            field = wanted if wanted in _TEXT_FIELDS else thought.field
            self._texts.setdefault(field, []).append(block["thinking"])

    def with_extra(self, call: dict[str, Any]) -> dict[str, Any]:
        """A tool call with what was kept for it."""
        extra, self._call = self._call, None
        return call if extra is None else call | {"extra_content": extra}

    def tagged(self, text: str) -> str:
        """The text of the turn, with the thinking that came in tags of it."""
        thinking = self._texts.pop(_OF_TAGS, None)
        return text if thinking is None else think_tags.joined("".join(thinking), text)

    def fields(self, calls: list[dict[str, Any]]) -> dict[str, Any]:
        """The members of the message that hold the thinking, or what the upstream takes instead."""
        members: dict[str, Any] = {name: "".join(texts) for name, texts in self._texts.items()}
        members |= self._details
        habits = self._habits
        if calls and not members and habits.missing_reasoning is not None:
            members[habits.reasoning_field or _TEXT_FIELDS[0]] = habits.missing_reasoning
        return members


def with_missing_signature(calls: list[dict[str, Any]], habits: Habits) -> Iterable[dict[str, Any]]:
    """The calls of a turn whose signature the caller dropped, with what is taken instead."""
    if habits.missing_signature is None or any("extra_content" in call for call in calls):
        return calls
    google = {"google": {"thought_signature": habits.missing_signature}}
    return [calls[0] | {"extra_content": google}, *calls[1:]] if calls else calls
