"""The chat completions format of upstreams: OpenAI and compatible servers."""

from collections.abc import Mapping
from typing import Any

from catalogue.habits import USUAL, Habits
from catalogue.snapshot import UpstreamRow
from gateway.errors import UpstreamEmpty, UpstreamFailed
from gateway.formats import lenient_json, optional_fields, tool_names, upstream_errors
from gateway.formats.chat import emptiness, reply, stop_watch, thoughts
from gateway.formats.chat import request as chat_request
from gateway.formats.chat import usage as usage_reports
from gateway.formats.chat.stream import ChatStream
from gateway.formats.protocol import EncodedRequest
from gateway.reply import blocks, stop_reasons, token_usage
from gateway.reply.events import Reply
from gateway.request.known_fields import unknown
from gateway.request.parse import MessagesRequest

decode_error = upstream_errors.decode_error


def auth_headers(api_key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {api_key}"} if api_key else {}


def version_headers(version: str, request: MessagesRequest) -> dict[str, str]:
    """None: servers of this format name their version in the address."""
    return {}


def encode_request(
    request: MessagesRequest,
    *,
    upstream_model: str,
    max_tokens: int,
    stream: bool,
    beta: str | None = None,  # has no equivalent in this format
    capabilities: frozenset[str] | None = None,
    upstream: UpstreamRow | None = None,
) -> EncodedRequest:
    body, change = chat_request.encode(
        request,
        upstream_model=upstream_model,
        max_tokens=max_tokens,
        stream=stream,
        capabilities=capabilities,
        upstream=upstream,
    )
    dropped = () if request.is_usual else unknown(request.fields)
    if upstream is not None and upstream.learned.refused_fields:
        dropped += optional_fields.leave_out(body, upstream.learned.refused_fields)
    return EncodedRequest.from_json(
        "/v1/chat/completions", body, {}, dropped=dropped, thinking=change
    )


def encode_count(
    request: MessagesRequest,
    *,
    upstream_model: str,
    beta: str | None = None,
    upstream: UpstreamRow | None = None,
) -> EncodedRequest | None:
    """None: the format has no request that counts tokens."""
    return None


def decode_count(body: bytes) -> int:
    raise UpstreamFailed


def decode_reply(
    body: bytes,
    *,
    request: MessagesRequest,
    hide: Mapping[str, str] | None = None,
    upstream_id: int = 0,
    habits: Habits = USUAL,
) -> Reply:
    completion = lenient_json.decode_object(body)
    if (error := upstream_errors.in_band(completion)) is not None:
        raise upstream_errors.decode_in_band(error, hide=hide)
    choice = reply.first_choice(completion)
    message = None if choice is None else choice.get("message")
    if choice is None or not isinstance(message, dict):
        raise UpstreamFailed
    if habits.thinking_tags:
        message = thoughts.without_tags(message)
    reason = _finish_reason(choice, message)
    requested = request.fields.get("stop_sequences", [])
    watched = stop_watch.cut(reply.text_of(message), requested)
    if watched.stop is not None:  # the server did not know it
        message = message | {"content": watched.text, "tool_calls": None, "function_call": None}
    content = blocks.clean_all(
        _content(message, tool_names.Names.of(request), upstream_id),
        may_be_cut=lambda: stop_reasons.may_cut(reason, stop_sequence=None),
    )
    counts = token_usage.UsageTally(
        input_tokens_estimate=token_usage.estimate_tokens(request.text_bytes)
    )
    counts.merge(usage_reports.reported(completion))
    counts.merge(usage_reports.reported_in_choice(choice))
    if blocks.are_empty(content) and emptiness.is_a_fault(
        request, finish_reason=choice.get("finish_reason"), reported=counts
    ):
        raise UpstreamEmpty
    if watched.stop is not None:
        usage = counts.with_output(token_usage.estimate_output(content), is_estimated=True)
        return Reply(content, "stop_sequence", watched.stop, usage)
    usage = counts.usage_of_reply(content)
    stop_reason = stop_reasons.normalise(
        reason,
        stop_sequence=reply.matched_stop(choice, requested, reply.text_of(message)),
        has_call=any(block["type"] == "tool_use" for block in content),
    )
    return Reply(content, *stop_reason, usage)


def open_stream(
    *,
    request: MessagesRequest,
    hide: Mapping[str, str] | None = None,
    upstream_id: int = 0,
    habits: Habits = USUAL,
) -> ChatStream:
    return ChatStream(
        request,
        names=tool_names.Names.of(request),
        hide=hide,
        upstream_id=upstream_id,
        habits=habits,
    )


def _content(
    message: dict[str, Any], names: tool_names.Names, upstream_id: int
) -> list[dict[str, Any]]:
    calls = reply.calls_of(message)
    text = reply.text_of(message) + reply.refusal_of(message)
    # Without text between them, what belongs to the first call travels with the thinking.
    is_direct = bool(calls) and not text
    content = thoughts.as_blocks(
        thoughts.reasoning_of(message),
        calls[0].extra if is_direct else None,
        upstream_id=upstream_id,
    )
    if text:
        content.append({"type": "text", "text": text})
    for place, call in enumerate(calls):
        if place or not is_direct:
            content += thoughts.as_blocks(None, call.extra, upstream_id=upstream_id)
        wire = {"type": "tool_use", "id": call.call_id, "name": names.restored(call.name)}
        content.append(wire | {"input": call.arguments})
    return content


def _finish_reason(choice: dict[str, Any], message: dict[str, Any]) -> str:
    reason = reply.merge_finish_reasons(choice.get("finish_reason"), None)
    return reply.normalise_finish_reason(reason, has_refused=bool(reply.refusal_of(message)))
