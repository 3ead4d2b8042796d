"""Checks of `tools` and `tool_choice`."""

import re
from typing import Any

from catalogue.pricing import TOOLS
from gateway.errors import InvalidRequest
from gateway.request import content, values

# Of a provider's tool whose `max_uses` is not given: providers pause an answer after about ten
# rounds, each with a use or two. What a call uses above it is not charged.
MOST_USES = 20
MOST_ROUNDS = 10
_CHOICES = ("auto", "any", "tool", "none")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def check_tools(tools: Any, stats: content.RequestStats) -> None:
    names: set[str] = set()
    for index, tool in enumerate(values.array(tools, "tools")):
        path = f"tools.{index}"
        _check_tool(tool, path, stats)
        if tool.get("name") is not None:
            _check_unique(values.string(tool["name"], f"{path}.name"), path, names)
    stats.uses_tools = stats.uses_tools or bool(tools)


def check_changes(stats: content.RequestStats) -> tuple[dict[str, Any], ...]:
    """The tools that blocks of the conversation define, checked as those of `tools` are."""
    added: list[dict[str, Any]] = []
    for path, block in stats.tool_changes:
        tool = block.get("tool") if isinstance(block, dict) else None
        if isinstance(tool, dict) and tool.get("type") == "tool_definition":
            at = f"{path}.tool.definition"
            _check_tool(values.field(tool, "definition", f"{path}.tool"), at, stats)
            added.append(tool["definition"])
    return tuple(added)


def _check_tool(tool: Any, path: str, stats: content.RequestStats) -> None:
    values.mapping(tool, path)
    if "cache_control" in tool:
        content.check_cache_control(tool["cache_control"], f"{path}.cache_control", stats)
    if is_custom(tool):
        _check_custom(tool, path)
        return
    kind = values.non_empty_string(tool["type"], f"{path}.type")
    stats.provider_tools.append((path, kind))
    _count_uses(tool, kind, path, stats)
    if tool.get("model") is not None:
        name = values.non_empty_string(tool["model"], f"{path}.model")
        stats.helpers[name] = stats.helpers.get(name, 0) + _most_uses(tool, path)


def is_custom(tool: dict[str, Any]) -> bool:
    """Whether the caller runs the tool; any other `type` is defined by an upstream."""
    return tool.get("type") in (None, "custom")


def _count_uses(tool: dict[str, Any], kind: str, path: str, stats: content.RequestStats) -> None:
    """Add the most uses of a tool that the provider runs and charges for."""
    name = next((name for name in TOOLS if kind.startswith(name)), None)
    if name is None:
        return
    most = _most_uses(tool, path)
    stats.uses = stats.uses._replace(**{name: getattr(stats.uses, name) + most})


def _most_uses(tool: dict[str, Any], path: str) -> int:
    if tool.get("max_uses") is None:
        return MOST_USES
    return values.integer(tool["max_uses"], f"{path}.max_uses", low=1)


def check_tool_choice(choice: Any, tools: list[dict[str, Any]]) -> None:
    values.mapping(choice, "tool_choice")
    kind = values.field(choice, "type", "tool_choice")
    values.one_of(kind, "tool_choice.type", _CHOICES)
    if choice.get("disable_parallel_tool_use") is not None:
        path = "tool_choice.disable_parallel_tool_use"
        values.boolean(choice["disable_parallel_tool_use"], path)
    if kind == "tool":
        name = values.field(choice, "name", "tool_choice")
        values.non_empty_string(name, "tool_choice.name")
        if tools and all(tool.get("name") != name for tool in tools):
            raise InvalidRequest(f"Tool '{name}' not found in provided tools", path="tool_choice")


def _check_unique(name: str, path: str, names: set[str]) -> None:
    if name in names:
        raise InvalidRequest("Tool names must be unique", path=f"{path}.name")
    names.add(name)


def _check_custom(tool: dict[str, Any], path: str) -> None:
    name = values.string(values.field(tool, "name", path), f"{path}.name")
    if not NAME.fullmatch(name):
        pattern = f"^{NAME.pattern}$"
        raise InvalidRequest(f"String should match pattern '{pattern}'", path=f"{path}.name")
    values.mapping(values.field(tool, "input_schema", path), f"{path}.input_schema")
    if tool.get("description") is not None:
        values.string(tool["description"], f"{path}.description")
    for flag in ("strict", "defer_loading", "eager_input_streaming"):
        if tool.get(flag) is not None:
            values.boolean(tool[flag], f"{path}.{flag}")
