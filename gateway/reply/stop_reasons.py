"""Why an answer ended, in the words of the Messages API."""

import re
from typing import Any, NamedTuple

# Words of the other family that servers of the Messages shape let slip.
_TRANSLATIONS = {
    "stop": "end_turn",
    "eos": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
_WORD = re.compile(r"[a-z_]{1,40}")


class Ending(NamedTuple):
    stop_reason: str
    stop_sequence: str | None


def settle(reason: Any, *, stop_sequence: Any, has_call: bool) -> Ending:
    """The ending as clients rely on it. `has_call` says that a complete tool call was sent.

    Servers report `stop` after a forced call and `end_turn` after a stop string; a client that
    reads `tool_use` without a call would wait for ever for one. `max_tokens` stays: the last
    call may be cut.
    """
    word = reason if isinstance(reason, str) and _WORD.fullmatch(reason) else "end_turn"
    word = _TRANSLATIONS.get(word, word)
    matched = stop_sequence if isinstance(stop_sequence, str) and stop_sequence else None
    if word == "tool_use" and not has_call:
        word = "end_turn"
    if word in ("end_turn", "stop_sequence") and has_call:
        return Ending("tool_use", None)
    if word == "end_turn" and matched is not None:
        return Ending("stop_sequence", matched)
    return Ending(word, matched if word == "stop_sequence" else None)
