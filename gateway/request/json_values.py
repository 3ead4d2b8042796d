"""Counts the values of a JSON body while it arrives, before it is parsed.

A parser makes an object of each value: thirty megabytes of empty lists become ten million objects
in 700 MB, and every other call waits for the second that this takes.
"""

from gateway.errors import InvalidRequest

# Enough for the most messages that a request may have, each a text. The parser keeps every other
# call waiting for as long as it makes the objects: 0.05 to 0.1 s for so many.
MOST_VALUES = 400_000
# The memory of a parsed value, beside its bytes in the body: an object with one member takes 232
# bytes, and counts as two values.
BYTES_OF_A_VALUE = 120
_PART_BYTES = 64 * 1024  # of an incoming part, so many bytes are counted at a time


class JsonValues:
    """An upper bound of the values that have arrived: each but the first follows a comma or an
    opening bracket outside of strings. Up to the byte at which a body is not JSON, none is missed.
    """

    __slots__ = ("_begun_escape", "_in_string", "count")

    def __init__(self) -> None:
        self.count = 1
        self._in_string = False
        self._begun_escape = b""

    def add(self, data: bytes) -> None:
        """Count those of the next part of a body; raises InvalidRequest if there are too many."""
        for start in range(0, len(data), _PART_BYTES):
            self._add(self._begun_escape + data[start : start + _PART_BYTES])
            if self.count > MOST_VALUES:
                raise InvalidRequest(f"The request body has more than {MOST_VALUES:,} values")

    def _add(self, part: bytes) -> None:
        pieces = self._without_escapes(part).split(b'"')
        outside = b"".join(pieces[self._in_string :: 2])
        self._in_string ^= len(pieces) % 2 == 0
        self.count += outside.count(b",") + outside.count(b"[") + outside.count(b"{")

    def _without_escapes(self, part: bytes) -> bytes:
        """Drop what could be taken for the end of a string; keep a backslash for the next part if
        this one ends within an escape."""
        self._begun_escape = b""
        if b"\\" not in part:
            return part
        if (len(part) - len(part.rstrip(b"\\"))) % 2:
            self._begun_escape, part = b"\\", part[:-1]
        return part.replace(b"\\\\", b"").replace(b'\\"', b"")
