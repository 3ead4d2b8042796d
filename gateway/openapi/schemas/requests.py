"""Bodies of POST /v1/messages and POST /v1/messages/count_tokens."""

from gateway.openapi.json_schema import (
    BOOLEAN,
    FILLED,
    OBJECT,
    TEXT,
    Schema,
    array,
    nullable,
    one_word,
    record,
    ref,
    said,
    tag,
)
from gateway.request.content import MAX_CACHE_BREAKPOINTS
from gateway.request.messages import MAX_TURNS
from gateway.request.options import THINKING_KINDS
from gateway.request.parse import NOT_COUNTED
from gateway.request.tools import NAME
from gateway.request.values import MAX_INTEGER
from gateway.upstreams.router import AUTO

# What no schema can say.
RULES_OF_COUNTING = (
    "it is JSON in UTF-8, not compressed, and not nested thousands of levels deep",
    "tools have different names, and `tool_choice` names one of them",
    f"there are at most {MAX_CACHE_BREAKPOINTS} `cache_control` breakpoints",
    "a user turn holds more than empty text, and so does the conversation as a whole",
    "a URL names a public host, not an address or a local name",
    "the model takes what the request needs: images, documents, tools, thinking, "
    "structured output, files by id, tools of a provider",
)
RULES = (
    *RULES_OF_COUNTING,
    "a `tool_use` id is unique, and answered once by a `tool_result` in the user turns that follow",
    "a `tool_result` answers a `tool_use` of the assistant turn before",
)
_WHOLE_NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_BUDGET: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_INTEGER}


def _turn(role: str, blocks: str, description: str, *, least: int = 0) -> Schema:
    """Return a turn; its content has `least` characters, or blocks, or more."""
    content: Schema = {
        "oneOf": [
            {"type": "string", "minLength": least},
            array(ref(blocks), minItems=least),
        ]
    }
    return record({"role": tag(role), "content": content}, description=description)


def _choice(kind: str, required: dict[str, Schema], description: str) -> Schema:
    return record(
        {"type": tag(kind), **required},
        {"disable_parallel_tool_use": nullable(BOOLEAN)},
        description=description,
    )


def _thinking(kinds: list[str], budget: dict[str, Schema], **optional: Schema) -> Schema:
    return record(
        {"type": one_word(kinds), **budget},
        {"display": nullable(TEXT), **optional},
    )


_MODEL: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 256,
    "description": f"A model's id, as GET /v1/models lists them, or `{AUTO}`: the cheapest healthy "
    "model that takes what the request needs.",
}
_SYSTEM: Schema = {
    "oneOf": [TEXT, array(ref("SystemBlock"))],
    "description": "What the model is told before the conversation.",
}
_STOPS = array(FILLED, description="Texts at which the model stops.")
_METADATA = record(
    {},
    {"user_id": said(nullable(TEXT), "A name of your own for the person behind the call.")},
)
_OPTIONAL: dict[str, Schema] = {
    "system": _SYSTEM,
    "stream": said(BOOLEAN, "Answer with server-sent events while the model writes."),
    "stop_sequences": _STOPS,
    "temperature": _SHARE,
    "top_p": _SHARE,
    "top_k": _WHOLE_NUMBER,
    "tools": array(ref("Tool")),
    "tool_choice": said(ref("ToolChoice"), "How tools are used; without `tools` it means nothing."),
    "thinking": ref("Thinking"),
    "output_config": record(
        {},
        {
            "effort": said(nullable(FILLED), "low, medium, high, xhigh or max."),
            "format": nullable(ref("OutputFormat")),
        },
    ),
    "output_format": ref("OutputFormat", "The older place of `output_config.format`."),
    "metadata": _METADATA,
    "cache_control": ref("CacheControl", "Cache as much of the conversation as possible."),
    "context_management": said(OBJECT, "Passed on to upstreams that know it."),
    "thread": record(
        {"type": tag("create")},
        description="Has no effect: no conversation is held between calls. `continue` is answered "
        "with `thread_not_found`, on which SDKs send the whole conversation.",
    ),
    "service_tier": TEXT,
    "speed": TEXT,
}
_CONVERSATION = array(ref("Turn"), minItems=1, maxItems=MAX_TURNS)
_MAX_TOKENS = said(
    _WHOLE_NUMBER,
    "The most tokens to write. More than the model's own limit means that limit. 0 only fills the "
    "cache, at upstreams that can.",
)
_REQUIRED: dict[str, Schema] = {
    "model": _MODEL,
    "max_tokens": _MAX_TOKENS,
    "messages": _CONVERSATION,
}


def _body(description: str, *, without: frozenset[str]) -> Schema:
    required = {name: schema for name, schema in _REQUIRED.items() if name not in without}
    optional = {name: nullable(one) for name, one in _OPTIONAL.items() if name not in without}
    return record(required, optional, description=description)


_CUSTOM_TOOL = record(
    {
        "name": {"type": "string", "pattern": f"^{NAME.pattern}$"},
        "input_schema": said(OBJECT, "A JSON Schema for the tool's input."),
    },
    {
        "type": {"enum": ["custom", None]},
        "description": nullable(TEXT),
        "strict": nullable(BOOLEAN),
        "defer_loading": nullable(BOOLEAN),
        "eager_input_streaming": nullable(BOOLEAN),
        "cache_control": nullable(ref("CacheControl")),
    },
    description="A function of your own: the model asks for it, you run it.",
)
_PROVIDER_TOOL = record(
    {"type": {**FILLED, "not": {"const": "custom"}}},
    {"name": nullable(TEXT), "cache_control": nullable(ref("CacheControl"))},
    description="A tool that a provider defines, such as `web_search_20260209`: passed on to "
    "upstreams of the Messages format.",
)

SCHEMAS: dict[str, Schema] = {
    "MessagesRequest": _body(
        "Fields that are not listed are passed on to upstreams of the Messages format. Null stands "
        "for an optional field that is not there.",
        without=frozenset(),
    ),
    "CountTokensRequest": _body(
        "What POST /v1/messages takes; fields that have no part in the count are passed over.",
        without=NOT_COUNTED,
    ),
    "Turn": {
        "oneOf": [ref("UserTurn"), ref("AssistantTurn"), ref("SystemTurn")],
        "discriminator": {
            "propertyName": "role",
            "mapping": {
                "user": "#/components/schemas/UserTurn",
                "assistant": "#/components/schemas/AssistantTurn",
                "system": "#/components/schemas/SystemTurn",
            },
        },
    },
    "UserTurn": _turn("user", "UserBlock", "What a person, or a tool, says.", least=1),
    "AssistantTurn": _turn(
        "assistant",
        "AssistantBlock",
        "What the model said. As the last turn, it is what the answer begins with, at upstreams "
        "that can.",
    ),
    "SystemTurn": _turn("system", "SystemBlock", "What the model is told in between."),
    "Tool": {"oneOf": [ref("CustomTool"), ref("ProviderTool")]},
    "CustomTool": _CUSTOM_TOOL,
    "ProviderTool": _PROVIDER_TOOL,
    "ToolChoice": {
        "oneOf": [
            _choice("auto", {}, "The model decides."),
            _choice("any", {}, "It has to use a tool."),
            _choice("tool", {"name": FILLED}, "It has to use this tool."),
            _choice("none", {}, "It may not use tools."),
        ]
    },
    "Thinking": {
        "oneOf": [
            _thinking(["enabled"], {"budget_tokens": _BUDGET}),
            _thinking(
                [kind for kind in THINKING_KINDS if kind != "enabled"],
                {},
                budget_tokens=nullable(_BUDGET),
            ),
        ]
    },
    "OutputFormat": record(
        {"type": tag("json_schema"), "schema": said(OBJECT, "A JSON Schema for the answer.")}
    ),
}
