"""Content blocks: what each type must hold, and what they add up to."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.errors import InvalidRequest
from gateway.request import image_urls, values

IMAGE_MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
MAX_CACHE_BREAKPOINTS = 4
BASE64 = r"[A-Za-z0-9+/_\- \t\r\n]*=*[ \t\r\n]*"
_IS_BASE64 = re.compile(BASE64).fullmatch
_END_CHARS = 200
# Blocks that make no sense elsewhere; the system prompt is a role like the others. Whatever is not
# listed may stand anywhere.
ROLES_OF_BLOCK = {
    "image": ("user",),
    "document": ("user", "assistant"),
    "tool_result": ("user",),
    "search_result": ("user",),
    "tool_use": ("assistant",),
    "thinking": ("assistant",),
    "redacted_thinking": ("assistant",),
}


@dataclass(slots=True)
class RequestStats:
    """What was met on the way through a request."""

    images: int = 0
    documents: int = 0  # whose tokens the body's length does not bound: PDF, file, URL
    attachment_bytes: int = 0  # of both, where they are in the body as base64
    breakpoints: int = 0
    uses_tools: bool = False
    has_empty_text: bool = False


def check_turn_block(block: Any, path: str, role: str, survey: RequestStats) -> None:
    """A block of a message, or of the system prompt. Raises InvalidRequest."""
    kind = _check_common(block, path, survey)
    homes = ROLES_OF_BLOCK.get(kind)
    if homes is not None and role not in homes:
        where = " or ".join(f"`{home}`" for home in homes)
        raise InvalidRequest(f"`{kind}` blocks can only be in {where} messages", path=path)
    _CHECKS.get(kind, _check_unknown)(block, path, survey)


def without_empty_text(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Checked blocks less the empty texts, in tool results too."""
    kept = [block for block in blocks if block["type"] != "text" or block["text"]]
    for block in kept:
        if block["type"] == "tool_result" and isinstance(block.get("content"), list):
            block["content"] = without_empty_text(block["content"])
    return kept


def check_cache_control(value: Any, path: str, survey: RequestStats) -> None:
    """A cache breakpoint, or null for none."""
    if value is None:
        return
    control = values.mapping(value, path)
    values.one_of(values.field(control, "type", path), f"{path}.type", ("ephemeral",))
    if control.get("ttl") is not None:
        values.one_of(control["ttl"], f"{path}.ttl", ("5m", "1h"))
    survey.breakpoints += 1


def check_breakpoints(survey: RequestStats) -> None:
    if survey.breakpoints > MAX_CACHE_BREAKPOINTS:
        raise InvalidRequest(
            f"A maximum of {MAX_CACHE_BREAKPOINTS} blocks with cache_control may be provided. "
            f"Found {survey.breakpoints}."
        )


def _check_common(block: Any, path: str, survey: RequestStats) -> str:
    if type(block) is not dict:
        raise InvalidRequest("Input should be an object", path=path)
    if "cache_control" in block:
        check_cache_control(block["cache_control"], f"{path}.cache_control", survey)
    kind = values.field(block, "type", path)
    return values.filled_string(kind, f"{path}.type")


def _check_text(block: dict[str, Any], path: str, survey: RequestStats) -> None:
    if not values.string(values.field(block, "text", path), f"{path}.text"):
        survey.has_empty_text = True
    if block.get("citations") is not None:
        values.array(block["citations"], f"{path}.citations")


def _check_image(block: dict[str, Any], path: str, survey: RequestStats) -> None:
    survey.images += 1
    at = f"{path}.source"
    source = values.mapping(values.field(block, "source", path), at)
    kind = values.one_of(values.field(source, "type", at), f"{at}.type", ("base64", "url", "file"))
    if kind == "base64":
        _check_base64(source, at, IMAGE_MEDIA_TYPES, survey)
    else:
        _check_remote(source, at, kind)


def _check_document(block: dict[str, Any], path: str, survey: RequestStats) -> None:
    at = f"{path}.source"
    source = values.mapping(values.field(block, "source", path), at)
    allowed = ("base64", "text", "content", "url", "file")
    kind = values.one_of(values.field(source, "type", at), f"{at}.type", allowed)
    for name in ("title", "context"):
        if block.get(name) is not None:
            values.string(block[name], f"{path}.{name}")
    if kind == "text":
        values.string(values.field(source, "data", at), f"{at}.data")
    elif kind == "content":
        content = values.field(source, "content", at)
        _check_inner(content, f"{at}.content", survey, allowed=("text", "image"))
    else:
        survey.documents += 1
        if kind == "base64":
            _check_base64(source, at, ("application/pdf",), survey)
        else:
            _check_remote(source, at, kind)


def _check_base64(
    source: dict[str, Any], at: str, media_types: tuple[str, ...], survey: RequestStats
) -> None:
    media_type = values.field(source, "media_type", at)
    values.one_of(media_type, f"{at}.media_type", media_types)
    data = values.filled_string(values.field(source, "data", at), f"{at}.data")
    if data.startswith("data:"):
        raise InvalidRequest("Send the base64 text alone, without `data:…,`", path=f"{at}.data")
    # Constant time for a string of 30 MB: its two ends tell an address, a path or bytes from
    # base64. The upstream decodes it, and says what is wrong inside.
    ends = data[:_END_CHARS], data[-_END_CHARS:]
    if not (data.isascii() and all(map(_IS_BASE64, ends))):
        raise InvalidRequest("Invalid base64 data", path=f"{at}.data")
    survey.attachment_bytes += len(data)


def _check_remote(source: dict[str, Any], at: str, kind: str) -> None:
    if kind == "url":
        image_urls.check(values.field(source, "url", at), f"{at}.url")
    else:
        values.filled_string(values.field(source, "file_id", at), f"{at}.file_id")


def _check_search_result(block: dict[str, Any], path: str, survey: RequestStats) -> None:
    values.string(values.field(block, "source", path), f"{path}.source")
    values.string(values.field(block, "title", path), f"{path}.title")
    content = values.array(values.field(block, "content", path), f"{path}.content")
    _check_inner(content, f"{path}.content", survey, allowed=("text",))


def _check_thinking(block: dict[str, Any], path: str, survey: RequestStats) -> None:
    values.string(values.field(block, "thinking", path), f"{path}.thinking")
    if block.get("signature") is not None:
        values.string(block["signature"], f"{path}.signature")


def _check_redacted_thinking(block: dict[str, Any], path: str, survey: RequestStats) -> None:
    values.string(values.field(block, "data", path), f"{path}.data")


def _check_tool_use(block: dict[str, Any], path: str, survey: RequestStats) -> None:
    survey.uses_tools = True
    values.filled_string(values.field(block, "id", path), f"{path}.id")
    values.filled_string(values.field(block, "name", path), f"{path}.name")
    values.mapping(values.field(block, "input", path), f"{path}.input")


def _check_tool_result(block: dict[str, Any], path: str, survey: RequestStats) -> None:
    survey.uses_tools = True
    values.filled_string(values.field(block, "tool_use_id", path), f"{path}.tool_use_id")
    if block.get("is_error") is not None:
        values.boolean(block["is_error"], f"{path}.is_error")
    if block.get("content") is not None:
        _check_inner(block["content"], f"{path}.content", survey)


def _check_inner(
    content: Any, path: str, survey: RequestStats, *, allowed: tuple[str, ...] | None = None
) -> None:
    """Text, or the blocks inside a block. Results may hold anything but results, documents and
    search results only what is `allowed`: the depth is bounded."""
    if type(content) is str:
        return
    if type(content) is not list:
        raise InvalidRequest("Input should be a valid string or array", path=path)
    for index, block in enumerate(content):
        at = f"{path}.{index}"
        kind = _check_common(block, at, survey)
        if allowed is not None:
            values.one_of(kind, f"{at}.type", allowed)
        _INNER_CHECKS.get(kind, _check_unknown)(block, at, survey)


def _check_unknown(block: dict[str, Any], path: str, survey: RequestStats) -> None:
    """A kind that is passed on unread, but for the addresses of images and documents in it."""
    unseen: list[Any] = [block]
    while unseen:
        value = unseen.pop()
        if type(value) is dict:
            if value.get("type") == "url" and type(value.get("url")) is str:
                image_urls.check(value["url"], path)
            unseen.extend(value.values())
        elif type(value) is list:
            unseen.extend(value)


_Check = Callable[[dict[str, Any], str, RequestStats], None]
_INNER_CHECKS: dict[str, _Check] = {
    "text": _check_text,
    "image": _check_image,
    "document": _check_document,
    "search_result": _check_search_result,
}
_CHECKS: dict[str, _Check] = _INNER_CHECKS | {
    "thinking": _check_thinking,
    "redacted_thinking": _check_redacted_thinking,
    "tool_use": _check_tool_use,
    "tool_result": _check_tool_result,
}
