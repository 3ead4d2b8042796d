"""The trees of fields that `{{ fields <name> }}` shows, by name.

createMessage.body   createMessage.answer   listModels.parameters   of an operation
block.TextBlock                                                     of a content block
event.message_start                                                 of an event's data
error                                                               of every error
"""

import re
from functools import lru_cache

from docs_site.openapi import document
from docs_site.openapi.document import Schema
from docs_site.openapi.fields import Content, FieldTree

_MESSAGES = "/docs/reference/messages"
# Described once, on the page of messages: they occur at many places in a request.
BLOCKS = (
    "TextBlock",
    "ImageBlock",
    "DocumentBlock",
    "SearchResultBlock",
    "ThinkingBlock",
    "RedactedThinkingBlock",
    "ToolUseBlock",
    "ToolResultBlock",
    "CacheControl",
)


@lru_cache(maxsize=64)
def tree(name: str) -> Content:
    """Return the tree of this name; raise LookupError."""
    kind, _, part = name.partition(".")
    builder = FieldTree(document.schemas(), _LINKS)
    if kind == "block":
        return builder.of(document.schemas()[part], path=part)
    if kind == "event":
        return FieldTree(document.schemas(), _LINKS | _LINKS_OF_EVENTS).of(
            document.events()[part], path=part
        )
    if kind == "error":
        return builder.of(document.schemas()["Error"], path="error")
    return _of_operation(builder, kind, part)


def title_of(schema: str) -> str:
    """Write ToolResultBlock as Tool result block."""
    words = re.findall(r"[A-Z][a-z]*", schema)
    return " ".join([words[0], *(word.lower() for word in words[1:])])


def _of_operation(builder: FieldTree, operation_id: str, part: str) -> Content:
    operation = document.operation(operation_id)
    if part == "body" and operation.body is not None:
        return builder.of(_json(operation.body))
    if part == "answer":
        return builder.of(_json(operation.answer), path="answer")
    if part == "parameters":
        return Content(
            tuple(
                builder.field(
                    one["name"],
                    one["schema"] | {"description": one["description"]},
                    path=one["name"],
                    is_required=one.get("required", False),
                )
                for one in operation.description.get("parameters", ())
                if one["in"] != "header"
            )
        )
    raise LookupError(f"{operation_id} has no {part}")


def _json(described: Schema) -> Schema:
    schema: Schema = described["content"]["application/json"]["schema"]
    return schema


def _link(schema: str) -> str:
    title = title_of(schema)
    return f"[{title}]({_MESSAGES}#{title.lower().replace(' ', '-')})"


_LINKS = {name: _link(name) for name in BLOCKS}
_LINKS_OF_EVENTS = {"AnswerBlock": f"[block of an answer]({_MESSAGES}#answer-content)"}
