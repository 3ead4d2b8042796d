"""Normalises an upstream's stop reason to those of the Messages API."""

import re
from typing import Any, NamedTuple

# Finish reasons of chat completions, which some Messages servers send as well.
_TRANSLATIONS = {
    "stop": "end_turn",
    "eos": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
_WORD = re.compile(r"[\w.-]{1,60}")


# Endings at which the last tool call may be incomplete: the client does not run it then.
_CUTS = frozenset(
    {"max_tokens", "model_context_window_exceeded", "refusal", "pause_turn", "stop_sequence"}
)


class StopReason(NamedTuple):
    reason: str
    stop_sequence: str | None


def may_cut(reason: Any, *, stop_sequence: Any) -> bool:
    """Whether an answer that ends so may end within a tool call."""
    return normalise(reason, stop_sequence=stop_sequence, has_call=False).reason in _CUTS


def normalise(reason: Any, *, stop_sequence: Any, has_call: bool) -> StopReason:
    """The stop reason that fits the content. `has_call`: a complete tool call was sent.

    Servers report `stop` after a forced call and `end_turn` after a stop sequence. A client that
    receives `tool_use` without a call would wait for one indefinitely. `max_tokens` is kept, since
    the last call may be cut.
    """
    word = reason if isinstance(reason, str) and _WORD.fullmatch(reason) else "end_turn"
    word = _TRANSLATIONS.get(word, word)
    matched = stop_sequence if isinstance(stop_sequence, str) and stop_sequence else None
    if word == "tool_use" and not has_call:
        word = "end_turn"
    if has_call and (word == "end_turn" or (word == "stop_sequence" and matched is None)):
        return StopReason("tool_use", None)
    if word == "end_turn" and matched is not None:
        return StopReason("stop_sequence", matched)
    return StopReason(word, matched if word == "stop_sequence" else None)
