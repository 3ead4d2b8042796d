"""Encodes a Messages request as the body of a chat completion.

Fields without an equivalent are dropped: cache control, service tiers, betas, `top_k`.
"""

import re
from typing import Any

import msgspec

from catalogue.habits import USUAL, Habits
from catalogue.snapshot import NOTHING_LEARNED, Learned, UpstreamRow
from gateway.errors import InvalidRequest
from gateway.formats import system_turns, tool_names
from gateway.formats.chat import messages
from gateway.formats.chat.strict_schemas import is_strict
from gateway.formats.protocol import ThinkingChange
from gateway.request.parse import MessagesRequest
from gateway.request.tools import is_custom

# These models reject `max_tokens`; older models and other servers know only that.
_TAKES_COMPLETION_TOKENS = re.compile(r"(?:.*/)?(?:o[1-9]|gpt-(?:[5-9]|\d\d))\b")
_TOOL_CHOICES: dict[str, Any] = {"auto": "auto", "any": "required", "none": "none"}
_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
# Thinking budgets below the first count as low, below the second as medium.
_LOW_BUDGET, _MEDIUM_BUDGET = 4096, 16384
_SOME_REASONING = " "  # in the place of thinking that the caller dropped


def encode(
    request: MessagesRequest,
    *,
    upstream_model: str,
    max_tokens: int,
    stream: bool,
    capabilities: frozenset[str] | None,
    upstream: UpstreamRow | None = None,
) -> tuple[dict[str, Any], ThinkingChange]:
    """The body, and what was done to the thinking in it. Raises InvalidRequest for content without
    an equivalent."""
    habits = _habits(upstream)
    as_user_turns = upstream is not None and upstream.system_turns == "user"
    fields = system_turns.arranged(request, as_user_turns=as_user_turns)
    conversation = messages.encode(fields, habits, upstream.id if upstream else 0)
    if upstream is not None and not upstream.takes_user_after_tools:
        conversation = conversation.with_answers_to_results()
    body: dict[str, Any] = {"model": upstream_model, "messages": conversation.messages}
    # Servers reject 0, which means "only warm the cache".
    body[_limit_name(upstream_model)] = max(max_tokens, 1)
    body |= {name: fields[name] for name in ("temperature", "top_p") if name in fields}
    if stops := fields.get("stop_sequences"):
        body["stop"] = stops[: habits.stop_sequences]
    if fields.get("tools"):
        body |= _tools(fields, habits)
    if (effort := _effort(fields, capabilities)) is not None:
        body["reasoning_effort"] = effort
    if (schema := _schema(fields)) is not None:
        strict = habits.strict_schemas and is_strict(schema)
        json_schema = {"name": "response", "schema": schema, "strict": strict}
        body["response_format"] = {"type": "json_schema", "json_schema": json_schema}
    learned = upstream.learned if upstream else NOTHING_LEARNED
    if _must_not_think(request, learned):
        body.pop("reasoning_effort", None)
        body |= habits.thinking_off
    if stream or learned.streams_only:
        body["stream"] = True
        if habits.stream_options:  # without it most servers report no usage
            body["stream_options"] = {"include_usage": True}
    return body, "dropped" if conversation.has_dropped else ""


def _habits(upstream: UpstreamRow | None) -> Habits:
    """The habits of the upstream, with what it wants back by its own words."""
    if upstream is None:
        return USUAL
    habits = upstream.habits
    if upstream.learned.wants_thinking and habits.missing_reasoning is None:
        return msgspec.structs.replace(habits, missing_reasoning=_SOME_REASONING)
    return habits


def _must_not_think(request: MessagesRequest, learned: Learned) -> bool:
    """Whether the thinking of a model that thinks by default is switched off."""
    is_forced = request.forces_a_call and not request.switches_thinking_on
    is_off = request.switches_thinking_off or (is_forced and learned.refuses_forced_calls)
    return is_off and not learned.refuses_thinking_off


def _limit_name(upstream_model: str) -> str:
    takes_new = _TAKES_COMPLETION_TOKENS.match(upstream_model)
    return "max_completion_tokens" if takes_new else "max_tokens"


def _tools(fields: dict[str, Any], habits: Habits) -> dict[str, Any]:
    functions = [_function(tool, f"tools.{n}", habits) for n, tool in enumerate(fields["tools"])]
    tools = [{"type": "function", "function": function} for function in functions if function]
    if not tools:
        return {}
    choice = fields.get("tool_choice")
    encoded: dict[str, Any] = {"tools": tools}
    if choice is not None:
        encoded["tool_choice"] = _tool_choice(choice)
        if choice.get("disable_parallel_tool_use") and habits.parallel_tool_calls:
            encoded["parallel_tool_calls"] = False
    return encoded


def _function(tool: dict[str, Any], path: str, habits: Habits) -> dict[str, Any] | None:
    if not is_custom(tool):
        if str(tool["type"]).startswith("tool_search_tool"):
            return None  # it searches for deferred tools, but here all tools are sent
        reason = f"'{tool['type']}' tools are not available for this model"
        raise InvalidRequest(reason, path=f"{path}.type")
    # Servers reject the schema of a tool without inputs if it lacks these two.
    parameters = {"type": "object", "properties": {}} | tool["input_schema"]
    function = {"name": tool_names.shorten(tool["name"]), "parameters": parameters}
    if tool.get("description"):
        function["description"] = tool["description"]
    if tool.get("strict") and habits.strict_schemas and is_strict(parameters):
        function["strict"] = True
    return function


def _tool_choice(choice: dict[str, Any]) -> Any:
    if choice["type"] == "tool":
        return {"type": "function", "function": {"name": tool_names.shorten(choice["name"])}}
    return _TOOL_CHOICES[choice["type"]]


def _effort(fields: dict[str, Any], capabilities: frozenset[str] | None) -> str | None:
    """The reasoning effort, if the request sets one. Agents send an effort with every call, and
    models without thinking reject it."""
    thinking = fields.get("thinking", {})
    if capabilities is not None and "thinking" not in capabilities:
        return None
    if thinking.get("type") in ("disabled", "between_tools"):
        return None
    if effort := fields.get("output_config", {}).get("effort"):
        return _EFFORTS.get(effort)
    budget = thinking.get("budget_tokens")
    if budget is None:
        return None
    if budget < _LOW_BUDGET:
        return "low"
    return "medium" if budget < _MEDIUM_BUDGET else "high"


def _schema(fields: dict[str, Any]) -> dict[str, Any] | None:
    wanted = fields.get("output_config", {}).get("format") or fields.get("output_format")
    return wanted["schema"] if wanted else None
