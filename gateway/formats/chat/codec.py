"""The chat completions format of upstreams: OpenAI and compatible servers."""

from collections.abc import Mapping
from typing import Any

from gateway.errors import UpstreamFailed
from gateway.formats import lenient_json, upstream_errors
from gateway.formats.chat import reply, tool_names
from gateway.formats.chat import request as chat_request
from gateway.formats.chat.stream import ChatStream
from gateway.formats.protocol import EncodedRequest
from gateway.reply import blocks, stop_reasons, token_usage
from gateway.reply.events import Reply
from gateway.request.parse import MessagesRequest

decode_error = upstream_errors.decode_error


def auth_headers(api_key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {api_key}"} if api_key else {}


def encode_request(
    request: MessagesRequest,
    *,
    upstream_model: str,
    max_tokens: int,
    stream: bool,
    beta: str | None = None,  # has no equivalent in this format
    capabilities: frozenset[str] | None = None,
) -> EncodedRequest:
    body = chat_request.encode(
        request,
        upstream_model=upstream_model,
        max_tokens=max_tokens,
        stream=stream,
        capabilities=capabilities,
    )
    return EncodedRequest.from_json("/v1/chat/completions", body, {})


def encode_count(
    request: MessagesRequest, *, upstream_model: str, beta: str | None = None
) -> EncodedRequest | None:
    """None: the format has no request that counts tokens."""
    return None


def decode_count(body: bytes) -> int:
    raise UpstreamFailed


def decode_reply(
    body: bytes, *, request: MessagesRequest, hide: Mapping[str, str] | None = None
) -> Reply:
    completion = lenient_json.decode_object(body)
    if completion.get("error") is not None:
        raise upstream_errors.decode_in_band(completion["error"], hide=hide)
    choice = reply.first_choice(completion)
    message = None if choice is None else choice.get("message")
    if choice is None or not isinstance(message, dict):
        raise UpstreamFailed
    content = blocks.clean_all(_content(message, tool_names.originals(request)))
    counts = token_usage.UsageTally(
        input_tokens_estimate=token_usage.estimate_tokens(request.text_bytes)
    )
    counts.merge(reply.usage_report(completion.get("usage")))
    usage = counts.usage_of_reply(content)
    return Reply(content, *_stop_reason(choice, message, content, request), usage)


def open_stream(*, request: MessagesRequest, hide: Mapping[str, str] | None = None) -> ChatStream:
    return ChatStream(
        input_tokens_estimate=token_usage.estimate_tokens(request.text_bytes),
        stop_sequences=request.fields.get("stop_sequences", []),
        tool_names=tool_names.originals(request),
        hide=hide,
    )


def _content(message: dict[str, Any], names: dict[str, str]) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    if thinking := reply.thinking_of(message):
        content.append({"type": "thinking", "thinking": thinking})
    if text := reply.text_of(message) + reply.refusal_of(message):
        content.append({"type": "text", "text": text})
    for call in reply.calls_of(message):
        wire = {"type": "tool_use", "id": call.call_id, "name": names.get(call.name, call.name)}
        content.append(wire | {"input": call.arguments})
    return content


def _stop_reason(
    choice: dict[str, Any],
    message: dict[str, Any],
    content: list[dict[str, Any]],
    request: MessagesRequest,
) -> stop_reasons.StopReason:
    reason = reply.merge_finish_reasons(choice.get("finish_reason"), None)
    requested = request.fields.get("stop_sequences", [])
    return stop_reasons.normalise(
        reply.normalise_finish_reason(reason, has_refused=bool(reply.refusal_of(message))),
        stop_sequence=reply.matched_stop(choice, requested, reply.text_of(message)),
        has_call=any(block["type"] == "tool_use" for block in content),
    )
