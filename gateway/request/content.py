"""Checks of content blocks, by type, and statistics over all blocks of a request."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from catalogue.pricing import NO_USES, ToolUses
from gateway.errors import InvalidRequest
from gateway.request import image_urls, values

IMAGE_MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
MAX_CACHE_BREAKPOINTS = 4
BASE64 = r"[A-Za-z0-9+/_\- \t\r\n]*=*[ \t\r\n]*"
_IS_BASE64 = re.compile(BASE64).fullmatch
_END_CHARS = 200
# How the signatures of thinking begin that formats/thought_seal.py makes.
OUR_SIGNATURES = "cai1."
_NAMES_A_FILE = ("file", "container_upload")
_IS_USUAL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}").fullmatch
_IS_USUAL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}").fullmatch
# Block types that are restricted to certain roles; the system prompt counts as role `system`. Other
# types are allowed anywhere.
ROLES_OF_BLOCK = {
    "image": ("user",),
    "document": ("user", "assistant"),
    "tool_result": ("user",),
    "search_result": ("user",),
    "tool_use": ("assistant",),
    "thinking": ("assistant",),
    "redacted_thinking": ("assistant",),
}


class RequestStats(msgspec.Struct):
    """Collected while a request is checked."""

    images: int = 0
    documents: int = 0  # only those whose tokens the body's length does not bound: PDF, file, URL
    # Inside blocks of types that we do not know, where a document may be an image, too.
    inner_images: int = 0
    inner_documents: int = 0
    attachment_bytes: int = 0  # of images and documents that are in the body as base64
    opaque_bytes: int = 0  # of our own signatures: no model reads them as text
    breakpoints: int = 0
    # With ids or names that Messages servers refuse, or with an id of an earlier call.
    has_odd_calls: bool = False
    call_ids: set[str] = set()
    uses_tools: bool = False
    has_system_turns: bool = False
    has_empty_text: bool = False
    has_blank_text: bool = False  # of white space alone
    # Models that tools name for the provider to call, with the most calls.
    helpers: dict[str, int] = {}
    has_hour: bool = False  # asks for a cache that is kept for an hour
    file_ids: list[str] = []  # where files of the account are named
    provider_tools: list[tuple[str, str]] = []  # path and type
    uses: ToolUses = NO_USES  # the most, of tools that the provider runs and charges for
    # Blocks that add or remove a tool in mid-conversation, each with its path.
    tool_changes: list[tuple[str, Any]] = []


def check_message_block(block: Any, path: str, role: str, stats: RequestStats) -> None:
    """A block of a message, or of the system prompt. Raises InvalidRequest."""
    kind = _check_common(block, path, stats)
    allowed = ROLES_OF_BLOCK.get(kind)
    if allowed is not None and role not in allowed:
        where = " or ".join(f"`{name}`" for name in allowed)
        raise InvalidRequest(f"`{kind}` blocks can only be in {where} messages", path=path)
    _CHECKS.get(kind, _check_unknown)(block, path, stats)


def without_empty_text(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Checked blocks without empty text blocks, in tool results too."""
    kept = [block for block in blocks if block["type"] != "text" or block["text"]]
    for block in kept:
        if block["type"] == "tool_result" and isinstance(block.get("content"), list):
            block["content"] = without_empty_text(block["content"])
    return kept


def check_cache_control(value: Any, path: str, stats: RequestStats) -> None:
    """A cache breakpoint; null means none."""
    if value is None:
        return
    control = values.mapping(value, path)
    values.one_of(values.field(control, "type", path), f"{path}.type", ("ephemeral",))
    ttl = control.get("ttl")
    if ttl is not None and values.one_of(ttl, f"{path}.ttl", ("5m", "1h")) == "1h":
        stats.has_hour = True
    stats.breakpoints += 1


def check_breakpoints(stats: RequestStats) -> None:
    if stats.breakpoints > MAX_CACHE_BREAKPOINTS:
        raise InvalidRequest(
            f"A maximum of {MAX_CACHE_BREAKPOINTS} blocks with cache_control may be provided. "
            f"Found {stats.breakpoints}."
        )


def _check_common(block: Any, path: str, stats: RequestStats) -> str:
    if type(block) is not dict:
        raise InvalidRequest("Input should be an object", path=path)
    if "cache_control" in block:
        check_cache_control(block["cache_control"], f"{path}.cache_control", stats)
    kind = values.field(block, "type", path)
    return values.non_empty_string(kind, f"{path}.type")


def _check_text(block: dict[str, Any], path: str, stats: RequestStats) -> None:
    text = values.string(values.field(block, "text", path), f"{path}.text")
    if not text:
        stats.has_empty_text = True
    elif text.isspace():
        stats.has_blank_text = True
    if block.get("citations") is not None:
        values.array(block["citations"], f"{path}.citations")


def _check_image(block: dict[str, Any], path: str, stats: RequestStats) -> None:
    stats.images += 1
    at = f"{path}.source"
    source = values.mapping(values.field(block, "source", path), at)
    kind = values.one_of(values.field(source, "type", at), f"{at}.type", ("base64", "url", "file"))
    if kind == "base64":
        _check_base64(source, at, IMAGE_MEDIA_TYPES, stats)
    else:
        _check_remote(source, at, kind, stats)


def _check_document(block: dict[str, Any], path: str, stats: RequestStats) -> None:
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
        _check_inner(content, f"{at}.content", stats, allowed=("text", "image"))
    else:
        stats.documents += 1
        if kind == "base64":
            _check_base64(source, at, ("application/pdf",), stats)
        else:
            _check_remote(source, at, kind, stats)


def _check_base64(
    source: dict[str, Any], at: str, media_types: tuple[str, ...], stats: RequestStats
) -> None:
    media_type = values.field(source, "media_type", at)
    values.one_of(media_type, f"{at}.media_type", media_types)
    data = values.non_empty_string(values.field(source, "data", at), f"{at}.data")
    if data.startswith("data:"):
        raise InvalidRequest("Send the base64 text alone, without `data:…,`", path=f"{at}.data")
    # Constant time for a string of 30 MB: its two ends are enough to reject an address, a path or
    # raw bytes. The upstream decodes it and reports errors in the middle.
    ends = data[:_END_CHARS], data[-_END_CHARS:]
    if not (data.isascii() and all(map(_IS_BASE64, ends))):
        raise InvalidRequest("Invalid base64 data", path=f"{at}.data")
    stats.attachment_bytes += len(data)


def _check_remote(source: dict[str, Any], at: str, kind: str, stats: RequestStats) -> None:
    if kind == "url":
        image_urls.check(values.field(source, "url", at), f"{at}.url")
    else:
        values.non_empty_string(values.field(source, "file_id", at), f"{at}.file_id")
        stats.file_ids.append(f"{at}.file_id")


def _check_search_result(block: dict[str, Any], path: str, stats: RequestStats) -> None:
    values.string(values.field(block, "source", path), f"{path}.source")
    values.string(values.field(block, "title", path), f"{path}.title")
    content = values.array(values.field(block, "content", path), f"{path}.content")
    _check_inner(content, f"{path}.content", stats, allowed=("text",))


def _check_thinking(block: dict[str, Any], path: str, stats: RequestStats) -> None:
    values.string(values.field(block, "thinking", path), f"{path}.thinking")
    if block.get("signature") is not None:
        signature = values.string(block["signature"], f"{path}.signature")
        if signature.startswith(OUR_SIGNATURES):
            stats.opaque_bytes += len(signature)


def _check_redacted_thinking(block: dict[str, Any], path: str, stats: RequestStats) -> None:
    values.string(values.field(block, "data", path), f"{path}.data")


def _check_tool_use(block: dict[str, Any], path: str, stats: RequestStats) -> None:
    stats.uses_tools = True
    call_id = values.non_empty_string(values.field(block, "id", path), f"{path}.id")
    name = values.non_empty_string(values.field(block, "name", path), f"{path}.name")
    if call_id in stats.call_ids or not _IS_USUAL_ID(call_id) or not _IS_USUAL_NAME(name):
        stats.has_odd_calls = True
    stats.call_ids.add(call_id)
    values.mapping(values.field(block, "input", path), f"{path}.input")


def _check_tool_result(block: dict[str, Any], path: str, stats: RequestStats) -> None:
    stats.uses_tools = True
    values.non_empty_string(values.field(block, "tool_use_id", path), f"{path}.tool_use_id")
    if block.get("is_error") is not None:
        values.boolean(block["is_error"], f"{path}.is_error")
    if block.get("content") is not None:
        _check_inner(block["content"], f"{path}.content", stats)


def _check_inner(
    content: Any, path: str, stats: RequestStats, *, allowed: tuple[str, ...] | None = None
) -> None:
    """Text, or the blocks inside a block. Tool results may contain anything but tool results;
    documents and search results only the `allowed` types. So the depth is bounded."""
    if type(content) is str:
        return
    if type(content) is not list:
        raise InvalidRequest("Input should be a valid string or array", path=path)
    for index, block in enumerate(content):
        at = f"{path}.{index}"
        kind = _check_common(block, at, stats)
        if allowed is not None:
            values.one_of(kind, f"{at}.type", allowed)
        _INNER_CHECKS.get(kind, _check_unknown)(block, at, stats)


def _check_unknown(block: dict[str, Any], path: str, stats: RequestStats) -> None:
    """A type that is forwarded without checks, except of image and document URLs inside it. What
    it asks of the provider is noted, and what it has that is larger than its bytes."""
    pending: list[Any] = [block]
    while pending:
        value = pending.pop()
        if type(value) is dict:
            if value.get("type") == "url" and type(value.get("url")) is str:
                image_urls.check(value["url"], path)
            if value.get("type") in _NAMES_A_FILE and value.get("file_id") is not None:
                stats.file_ids.append(f"{path}.file_id")
            control = value.get("cache_control")
            if type(control) is dict and control.get("ttl") == "1h":
                stats.has_hour = True
            _note_source(value, stats)
            pending.extend(value.values())
        elif type(value) is list:
            pending.extend(value)


def _note_source(value: dict[str, Any], stats: RequestStats) -> None:
    """Count an image or a document if this object says where one is, or holds one."""
    match value:
        case {"type": "base64", "media_type": str(media_type)} if media_type.startswith("image/"):
            stats.inner_images += 1
        case (
            {"type": "base64"} | {"type": "url", "url": str()} | {"type": "file", "file_id": str()}
        ):
            stats.inner_documents += 1


def _check_tool_change(block: dict[str, Any], path: str, stats: RequestStats) -> None:
    if path.startswith("system"):
        raise InvalidRequest(f"`{block['type']}` blocks can only be in messages", path=path)
    stats.uses_tools = True
    stats.tool_changes.append((path, block))
    _check_unknown(block, path, stats)


def _check_compaction(block: dict[str, Any], path: str, stats: RequestStats) -> None:
    changes = block.get("tool_changes")
    for index, change in enumerate(changes if isinstance(changes, list) else []):
        stats.tool_changes.append((f"{path}.tool_changes.{index}", change))
    _check_unknown(block, path, stats)


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
    "tool_addition": _check_tool_change,
    "tool_removal": _check_tool_change,
    "compaction": _check_compaction,
}
