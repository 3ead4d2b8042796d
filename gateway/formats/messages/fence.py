"""What of a request passes to a Messages upstream.

Some fields, betas and tools make a call dearer, reach outside, or name things of the account that
all callers share. A model's `allow` in the catalogue is the list of those that pass; without one,
everything passes but what is listed here.

    allow = ["beta:context-1m-*", "tool:web_search_*", "field:container"]
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from gateway.errors import InvalidRequest
from gateway.request.known_fields import KNOWN, USUAL
from gateway.request.parse import MessagesRequest

Allow = tuple[str, ...]

_KEPT_CHARS = 1_000  # a longer list of betas is not worth the memory
_NOT_PERMITTED = "Extra inputs are not permitted"
# Sent by clients that have not been asked for them; without them the call is the same.
_UNASKED = frozenset({"diagnostics", "fallbacks", "service_tier"})
# A real value is refused: dropped, it would change what the caller asked for.
_FENCED = frozenset(
    {"billing_policy", "container", "inference_geo", "mcp_servers", "speed", "user_profile_id"}
)
_DEFAULTS = {"speed": "standard", "inference_geo": "global"}
_FILE_ID = "file_id"
_FENCED_TOOLS = ("web_search*", "web_fetch*", "code_execution*", "mcp_toolset*")
_FENCED_BETAS = (
    *("context-1m-*", "fast-mode-*", "mcp-client-*", "code-execution-*", "web-fetch-*"),
    *("files-api-*", "skills-*", "server-side-fallback-*", "cache-diagnosis-*"),
    "user-profiles-*",
)
# An upstream refuses the field without its beta.
_FIELD_OF_BETA = (
    ("context-management-*", ("context_management",)),
    ("task-budgets-*", ("output_config", "task_budget")),
)


def fenced(
    fields: dict[str, Any], request: MessagesRequest, beta: str | None, allow: Allow | None
) -> tuple[dict[str, Any], str | None]:
    """The fields and betas that pass. Raises InvalidRequest for what cannot be left out: the answer
    would be another one."""
    if allow is not None and "*" in allow:
        return fields, beta
    for path, kind in request.provider_tools:
        if not _passes("tool", kind, allow, fenced=_FENCED_TOOLS):
            raise InvalidRequest(
                f"Input tag '{kind}' found using 'type' does not match any of the expected tags: "
                "'custom'",
                path=path,
            )
    if request.file_ids and not _is_named("field", _FILE_ID, allow):
        raise InvalidRequest(_NOT_PERMITTED, path=request.file_ids[0])
    left_out = {
        name
        for name in fields.keys() - USUAL
        if not _is_named("field", name, allow) and _is_left_out(name, fields[name], allow)
    }
    kept = {name: value for name, value in fields.items() if name not in left_out}
    if beta is None:
        return kept, None
    judge = _judged if len(beta) <= _KEPT_CHARS else _judged.__wrapped__
    passing, taken_out = judge(beta, allow)
    for name in taken_out:
        kept = _without_field_of(name, kept)
    return kept, passing


@lru_cache(maxsize=512)
def _judged(beta: str, allow: Allow | None) -> tuple[str | None, tuple[str, ...]]:
    """The betas that pass, and those that are taken out. A client sends the same ones each time."""
    names = beta.split(",")
    passing = [name for name in names if _passes("beta", name.strip(), allow, fenced=_FENCED_BETAS)]
    if len(passing) == len(names):
        return beta, ()
    taken_out = tuple({name.strip() for name in names} - {name.strip() for name in passing})
    return ",".join(passing).strip() or None, taken_out


def dropped(unknown: Iterable[str], allow: Allow | None) -> tuple[str, ...]:
    """The fields among those of no Messages API that do not pass."""
    return tuple(name for name in unknown if not _is_named("field", name, allow))


def _is_left_out(name: str, value: Any, allow: Allow | None) -> bool:
    """Whether a field that no list names is left out. Raises InvalidRequest if it cannot be."""
    if name in _UNASKED or name not in KNOWN:
        return True
    if name in _FENCED:
        if value in (None, "", [], {}, _DEFAULTS.get(name)):
            return True
    elif allow is None:
        return False
    elif name != "output_format":
        return True
    raise InvalidRequest(_NOT_PERMITTED, path=name)


def _passes(kind: str, name: str, allow: Allow | None, *, fenced: tuple[str, ...]) -> bool:
    if allow is None:
        return not any(fnmatchcase(name, pattern) for pattern in fenced)
    return _is_named(kind, name, allow)


def _is_named(kind: str, name: str, allow: Allow | None) -> bool:
    return any(fnmatchcase(f"{kind}:{name}", pattern) for pattern in allow or ())


def _without_field_of(beta: str, fields: dict[str, Any]) -> dict[str, Any]:
    for pattern, (name, *inner) in _FIELD_OF_BETA:
        if name not in fields or not fnmatchcase(beta, pattern):
            continue
        kept = {key: value for key, value in fields.items() if key != name}
        if inner:
            parts = {key: value for key, value in fields[name].items() if key not in inner}
            kept |= {name: parts} if parts else {}
        fields = kept
    return fields
