"""Decodes the chunks of a streamed chat completion into the events of a message."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway import sse
from gateway.errors import UpstreamFailed
from gateway.formats import lenient_json, upstream_errors
from gateway.formats.chat import reply
from gateway.formats.event_stream import EventStream
from gateway.reply import blocks
from gateway.reply.blocks import Block, TextBlock, ThinkingBlock, ToolBlock
from gateway.reply.events import Event


class _Call:
    """A tool call under construction. Its block opens once the name is known; fragments of
    arguments that arrive earlier are buffered in `early`."""

    def __init__(self) -> None:
        self.call_id = ""
        self.block: ToolBlock | None = None
        self.early: list[str] = []

    def is_followed_by(self, piece: reply.ToolCall) -> bool:
        """Whether the fragment begins another call under the same index: some servers number
        every call 0."""
        return (
            self.block is not None
            and self.block.can_close_early
            and bool(piece.name)
            and bool(piece.call_id)
            and piece.call_id != self.call_id
        )


class ChatStream(EventStream):
    """Accepts text, thinking and tool calls interleaved; the resequencer puts them in order."""

    def __init__(
        self,
        *,
        input_tokens_estimate: int,
        stop_sequences: list[str],
        tool_names: dict[str, str],
        hide: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(input_tokens_estimate=input_tokens_estimate, hide=hide)
        self._stops = stop_sequences
        self._tail_chars = max(map(len, stop_sequences), default=0)
        self._tool_names = tool_names
        self._latest: dict[type[Block], Block] = {}
        self._calls: dict[int, _Call] = {}
        self._tail = ""
        self._has_begun = False
        self._finish_reason: str | None = None
        self._matched_stop: str | None = None
        self._has_refused = False

    def _decode(self, received: sse.ServerSentEvent) -> list[Event]:
        if received.data.strip() == b"[DONE]":
            return self._finish() if self._has_begun else self._out.fail(UpstreamFailed())
        chunk = lenient_json.decode_object(received.data, self._repair)
        if chunk.get("error") is not None:
            return self._out.fail(upstream_errors.decode_in_band(chunk["error"], hide=self._hide))
        self._out.tally.merge(reply.usage_report(chunk.get("usage")))
        if not isinstance(chunk.get("choices"), list):
            return []
        self._has_begun = True
        events = self._out.start()
        choice = reply.first_choice(chunk)
        return events if choice is None else events + self._decode_choice(choice)

    def _has_stop_reason(self) -> bool:
        return self._finish_reason is not None

    def _end(self) -> list[Event]:
        """Not every server sends [DONE]; without it, only a finish reason distinguishes a complete
        answer from a broken connection."""
        return self._finish() if self._finish_reason else self._out.fail(UpstreamFailed())

    def _decode_choice(self, choice: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        delta = choice.get("delta")
        if isinstance(delta, dict):
            events += self._emit_thinking(reply.thinking_of(delta))
            events += self._emit_text(reply.text_of(delta))
            if refusal := reply.refusal_of(delta):
                self._has_refused = True
                events += self._emit_text(refusal)
            for piece in reply.calls_of(delta):
                events += self._decode_call(piece)
        self._finish_reason = reply.merge_finish_reasons(
            choice.get("finish_reason"), self._finish_reason
        )
        self._matched_stop = self._matched_stop or reply.matched_stop(choice, self._stops, "")
        return events

    def _emit_thinking(self, text: str) -> list[Event]:
        delta = {"type": "thinking_delta", "thinking": text}
        return self._append(ThinkingBlock, delta) if text else []

    def _emit_text(self, text: str) -> list[Event]:
        if not text:
            return []
        if self._tail_chars:
            self._tail = (self._tail + text)[-self._tail_chars :]
        return self._append(TextBlock, {"type": "text_delta", "text": text})

    def _append(self, kind: type[TextBlock | ThinkingBlock], delta: blocks.Delta) -> list[Event]:
        events: list[Event] = []
        block = self._latest.get(kind)
        if block is None or block.is_closed:
            block = self._latest[kind] = kind()
            events = self._out.open(block)
        return events + self._out.extend(block, delta)

    def _decode_call(self, piece: reply.ToolCall) -> list[Event]:
        events: list[Event] = []
        index = self._index_of(piece)
        call = self._calls.get(index)
        if call is None or call.is_followed_by(piece):
            call = self._calls[index] = _Call()
        call.call_id = call.call_id or piece.call_id
        if call.block is None and piece.name:
            events += self._open_call(call, piece.name)
        return events + self._emit_arguments(call, piece.arguments)

    def _index_of(self, piece: reply.ToolCall) -> int:
        """The server's index, or else the call with this id. Otherwise a name begins a new call,
        and a fragment without one belongs to the latest."""
        if piece.position is not None:
            return piece.position
        for index, call in self._calls.items():
            if piece.call_id and call.call_id == piece.call_id:
                return index
        last = max(self._calls, default=-1)
        return last + 1 if piece.name or not self._calls else last

    def _open_call(self, call: _Call, name: str) -> list[Event]:
        wire = {
            "type": "tool_use",
            "id": self._out.ids.claim(call.call_id),
            "name": self._tool_names.get(name, name),
        }
        block = call.block = ToolBlock(wire)
        block.pending += [_fragment(text) for text in call.early]
        return self._out.open(block)

    def _emit_arguments(self, call: _Call, arguments: Any) -> list[Event]:
        if isinstance(arguments, dict):
            arguments = msgspec.json.encode(arguments).decode()
        if not isinstance(arguments, str) or not arguments:
            return []
        if call.block is None:
            call.early.append(arguments)
            return []
        return self._out.extend(call.block, _fragment(arguments))

    def _finish(self) -> list[Event]:
        reason = reply.normalise_finish_reason(self._finish_reason, has_refused=self._has_refused)
        matched = self._matched_stop or reply.matched_stop({}, self._stops, self._tail)
        return self._out.finish(reason, stop_sequence=matched)


def _fragment(text: str) -> blocks.Delta:
    return {"type": "input_json_delta", "partial_json": text}
