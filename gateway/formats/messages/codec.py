"""The Messages format of upstreams: Anthropic, llama.cpp, vLLM, Ollama.

Nearly a pass-through: the request is forwarded with the upstream's model name, a clamped
`max_tokens` and the fields that fence.py lets pass. The reply is resequenced, since these servers
number, overlap and end their blocks differently.
"""

import re
from collections.abc import Mapping
from typing import Any

from catalogue.habits import USUAL, Habits
from catalogue.snapshot import NOTHING_LEARNED, UpstreamRow
from gateway.errors import UpstreamFailed
from gateway.formats import (
    documents,
    lenient_json,
    optional_fields,
    system_turns,
    tool_names,
    upstream_errors,
)
from gateway.formats.messages import conversation, fence, thinking
from gateway.formats.messages import usage as usage_reports
from gateway.formats.messages.stream import MessagesStream, extras_of
from gateway.formats.protocol import EncodedRequest, ThinkingChange
from gateway.reply import blocks, stop_reasons, token_usage
from gateway.reply.events import Reply
from gateway.request.known_fields import unknown
from gateway.request.parse import NOT_COUNTED, MessagesRequest

# The version that accepts sampling parameters; newer ones reject them.
_VERSION = "2023-06-01"
_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
_is_version = re.compile(r"\d{4}-\d{2}-\d{2}").fullmatch
_MIN_THINKING_BUDGET = 1024

decode_error = upstream_errors.decode_error


def auth_headers(api_key: str) -> dict[str, str]:
    headers = {"anthropic-version": _VERSION}
    if api_key:
        # Some servers of this format read only one of the two; none rejects both.
        headers |= {"x-api-key": api_key, "authorization": f"Bearer {api_key}"}
    return headers


def version_headers(version: str, request: MessagesRequest) -> dict[str, str]:
    """The caller's version byte for byte. Clients that send sampling parameters name a version that
    rejects them, and others send the header twice: both are served by the usual version."""
    if not _is_version(version) or not _SAMPLING.isdisjoint(request.fields):
        return {}
    return {"anthropic-version": version}


def encode_request(
    request: MessagesRequest,
    *,
    upstream_model: str,
    max_tokens: int,
    stream: bool,
    beta: str | None = None,
    capabilities: frozenset[str] | None = None,
    upstream: UpstreamRow | None = None,
) -> EncodedRequest:
    told, change = _conversation(request, upstream)
    told, beta = _passing(told, request, beta, upstream)
    learned = upstream.learned if upstream else NOTHING_LEARNED
    fields = told | {
        "model": upstream_model,
        "max_tokens": max_tokens,
        "stream": stream or learned.streams_only,
    }
    if "thinking" in request.fields and "thinking" not in fields:
        _drop_thinking(fields)  # what belongs to it, too
    if capabilities is not None and "thinking" not in capabilities:
        # The router has rejected requests that require thinking; for the others it is optional.
        _drop_thinking(fields)
        _drop_effort(fields)
    elif max_tokens < request.max_tokens:
        _fit_thinking(fields, max_tokens=max_tokens)
    if capabilities is not None and "documents" not in capabilities:
        fields["messages"] = [_without_documents(message) for message in fields["messages"]]
    dropped = _dropped(request, upstream)
    if learned.refused_fields:
        dropped += optional_fields.leave_out(fields, learned.refused_fields & _SAMPLING)
    return _post("/v1/messages", fields, beta, dropped=dropped, change=change)


def encode_count(
    request: MessagesRequest,
    *,
    upstream_model: str,
    beta: str | None = None,
    upstream: UpstreamRow | None = None,
) -> EncodedRequest | None:
    told, _ = _conversation(request, upstream)
    told, beta = _passing(told, request, beta, upstream)
    fields = {name: value for name, value in told.items() if name not in NOT_COUNTED}
    return _post("/v1/messages/count_tokens", fields | {"model": upstream_model}, beta)


def _conversation(
    request: MessagesRequest, upstream: UpstreamRow | None
) -> tuple[dict[str, Any], ThinkingChange]:
    """The fields with a conversation that this upstream accepts, wherever it comes from, and what
    was done to its thinking."""
    as_user_turns = upstream is not None and upstream.system_turns == "user"
    fields = system_turns.arranged(request, as_user_turns=as_user_turns, may_change_tools=True)
    return conversation.fitted(fields, request, upstream)


def _passing(
    fields: dict[str, Any], request: MessagesRequest, beta: str | None, upstream: UpstreamRow | None
) -> tuple[dict[str, Any], str | None]:
    """What of the fields and betas passes; all of a usual request. Raises InvalidRequest."""
    if request.is_usual and beta is None:
        return fields, None
    return fence.fenced(fields, request, beta, upstream.allow if upstream else None)


def _dropped(request: MessagesRequest, upstream: UpstreamRow | None) -> tuple[str, ...]:
    if request.is_usual:
        return ()
    return fence.dropped(unknown(request.fields), upstream.allow if upstream else None)


def decode_count(body: bytes) -> int:
    count = token_usage.count(lenient_json.decode_object(body).get("input_tokens"))
    if count is None:
        raise UpstreamFailed
    return max(count, 1)


def decode_reply(
    body: bytes,
    *,
    request: MessagesRequest,
    hide: Mapping[str, str] | None = None,
    upstream_id: int = 0,
    habits: Habits = USUAL,
) -> Reply:
    message = lenient_json.decode_object(body)
    if (error := upstream_errors.in_band(message)) is not None:
        raise upstream_errors.decode_in_band(error, hide=hide)
    if not isinstance(message.get("content"), list):
        raise UpstreamFailed
    reason, stop_sequence = message.get("stop_reason"), message.get("stop_sequence")
    content = blocks.clean_all(
        message["content"],
        may_be_cut=lambda: stop_reasons.may_cut(reason, stop_sequence=stop_sequence),
    )
    counts = token_usage.UsageTally(
        input_tokens_estimate=token_usage.estimate_tokens(request.text_bytes)
    )
    counts.merge(usage_reports.reported(message.get("usage")))
    names: tool_names.Names | None = None  # of the tools that are offered, once one is called
    for block in content:
        if block["type"] == "thinking" and not block["signature"]:
            block["signature"] = thinking.own_signature(upstream_id)
        elif block["type"] == "tool_use":
            names = names or tool_names.Names.of(request)
            block["name"] = names.restored(block["name"])
        counts.note_block(block)
    stop_reason = stop_reasons.normalise(
        reason, stop_sequence=stop_sequence, has_call=names is not None
    )
    usage = counts.usage_of_reply(content)
    return Reply(content, *stop_reason, usage, extras_of(message))


def open_stream(
    *,
    request: MessagesRequest,
    hide: Mapping[str, str] | None = None,
    upstream_id: int = 0,
    habits: Habits = USUAL,
) -> MessagesStream:
    return MessagesStream(
        request, names=tool_names.Names.of(request), hide=hide, upstream_id=upstream_id
    )


def _post(
    path: str,
    fields: dict[str, Any],
    beta: str | None,
    *,
    dropped: tuple[str, ...] = (),
    change: ThinkingChange = "",
) -> EncodedRequest:
    fields.pop("betas", None)  # the header's content, which some clients also put into the body
    headers = {"anthropic-beta": beta} if beta else {}
    return EncodedRequest.from_json(path, fields, headers, dropped=dropped, thinking=change)


def _fit_thinking(fields: dict[str, Any], *, max_tokens: int) -> None:
    """Keep the thinking budget below a `max_tokens` that we clamped. A budget that would fall
    below the minimum drops thinking, and with it the edit that clears old thinking, which
    upstreams reject without thinking."""
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
    """`effort` has no effect on a model without thinking, and some upstreams reject it there."""
    config = fields.pop("output_config", {})
    if kept := {name: value for name, value in config.items() if name != "effort"}:
        fields["output_config"] = kept


def _clears_thinking(edit: Any) -> bool:
    return isinstance(edit, dict) and str(edit.get("type")).startswith("clear_thinking")


def _without_documents(message: dict[str, Any]) -> dict[str, Any]:
    content = message["content"]
    if isinstance(content, str):
        return message
    return message | {"content": documents.flatten(content)}
