"""The conversation: turns, their content, and that each tool call has its result."""

from typing import Any

from gateway.errors import InvalidRequest
from gateway.request import content, values

MAX_TURNS = 100_000
_ROLES = ("user", "assistant", "system")
_EMPTY_TEXT = "text content blocks must be non-empty"


def check_turns(turns: Any, survey: content.RequestStats) -> None:
    values.array(turns, "messages")
    if not turns:
        raise InvalidRequest("at least one message is required", path="messages")
    if len(turns) > MAX_TURNS:
        raise InvalidRequest(f"at most {MAX_TURNS} messages are allowed", path="messages")
    for n, turn in enumerate(turns):
        _check_turn(turn, f"messages.{n}", survey)


def check_system(system: Any, survey: content.RequestStats) -> None:
    if type(system) is str:
        return
    if type(system) is not list:
        raise InvalidRequest("Input should be a valid string or array", path="system")
    for index, block in enumerate(system):
        content.check_turn_block(block, f"system.{index}", "system", survey)


def without_empty_turns(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Checked turns less their empty text blocks, which several clients send and few models
    take, and less the assistant and system turns of nothing else: that is how our own empty
    answer comes back. A user turn of nothing is refused, because without it the turn before
    would be continued instead of answered."""
    kept: list[dict[str, Any]] = []
    for n, turn in enumerate(turns):
        if isinstance(turn["content"], list):
            turn["content"] = content.without_empty_text(turn["content"])
        if turn["content"]:
            kept.append(turn)
        elif turn["role"] == "user":
            raise InvalidRequest(_EMPTY_TEXT, path=f"messages.{n}.content")
    if not kept:
        raise InvalidRequest(_EMPTY_TEXT, path="messages")
    return kept


def _check_turn(turn: Any, path: str, survey: content.RequestStats) -> None:
    if type(turn) is not dict:
        raise InvalidRequest("Input should be an object", path=path)
    role = _check_role(values.field(turn, "role", path), f"{path}.role")
    blocks = values.field(turn, "content", path)
    if type(blocks) is list:
        at = f"{path}.content"
        for index, block in enumerate(blocks):
            content.check_turn_block(block, f"{at}.{index}", role, survey)
    elif type(blocks) is not str:
        raise InvalidRequest("Input should be a valid string or array", path=f"{path}.content")
    if not blocks:
        survey.has_empty_text = True


def _check_role(role: Any, path: str) -> str:
    if type(role) is not str or role not in _ROLES:
        # Clients match the first half; the second tells people what else there is.
        reason = "Input should be 'user' or 'assistant' (or 'system', in mid-conversation)"
        raise InvalidRequest(reason, path=path)
    return role


class _Calls:
    """Tool calls of the last assistant turns that wait for their results."""

    def __init__(self) -> None:
        self.path = ""
        self.called: set[str] = set()
        self.answered: set[str] = set()

    def missing(self) -> list[str]:
        return sorted(self.called - self.answered)


def check_tool_pairs(turns: list[dict[str, Any]]) -> None:
    """Each `tool_use` is answered once, by the user turns that follow, and no result is stray.

    Turns of one role in a row count as one, and a system turn may stand between a call and its
    result. Raises InvalidRequest in the words clients know.
    """
    calls = _Calls()
    previous = "user"
    for n, turn in enumerate(turns):
        role, blocks = turn["role"], turn["content"]
        if role == "assistant" and previous != "assistant":
            _require_answers(calls)
            calls = _Calls()
        previous = role
        if type(blocks) is list:
            _pair(blocks, f"messages.{n}", calls)
    _require_answers(calls)


def _pair(blocks: list[dict[str, Any]], path: str, calls: _Calls) -> None:
    for index, block in enumerate(blocks):
        kind = block["type"]
        if kind == "tool_use":
            calls.path = path
            if block["id"] in calls.called:
                reason = "`tool_use` ids must be unique"
                raise InvalidRequest(reason, path=f"{path}.content.{index}.id")
            calls.called.add(block["id"])
        elif kind == "tool_result":
            _answer(block["tool_use_id"], f"{path}.content.{index}", calls)


def _answer(call_id: str, path: str, calls: _Calls) -> None:
    if call_id not in calls.called:
        raise InvalidRequest(
            f"unexpected `tool_use_id` found in `tool_result` blocks: {call_id}. Each "
            "`tool_result` block must have a corresponding `tool_use` block in the previous "
            "message.",
            path=path,
        )
    if call_id in calls.answered:
        raise InvalidRequest(
            f"each tool_use must have a single result. Found multiple `tool_result` blocks with "
            f"id: {call_id}",
            path=path,
        )
    calls.answered.add(call_id)


def _require_answers(calls: _Calls) -> None:
    if missing := calls.missing():
        raise InvalidRequest(
            "`tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` "
            "block in the next message.",
            path=calls.path,
        )
