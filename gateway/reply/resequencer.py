"""Puts the events of any upstream into the one order that clients understand.

    message_start  (start delta* stop)+  message_delta message_stop

Upstreams number blocks with gaps, let them overlap, leave starts out or stop in mid-sentence;
clients take one block at a time, numbered 0, 1, 2 … Text and thinking are passed on as they
come, by closing whatever stands in the way. A tool call is never cut short for that: what
arrives while its input is unfinished waits until it is complete.
"""

from collections import deque
from typing import Any

from gateway.errors import GatewayError
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
    """One open block at a time; the others wait with all that came for them."""

    def __init__(self) -> None:
        self._open: Block | None = None
        self._waiting: deque[Block] = deque()
        self._next_index = 0
        self.delivered_bytes = 0
        self.has_call = False

    @property
    def is_empty(self) -> bool:
        return self._next_index == 0

    def open(self, block: Block) -> list[Event]:
        self._waiting.append(block)
        return self._advance()

    def extend(self, block: Block, delta: blocks.Delta) -> list[Event]:
        """Deltas for a block that is closed already come too late and are dropped."""
        if block is not self._open:
            if not block.is_closed:
                block.pending.append(delta)
            return []
        events: list[Event] = []
        self._pass_on(block, delta, events)
        if self._waiting:
            events += self._advance()
        return events

    def stop(self, block: Block) -> list[Event]:
        block.is_stopped = True
        return self._advance() if block is self._open else []

    def finish(self) -> list[Event]:
        """Everything that waits, in order, each block closed."""
        for block in (self._open, *self._waiting):
            if block is not None:
                block.is_stopped = True
        return self._advance()

    def abandon(self) -> list[Event]:
        """Close what can stand as it is. A tool call that is cut stays open, and what waits for
        its end is lost: closed, it would look like one to run."""
        if self._open is None or not self._open.may_yield:
            return []
        return self.stop(self._open)

    def _advance(self) -> list[Event]:
        events: list[Event] = []
        while True:
            block = self._open
            if block is not None:
                if not (block.is_stopped or (self._waiting and block.may_yield)):
                    return events
                self._close(block, events)
            if not self._waiting:
                return events
            self._begin(self._waiting.popleft(), events)

    def _begin(self, block: Block, events: list[Event]) -> None:
        block.index = self._next_index
        self._next_index += 1
        self._open = block
        events.append(BlockStart(block.index, block.start()))
        self.delivered_bytes += token_usage.utf8_length(block.start_text())
        pending, block.pending = block.pending, []
        for delta in pending:
            self._pass_on(block, delta, events)

    def _pass_on(self, block: Block, delta: blocks.Delta, events: list[Event]) -> None:
        if (accepted := block.accept(delta)) is not None:
            self._deliver(block, accepted, events)

    def _deliver(self, block: Block, delta: blocks.Delta, events: list[Event]) -> None:
        assert block.index is not None
        events.append(BlockDelta(block.index, delta))
        if (name := _TEXT_OF_DELTA.get(delta["type"])) is not None:
            self.delivered_bytes += token_usage.utf8_length(delta.get(name) or "")

    def _close(self, block: Block, events: list[Event]) -> None:
        assert block.index is not None
        for delta in block.finish():
            self._deliver(block, delta, events)
        events.append(BlockStop(block.index))
        block.is_closed = True
        self._open = None
        if isinstance(block, blocks.ToolBlock) and block.is_call and not block.is_cut:
            self.has_call = True


class Resequencer:
    """The events of one answer, from its start to its end or failure.

    Formats tell it what their upstream said, in whatever order; what it returns always keeps
    the grammar, and nothing follows the end.
    """

    def __init__(self, *, input_tokens_estimate: int = 0) -> None:
        self._has_started = False
        self._sequence = BlockSequence()
        self.tally = token_usage.UsageTally(input_tokens_estimate=input_tokens_estimate)
        self.ids = tool_inputs.CallIds()
        self.is_over = False

    def start(self) -> list[Event]:
        """`message_start`, the first time. Merge the usage that is known into `tally` before."""
        if self._has_started or self.is_over:
            return []
        self._has_started = True
        return [MessageStart(self.tally.with_output(0))]

    def open(self, block: Block) -> list[Event]:
        return [] if self.is_over else self.start() + self._sequence.open(block)

    def extend(self, block: Block, delta: blocks.Delta) -> list[Event]:
        return [] if self.is_over else self._sequence.extend(block, delta)

    def stop(self, block: Block) -> list[Event]:
        return [] if self.is_over else self._sequence.stop(block)

    def ping(self) -> list[Event]:
        return [Ping()] if self._has_started and not self.is_over else []

    def finish(
        self, reason: Any, *, stop_sequence: Any = None, extras: dict[str, Any] | None = None
    ) -> list[Event]:
        """The proper end: open blocks closed, `message_delta`, `message_stop`."""
        if self.is_over:
            return []
        events = self.start() + self._sequence.finish()
        if self._sequence.is_empty:
            block = blocks.TextBlock()
            block.is_stopped = True
            events += self._sequence.open(block)
        self.is_over = True
        ending = stop_reasons.settle(
            reason, stop_sequence=stop_sequence, has_call=self._sequence.has_call
        )
        usage = self.tally.usage(delivered_tokens=self.delivered_tokens_estimate())
        return [*events, MessageDelta(*ending, usage, extras or {}), MessageStop()]

    def fail(self, error: GatewayError) -> list[Event]:
        """The end of a stream that broke, as its last event."""
        if self.is_over:
            return []
        self.is_over = True
        return [*self._sequence.abandon(), UpstreamErrorEvent(error)]

    def delivered_tokens_estimate(self) -> int:
        """What was passed on so far, in tokens by the rule of `tally.tokens_of`."""
        return token_usage.tokens_of(self._sequence.delivered_bytes)

    def usage_so_far(self) -> Usage:
        """For a caller who hung up: the input as far as it is known and what was passed on,
        counted by us."""
        return self.tally.with_output(self.delivered_tokens_estimate(), is_estimated=True)
