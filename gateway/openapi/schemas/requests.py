"""Bodies of POST /v1/messages and POST /v1/messages/count_tokens."""

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
from gateway.request.content import MAX_CACHE_BREAKPOINTS
from gateway.request.messages import MAX_MESSAGES
from gateway.request.options import THINKING_KINDS
from gateway.request.parse import NOT_COUNTED
from gateway.request.tools import NAME
from gateway.request.values import MAX_INTEGER
from gateway.upstreams.router import AUTO

# Rules that a schema cannot express.
RULES_OF_COUNTING = (
    "it is JSON in UTF-8, not compressed, and not nested thousands of levels deep",
    "tools have different names, and `tool_choice` names one of them",
    f"there are at most {MAX_CACHE_BREAKPOINTS} `cache_control` breakpoints",
    "a user message has more than empty text, and so does the conversation as a whole",
    "a URL names a public host, not an address or a local name",
    "the model supports what the request needs: images, documents, tools, thinking, "
    "structured output, files by id, tools of a provider",
)
RULES = (
    *RULES_OF_COUNTING,
    "a `tool_use` id is unique and has one `tool_result` in the user messages that follow",
    "a `tool_result` belongs to a `tool_use` of the preceding assistant message",
)
_INTEGER: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
_FRACTION: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_BUDGET: Schema = {
    "type": "integer",
    "minimum": 1,
    "maximum": MAX_INTEGER,
    "description": "The most tokens to think with; they count as output. It is lowered together "
    "with a `max_tokens` above the model's limit.",
}
_THINKING_KIND = (
    "`enabled` requires a model with thinking. With `adaptive` the model decides, and one without "
    "thinking just answers. `disabled` turns it off; `between_tools` allows it between tool calls "
    "only, where the upstream knows that."
)
_DISPLAY = "How thinking is returned: forwarded to upstreams of the Messages format."


def _message(role: str, blocks: str, description: str, *, min_length: int = 0) -> Schema:
    """Return a message; its content has at least `min_length` characters or blocks."""
    content: Schema = {
        "oneOf": [
            {"type": "string", "minLength": min_length},
            array(ref(blocks), minItems=min_length),
        ],
        "description": "A text, or a list of blocks.",
    }
    return object_schema({"role": const(role), "content": content}, description=description)


def _choice(kind: str, required: dict[str, Schema], description: str) -> Schema:
    return object_schema(
        {"type": const(kind), **required},
        {
            "disable_parallel_tool_use": described(
                nullable(BOOLEAN), "Allow at most one tool call in an answer."
            )
        },
        description=description,
    )


def _thinking(kinds: list[str], budget: dict[str, Schema], **optional: Schema) -> Schema:
    return object_schema(
        {"type": enum(kinds, description=_THINKING_KIND), **budget},
        {"display": described(nullable(TEXT), _DISPLAY), **optional},
        description="Thinking with a budget." if budget else "Any other kind.",
    )


_MODEL: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 256,
    "description": f"A model's id, as GET /v1/models lists them, or `{AUTO}`: the cheapest healthy "
    "model that supports what the request needs.",
}
_SYSTEM: Schema = {
    "oneOf": [TEXT, array(ref("SystemBlock"))],
    "description": "The system prompt: instructions for the model, before the conversation.",
}
_STOPS = array(NON_EMPTY, description="Texts at which the model stops.")
_METADATA = object_schema(
    {},
    {"user_id": described(nullable(TEXT), "Your own identifier of the end user.")},
    description="Passed on to the model's server.",
)
_OPTIONAL: dict[str, Schema] = {
    "system": _SYSTEM,
    "stream": described(
        BOOLEAN | {"default": False}, "Answer with server-sent events while the model generates."
    ),
    "stop_sequences": _STOPS,
    "temperature": described(
        _FRACTION, "Randomness: 0 for analysis, 1 for variety. The model's own default if not set."
    ),
    "top_p": described(
        _FRACTION, "Sample from the most likely tokens whose probabilities add up to this."
    ),
    "top_k": described(
        _INTEGER,
        "Sample from this many of the most likely tokens. Upstreams of chat completions ignore it.",
    ),
    "tools": array(ref("Tool"), description="Functions that the model may call."),
    "tool_choice": described(
        ref("ToolChoice"), "How tools are used; without `tools` it has no effect."
    ),
    "thinking": ref("Thinking", "Whether the model thinks before it answers, and how long."),
    "output_config": object_schema(
        {},
        {
            "effort": described(
                nullable(NON_EMPTY),
                "`low`, `medium`, `high`, `xhigh` or `max`. It has no effect on a model without "
                "thinking.",
            ),
            "format": nullable(ref("OutputFormat")),
        },
        description="What the answer should be like.",
    ),
    "output_format": ref("OutputFormat", "The older name of `output_config.format`."),
    "metadata": _METADATA,
    "cache_control": ref("CacheControl", "Cache as much of the conversation as possible."),
    "context_management": described(OBJECT, "Forwarded to upstreams that know it."),
    "thread": object_schema(
        {"type": const("create")},
        description="Has no effect: no conversation is stored between calls. `continue` is "
        "answered with `thread_not_found`, upon which SDKs send the whole conversation.",
    ),
    "service_tier": described(TEXT, "Not forwarded, unless the operator lets it pass."),
    "speed": described(
        TEXT,
        "`standard` is the same as none. Any other value is refused, unless the operator lets it "
        "pass.",
    ),
}
_CONVERSATION = array(
    ref("Turn"),
    minItems=1,
    maxItems=MAX_MESSAGES,
    description="The conversation so far, oldest first. Nothing is stored between calls: send all "
    "of it each time.",
)
_MAX_TOKENS = described(
    _INTEGER,
    "The maximum number of tokens to generate, capped at the model's own limit. 0 only fills the "
    "cache, at upstreams that support it.",
)
_REQUIRED: dict[str, Schema] = {
    "model": _MODEL,
    "max_tokens": _MAX_TOKENS,
    "messages": _CONVERSATION,
}


def _body(description: str, *, without: frozenset[str]) -> Schema:
    required = {name: schema for name, schema in _REQUIRED.items() if name not in without}
    optional = {name: nullable(one) for name, one in _OPTIONAL.items() if name not in without}
    return object_schema(required, optional, description=description)


_CUSTOM_TOOL = object_schema(
    {
        "name": {
            "type": "string",
            "pattern": f"^{NAME.pattern}$",
            "description": "The name by which the model calls it; unique in the request.",
        },
        "input_schema": described(OBJECT, "A JSON Schema for the tool's input."),
    },
    {
        "type": {"enum": ["custom", None], "description": "A tool of your own; the default."},
        "description": described(
            nullable(TEXT), "What it does and when to use it. The model decides by this."
        ),
        "strict": described(
            nullable(BOOLEAN), "The input must follow `input_schema`, where the upstream can do so."
        ),
        "defer_loading": described(
            nullable(BOOLEAN),
            "Hidden until a tool search of the upstream finds it. Others show it at once.",
        ),
        "eager_input_streaming": described(
            nullable(BOOLEAN), "Forwarded to upstreams of the Messages format."
        ),
        "cache_control": nullable(ref("CacheControl")),
    },
    description="A function of your own: the model calls it, you run it.",
)
_PROVIDER_TOOL = object_schema(
    {
        "type": {
            **NON_EMPTY,
            "not": {"const": "custom"},
            "description": "The provider's name of the tool.",
        }
    },
    {
        "name": described(nullable(TEXT), "The name by which the model calls it."),
        "cache_control": nullable(ref("CacheControl")),
    },
    description="A tool that a provider defines, such as `bash_20250124`: forwarded to upstreams "
    "of the Messages format. One that runs there, such as `web_search_20260209`, is refused unless "
    "the model has it on its list.",
)

SCHEMAS: dict[str, Schema] = {
    "MessagesRequest": _body(
        "Fields that no Messages API has are dropped, and named in the header `caicaini-dropped`. "
        "Those that make a call dearer or reach outside are refused unless the model has them on "
        "its list. Null means that an optional field is not set.",
        without=frozenset(),
    ),
    "CountTokensRequest": _body(
        "The body of POST /v1/messages; fields that do not affect the count are ignored.",
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
    "UserTurn": _message("user", "UserBlock", "From a person or a tool.", min_length=1),
    "AssistantTurn": _message(
        "assistant",
        "AssistantBlock",
        "From the model. As the last message, it is the beginning of the answer, at upstreams that "
        "support it.",
    ),
    "SystemTurn": _message("system", "SystemBlock", "Instructions between other messages."),
    "Tool": {"oneOf": [ref("CustomTool"), ref("ProviderTool")]},
    "CustomTool": _CUSTOM_TOOL,
    "ProviderTool": _PROVIDER_TOOL,
    "ToolChoice": {
        "oneOf": [
            _choice("auto", {}, "The model decides."),
            _choice("any", {}, "It must use a tool."),
            _choice(
                "tool",
                {"name": described(NON_EMPTY, "The name of one of `tools`.")},
                "It must use this tool.",
            ),
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
    "OutputFormat": object_schema(
        {
            "type": const("json_schema"),
            "schema": described(OBJECT, "A JSON Schema for the answer."),
        },
        description="The answer's text is JSON of this schema.",
    ),
}
