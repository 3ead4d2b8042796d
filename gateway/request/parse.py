"""Parses and validates a request body. The router checks whether the model exists."""

import mmap
from typing import Any

import msgspec

from catalogue.pricing import NO_USES, ToolUses
from gateway.errors import InvalidRequest
from gateway.request import content, messages, options, tools, values
from gateway.request.known_fields import USUAL

# Fields that do not affect a token count; strict upstreams reject them in a count request.
NOT_COUNTED = frozenset(
    {
        "max_tokens",
        "stream",
        "stop_sequences",
        "temperature",
        "top_p",
        "top_k",
        "metadata",
        "service_tier",
        "speed",
    }
)


class MessagesRequest(msgspec.Struct, frozen=True):
    """A validated request.

    `fields` is the decoded body, with unknown fields, but without nulls of optional fields, empty
    text blocks or a `tool_choice` without tools. It is shared, so it must not be modified.
    """

    model: str
    max_tokens: int
    stream: bool
    fields: dict[str, Any]
    needs: frozenset[str]
    image_count: int
    document_count: int
    body_bytes: int
    least_tokens: int = 0  # as how many it counts at least against the limit of its workspace
    attachment_bytes: int = 0
    opaque_bytes: int = 0
    has_odd_calls: bool = False
    has_blank_text: bool = False  # of white space alone, which some servers refuse
    has_system_turns: bool = False
    # Models that its tools name for the provider to call, each with the most calls.
    helpers: tuple[tuple[str, int], ...] = ()
    has_tool_changes: bool = False
    added_tools: tuple[dict[str, Any], ...] = ()  # that its messages define
    # Whether all that it asks of a provider is usual: nothing that a catalogue can keep out.
    is_usual: bool = True
    has_hour: bool = False  # asks for a cache that is kept for an hour
    file_ids: tuple[str, ...] = ()  # where files of the upstream's account are named
    provider_tools: tuple[tuple[str, str], ...] = ()  # path and type of those with a type
    uses: ToolUses = NO_USES  # the most, of tools that the provider runs and charges for

    @property
    def rereads(self) -> int:
        """How many times at most the model reads the conversation again, each time with what the
        provider's tools have found by then: after each use, or round of uses."""
        if self.uses is NO_USES and not self.helpers and "mcp_servers" not in self.fields:
            return 0  # nearly always
        rounds = tools.MOST_ROUNDS if self.fields.get("mcp_servers") else sum(self.uses)
        return min(rounds, tools.MOST_ROUNDS) + sum(uses for _, uses in self.helpers)

    @property
    def may_be_compacted(self) -> bool:
        """Whether the provider may summarise the conversation first, in a pass of its own."""
        if "context_management" not in self.fields:
            return False  # nearly always
        management = self.fields["context_management"]
        edits = management.get("edits") if isinstance(management, dict) else None
        if not isinstance(edits, list):
            return False
        kinds = [edit.get("type") for edit in edits if isinstance(edit, dict)]
        return any(str(kind).startswith("compact") for kind in kinds)

    @property
    def switches_thinking_off(self) -> bool:
        """Whether it says that a model that thinks by default must not."""
        return bool((self.fields.get("thinking") or {}).get("type") == "disabled")

    @property
    def switches_thinking_on(self) -> bool:
        """Whether it asks the model to think."""
        kind = (self.fields.get("thinking") or {}).get("type")
        return kind is not None and kind != "disabled"

    @property
    def forces_a_call(self) -> bool:
        """Whether the model must call a tool."""
        return bool((self.fields.get("tool_choice") or {}).get("type") in ("any", "tool"))

    @property
    def text_bytes(self) -> int:
        """The bytes of the body without base64: images and documents are counted separately, and
        the length of their base64 says nothing about their tokens. Our signatures are no text."""
        return self.body_bytes - self.attachment_bytes - self.opaque_bytes


def messages_request(body: bytes | mmap.mmap, least_tokens: int = 0) -> MessagesRequest:
    """The body of POST /v1/messages. Raises InvalidRequest, ThreadNotFound."""
    fields = _decode(body)
    values.field(fields, "model", "")
    values.field(fields, "max_tokens", "")
    return _check(fields, body_bytes=len(body), least_tokens=least_tokens, check_pairs=True)


def count_request(body: bytes | mmap.mmap) -> MessagesRequest:
    """The body of POST /v1/messages/count_tokens: `max_tokens` is 0 and `stream` is false.

    Clients count single messages of a conversation, so a tool call may lack its result.
    """
    fields = {name: value for name, value in _decode(body).items() if name not in NOT_COUNTED}
    values.field(fields, "model", "")
    return _check(fields, body_bytes=len(body), check_pairs=False)


def _decode(body: bytes | mmap.mmap) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(body)
    except UnicodeDecodeError:
        raise InvalidRequest("The request body is not valid UTF-8") from None
    except RecursionError:
        raise InvalidRequest("The request body is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The request body is not valid JSON: {error}") from None
    if type(fields) is not dict:
        raise InvalidRequest("The request body should be a JSON object")
    return fields


def _check(
    fields: dict[str, Any], *, body_bytes: int, check_pairs: bool, least_tokens: int = 0
) -> MessagesRequest:
    for name in [name for name, value in fields.items() if value is None]:
        if options.is_optional(name):
            del fields[name]
    stats = content.RequestStats()
    options.check_options(fields)
    fields.pop("thread", None)  # an upstream would store it under an id that callers never receive
    added_tools = _check_conversation(fields, stats, check_pairs=check_pairs)
    return MessagesRequest(
        model=fields["model"],
        max_tokens=fields.get("max_tokens", 0),
        stream=fields.get("stream", False),
        fields=fields,
        needs=_needs(fields, stats),
        image_count=stats.images + stats.inner_images,
        document_count=stats.documents + stats.inner_documents,
        body_bytes=body_bytes,
        least_tokens=least_tokens,
        attachment_bytes=stats.attachment_bytes,
        opaque_bytes=stats.opaque_bytes,
        has_odd_calls=stats.has_odd_calls,
        has_blank_text=stats.has_blank_text,
        has_system_turns=stats.has_system_turns,
        helpers=tuple(sorted(stats.helpers.items())) if stats.helpers else (),
        is_usual=fields.keys() <= USUAL and not stats.provider_tools and not stats.file_ids,
        has_hour=stats.has_hour,
        file_ids=tuple(stats.file_ids),
        provider_tools=tuple(stats.provider_tools),
        uses=stats.uses,
        has_tool_changes=bool(stats.tool_changes),
        added_tools=added_tools,
    )


def _check_conversation(
    fields: dict[str, Any], stats: content.RequestStats, *, check_pairs: bool
) -> tuple[dict[str, Any], ...]:
    if "system" in fields:
        messages.check_system(fields["system"], stats)
    if "tools" in fields:
        tools.check_tools(fields["tools"], stats)
    if "cache_control" in fields:
        content.check_cache_control(fields["cache_control"], "cache_control", stats)
    messages.check_messages(values.field(fields, "messages", ""), stats)
    added = tools.check_changes(stats) if stats.tool_changes else ()
    if "tool_choice" in fields:
        offered = [*fields.get("tools", []), *added]
        tools.check_tool_choice(fields["tool_choice"], offered)
        if not offered:
            del fields["tool_choice"]
    if check_pairs and stats.uses_tools:
        messages.check_tool_pairs(fields["messages"])
    if stats.has_empty_text:
        _drop_empty_text(fields)
    content.check_breakpoints(stats)
    return added


def _drop_empty_text(fields: dict[str, Any]) -> None:
    fields["messages"] = messages.without_empty_messages(fields["messages"])
    if isinstance(fields.get("system"), list):
        fields["system"] = content.without_empty_text(fields["system"])


def _needs(fields: dict[str, Any], stats: content.RequestStats) -> frozenset[str]:
    needs = []
    if stats.images:
        needs.append("images")
    if stats.documents:
        needs.append("documents")
    if stats.uses_tools:
        needs.append("tools")
    if options.requires_thinking(fields):
        needs.append("thinking")
    if options.requires_structured_output(fields):
        needs.append("structured_output")
    return frozenset(needs)
