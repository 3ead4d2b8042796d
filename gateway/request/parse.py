"""A request body in, a checked request out. Whether the model exists is not known here."""

from typing import Any

import msgspec

from gateway.errors import InvalidRequest
from gateway.request import content, messages, options, tools, values

# What counting tokens does not depend on, and strict upstreams refuse there.
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
    """A request that keeps the contract.

    `fields` is the decoded body: unknown fields are kept, nulls of optional fields, empty text
    blocks and a `tool_choice` without tools are gone. It is shared, so nobody may change it.
    """

    model: str
    max_tokens: int
    stream: bool
    fields: dict[str, Any]
    needs: frozenset[str]
    image_count: int
    document_count: int
    body_bytes: int
    attachment_bytes: int = 0

    @property
    def text_bytes(self) -> int:
        """What of the body may be tokens: images and documents in it count for themselves,
        whatever their base64 is long."""
        return self.body_bytes - self.attachment_bytes


def parse(body: bytes) -> MessagesRequest:
    """The body of POST /v1/messages. Raises InvalidRequest, ThreadNotFound."""
    fields = _decode(body)
    values.field(fields, "model", "")
    values.field(fields, "max_tokens", "")
    return _check(fields, body_bytes=len(body), check_pairs=True)


def parse_count(body: bytes) -> MessagesRequest:
    """The body of POST /v1/messages/count_tokens: `max_tokens` is 0 and nothing streams.

    Clients count single turns of a conversation, so a tool call may lack its result.
    """
    fields = {name: value for name, value in _decode(body).items() if name not in NOT_COUNTED}
    values.field(fields, "model", "")
    return _check(fields, body_bytes=len(body), check_pairs=False)


def _decode(body: bytes) -> dict[str, Any]:
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


def _check(fields: dict[str, Any], *, body_bytes: int, check_pairs: bool) -> MessagesRequest:
    for name in [name for name, value in fields.items() if value is None]:
        if options.is_optional(name):
            del fields[name]
    survey = content.RequestStats()
    options.check_settings(fields)
    fields.pop("thread", None)  # an upstream would hold it under an id that callers never see
    _check_conversation(fields, survey, check_pairs=check_pairs)
    return MessagesRequest(
        model=fields["model"],
        max_tokens=fields.get("max_tokens", 0),
        stream=fields.get("stream", False),
        fields=fields,
        needs=_needs(fields, survey),
        image_count=survey.images,
        document_count=survey.documents,
        body_bytes=body_bytes,
        attachment_bytes=survey.attachment_bytes,
    )


def _check_conversation(
    fields: dict[str, Any], survey: content.RequestStats, *, check_pairs: bool
) -> None:
    if "system" in fields:
        messages.check_system(fields["system"], survey)
    if "tools" in fields:
        tools.check_tools(fields["tools"], survey)
    if "tool_choice" in fields:
        tools.check_tool_choice(fields["tool_choice"], fields.get("tools", []))
        if not fields.get("tools"):
            del fields["tool_choice"]
    if "cache_control" in fields:
        content.check_cache_control(fields["cache_control"], "cache_control", survey)
    messages.check_turns(values.field(fields, "messages", ""), survey)
    if check_pairs and survey.uses_tools:
        messages.check_tool_pairs(fields["messages"])
    if survey.has_empty_text:
        _drop_empty_text(fields)
    content.check_breakpoints(survey)


def _drop_empty_text(fields: dict[str, Any]) -> None:
    fields["messages"] = messages.without_empty_turns(fields["messages"])
    if isinstance(fields.get("system"), list):
        fields["system"] = content.without_empty_text(fields["system"])


def _needs(fields: dict[str, Any], survey: content.RequestStats) -> frozenset[str]:
    needs = []
    if survey.images:
        needs.append("images")
    if survey.documents:
        needs.append("documents")
    if survey.uses_tools:
        needs.append("tools")
    if options.thinks(fields):
        needs.append("thinking")
    if options.wants_structure(fields):
        needs.append("structured_output")
    return frozenset(needs)
