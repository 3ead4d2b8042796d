"""Replies and stream events in the gateway's own form, and their encoding for callers.

Both upstream formats decode into these, so the rest of the gateway does not depend on the format.
The encoders add our message id, the public model name and the cost of the call.
"""

from typing import Any

import msgspec

from catalogue.pricing import NO_USES, TOOLS, ToolUses
from gateway import sse
from gateway.errors import GatewayError

# The breakdown of a usage that counts uses of tools: {"web_search_requests": 2}
TOOL_USE = "server_tool_use"
REQUESTS = "_requests"
_encode = msgspec.json.Encoder().encode


class Iteration(msgspec.Struct, frozen=True):
    """One of the upstream's own passes over the conversation: for a compaction, for a helper model,
    or for the message. `tokens` are as in TokenCounts; `wire` is what the upstream sent."""

    kind: str
    model: str
    tokens: tuple[int, int, int, int, int]
    wire: dict[str, Any]


class Usage(msgspec.Struct, frozen=True):
    """Token counts. `input_tokens` excludes cached tokens: the total input is the sum of the three
    input counts. `details` are optional breakdowns such as `cache_creation`; `is_estimated`: the
    gateway estimated the input, the output or both. Of `iterations`, the counts include only those
    of the message itself. `extras` are members that we do not know, and that are no counts of
    ours."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    details: dict[str, Any] = msgspec.field(default_factory=dict)
    is_estimated: bool = False
    iterations: tuple[Iteration, ...] = ()
    extras: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def cache_creation_1h_input_tokens(self) -> int | None:
        """The part of the written cache that is kept for an hour; None if it is not reported."""
        count: int | None = self.details.get("cache_creation", {}).get("ephemeral_1h_input_tokens")
        return count

    @property
    def tool_uses(self) -> ToolUses:
        """The uses of tools that the provider charges for; NO_USES itself for none."""
        counts = self.details.get(TOOL_USE)
        if not counts:
            return NO_USES
        return ToolUses(*(counts.get(f"{tool}{REQUESTS}", 0) for tool in TOOLS))

    def to_wire(
        self, *, credits_consumed: int | None = None, credits_remaining: int | None = None
    ) -> dict[str, Any]:
        wire = {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cache_creation_input_tokens": self.cache_creation_input_tokens,
            "cache_read_input_tokens": self.cache_read_input_tokens,
            **self.extras,
            **self.details,
        }
        if self.iterations:
            wire["iterations"] = [one.wire for one in self.iterations]
        if credits_consumed is not None:
            wire["credits_consumed"] = credits_consumed
        if credits_remaining is not None:
            wire["credits_remaining"] = credits_remaining
        return wire


class Reply(msgspec.Struct, frozen=True):
    """A complete reply. `extras` are members of the message such as `stop_details`, and those that
    we do not know."""

    content: list[dict[str, Any]]
    stop_reason: str
    stop_sequence: str | None
    usage: Usage
    extras: dict[str, Any] = msgspec.field(default_factory=dict)


class MessageStart(msgspec.Struct, frozen=True):
    """`usage` has the input: the upstream's count or else the estimate. `extras` as in Reply."""

    usage: Usage
    extras: dict[str, Any] = msgspec.field(default_factory=dict)


class BlockStart(msgspec.Struct, frozen=True, tag="content_block_start"):
    index: int
    block: dict[str, Any] = msgspec.field(name="content_block")


class BlockDelta(msgspec.Struct, frozen=True, tag="content_block_delta"):
    index: int
    delta: dict[str, Any]


class BlockStop(msgspec.Struct, frozen=True, tag="content_block_stop"):
    index: int


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    pass


class MessageDelta(msgspec.Struct, frozen=True):
    """The end of the answer: always followed by MessageStop, in the same batch of events.
    `extras` are further members of the delta, `members` those of the event around it."""

    stop_reason: str
    stop_sequence: str | None
    usage: Usage
    extras: dict[str, Any] = msgspec.field(default_factory=dict)
    members: dict[str, Any] = msgspec.field(default_factory=dict)


class MessageStop(msgspec.Struct, frozen=True, tag="message_stop"):
    pass


class UpstreamErrorEvent(msgspec.Struct, frozen=True):
    """The upstream broke off: the last event of its stream, which may also be the only one."""

    error: GatewayError

    @property
    def type(self) -> str:
        return self.error.type

    @property
    def message(self) -> str:
        return self.error.message


Event = (
    MessageStart
    | BlockStart
    | BlockDelta
    | BlockStop
    | Ping
    | MessageDelta
    | MessageStop
    | UpstreamErrorEvent
)
_WireEvent = BlockStart | BlockDelta | BlockStop | Ping | MessageStop


def encode_reply(
    reply: Reply, *, message_id: str, model: str, usage: Usage, credits_consumed: int
) -> bytes:
    """The JSON body of a plain call. `usage` is the one that was charged."""
    return _encode(
        {
            **_message(message_id, model, reply.content),
            "stop_reason": reply.stop_reason,
            "stop_sequence": reply.stop_sequence,
            **reply.extras,
            "usage": usage.to_wire(credits_consumed=credits_consumed),
        }
    )


class FrameEncoder:
    """Turns the events of one stream into server-sent events."""

    def __init__(self, *, message_id: str, model: str) -> None:
        self._message_id = message_id
        self._model = model

    def frame(self, event: _WireEvent | MessageStart) -> bytes:
        if isinstance(event, BlockDelta):
            return sse.encode("content_block_delta", _encode(event))
        if isinstance(event, MessageStart):
            return self._start(event)
        return sse.encode(str(event.__struct_config__.tag), _encode(event))

    def final(
        self,
        end: MessageDelta,
        *,
        usage: Usage,
        credits_consumed: int,
        credits_remaining: int | None = None,
    ) -> bytes:
        """The `message_delta`. `usage` is the one that was charged, with all counts: some clients
        read it only here. The balance is left out where it is unknown."""
        delta = {"stop_reason": end.stop_reason, "stop_sequence": end.stop_sequence} | end.extras
        wire = usage.to_wire(credits_consumed=credits_consumed, credits_remaining=credits_remaining)
        event = {**end.members, "type": "message_delta", "delta": delta, "usage": wire}
        return sse.encode("message_delta", _encode(event))

    def _start(self, event: MessageStart) -> bytes:
        # Without credits_consumed: clients would keep a provisional value in their objects.
        message = _message(self._message_id, self._model, []) | {
            "stop_reason": None,
            "stop_sequence": None,
            **event.extras,
            "usage": event.usage.to_wire(),
        }
        return sse.encode("message_start", _encode({"type": "message_start", "message": message}))


def _message(message_id: str, model: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
    }
