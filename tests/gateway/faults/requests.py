"""Requests that a server takes only in its own words: schemas, and thinking that is off.

The upstreams refuse others, so an answer shows that the request reached them as they take it.
"""

from collections.abc import Iterator
from typing import Any

from tests.gateway.faults.table import (
    ANSWERED,
    CHAT_ONLY,
    MESSAGES_ONLY,
    Fault,
    Way,
    in_every_format,
)
from tests.support.replies import answers, says
from tests.support.scripted_upstream import Exchange, Play
from tests.support.strict.plays import checks

_CLOSED = {"type": "object", "additionalProperties": False}
_DATE = {"type": "string", "format": "date"}


def _closed(**properties: Any) -> dict[str, Any]:
    return _CLOSED | {"properties": properties, "required": list(properties)}


# What OpenAI refuses with `strict`, and one that it takes.
SCHEMAS: dict[str, dict[str, Any]] = {
    "all closed": _closed(at=_DATE, to={"type": ["string", "null"]}),
    "members left open": {"type": "object", "properties": {"at": _DATE}},
    "a member that is optional": _closed(at=_DATE, to=_DATE) | {"required": ["at"]},
    "an inner object left open": _closed(at={"type": "array", "items": {"type": "object"}}),
    "a format that it does not know": _closed(at={"type": "string", "format": "uri"}),
    "a default": _closed(at={"type": "string", "default": "here"}),
    "a length": _closed(at={"type": "string", "maxLength": 5}),
    "unique items": _closed(at={"type": "array", "items": _DATE, "uniqueItems": True}),
    "a combination": _closed(at={"allOf": [_DATE]}),
    "one of several, at the top": _closed(at=_DATE) | {"anyOf": [_closed(at=_DATE)]},
    "members that need others": _closed(at=_DATE) | {"dependentRequired": {"at": []}},
}


def _schemas() -> Iterator[Fault]:
    play = in_every_format(checks({"text": "Hello there"}))
    for name, schema in SCHEMAS.items():
        wanted = {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
        tool = {"name": "look", "input_schema": schema, "strict": True}
        for of, fields in (("an answer", wanted), ("a tool", {"tools": [tool]})):
            yield Fault(
                f"requests: a schema of {of}, {name}",
                play,
                ANSWERED,
                CHAT_ONLY,
                model="scripted/openai",
                fields=fields,
            )


_OFF = {"type": "disabled"}
_TEMPLATE = {"chat_template_kwargs": {"enable_thinking": False}}
_WORDS_OF: dict[str, dict[str, Any]] = {
    "deepseek": {"thinking": _OFF},
    "kimi": {"thinking": _OFF},
    "gemini": {"reasoning_effort": "none"},
    "openai": {"reasoning_effort": "none"},
    "mistral": {},
    "qwen": _TEMPLATE,
    "vllm": _TEMPLATE,
    "chat": {},
}
_OF_THINKING = ("thinking", "reasoning", "reasoning_effort", "enable_thinking", *_TEMPLATE)


def _if_told(words: dict[str, Any]) -> Play:
    """Answer if the request says this of thinking, and nothing else."""

    async def checked(exchange: Exchange) -> None:
        body = exchange.request.body
        told = {name: body[name] for name in _OF_THINKING if name in body}
        is_right = told == words
        await (says() if is_right else answers(b'{"error": "other words"}', status=400))(exchange)

    return checked


def _thinking_off() -> Iterator[Fault]:
    """To models that think by default, and an effort beside it changes nothing."""
    of_servers: list[tuple[str, dict[str, Any], tuple[Way, ...]]] = [
        *((name, words, CHAT_ONLY) for name, words in _WORDS_OF.items()),
        ("messages", {"thinking": _OFF}, MESSAGES_ONLY),
    ]
    for name, words, ways in of_servers:
        for more, fields in (("", {}), (", beside an effort", {"effort": "high"})):
            yield Fault(
                f"requests: thinking off, {name}{more}",
                in_every_format(_if_told(words)),
                ANSWERED,
                ways,
                model=f"scripted/{name}",
                fields={"thinking": _OFF} | ({"output_config": fields} if fields else {}),
            )


FAULTS = [*_schemas(), *_thinking_off()]
