"""Content blocks of requests, by the roles in which they are allowed."""

from gateway.openapi.json_schema import (
    BOOLEAN,
    NON_EMPTY,
    OBJECT,
    TEXT,
    Schema,
    array,
    const,
    described,
    enum,
    nullable,
    object_schema,
    ref,
)
from gateway.request.content import BASE64, IMAGE_MEDIA_TYPES, ROLES_OF_BLOCK
from gateway.request.image_urls import MAX_URL_CHARS

# In the regex dialect of ECMA 262, and slightly narrower than the check: lower case, visible ASCII.
_PUBLIC_URL = (
    r"^https?://([A-Za-z0-9_][A-Za-z0-9_-]{0,62}\.)+[A-Za-z][A-Za-z0-9-]{1,62}"
    r"(:[0-9]{1,5})?([/?#][!-~]*)?$"
)
_CHECKED_IN_RESULTS = ("text", "image", "document", "search_result")
_CACHE: dict[str, Schema] = {"cache_control": nullable(ref("CacheControl"))}


def _block(
    kind: str, required: dict[str, Schema], optional: dict[str, Schema], description: str
) -> Schema:
    return object_schema(
        {"type": const(kind), **required}, {**optional, **_CACHE}, description=description
    )


def _other(known: tuple[str, ...]) -> Schema:
    """Return a block of any other type: forwarded to upstreams that know it, and else dropped."""
    return object_schema(
        {
            "type": {
                **NON_EMPTY,
                "not": {"enum": list(known)},
                "description": "The type, as the upstream knows it.",
            }
        },
        _CACHE,
        description="Forwarded unchanged to upstreams that know it.",
    )


def _blocks_of(role: str) -> Schema:
    """Return the blocks that are allowed in a message of this role."""
    allowed = [kind for kind, roles in ROLES_OF_BLOCK.items() if role in roles]
    known = [ref(_NAMES[kind]) for kind in ("text", *allowed)]
    return {"oneOf": [*known, _other(("text", *ROLES_OF_BLOCK))]}


def _source(kind: str, required: dict[str, Schema], description: str) -> Schema:
    return object_schema({"type": const(kind), **required}, description=description)


def _inline(media_types: tuple[str, ...]) -> Schema:
    data = {
        "type": "string",
        "contentEncoding": "base64",
        "pattern": f"^{BASE64}$",
        "minLength": 1,
        "description": "Base64, without `data:…,` before it.",
    }
    media_type = enum(media_types, description="What `data` is.")
    return _source("base64", {"media_type": media_type, "data": data}, "Inline.")


_URL = _source(
    "url",
    {
        "url": {
            "type": "string",
            "maxLength": MAX_URL_CHARS,
            "pattern": _PUBLIC_URL,
            "description": "A public address. The model's server fetches it; this API never does.",
        }
    },
    "At an address.",
)
_FILE = _source(
    "file",
    {"file_id": described(NON_EMPTY, "The id that the model's server gave to the file.")},
    "By an id that the model's server knows.",
)
_PLAIN = _source("text", {"data": described(TEXT, "The text.")}, "Plain text.")
_IN_BLOCKS = _source(
    "content",
    {
        "content": {
            "oneOf": [TEXT, array({"oneOf": [ref("TextBlock"), ref("ImageBlock")]})],
            "description": "The content.",
        }
    },
    "Text, or blocks of text and images.",
)
_RESULT = nullable(
    {
        "oneOf": [TEXT, array(ref("ResultBlock"))],
        "description": "The tool's output; empty if not set.",
    }
)

_NAMES = {
    "text": "TextBlock",
    "image": "ImageBlock",
    "document": "DocumentBlock",
    "search_result": "SearchResultBlock",
    "thinking": "ThinkingBlock",
    "redacted_thinking": "RedactedThinkingBlock",
    "tool_use": "ToolUseBlock",
    "tool_result": "ToolResultBlock",
}
SCHEMAS: dict[str, Schema] = {
    "CacheControl": object_schema(
        {"type": const("ephemeral")},
        {
            "ttl": described(
                nullable(enum(("5m", "1h"))),
                "How long the upstream keeps it after its last use. The default is five minutes.",
            )
        },
        description="A cache breakpoint: later calls may read the input before it from the cache.",
    ),
    "TextBlock": _block(
        "text",
        {"text": described(TEXT, "The text. A block with an empty one is left out.")},
        {"citations": described(nullable(array({})), "As an earlier answer had them.")},
        "Text.",
    ),
    "ImageBlock": _block(
        "image",
        {
            "source": {
                "oneOf": [_inline(IMAGE_MEDIA_TYPES), _URL, _FILE],
                "description": "Where the image is.",
            }
        },
        {},
        "An image, for models with `image_input`.",
    ),
    "DocumentBlock": _block(
        "document",
        {
            "source": {
                "oneOf": [_inline(("application/pdf",)), _PLAIN, _IN_BLOCKS, _URL, _FILE],
                "description": "Where the document is. Text works with every model; a PDF, a file "
                "or an address needs one with `pdf_input`.",
            }
        },
        {
            "title": described(nullable(TEXT), "Its title, for the model."),
            "context": described(nullable(TEXT), "What the model should know about it."),
        },
        "A document.",
    ),
    "SearchResultBlock": _block(
        "search_result",
        {
            "source": described(TEXT, "Where it was found, an address for example."),
            "title": described(TEXT, "Its title."),
            "content": array(ref("TextBlock"), description="What was found."),
        },
        {},
        "A result of a search of your own, which the model can cite.",
    ),
    "ThinkingBlock": _block(
        "thinking",
        {"thinking": described(TEXT, "As the answer had it: never changed.")},
        {"signature": described(nullable(TEXT), "As the answer had it: never changed.")},
        "Thinking of an earlier answer, sent back in its place.",
    ),
    "RedactedThinkingBlock": _block(
        "redacted_thinking",
        {"data": described(TEXT, "As the answer had it: never changed.")},
        {},
        "Encrypted thinking of an earlier answer, sent back in its place.",
    ),
    "ToolUseBlock": _block(
        "tool_use",
        {
            "id": described(NON_EMPTY, "As the answer had it; the `tool_result` names it."),
            "name": described(NON_EMPTY, "The tool."),
            "input": described(OBJECT, "What the tool was called with."),
        },
        {},
        "A tool call of an earlier answer.",
    ),
    "ToolResultBlock": _block(
        "tool_result",
        {
            "tool_use_id": described(
                NON_EMPTY, "The `id` of the `tool_use` block that this answers."
            )
        },
        {
            "content": _RESULT,
            "is_error": described(nullable(BOOLEAN), "The tool failed; `content` says why."),
        },
        "What a tool returned.",
    ),
    "ResultBlock": {
        "oneOf": [*(ref(_NAMES[kind]) for kind in _CHECKED_IN_RESULTS), _other(_CHECKED_IN_RESULTS)]
    },
    "UserBlock": _blocks_of("user"),
    "AssistantBlock": _blocks_of("assistant"),
    "SystemBlock": _blocks_of("system"),
}
