"""Puts the events of any upstream into the order that clients accept.

    message_start  (start delta* stop)+  message_delta message_stop

Upstreams number blocks with gaps, overlap them, omit starts or break off; clients accept one block
at a time, numbered 0, 1, 2 … Text and thinking are forwarded as they arrive, by closing the open
block. A tool call is never closed early: content that arrives before its input is complete is
queued until then.
"""

from collections import deque
from typing import Any

from gateway.errors import GatewayError, InvalidToolInput
from gateway.reply import blocks, stop_reasons, token_usage, tool_inputs
from gateway.reply.blocks import Block
from gateway.reply.events import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Event,
    MessageDelta,
    MessageStart,
    MessageStop,
    Ping,
    UpstreamErrorEvent,
    Usage,
)

_TEXT_OF_DELTA = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
    "compaction_delta": "content",
}


class BlockSequence:
    """Keeps one block open at a time and queues the others with their deltas."""

    def __init__(self) -> None:
        self._open: Block | None = None
        self._queued: deque[Block] = deque()
        self._next_index = 0
        self._is_ending = False
        self._may_cut = False
        self._calls: list[Block] = []  # that were begun
        self.delivered_bytes = 0
        self.has_call = False

    @property
    def is_empty(self) -> bool:
        return self._next_index == 0

    def open(self, block: Block) -> list[Event]:
        self._queued.append(block)
        return self._advance()

    def extend(self, block: Block, delta: blocks.Delta) -> list[Event]:
        """A delta for a closed block is dropped, unless it holds another call."""
        events: list[Event] = []
        if block.is_closed:
            block.accept_late(delta)
            self._queue_further(block)
        elif block is not self._open:
            block.pending.append(delta)
            return []
        else:
            self._forward(block, delta, events)
        if self._queued:
            events += self._advance()
        return events

    def stop(self, block: Block) -> list[Event]:
        block.is_stopped = True
        return self._advance() if block is self._open else []

    def finish(self, *, may_cut: bool) -> list[Event]:
        """Emit all queued blocks in order and close each. Raises InvalidToolInput for a call whose
        input is incomplete, unless the end `may_cut` it."""
        self._is_ending, self._may_cut = True, may_cut
        for block in (self._open, *self._queued):
            if block is not None:
                block.is_stopped = True
        events = self._advance()
        for call in list(self._calls):
            if (cut := call.cut_call()) is not None:
                cut.is_stopped = True
                events += self.open(cut)
        return events

    def abandon(self) -> list[Event]:
        """Close the open block, unless it is a tool call whose input is incomplete: closed, it
        would look ready to run. Blocks queued behind it are lost."""
        if self._open is None or not self._open.can_close_early:
            return []
        return self.stop(self._open)

    def _advance(self) -> list[Event]:
        events: list[Event] = []
        while True:
            block = self._open
            if block is not None:
                if not self._may_close(block):
                    return events
                self._close(block, events)
            if not self._queued:
                return events
            self._begin(self._queued.popleft(), events)

    def _may_close(self, block: Block) -> bool:
        """A call that stops in the middle of its input waits for the reason, which comes last."""
        if block.is_stopped:
            return self._is_ending or not block.is_cut
        return bool(self._queued) and block.can_close_early

    def _queue_further(self, block: Block) -> None:
        """Queue the calls that were found in this one."""
        self._queued.extend(block.further)
        block.further = []

    def _begin(self, block: Block, events: list[Event]) -> None:
        block.index = self._next_index
        self._next_index += 1
        self._open = block
        if block.is_call:
            self._calls.append(block)
        events.append(BlockStart(block.index, block.start()))
        self.delivered_bytes += token_usage.utf8_length(block.start_text())
        pending, block.pending = block.pending, []
        for delta in pending:
            self._forward(block, delta, events)

    def _forward(self, block: Block, delta: blocks.Delta, events: list[Event]) -> None:
        if (accepted := block.accept(delta)) is not None:
            self._deliver(block, accepted, events)
        if block.further:
            self._queue_further(block)

    def _deliver(self, block: Block, delta: blocks.Delta, events: list[Event]) -> None:
        assert block.index is not None
        events.append(BlockDelta(block.index, delta))
        self.delivered_bytes += _text_bytes(delta)

    def _close(self, block: Block, events: list[Event]) -> None:
        assert block.index is not None
        if block.is_cut and not self._may_cut:
            raise InvalidToolInput
        for delta in block.finish():
            self._deliver(block, delta, events)
        self._queue_further(block)
        events.append(BlockStop(block.index))
        block.is_closed = True
        self._open = None
        if block.is_call and not block.is_cut:
            self.has_call = True


class Resequencer:
    """The events of one reply, from its start to its end or failure.

    Formats call it in the order of their upstream's events; the events that it returns always keep
    the grammar, and none follows the end.
    """

    def __init__(self, *, input_tokens_estimate: int = 0) -> None:
        self._has_started = False
        self._sequence = BlockSequence()
        self.tally = token_usage.UsageTally(input_tokens_estimate=input_tokens_estimate)
        self.ids = tool_inputs.CallIds()
        self.is_over = False
        self.received_bytes = 0  # of text, thinking and tool input, whether sent on or queued

    def start(self, extras: dict[str, Any] | None = None) -> list[Event]:
        """`message_start`, on the first call only. Merge known usage into `tally` before it."""
        if self._has_started or self.is_over:
            return []
        self._has_started = True
        return [MessageStart(self.tally.usage_at_start(), extras or {})]

    def open(self, block: Block) -> list[Event]:
        return [] if self.is_over else self.start() + self._sequence.open(block)

    def extend(self, block: Block, delta: blocks.Delta) -> list[Event]:
        if self.is_over:
            return []
        self.received_bytes += _text_bytes(delta)
        return self._sequence.extend(block, delta)

    def stop(self, block: Block) -> list[Event]:
        return [] if self.is_over else self._sequence.stop(block)

    def ping(self) -> list[Event]:
        return [Ping()] if self._has_started and not self.is_over else []

    def finish(
        self,
        reason: Any,
        *,
        stop_sequence: Any = None,
        extras: dict[str, Any] | None = None,
        members: dict[str, Any] | None = None,
        is_ended_by_us: bool = False,
    ) -> list[Event]:
        """The regular end: close open blocks, then `message_delta` and `message_stop`. Of an answer
        that we end, the upstream's count of the output may include what is not delivered, so the
        output is estimated. Raises InvalidToolInput for a tool call that is incomplete without a
        reason for it."""
        if self.is_over:
            return []
        may_cut = stop_reasons.may_cut(reason, stop_sequence=stop_sequence)
        events = self.start() + self._sequence.finish(may_cut=may_cut)
        if self._sequence.is_empty:
            block = blocks.TextBlock()
            block.is_stopped = True
            events += self._sequence.open(block)
        self.is_over = True
        stop_reason = stop_reasons.normalise(
            reason, stop_sequence=stop_sequence, has_call=self._sequence.has_call
        )
        usage = self.usage_so_far() if is_ended_by_us else self._final_usage()
        end = MessageDelta(*stop_reason, usage, extras or {}, members or {})
        return [*events, end, MessageStop()]

    def _final_usage(self) -> Usage:
        return self.tally.usage(delivered_tokens=self.delivered_tokens_estimate())

    def fail(self, error: GatewayError) -> list[Event]:
        """The end of a stream that broke off; the error is its last event."""
        if self.is_over:
            return []
        self.is_over = True
        if isinstance(error, InvalidToolInput):  # raised before the events up to it were returned
            return [UpstreamErrorEvent(error)]
        return [*self._sequence.abandon(), UpstreamErrorEvent(error)]

    def delivered_tokens_estimate(self) -> int:
        """The output returned so far, by the rule of `token_usage.estimate_tokens`."""
        return token_usage.estimate_tokens(self._sequence.delivered_bytes)

    def usage_so_far(self) -> Usage:
        """For an answer that ends before its upstream does: the known or estimated input and the
        estimated output."""
        return self.tally.with_output(self.delivered_tokens_estimate(), is_estimated=True)


def _text_bytes(delta: blocks.Delta) -> int:
    text = delta.get(_TEXT_OF_DELTA.get(str(delta.get("type")), ""))
    return token_usage.utf8_length(text) if isinstance(text, str) else 0
