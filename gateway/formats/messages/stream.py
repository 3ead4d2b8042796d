"""The events of a Messages-shaped upstream, put in order."""

from collections.abc import Mapping
from typing import Any

from gateway import sse
from gateway.errors import UpstreamFailed
from gateway.formats import lenient_json, surrogates, upstream_errors
from gateway.reply import blocks
from gateway.reply.events import Event, Usage
from gateway.reply.resequencer import Resequencer

_EXTRAS = ("stop_details", "container")


class Stream:
    """Whatever numbers, overlaps and gaps came in, the one order goes out."""

    def __init__(
        self, *, input_tokens_estimate: int, hide: Mapping[str, str] | None = None
    ) -> None:
        self._parser = sse.Parser()
        self._mend = surrogates.Halves().join
        self._hide = hide
        self._out = Resequencer(input_tokens_estimate=input_tokens_estimate)
        # By the upstream's index, which may be reused; None for a block that is dropped.
        self._blocks: dict[int, blocks.Block | None] = {}
        self._ending: dict[str, Any] = {}

    def feed(self, chunk: bytes) -> list[Event]:
        if self._out.is_over:
            return []
        try:
            return self._take_all(self._parser.feed(chunk))
        except sse.EventTooLarge:
            return self._out.fail(UpstreamFailed())

    def close(self) -> list[Event]:
        if self._out.is_over:
            return []
        return self._take_all(self._parser.close()) + self._out.fail(UpstreamFailed())

    def delivered_tokens_estimate(self) -> int:
        return self._out.delivered_tokens_estimate()

    def usage_so_far(self) -> Usage:
        return self._out.usage_so_far()

    def _take_all(self, received: list[sse.ServerSentEvent]) -> list[Event]:
        events: list[Event] = []
        for event in received:
            events += self._take(event)
        return events

    def _take(self, received: sse.ServerSentEvent) -> list[Event]:
        if received.data == b"[DONE]":
            return []
        try:
            data = lenient_json.decode_object(received.data, self._mend)
        except UpstreamFailed as error:
            return self._out.fail(error)
        # Some servers leave the type out of the data, others the event line.
        handle = _HANDLERS.get(str(data.get("type") or received.event))
        if handle is None and data.get("error") is not None:
            handle = Stream._error  # in the words of the other format
        return handle(self, data) if handle else []

    def _block_delta(self, data: dict[str, Any]) -> list[Event]:
        delta, index = data.get("delta"), _index(data)
        if not isinstance(delta, dict):
            return []
        kind = str(delta.get("type"))
        block = self._blocks.get(index)
        if block is None:
            return [] if index in self._blocks else self._imply(index, kind, delta)
        if block.takes(kind) and not block.is_closed:
            return self._out.extend(block, delta)
        return self._imply(index, kind, delta)

    def _imply(self, index: int, kind: str, delta: dict[str, Any]) -> list[Event]:
        """Text or thinking outside any block of its kind gets one of its own."""
        block = blocks.for_delta(kind)
        if block is None:
            return []
        events = self._stop(index)
        self._blocks[index] = block
        return events + self._out.open(block) + self._out.extend(block, delta)

    def _block_start(self, data: dict[str, Any]) -> list[Event]:
        index = _index(data)
        events = self._stop(index)
        block = blocks.from_start(data.get("content_block"), self._out.ids)
        self._blocks[index] = block
        return events if block is None else events + self._out.open(block)

    def _block_stop(self, data: dict[str, Any]) -> list[Event]:
        return self._stop(_index(data))

    def _stop(self, index: int) -> list[Event]:
        block = self._blocks.get(index)
        return [] if block is None else self._out.stop(block)

    def _message_start(self, data: dict[str, Any]) -> list[Event]:
        message = data.get("message")
        if isinstance(message, dict):
            self._out.tally.merge(message.get("usage"), is_final=False)
        return self._out.start()

    def _message_delta(self, data: dict[str, Any]) -> list[Event]:
        self._out.tally.merge(data.get("usage"))
        delta = data.get("delta")
        if isinstance(delta, dict):
            self._ending |= {name: value for name, value in delta.items() if value is not None}
        return []

    def _message_stop(self, data: dict[str, Any]) -> list[Event]:
        return self._out.finish(
            self._ending.get("stop_reason"),
            stop_sequence=self._ending.get("stop_sequence"),
            extras=extras_of(self._ending),
        )

    def _error(self, data: dict[str, Any]) -> list[Event]:
        return self._out.fail(
            upstream_errors.decode_in_band(data.get("error", data), hide=self._hide)
        )

    def _ping(self, data: dict[str, Any]) -> list[Event]:
        return self._out.ping()


_HANDLERS = {
    "content_block_delta": Stream._block_delta,
    "content_block_start": Stream._block_start,
    "content_block_stop": Stream._block_stop,
    "message_start": Stream._message_start,
    "message_delta": Stream._message_delta,
    "message_stop": Stream._message_stop,
    "error": Stream._error,
    "ping": Stream._ping,
}


def extras_of(message: dict[str, Any]) -> dict[str, Any]:
    """Members of a message that clients know beside the usual ones, where they say something."""
    return {name: message[name] for name in _EXTRAS if isinstance(message.get(name), dict)}


def _index(data: dict[str, Any]) -> int:
    index = data.get("index")
    return index if isinstance(index, int) else 0
