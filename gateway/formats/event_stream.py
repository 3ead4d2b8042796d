"""The part of decoding an upstream's event stream that both formats share."""

from collections.abc import Mapping

from gateway import sse
from gateway.errors import UpstreamFailed
from gateway.formats import surrogates
from gateway.reply.events import Event, Usage
from gateway.reply.resequencer import Resequencer


class EventStream:
    """Parses server-sent events and fails the stream for one that cannot be decoded.

    Implements `protocol.Stream`; a format adds `_decode` and `_end`.
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
            return self._out.fail(UpstreamFailed())

    def close(self) -> list[Event]:
        if self._out.is_over:
            return []
        return self._decode_all(self._parser.close()) + self._end()

    def delivered_tokens_estimate(self) -> int:
        return self._out.delivered_tokens_estimate()

    def usage_so_far(self) -> Usage:
        return self._out.usage_so_far()

    def _decode_all(self, received: list[sse.ServerSentEvent]) -> list[Event]:
        events: list[Event] = []
        for event in received:
            try:
                events += self._decode(event)
            except UpstreamFailed as error:
                events += self._out.fail(error)
        return events

    def _decode(self, received: sse.ServerSentEvent) -> list[Event]:
        """May raise UpstreamFailed."""
        raise NotImplementedError

    def _end(self) -> list[Event]:
        """The upstream closed the connection."""
        raise NotImplementedError
