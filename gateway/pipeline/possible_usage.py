"""Replaces token counts that no answer to the request can have by our own estimate.

Servers report counts of another request, of bytes, or of nothing. The limits are wide: a count that
is merely surprising stays as it was reported.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from gateway.call import Call
from gateway.reply.events import TOOL_USE, Usage
from gateway.reply.token_usage import estimate_tokens
from gateway.request.parse import MessagesRequest
from gateway.request.tools import is_custom
from gateway.upstreams.router import most_input

_TIMES = 4
_SPARE_OUTPUT = 1024


def corrected(usage: Usage, call: Call, *, delivered: Callable[[], int]) -> Usage:
    """The usage with each impossible side estimated, and flagged. `delivered` estimates the
    output."""
    candidate, request = call.candidate, call.request
    if _total_input(usage) > _TIMES * most_input(request, candidate.model) and not _may_grow(
        request, usage
    ):
        usage = msgspec.structs.replace(
            usage,
            input_tokens=estimate_tokens(request.text_bytes),
            cache_creation_input_tokens=0,
            cache_read_input_tokens=0,
            details=_kept(usage, TOOL_USE),
            is_estimated=True,
        )
    beyond = usage.output_tokens - _TIMES * candidate.max_tokens - _SPARE_OUTPUT
    if beyond > 0 and beyond > _TIMES * _reasoning(usage):
        usage = msgspec.structs.replace(
            usage,
            output_tokens=delivered(),
            details=_kept(usage, "cache_creation", TOOL_USE),
            is_estimated=True,
        )
    return usage


def _reasoning(usage: Usage) -> int:
    tokens: int = usage.details.get("output_tokens_details", {}).get("thinking_tokens", 0)
    return tokens


def _kept(usage: Usage, *names: str) -> dict[str, Any]:
    return {name: value for name, value in usage.details.items() if name in names}


def _total_input(usage: Usage) -> int:
    return usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens


def _may_grow(request: MessagesRequest, usage: Usage) -> bool:
    """Whether the model may read more than the body holds: a document, what an address or a file
    id names, the results of a provider's tools, a conversation that it compacts."""
    fields = request.fields
    return bool(
        request.document_count
        or usage.iterations
        or any(not is_custom(tool) for tool in fields.get("tools", ()))
        or request.rereads
        or request.may_be_compacted
        or fields.get("container")
        or _names_a_source(fields["messages"])
    )


def _names_a_source(value: Any) -> bool:
    """Whether an image or another block is named by its address or by a file id."""
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending.extend(part)
        elif isinstance(part, dict):
            if part.get("type") in ("url", "file"):
                return True
            pending.extend(part.values())
    return False
