"""The input of a tool call: a JSON object that arrives complete, in fragments, or malformed."""

import re
import secrets
from typing import Any

import msgspec

_IN_STRING = re.compile(r'["\\]')
_OUTSIDE = re.compile(r'["{}\[\]]')


class ObjectScanner:
    """Finds the end of a JSON object that arrives in fragments, in linear time."""

    def __init__(self) -> None:
        self._depth = 0
        self._is_in_string = False
        self._is_escaped = False
        self.is_complete = False

    def feed(self, text: str) -> int:
        """How many characters of `text` belong to the object; less than all once it is over."""
        at = 0
        while at < len(text) and not self.is_complete:
            at = self._string(text, at) if self._is_in_string else self._structure(text, at)
        return at

    def _string(self, text: str, at: int) -> int:
        if self._is_escaped:
            self._is_escaped = False
            return at + 1
        match = _IN_STRING.search(text, at)
        if match is None:
            return len(text)
        if match.group() == "\\":
            self._is_escaped = True
        else:
            self._is_in_string = False
        return match.end()

    def _structure(self, text: str, at: int) -> int:
        match = _OUTSIDE.search(text, at)
        if match is None:
            return len(text)
        mark = match.group()
        if mark == '"':
            self._is_in_string = True
        else:
            self._depth += 1 if mark in "{[" else -1
            self.is_complete = self._depth <= 0
        return match.end()


def parse(raw: Any) -> dict[str, Any]:
    """The input as an object, from an object, its JSON, or that JSON encoded again as a JSON
    string. Anything else is an empty object, since clients require an object."""
    for _ in range(2):
        if isinstance(raw, str):
            try:
                raw = msgspec.json.decode(raw)
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                return {}
    return raw if isinstance(raw, dict) else {}


class CallIds:
    """Assigns unique ids to the tool calls of one reply."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def claim(self, call_id: Any) -> str:
        """The upstream's id if it is usable and new, else a generated one."""
        is_usable = isinstance(call_id, str) and call_id and call_id not in self._taken
        claimed = str(call_id) if is_usable else f"toolu_{secrets.token_hex(12)}"
        self._taken.add(claimed)
        return claimed
