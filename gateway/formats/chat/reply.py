"""Reads the fields of a chat completion, complete or a streamed chunk."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.errors import InvalidToolInput, UpstreamFailed

_MATCHED_STOP = ("stop_reason", "stopping_word", "matched_stop")  # vLLM, llama.cpp, SGLang
_BROKEN = ("error", "abort", "cancelled", "insufficient_system_resource", "network_error")
# Gemini, of a call that the model wrote wrongly: "function_call_filter: MALFORMED_FUNCTION_CALL".
_IS_BAD_CALL = re.compile(r"malformed_?function_?call|unexpected_?tool_?call", re.IGNORECASE).search
_LIMITS = ("length", "max_tokens", "model_length")
# Other words for `content_filter`: of z.ai, and of Gemini, which adds what it has filtered.
_FILTERED = ("sensitive", "content_filter:", "safety", "prohibited_content")
_WHOLE_CONTEXT = "model_context_window_exceeded"  # z.ai; a stop reason of the Messages API too
# A weaker finish reason never replaces a stronger one.
_STRENGTH = {
    "length": 3,
    "max_tokens": 3,
    "model_length": 3,
    _WHOLE_CONTEXT: 3,
    "content_filter": 2,
    "tool_calls": 1,
    "function_call": 1,
}


class ToolCall(NamedTuple):
    """A call or a fragment of one; fields that the fragment lacks are empty."""

    position: int | None
    call_id: str
    name: str
    arguments: Any
    extra: dict[str, Any] | None = None  # what its provider wants back with it


def first_choice(completion: dict[str, Any]) -> dict[str, Any] | None:
    """None for a chunk that carries only usage."""
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else None


def text_of(message: dict[str, Any]) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else "".join(part_texts(content, "text"))


def refusal_of(message: dict[str, Any]) -> str:
    refusal = message.get("refusal")
    return refusal if isinstance(refusal, str) else ""


def calls_of(message: dict[str, Any]) -> list[ToolCall]:
    listed = message.get("tool_calls")
    calls = [_call(call) for call in listed] if isinstance(listed, list) else []
    if isinstance(message.get("function_call"), dict):
        calls.append(_call({"index": 0, "function": message["function_call"]}))
    return calls


def merge_finish_reasons(reason: Any, earlier: str | None) -> str | None:
    """The stronger of two finish reasons, since servers may report several. Raises UpstreamFailed
    for one that means that the answer broke off, and InvalidToolInput for a call that is none."""
    if not isinstance(reason, str) or not reason:
        return earlier
    if reason in _BROKEN:
        raise UpstreamFailed
    if _IS_BAD_CALL(reason):
        raise InvalidToolInput
    if reason.lower().startswith(_FILTERED):
        reason = "content_filter"
    is_stronger = _STRENGTH.get(reason, 0) > _STRENGTH.get(earlier or "", -1)
    return reason if earlier is None or is_stronger else earlier


def matched_stop(choice: dict[str, Any], requested: list[str], tail: str) -> str | None:
    """The stop sequence that matched: as the server reports it, or as the text ends in it. With
    most servers neither is the case, and it stays unknown."""
    named = [choice.get(name) for name in _MATCHED_STOP]
    for stop in requested:
        if stop in named or tail.endswith(stop):
            return stop
    return None


def normalise_finish_reason(reason: str | None, *, has_refused: bool) -> str:
    """The finish reason as one that `stop_reasons` translates. A refusal may come with any reason;
    an unrecognised reason counts as `stop`."""
    if reason in _LIMITS:
        return "length"
    if has_refused:
        return "content_filter"
    return reason if reason in _STRENGTH else "stop"


def _call(raw: Any) -> ToolCall:
    call = raw if isinstance(raw, dict) else {}
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    index, extra = call.get("index"), call.get("extra_content")
    return ToolCall(
        position=index if isinstance(index, int) else None,
        call_id=_string(call.get("id")),
        name=_string(function.get("name")),
        arguments=function.get("arguments"),
        extra=extra if isinstance(extra, dict) and extra else None,
    )


def part_texts(content: Any, kind: str) -> Iterator[str]:
    """The texts of one kind of part, where the content is a list of parts."""
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict) and part.get("type") == kind:
            inner = part.get(kind)
            yield inner if isinstance(inner, str) else "".join(part_texts(inner, "text"))


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
