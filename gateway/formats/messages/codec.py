"""The Messages format of upstreams: Anthropic, llama.cpp, vLLM, Ollama.

Nearly a pass-through: the request goes on with the upstream's model name, a clamped
`max_tokens` and everything unknown in it. The answer is put in order, since these servers
number, overlap and end their blocks differently.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.errors import InvalidRequest, UpstreamError, UpstreamFailed
from gateway.formats import lenient_json, upstream_errors
from gateway.formats.chat import documents
from gateway.formats.messages.stream import Stream, extras_of
from gateway.formats.protocol import EncodedRequest
from gateway.reply import blocks, stop_reasons, token_usage
from gateway.reply.events import Reply
from gateway.request.parse import NOT_COUNTED, MessagesRequest

# The version that takes sampling parameters; the newer one refuses them.
_VERSION = "2023-06-01"
_MIN_THINKING_BUDGET = 1024


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
    if capabilities is not None and "thinking" not in capabilities:
        # Whoever must have it was refused by the router; the others leave it to the model.
        _drop_thinking(fields)
        _drop_effort(fields)
    elif max_tokens < request.max_tokens:
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
    count = token_usage.count(lenient_json.decode_object(body).get("input_tokens"))
    if count is None:
        raise UpstreamFailed
    return max(count, 1)


def decode_reply(
    body: bytes, *, request: MessagesRequest, hide: Mapping[str, str] | None = None
) -> Reply:
    message = lenient_json.decode_object(body)
    if message.get("error") is not None:
        raise upstream_errors.decode_in_band(message["error"], hide=hide)
    if not isinstance(message.get("content"), list):
        raise UpstreamFailed
    content = blocks.clean_all(message["content"])
    ending = stop_reasons.settle(
        message.get("stop_reason"),
        stop_sequence=message.get("stop_sequence"),
        has_call=any(block["type"] == "tool_use" for block in content),
    )
    counts = token_usage.UsageTally(input_tokens_estimate=token_usage.tokens_of(request.text_bytes))
    counts.merge(message.get("usage"))
    usage = counts.usage_of_whole(content)
    return Reply(content, *ending, usage, extras_of(message))


def decode_error(
    status: int,
    body: bytes,
    retry_after: str | None,
    *,
    hide: Mapping[str, str] | None = None,
) -> UpstreamError:
    return upstream_errors.decode_error(status, body, retry_after, hide=hide)


def open_stream(*, request: MessagesRequest, hide: Mapping[str, str] | None = None) -> Stream:
    return Stream(input_tokens_estimate=token_usage.tokens_of(request.text_bytes), hide=hide)


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
    _drop_thinking(fields)


def _drop_thinking(fields: dict[str, Any]) -> None:
    fields.pop("thinking", None)
    management = fields.get("context_management", {})
    edits = management.get("edits")
    if isinstance(edits, list):
        kept = [edit for edit in edits if not _clears_thinking(edit)]
        fields["context_management"] = management | {"edits": kept}


def _drop_effort(fields: dict[str, Any]) -> None:
    """How hard to think means nothing to a model that does not, and some refuse it."""
    config = fields.pop("output_config", {})
    if kept := {name: value for name, value in config.items() if name != "effort"}:
        fields["output_config"] = kept


def _clears_thinking(edit: Any) -> bool:
    return isinstance(edit, dict) and str(edit.get("type")).startswith("clear_thinking")


def _without_documents(turn: dict[str, Any]) -> dict[str, Any]:
    content = turn["content"]
    return turn if isinstance(content, str) else turn | {"content": documents.flatten(content)}
