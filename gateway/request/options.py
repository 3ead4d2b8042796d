"""The scalar and small object fields at the top level of a request."""

from collections.abc import Callable
from typing import Any

from gateway.errors import InvalidRequest, ThreadNotFound
from gateway.request import values

THINKING_KINDS = ("enabled", "adaptive", "disabled", "between_tools")


def check_options(fields: dict[str, Any]) -> None:
    """Check every known option that is present; unknown fields pass. Raises InvalidRequest."""
    for name, value in fields.items():
        check = _CHECKS.get(name)
        if check is not None:
            check(value, name)
    for name in _INTEGERS:
        if type(fields.get(name)) is float:  # some languages serialise 100 as 100.0
            fields[name] = int(fields[name])


def is_optional(name: str) -> bool:
    """Whether null means that the field is not set."""
    return name in _OPTIONAL


def requires_thinking(fields: dict[str, Any]) -> bool:
    """Whether the model must support thinking. `adaptive` leaves it to the model, so every model
    qualifies: agents send it with every call, to all kinds of models."""
    return (fields.get("thinking") or {}).get("type") == "enabled"


def requires_structured_output(fields: dict[str, Any]) -> bool:
    """Whether the answer must follow a JSON schema."""
    formats = ((fields.get("output_config") or {}).get("format"), fields.get("output_format"))
    return any(formats)


def _check_model(value: Any, path: str) -> None:
    if len(values.non_empty_string(value, path)) > 256:
        raise InvalidRequest("String should have at most 256 characters", path=path)


def _check_share(value: Any, path: str) -> None:
    values.number(value, path, low=0, high=1)


def _check_stop_sequences(value: Any, path: str) -> None:
    for index, stop in enumerate(values.array(value, path)):
        # White space alone passes: a blank line is a useful stop, and few upstreams reject it.
        if not values.string(stop, f"{path}.{index}"):
            reason = "each stop sequence must contain non-whitespace"
            raise InvalidRequest(reason, path=path)


def _check_metadata(value: Any, path: str) -> None:
    user_id = values.mapping(value, path).get("user_id")
    if user_id is not None:
        values.string(user_id, f"{path}.user_id")


def _check_thinking(value: Any, path: str) -> None:
    kind = values.field(values.mapping(value, path), "type", path)
    values.one_of(kind, f"{path}.type", THINKING_KINDS)
    if kind == "enabled" or value.get("budget_tokens") is not None:
        budget = values.field(value, "budget_tokens", path)
        value["budget_tokens"] = values.integer(budget, f"{path}.budget_tokens", low=1)
    if value.get("display") is not None:
        values.string(value["display"], f"{path}.display")


def _check_thread(value: Any, path: str) -> None:
    """Reject a request that relies on a conversation stored here, since none is. `create` is
    accepted: it is the next call, with `continue`, that would lack the earlier messages."""
    kind = values.field(values.mapping(value, path), "type", path)
    if values.one_of(kind, f"{path}.type", ("create", "continue")) == "continue":
        raise ThreadNotFound


def _check_output_config(value: Any, path: str) -> None:
    values.mapping(value, path)
    if value.get("effort") is not None:
        values.non_empty_string(value["effort"], f"{path}.effort")
    if value.get("format") is not None:
        _check_output_format(value["format"], f"{path}.format")


def _check_output_format(value: Any, path: str) -> None:
    kind = values.field(values.mapping(value, path), "type", path)
    values.one_of(kind, f"{path}.type", ("json_schema",))
    values.mapping(values.field(value, "schema", path), f"{path}.schema")


# Fields whose null means "not set", as generated clients send them.
_OPTIONAL: dict[str, Callable[[Any, str], object]] = {
    "stream": values.boolean,
    "temperature": _check_share,
    "top_p": _check_share,
    "top_k": values.integer,
    "stop_sequences": _check_stop_sequences,
    "metadata": _check_metadata,
    "service_tier": values.string,
    "speed": values.string,
    "thinking": _check_thinking,
    "output_config": _check_output_config,
    "output_format": _check_output_format,
    "context_management": values.mapping,
    "thread": _check_thread,
    "system": lambda value, path: None,  # parse.py has these four checked by other modules
    "tools": lambda value, path: None,
    "tool_choice": lambda value, path: None,
    "cache_control": lambda value, path: None,
}
_CHECKS = _OPTIONAL | {"model": _check_model, "max_tokens": values.integer}
_INTEGERS = tuple(name for name, check in _CHECKS.items() if check is values.integer)
