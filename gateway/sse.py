"""Server-sent events: bytes in, events out, and back. No I/O.

A stream such as

    event: content_block_delta
    data: {"type": "content_block_delta", "index": 0, …}
    <empty line>

is cut into events wherever the network cuts the bytes. Lines end at CR, LF or CRLF and nothing
else: U+2028 and U+0085 are text, although `str.splitlines` splits there. The format is that of
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
    """One event is longer than the parser was told to bear."""


class Parser:
    """Cuts chunks of bytes into events; holds at most one unfinished event."""

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
            chunk = chunk.removeprefix(b"\n")  # the second half of a CRLF that the network cut
        self._ended_in_cr = chunk.endswith(b"\r")
        # Unlike str.splitlines, bytes.splitlines knows CR, LF and CRLF only.
        lines = chunk.splitlines()
        unfinished = lines.pop() if lines and not chunk.endswith((b"\n", b"\r")) else b""
        events: list[ServerSentEvent] = []
        for line in lines:
            if self._line:
                self._line += line
                line = bytes(self._line)
                self._line.clear()
            self._take_line(line, events)
        self._line += unfinished
        self._check_size(len(self._line))
        return events

    def close(self) -> list[ServerSentEvent]:
        """The event a server left without its closing empty line. A browser would drop it; the
        last word of a model server is worth reading, and cut JSON is found out by its reader."""
        events: list[ServerSentEvent] = []
        if self._line:
            self._take_line(bytes(self._line), events)
            self._line.clear()
        self._take_line(b"", events)
        return events

    def _take_line(self, line: bytes, events: list[ServerSentEvent]) -> None:
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            self._dispatch(events)
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._event_bytes += len(line)  # an empty line of data takes room as well
            self._check_size(0)
        elif name == b"event":
            self._event = value.removeprefix(b" ").decode("utf-8", "replace")
        # Everything else is a comment, an id, a retry time or unknown: nothing to do.

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        if self._data:
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            events.append(ServerSentEvent(event=self._event, data=data))
            self._data = []
            self._event_bytes = 0
        self._event = ""

    def _check_size(self, unfinished_bytes: int) -> None:
        if self._event_bytes + unfinished_bytes > self._limit_bytes:
            raise EventTooLarge(f"an event is over {self._limit_bytes} bytes")


def encode(event: str, data: bytes) -> bytes:
    """One frame. `data` is JSON without line breaks."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), data)
