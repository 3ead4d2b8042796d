"""The input of a tool call: a JSON object that arrives complete, in fragments, or malformed.

Models write JSON that no parser accepts: a raw line break in a string, a Windows path with single
backslashes, a comma after the last member. These three are mended where they stand. Input that is
still no object is never passed on as an empty one: the model would have called another tool.
"""

import json
import secrets
from typing import Any

import msgspec

from gateway.errors import InvalidToolInput
from gateway.reply.object_scanner import ObjectScanner

_MOST_OBJECTS = 256  # in one input
# White space, what joins objects, and a closing bracket too many.
_BETWEEN_OBJECTS = " \t\r\n,;]}"


def parse(raw: Any) -> dict[str, Any]:
    """The input as an object, from an object, its JSON, or that JSON encoded again as a JSON
    string. Nothing at all, and the empty list that PHP writes for it, are an empty object.

    Raises InvalidToolInput for anything else.
    """
    objects = parse_all(raw)
    if len(objects) > 1:
        raise InvalidToolInput
    return objects[0]


def parse_all(raw: Any, *, may_be_cut: bool = False) -> list[dict[str, Any]]:
    """As `parse`, with the inputs of all calls that a server wrote into one: see FurtherObjects.
    If the last of several `may_be_cut`, it is left out."""
    for _ in range(2):
        if isinstance(raw, str):
            text = raw.strip()
            try:
                raw = msgspec.json.decode(text) if text else None
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                return _objects_of(text, may_be_cut=may_be_cut)
    if isinstance(raw, dict):
        return [raw]
    if raw is None or raw == []:
        return [{}]
    raise InvalidToolInput


def _objects_of(text: str, *, may_be_cut: bool) -> list[dict[str, Any]]:
    scanner = ObjectScanner()
    if text.startswith("{"):
        scanner.feed(text)
    if not scanner.is_complete:
        raise InvalidToolInput
    further = FurtherObjects(scanner.value)
    objects = [scanner.value, *further.feed(text, scanner.end)]
    given = [one for one in objects if one]
    if further.is_open and not (given and may_be_cut):
        raise InvalidToolInput
    return given or [{}]


class FurtherObjects:
    """The objects that follow the first in the input of one call.

    Servers and proxies that lose the marks between parallel calls write their inputs one after
    another, `{"at": 1}{"at": 2}`. Others repeat the whole input at its end, or put an empty object
    before it. So each object is a call of its own, except an empty one and one that was there
    before.
    """

    def __init__(self, first: dict[str, Any]) -> None:
        self._seen = {_canonical(first)}
        self._scanner: ObjectScanner | None = None
        self._received: list[str] = []  # of the object that is not complete
        self._has_words = False  # between two objects
        self._number = 0

    def feed(self, text: str, at: int = 0) -> list[dict[str, Any]]:
        """The new objects that are complete with this text, from `at` on. Raises InvalidToolInput
        for one that is none, for one after other words, which need not be an input of this tool,
        and for more than any model writes.
        """
        found: list[dict[str, Any]] = []
        while at < len(text):
            if self._scanner is None:
                at = self._next_object(text, at)
                if at < 0:
                    break
                self._scanner = ObjectScanner()
            self._scanner.feed(text, at)
            if not self._scanner.is_complete:
                self._received.append(text[at:])
                break
            value, at = self._scanner.value, self._scanner.end
            self._scanner, self._received = None, []
            self._number += 1
            if self._number > _MOST_OBJECTS:
                raise InvalidToolInput
            if value and (canonical := _canonical(value)) not in self._seen:
                self._seen.add(canonical)
                found.append(value)
        return found

    def _next_object(self, text: str, at: int) -> int:
        """Where the next object begins; negative if none does."""
        place = text.find("{", at)
        between = text[at:] if place < 0 else text[at:place]
        self._has_words = self._has_words or bool(between.strip(_BETWEEN_OBJECTS))
        if place >= 0 and self._has_words:
            raise InvalidToolInput
        return place

    @property
    def is_open(self) -> bool:
        """Whether the end of an object has not come."""
        return self._scanner is not None

    @property
    def open_text(self) -> str:
        """What has come of that object."""
        return "".join(self._received)


def _canonical(value: dict[str, Any]) -> str:
    """The same for objects that are equal, whatever the order of their members."""
    try:
        return json.dumps(value, sort_keys=True)
    except RecursionError:
        raise InvalidToolInput from None


def text_of(value: Any) -> str:
    """A fragment of a call's input; some servers send a value where its JSON belongs."""
    if value is None or value == []:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def drop_nameless(call_input: Any) -> None:
    """Allow a call without a name, or an input without a call, to be dropped if that input is
    empty. Raises InvalidToolInput otherwise: the model has called a tool."""
    if call_input:
        raise InvalidToolInput


def made_id() -> str:
    """A new id of a call."""
    return f"toolu_{secrets.token_hex(12)}"


class CallIds:
    """Assigns unique ids to the tool calls of one reply."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def claim(self, call_id: Any) -> str:
        """The upstream's id if it is usable and new, else a generated one."""
        is_usable = isinstance(call_id, str) and call_id and call_id not in self._taken
        claimed = str(call_id) if is_usable else made_id()
        self._taken.add(claimed)
        return claimed
