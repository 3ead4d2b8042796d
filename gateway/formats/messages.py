"""The Messages format of upstreams: Anthropic, llama.cpp, vLLM, Ollama.

Nearly a pass-through: the request goes on with the upstream's model name, a clamped
`max_tokens` and everything unknown in it. The answer is put in order, since these servers
number, overlap and end their blocks differently.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway import blocks, sse, stop_reasons, tally
from gateway.errors import InvalidRequest, UpstreamError, UpstreamFailed
from gateway.formats import documents, payloads, refusals
from gateway.formats.protocol import EncodedRequest
from gateway.messages import Event, Reply, Usage
from gateway.requests import NOT_COUNTED, MessagesRequest
from gateway.resequence import Resequencer

# The version that takes sampling parameters; the newer one refuses them.
_VERSION = "2023-06-01"
_MIN_THINKING_BUDGET = 1024
_EXTRAS = ("stop_details", "container")


def auth_headers(api_key: str) -> dict[str, str]:
    headers = {"anthropic-version": _VERSION}
    if api_key:
        # Some servers of this shape read one of the two only; none minds both.
        headers |= {"x-api-key": api_key, "authorization": f"Bearer {api_key}"}
    return headers


def encode_request(
    request: MessagesRequest,
    *,
    upstream_model: str,
    max_tokens: int,
    stream: bool,
    beta: str | None = None,
    capabilities: frozenset[str] | None = None,
) -> EncodedRequest:
    fields = {**request.fields, "model": upstream_model, "max_tokens": max_tokens, "stream": stream}
    if max_tokens < request.max_tokens:
        _fit_thinking(fields, max_tokens=max_tokens)
    if capabilities is not None and "documents" not in capabilities:
        fields["messages"] = [_without_documents(turn) for turn in fields["messages"]]
    return _post("/v1/messages", fields, beta)


def encode_count(
    request: MessagesRequest, *, upstream_model: str, beta: str | None = None
) -> EncodedRequest | None:
    fields = {name: value for name, value in request.fields.items() if name not in NOT_COUNTED}
    return _post("/v1/messages/count_tokens", fields | {"model": upstream_model}, beta)


def decode_count(body: bytes) -> int:
    count = payloads.decode_object(body).get("input_tokens")
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise UpstreamFailed
    return max(count, 1)


def decode_reply(body: bytes, *, request: MessagesRequest) -> Reply:
    message = payloads.decode_object(body)
    if message.get("error") is not None:
        raise refusals.decode_in_band(message["error"])
    if not isinstance(message.get("content"), list):
        raise UpstreamFailed
    content = blocks.clean_all(message["content"])
    ending = stop_reasons.settle(
        message.get("stop_reason"),
        stop_sequence=message.get("stop_sequence"),
        has_call=any(block["type"] == "tool_use" for block in content),
    )
    counts = tally.UsageTally()
    counts.merge(message.get("usage"))
    usage = counts.usage(has_output=tally.delivered_tokens_estimate(content) > 0)
    return Reply(content, *ending, usage, _extras(message))


def decode_error(
    status: int,
    body: bytes,
    retry_after: str | None,
    *,
    hide: Mapping[str, str] | None = None,
) -> UpstreamError:
    return refusals.decode_error(status, body, retry_after, hide=hide)


def open_stream(*, request: MessagesRequest, input_tokens_estimate: int) -> "Stream":
    return Stream(input_tokens_estimate=input_tokens_estimate)


class Stream:
    """The events of a Messages-shaped upstream, put in order."""

    def __init__(self, *, input_tokens_estimate: int = 0) -> None:
        self._parser = sse.Parser()
        self._out = Resequencer(input_tokens_estimate=input_tokens_estimate)
        # By the upstream's index, which may be reused; None for a block that is dropped.
        self._blocks: dict[int, blocks.Block | None] = {}
        self._ending: dict[str, Any] = {}

    @property
    def is_over(self) -> bool:
        return self._out.is_over

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

    def usage_so_far(self) -> Usage | None:
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
            data = payloads.decode_object(received.data)
        except UpstreamFailed as error:
            return self._out.fail(error)
        # Some servers leave the type out of the data, others the event line.
        handle = _HANDLERS.get(str(data.get("type") or received.event))
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
            extras=_extras(self._ending),
        )

    def _error(self, data: dict[str, Any]) -> list[Event]:
        return self._out.fail(refusals.decode_in_band(data.get("error", data)))

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


def _post(path: str, fields: dict[str, Any], beta: str | None) -> EncodedRequest:
    fields.pop("betas", None)  # the body's spelling of the header, from careless clients
    headers = {"content-type": "application/json"}
    if beta:
        headers["anthropic-beta"] = beta
    try:
        return EncodedRequest(path, headers, msgspec.json.encode(fields))
    except RecursionError:
        raise InvalidRequest("The request body is nested too deeply") from None


def _fit_thinking(fields: dict[str, Any], *, max_tokens: int) -> None:
    """Keep the thinking budget below a `max_tokens` that we clamped. Where too little is left to
    think with, thinking goes, and with it the request to clear old thinking, which is refused
    alone."""
    thinking = fields.get("thinking") or {}
    budget = thinking.get("budget_tokens")
    if budget is None or budget < max_tokens:
        return
    if max_tokens > _MIN_THINKING_BUDGET:
        fields["thinking"] = thinking | {"budget_tokens": max_tokens - 1}
        return
    del fields["thinking"]
    _drop_clearing(fields)


def _drop_clearing(fields: dict[str, Any]) -> None:
    management = fields.get("context_management", {})
    edits = management.get("edits")
    if isinstance(edits, list):
        kept = [edit for edit in edits if not _clears_thinking(edit)]
        fields["context_management"] = management | {"edits": kept}


def _clears_thinking(edit: Any) -> bool:
    return isinstance(edit, dict) and str(edit.get("type")).startswith("clear_thinking")


def _without_documents(turn: dict[str, Any]) -> dict[str, Any]:
    content = turn["content"]
    return turn if isinstance(content, str) else turn | {"content": documents.flatten(content)}


def _index(data: dict[str, Any]) -> int:
    index = data.get("index")
    return index if isinstance(index, int) else 0


def _extras(message: dict[str, Any]) -> dict[str, Any]:
    return {name: message[name] for name in _EXTRAS if isinstance(message.get(name), dict)}
