"""Parses and encodes server-sent events. No I/O.

A stream such as

    event: content_block_delta
    data: {"type": "content_block_delta", "index": 0, …}
    <empty line>

is parsed into the same events wherever the network splits the bytes. Lines end only at CR, LF or
CRLF: U+2028 and U+0085 are text, although `str.splitlines` splits there. The format is that of
https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream.
"""

from typing import NamedTuple

DEFAULT_EVENT_LIMIT_BYTES = 16 * 1024 * 1024
COMMENT = b": keep-alive\n\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    event: str
    data: bytes


class EventTooLarge(Exception):
    """One event exceeds the parser's limit."""


class Parser:
    """Parses chunks of bytes into events; buffers at most one incomplete event."""

    def __init__(self, *, event_limit_bytes: int = DEFAULT_EVENT_LIMIT_BYTES) -> None:
        self._limit_bytes = event_limit_bytes
        self._line = bytearray()
        self._event = ""
        self._data: list[bytes] = []
        self._event_bytes = 0
        self._is_first_line = True
        self._ended_in_cr = False

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Events that `chunk` completes. Raises EventTooLarge."""
        if not chunk:
            return []
        if self._ended_in_cr:
            chunk = chunk.removeprefix(b"\n")  # the second half of a CRLF that the network split
        self._ended_in_cr = chunk.endswith(b"\r")
        # Unlike str.splitlines, bytes.splitlines splits only at CR, LF and CRLF.
        lines = chunk.splitlines()
        unfinished = lines.pop() if lines and not chunk.endswith((b"\n", b"\r")) else b""
        events: list[ServerSentEvent] = []
        for line in lines:
            if self._line:
                self._line += line
                line = bytes(self._line)
                self._line.clear()
            self._parse_line(line, events)
        if unfinished:
            self._line += unfinished
            if self._event_bytes + len(self._line) > self._limit_bytes:
                raise self._too_large()
        return events

    def close(self) -> list[ServerSentEvent]:
        """The last event, if its closing empty line is missing. A browser would drop it; here it
        may be the end of an answer, and truncated JSON fails in the decoder."""
        events: list[ServerSentEvent] = []
        if self._line:
            self._parse_line(bytes(self._line), events)
            self._line.clear()
        self._parse_line(b"", events)
        return events

    def _parse_line(self, line: bytes, events: list[ServerSentEvent]) -> None:
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            self._dispatch(events)
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._event_bytes += len(line)  # an empty data line takes memory too
            if self._event_bytes > self._limit_bytes:
                raise self._too_large()
        elif name == b"event":
            self._event = value.removeprefix(b" ").decode("utf-8", "replace")
        # Comments, ids, retry times and unknown fields are ignored.

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        if self._data:
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            events.append(ServerSentEvent(self._event, data))
            self._data = []
            self._event_bytes = 0
        self._event = ""

    def _too_large(self) -> EventTooLarge:
        return EventTooLarge(f"an event is over {self._limit_bytes} bytes")


def encode(event: str, data: bytes) -> bytes:
    """One event. `data` is JSON without line breaks."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), data)
