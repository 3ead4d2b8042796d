"""Habits of an upstream: what its server wants otherwise than most of its format do.

They are data. An entry of the catalogue refers to a preset of dialects.toml, by the name of the
provider, and can set each habit by itself.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

_PRESETS = Path(__file__).with_name("dialects.toml")
# A set of characters, and how many of them: [a-zA-Z0-9_-]{1,64}
_PATTERN = r"^\[[^\[\]\\]+\]\{\d{1,3},\d{1,3}\}$"

ReasoningField = Literal[
    "", "reasoning_content", "reasoning", "reasoning_details", "thinking_blocks"
]
SystemTurns = Literal["in_place", "user"]


class Habits(Struct, forbid_unknown_fields=True, frozen=True):
    """Everything has the value of most servers by default.

    reasoning_field      where a chat upstream wants its own thinking back; "": where it came from
    thinking_tags        whether its models write their thinking into the text, in <think> tags
    missing_reasoning    what it takes on a tool turn whose thinking the caller dropped
    missing_signature    what it takes as the signature of such a tool call
    system_turns         system messages after the first user turn: "in_place", or as "user" turns
    user_after_tools     whether a user message may directly follow the results of tools
    call_ids             the ids of tool calls that it accepts, a set of characters and their number
    keeps_call_ids       whether longer ids go back as they came: they hold data of the provider
    stream_options       whether it accepts the field, without which others report no usage
    parallel_tool_calls  whether it accepts the field
    strict_schemas       whether it accepts `strict` for a JSON schema
    stop_sequences       how many it accepts, four at least; the gateway watches for the others
    thinking_off         what tells a model that thinks by default not to
    """

    reasoning_field: ReasoningField = ""
    thinking_tags: bool = False
    missing_reasoning: str | None = None
    missing_signature: str | None = None
    system_turns: SystemTurns = "in_place"
    user_after_tools: bool = True
    call_ids: Annotated[str, Meta(pattern=_PATTERN)] | None = None
    keeps_call_ids: bool = False
    stream_options: bool = True
    parallel_tool_calls: bool = True
    strict_schemas: bool = True
    stop_sequences: Annotated[int, Meta(ge=4)] | None = None
    thinking_off: dict[str, Any] = {}


USUAL = Habits()


class _Preset(Habits, frozen=True, kw_only=True):
    seen: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}$")]


def dialects() -> frozenset[str]:
    """The names of the presets."""
    return frozenset(_presets())


def resolve(dialect: str, own: dict[str, Any]) -> Habits:
    """The habits of an entry: those that it sets, on top of its dialect's, on top of the usual.

    Raises msgspec.ValidationError for a habit or a value that there is not, and KeyError for an
    unknown dialect.
    """
    preset = dict(_presets()[dialect]) if dialect else {}
    return msgspec.convert(preset | own, Habits)


def resolve_known(dialect: str, own: dict[str, Any]) -> Habits:
    """As `resolve`, for what another version may have loaded: what this one does not know is
    ignored, since a gateway must go on serving."""
    names = Habits.__struct_fields__
    preset = _presets().get(dialect, {})
    known = {name: value for name, value in (preset | own).items() if name in names}
    return msgspec.convert(known, Habits)


@cache
def _presets() -> dict[str, dict[str, Any]]:
    """The presets by name, without `seen`."""
    tables = tomllib.loads(_PRESETS.read_text(encoding="utf-8"))
    presets = {}
    for name, table in tables.items():
        msgspec.convert(table, _Preset)
        presets[name] = {habit: value for habit, value in table.items() if habit != "seen"}
    return presets
