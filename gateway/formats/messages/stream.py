"""Decodes the event stream of a Messages upstream."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway import sse
from gateway.errors import UpstreamFailed
from gateway.formats import lenient_json, tool_names, upstream_errors
from gateway.formats.event_stream import EventStream
from gateway.formats.messages import usage
from gateway.formats.messages.thinking import own_signature
from gateway.reply import blocks, tool_inputs
from gateway.reply.events import Event
from gateway.reply.token_usage import estimate_tokens
from gateway.request.parse import MessagesRequest

_OF_MESSAGE = frozenset(
    {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"}
)
_OF_EVENT = frozenset({"type", "delta", "usage"})
_INPUT_DELTA = "input_json_delta"
# Names what the provider noted of the shared account's requests.
_NOT_PASSED = frozenset({"diagnostics"})


class MessagesStream(EventStream):
    """Accepts blocks in any numbering and overlap; the resequencer puts them in order."""

    def __init__(
        self,
        request: MessagesRequest,
        *,
        names: tool_names.Names,
        hide: Mapping[str, str] | None = None,
        upstream_id: int = 0,
    ) -> None:
        super().__init__(input_tokens_estimate=estimate_tokens(request.text_bytes), hide=hide)
        self._names = names
        # By the upstream's index, which may be reused; None for a block that is dropped.
        self._blocks: dict[int, blocks.Block | None] = {}
        self._latest_call: blocks.Block | None = None
        self._final_delta: dict[str, Any] = {}
        self._members: dict[str, Any] = {}  # of the final event
        self._upstream_id = upstream_id

    def _decode(self, received: sse.ServerSentEvent) -> list[Event]:
        if received.data.strip() == b"[DONE]":
            return self._finish() if self._is_complete() else []
        data = lenient_json.decode_object(received.data, self._repair)
        # Some servers leave the type out of the data, others the event line.
        handle = _HANDLERS.get(str(data.get("type") or received.event))
        if handle is None and received.event == "error":  # the type is that of the error
            handle = MessagesStream._error
        if handle is not None:
            return handle(self, data)
        error = upstream_errors.in_band(data)  # in the shape of the other format
        return [] if error is None else self._error(data | {"error": error})

    def _has_stop_reason(self) -> bool:
        return any(value is not None for value in self._final_delta.values())

    def _end(self) -> list[Event]:
        """Not every server sends `message_stop`; without it, only a stop reason distinguishes a
        complete answer from a broken connection."""
        return self._finish() if self._is_complete() else self._out.fail(UpstreamFailed())

    def _is_complete(self) -> bool:
        return isinstance(self._final_delta.get("stop_reason"), str)

    def _block_delta(self, data: dict[str, Any]) -> list[Event]:
        delta, index = data.get("delta"), _index(data)
        if not isinstance(delta, dict):
            return []
        kind = str(delta.get("type"))
        block = self._blocks.get(index)
        if kind == _INPUT_DELTA and (block is None or not block.matches(kind)):
            return self._input_elsewhere(delta)
        if block is None:
            return self._open_implied(index, kind, delta)
        if block.matches(kind) and (block.is_call or not block.is_closed):
            return self._out.extend(block, delta)
        return self._open_implied(index, kind, delta)

    def _input_elsewhere(self, delta: dict[str, Any]) -> list[Event]:
        """Input under an index that no call has belongs to the latest call, if that has not ended.
        Raises InvalidToolInput if it has: a call would lose its input."""
        call = self._latest_call
        if call is not None and not call.is_stopped:
            return self._out.extend(call, delta)
        tool_inputs.drop_nameless(tool_inputs.text_of(delta.get("partial_json")).strip())
        return []

    def _open_implied(self, index: int, kind: str, delta: dict[str, Any]) -> list[Event]:
        """A text or thinking delta outside a block of its kind opens one."""
        block = blocks.implied_by_delta(kind)
        if block is None:
            return []
        events = self._stop(index)
        self._blocks[index] = self._signed(block)
        return events + self._out.open(block) + self._out.extend(block, delta)

    def _block_start(self, data: dict[str, Any]) -> list[Event]:
        index = _index(data)
        events = self._stop(index)
        wire = self._named(data.get("content_block"))
        block = blocks.from_start(wire, self._out.ids)
        self._blocks[index] = block
        if block is None or block.matches(_INPUT_DELTA):
            self._latest_call = block
        if block is not None and isinstance(wire, dict):
            self._out.tally.note_block(wire)
        return events if block is None else events + self._out.open(self._signed(block))

    def _named(self, wire: Any) -> Any:
        """A call of a tool under the caller's name for it."""
        if not isinstance(wire, dict) or wire.get("type") != "tool_use":
            return wire
        name = wire.get("name")
        return wire | {"name": self._names.restored(name)} if isinstance(name, str) else wire

    def _signed(self, block: blocks.Block) -> blocks.Block:
        """Thinking that its upstream does not sign has a signature of ours."""
        if isinstance(block, blocks.ThinkingBlock):
            block.sign = partial(own_signature, self._upstream_id)
        return block

    def _block_stop(self, data: dict[str, Any]) -> list[Event]:
        return self._stop(_index(data))

    def _stop(self, index: int) -> list[Event]:
        block = self._blocks.get(index)
        return [] if block is None else self._out.stop(block)

    def _message_start(self, data: dict[str, Any]) -> list[Event]:
        message = data.get("message")
        if isinstance(message, dict):
            self._out.tally.merge(usage.reported(message.get("usage")), is_final=False)
            return self._out.start(extras_of(message))
        return self._out.start()

    def _message_delta(self, data: dict[str, Any]) -> list[Event]:
        self._out.tally.merge(usage.reported(data.get("usage")))
        delta = data.get("delta")
        if isinstance(delta, dict):
            # Where the provider's documentation had it for years, and some servers have it still.
            self._out.tally.merge(usage.reported(delta.get("usage")))
            for name, value in delta.items():
                if name == "usage":
                    continue
                if value is not None:
                    self._final_delta[name] = value
                else:
                    self._final_delta.setdefault(name, None)
        if len(data) > len(_OF_EVENT):
            self._members |= extras_of(data, known=_OF_EVENT)
        return []

    def _message_stop(self, data: dict[str, Any]) -> list[Event]:
        return self._finish()

    def _whole_message(self, data: dict[str, Any]) -> list[Event]:
        """A message in one event, from servers that do not stream."""
        content = data.get("content")
        if self._blocks or not isinstance(content, list):
            return []
        self._out.tally.merge(usage.reported(data.get("usage")))
        events = self._out.start()
        for index, wire in enumerate(content):
            events += self._block_start({"index": index, "content_block": wire})
            events += self._stop(index)
        self._final_delta |= {
            name: data[name] for name in ("stop_reason", "stop_sequence") if data.get(name)
        }
        self._members |= extras_of(data)
        return events + self._finish()

    def _finish(self) -> list[Event]:
        return self._out.finish(
            self._final_delta.get("stop_reason"),
            stop_sequence=self._final_delta.get("stop_sequence"),
            extras=extras_of(self._final_delta),
            members=self._members,
        )

    def _error(self, data: dict[str, Any]) -> list[Event]:
        return self._out.fail(
            upstream_errors.decode_in_band(data.get("error", data), hide=self._hide)
        )

    def _ping(self, data: dict[str, Any]) -> list[Event]:
        return self._out.ping()


_HANDLERS = {
    "content_block_delta": MessagesStream._block_delta,
    "content_block_start": MessagesStream._block_start,
    "content_block_stop": MessagesStream._block_stop,
    "message": MessagesStream._whole_message,
    "message_start": MessagesStream._message_start,
    "message_delta": MessagesStream._message_delta,
    "message_stop": MessagesStream._message_stop,
    "error": MessagesStream._error,
    "ping": MessagesStream._ping,
}


def extras_of(message: dict[str, Any], *, known: frozenset[str] = _OF_MESSAGE) -> dict[str, Any]:
    """The members of a message, or of an event, that we do not know, as they are."""
    if message.keys() <= known:  # nearly always
        return {}
    return {
        name: value
        for name, value in message.items()
        if name not in known and name not in _NOT_PASSED
    }


def _index(data: dict[str, Any]) -> int:
    index = data.get("index")
    return index if isinstance(index, int) else 0
