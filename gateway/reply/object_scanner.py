"""Mends the JSON of a tool's input while it arrives, and finds where the object ends."""

import json
import re
from typing import Any

import msgspec

from gateway.errors import InvalidToolInput

# What interrupts a string, and what matters outside of one.
_IN_STRING = re.compile(r'["\\\x00-\x1f]')
_OUTSIDE = re.compile(r'["{}\[\],]')
_AFTER_COMMA = re.compile(r"[^ \t\r\n]")
_HEX = re.compile(r"[0-9a-fA-F]{0,4}")
_ESCAPES = frozenset('"\\/bfnrt')
_UNICODE_ESCAPE_CHARS = len("\\u0000")


class ObjectScanner:
    """Mends a JSON object that arrives in fragments, and finds its end, in linear time.

    Only an escape or a comma whose rest has not arrived is kept back, so that valid JSON passes as
    it is and at once.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._is_in_string = False
        self._kept = ""  # an unfinished escape, or a comma and the white space after it
        self._passed: list[str] = []
        self.is_complete = False
        self.value: dict[str, Any] = {}  # once it is complete
        self.end = 0  # where it ended in the text that was fed last

    def feed(self, text: str, at: int = 0) -> str:
        """The part of the object that can be passed on; empty once it is over. `at` is where it
        begins in its first text.

        Raises InvalidToolInput if the whole object is not valid.
        """
        if self.is_complete:
            return ""
        kept_chars = len(self._kept)
        text, self._kept = self._kept + text, ""
        out: list[str] = []
        is_over = False
        while at < len(text) and not is_over:
            if self._is_in_string:
                at = self._string(text, at, out)
            else:
                at, is_over = self._structure(text, at, out)
        passed = "".join(out)
        self._passed.append(passed)
        if is_over:
            self.value = _as_object("".join(self._passed))
            self.end = at - kept_chars
            self.is_complete = True
        return passed

    def _string(self, text: str, at: int, out: list[str]) -> int:
        match = _IN_STRING.search(text, at)
        if match is None:
            out.append(text[at:])
            return len(text)
        place, mark = match.start(), match.group()
        if mark == '"':
            self._is_in_string = False
            out.append(text[at : place + 1])
            return place + 1
        out.append(text[at:place])
        if mark == "\\":
            return self._escape(text, place, out)
        out.append(json.dumps(mark)[1:-1])
        return place + 1

    def _escape(self, text: str, place: int, out: list[str]) -> int:
        """Pass a valid escape; double the backslash of any other."""
        following = text[place + 1 : place + 2]
        if following in _ESCAPES:
            out.append(text[place : place + 2])
            return place + 2
        if following == "u":
            end = place + _UNICODE_ESCAPE_CHARS
            digits = _HEX.match(text, place + 2, end)
            if digits is not None and digits.end() == end:
                out.append(text[place:end])
                return end
            following = "" if digits is not None and digits.end() == len(text) else following
        if not following:
            self._kept = text[place:]
            return len(text)
        out.append("\\\\")
        return place + 1

    def _structure(self, text: str, at: int, out: list[str]) -> tuple[int, bool]:
        match = _OUTSIDE.search(text, at)
        if match is None:
            out.append(text[at:])
            return len(text), False
        place, mark = match.start(), match.group()
        if mark == ",":
            out.append(text[at:place])
            return self._comma(text, place, out), False
        out.append(text[at : place + 1])
        if mark == '"':
            self._is_in_string = True
        else:
            self._depth += 1 if mark in "{[" else -1
        return place + 1, self._depth <= 0

    def _comma(self, text: str, place: int, out: list[str]) -> int:
        """Pass a comma, unless it is the last thing in an object or a list."""
        match = _AFTER_COMMA.search(text, place + 1)
        if match is None:
            self._kept = text[place:]
            return len(text)
        out.append(
            text[place + 1 : match.start()]
            if match.group() in "}]"
            else text[place : match.start()]
        )
        return match.start()


def _as_object(text: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        value = _loads(text)
    if not isinstance(value, dict):
        raise InvalidToolInput
    return value


def _loads(text: str) -> Any:
    """Accepts half of a surrogate pair in an escape, which clients accept too."""
    try:
        decoded = json.loads(text, parse_constant=_refuse)
        # As elsewhere, half a character that cannot be encoded becomes a question mark.
        return json.loads(json.dumps(decoded, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise InvalidToolInput from None


def _refuse(constant: str) -> Any:
    raise ValueError(constant)
