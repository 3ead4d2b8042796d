"""The input of a tool call: a JSON object that arrives complete, in fragments, or malformed.

Models write JSON that no parser accepts: a raw line break in a string, a Windows path with single
backslashes, a comma after the last member. These three are mended where they stand. Input that is
still no object is never passed on as an empty one: the model would have called another tool.
"""

import json
import re
import secrets
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

    def feed(self, text: str) -> str:
        """The part of the object that can be passed on; empty once it is over.

        Raises InvalidToolInput if the whole object is not valid.
        """
        if self.is_complete:
            return ""
        text, self._kept = self._kept + text, ""
        out: list[str] = []
        at = 0
        is_over = False
        while at < len(text) and not is_over:
            if self._is_in_string:
                at = self._string(text, at, out)
            else:
                at, is_over = self._structure(text, at, out)
        passed = "".join(out)
        self._passed.append(passed)
        if is_over:
            if not _is_object("".join(self._passed)):
                raise InvalidToolInput
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


def parse(raw: Any) -> dict[str, Any]:
    """The input as an object, from an object, its JSON, or that JSON encoded again as a JSON
    string. Nothing at all, and the empty list that PHP writes for it, are an empty object.

    Raises InvalidToolInput for anything else.
    """
    for _ in range(2):
        if isinstance(raw, str):
            raw = _decode(raw)
    if isinstance(raw, dict):
        return raw
    if raw is None or raw == []:
        return {}
    raise InvalidToolInput


def _decode(text: str) -> Any:
    text = text.strip()
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _decode_mended(text)


def _decode_mended(text: str) -> Any:
    scanner = ObjectScanner()
    mended = scanner.feed(text) if text.startswith("{") else ""
    if not scanner.is_complete:
        raise InvalidToolInput
    return _loads(mended)


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:
        return isinstance(_loads(text), dict)
    except InvalidToolInput:
        return False


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
