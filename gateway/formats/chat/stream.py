"""The chunks of a streamed chat completion as the events of a message."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway import sse
from gateway.errors import UpstreamFailed
from gateway.formats import lenient_json, surrogates, upstream_errors
from gateway.formats.chat import reply
from gateway.reply import blocks
from gateway.reply.blocks import Block, TextBlock, ThinkingBlock, ToolBlock
from gateway.reply.events import Event, Usage
from gateway.reply.resequencer import Resequencer


class _Call:
    """A tool call that grows. Its block opens when the name is known; pieces of its arguments
    that come before wait here."""

    def __init__(self) -> None:
        self.call_id = ""
        self.block: ToolBlock | None = None
        self.early: list[str] = []

    def is_over_for(self, piece: reply.ToolCall) -> bool:
        """Whether the piece begins another call under the same index, as servers send them that
        number every call 0."""
        return (
            self.block is not None
            and self.block.may_yield
            and bool(piece.name)
            and bool(piece.call_id)
            and piece.call_id != self.call_id
        )


class Stream:
    """Chunks in any order in, events in the one order out."""

    def __init__(
        self,
        *,
        input_tokens_estimate: int,
        stop_sequences: list[str],
        tool_names: dict[str, str],
        hide: Mapping[str, str] | None = None,
    ) -> None:
        self._parser = sse.Parser()
        self._mend = surrogates.Halves().join
        self._hide = hide
        self._out = Resequencer(input_tokens_estimate=input_tokens_estimate)
        self._stops = stop_sequences
        self._tail_chars = max(map(len, stop_sequences), default=0)
        self._tool_names = tool_names
        self._said: dict[type[Block], Block] = {}
        self._calls: dict[int, _Call] = {}
        self._tail = ""
        self._has_begun = False
        self._finish_reason: str | None = None
        self._matched_stop: str | None = None
        self._has_refused = False

    def feed(self, chunk: bytes) -> list[Event]:
        if self._out.is_over:
            return []
        try:
            return self._take_all(self._parser.feed(chunk))
        except sse.EventTooLarge:
            return self._out.fail(UpstreamFailed())

    def close(self) -> list[Event]:
        """Without [DONE], which not every server sends, only a finish reason tells a proper end
        from a broken connection."""
        if self._out.is_over:
            return []
        events = self._take_all(self._parser.close())
        if self._finish_reason is None:
            return events + self._out.fail(UpstreamFailed())
        return events + self._finish()

    def delivered_tokens_estimate(self) -> int:
        return self._out.delivered_tokens_estimate()

    def usage_so_far(self) -> Usage:
        return self._out.usage_so_far()

    def _take_all(self, received: list[sse.ServerSentEvent]) -> list[Event]:
        events: list[Event] = []
        for event in received:
            try:
                events += self._take(event.data)
            except UpstreamFailed as error:
                events += self._out.fail(error)
        return events

    def _take(self, data: bytes) -> list[Event]:
        if data.strip() == b"[DONE]":
            return self._finish() if self._has_begun else self._out.fail(UpstreamFailed())
        chunk = lenient_json.decode_object(data, self._mend)
        if chunk.get("error") is not None:
            return self._out.fail(upstream_errors.decode_in_band(chunk["error"], hide=self._hide))
        self._out.tally.merge(reply.usage_report(chunk.get("usage")))
        if not isinstance(chunk.get("choices"), list):
            return []
        self._has_begun = True
        events = self._out.start()
        choice = reply.first_choice(chunk)
        return events if choice is None else events + self._take_choice(choice)

    def _take_choice(self, choice: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        delta = choice.get("delta")
        if isinstance(delta, dict):
            events += self._think(reply.thinking_of(delta))
            events += self._say(reply.text_of(delta))
            if refusal := reply.refusal_of(delta):
                self._has_refused = True
                events += self._say(refusal)
            for piece in reply.calls_of(delta):
                events += self._call(piece)
        self._finish_reason = reply.stronger(choice.get("finish_reason"), self._finish_reason)
        self._matched_stop = self._matched_stop or reply.matched_stop(choice, self._stops, "")
        return events

    def _think(self, text: str) -> list[Event]:
        delta = {"type": "thinking_delta", "thinking": text}
        return self._append(ThinkingBlock, delta) if text else []

    def _say(self, text: str) -> list[Event]:
        if not text:
            return []
        if self._tail_chars:
            self._tail = (self._tail + text)[-self._tail_chars :]
        return self._append(TextBlock, {"type": "text_delta", "text": text})

    def _append(self, kind: type[TextBlock | ThinkingBlock], delta: blocks.Delta) -> list[Event]:
        events: list[Event] = []
        block = self._said.get(kind)
        if block is None or block.is_closed:
            block = self._said[kind] = kind()
            events = self._out.open(block)
        return events + self._out.extend(block, delta)

    def _call(self, piece: reply.ToolCall) -> list[Event]:
        events: list[Event] = []
        index = self._index_of(piece)
        call = self._calls.get(index)
        if call is None or call.is_over_for(piece):
            call = self._calls[index] = _Call()
        call.call_id = call.call_id or piece.call_id
        if call.block is None and piece.name:
            events += self._open(call, piece.name)
        return events + self._argue(call, piece.arguments)

    def _index_of(self, piece: reply.ToolCall) -> int:
        """By the server's index; without one by the id; a new name is a new call, and what has
        neither belongs to the last."""
        if piece.position is not None:
            return piece.position
        for index, call in self._calls.items():
            if piece.call_id and call.call_id == piece.call_id:
                return index
        last = max(self._calls, default=-1)
        return last + 1 if piece.name or not self._calls else last

    def _open(self, call: _Call, name: str) -> list[Event]:
        wire = {
            "type": "tool_use",
            "id": self._out.ids.claim(call.call_id),
            "name": self._tool_names.get(name, name),
        }
        block = call.block = ToolBlock(wire)
        block.pending += [_fragment(text) for text in call.early]
        return self._out.open(block)

    def _argue(self, call: _Call, arguments: Any) -> list[Event]:
        if isinstance(arguments, dict):
            arguments = msgspec.json.encode(arguments).decode()
        if not isinstance(arguments, str) or not arguments:
            return []
        if call.block is None:
            call.early.append(arguments)
            return []
        return self._out.extend(call.block, _fragment(arguments))

    def _finish(self) -> list[Event]:
        reason = reply.settled(self._finish_reason, has_refused=self._has_refused)
        matched = self._matched_stop or reply.matched_stop({}, self._stops, self._tail)
        return self._out.finish(reason, stop_sequence=matched)


def _fragment(text: str) -> blocks.Delta:
    return {"type": "input_json_delta", "partial_json": text}
