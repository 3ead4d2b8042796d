"""The part of decoding an upstream's event stream that both formats share."""

from collections.abc import Mapping

from gateway import sse
from gateway.errors import UpstreamError, UpstreamReplyTooLarge
from gateway.formats import surrogates
from gateway.reply.events import Event, Usage
from gateway.reply.resequencer import Resequencer

# No text has that many bytes per token over a whole answer: prose has four or five, deeply indented
# code ten, Chinese three.
_MOST_BYTES_PER_TOKEN = 16
_SPARE_BYTES = 4096
# The beginning of an event without content: no data, or a comment that was wrapped as data.
_NOTHING = (b"", b":")


class EventStream:
    """Parses server-sent events and fails the stream for one that cannot be decoded.

    Implements `protocol.Stream`; a format adds `_decode`, `_end` and `_has_stop_reason`.
    """

    def __init__(self, *, input_tokens_estimate: int, hide: Mapping[str, str] | None) -> None:
        self._parser = sse.Parser()
        self._repair = surrogates.SurrogateJoiner().join
        self._hide = hide
        self._out = Resequencer(input_tokens_estimate=input_tokens_estimate)

    def feed(self, chunk: bytes) -> list[Event]:
        if self._out.is_over:
            return []
        try:
            return self._decode_all(self._parser.feed(chunk))
        except sse.EventTooLarge:
            return self._out.fail(UpstreamReplyTooLarge())

    def close(self) -> list[Event]:
        if self._out.is_over:
            return []
        events = self._decode_all(self._parser.close())
        try:
            return events + self._end()
        except UpstreamError as error:
            return events + self._out.fail(error)

    def delivered_tokens_estimate(self) -> int:
        return self._out.delivered_tokens_estimate()

    def usage_so_far(self) -> Usage:
        return self._out.usage_so_far()

    def runs_away(self, *, max_tokens: int) -> bool:
        out = self._out
        is_too_much = (
            out.received_bytes > _MOST_BYTES_PER_TOKEN * max_tokens + _SPARE_BYTES
            or out.tally.reported_output > max(1, max_tokens)
        )
        return is_too_much and not (out.is_over or self._has_stop_reason())

    def cut(self) -> list[Event]:
        try:
            return self._out.finish("max_tokens")
        except UpstreamError as error:
            return self._out.fail(error)

    def _decode_all(self, received: list[sse.ServerSentEvent]) -> list[Event]:
        events: list[Event] = []
        for event in received:
            data = event.data
            if data[:1] != b"{" and data.lstrip()[:1] in _NOTHING:
                continue
            try:
                events += self._decode(event)
            except UpstreamError as error:
                events += self._out.fail(error)
        return events

    def _has_stop_reason(self) -> bool:
        """Whether the upstream has said why its answer ends: then nothing is left to cut."""
        raise NotImplementedError

    def _decode(self, received: sse.ServerSentEvent) -> list[Event]:
        """May raise UpstreamError."""
        raise NotImplementedError

    def _end(self) -> list[Event]:
        """The upstream closed the connection."""
        raise NotImplementedError
