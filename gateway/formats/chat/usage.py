"""Reads the usage reports of chat completions, under all names that servers give the counts.

OpenAI's names are `prompt_tokens`, `completion_tokens`, `total_tokens` and the two objects of
details. The input always includes what is cached. A count that a server reports under several names
is the largest of them: some send 0 or null under the name that they do not use.
"""

from typing import Any

from gateway.reply.token_usage import Report, count

_NAMES: dict[str, tuple[str, ...]] = {
    "input": ("prompt_tokens", "input_tokens"),
    "output": ("completion_tokens", "output_tokens"),
    "total": ("total_tokens",),
    "read": (
        "cached_tokens",  # Moonshot
        "prompt_cache_hit_tokens",  # DeepSeek
        "cache_read_input_tokens",  # gateways in front of Claude
    ),
    "written": (
        "cache_creation_input_tokens",
        "cache_write_tokens",
        "prompt_cache_write_tokens",
    ),
    "reasoning": ("reasoning_tokens",),
}
_INPUT_DETAILS: dict[str, tuple[str, ...]] = {
    "read": ("cached_tokens",),
    "written": (
        "cache_write_tokens",  # OpenRouter
        "cache_creation_tokens",  # LiteLLM
        "cached_creation_tokens",  # New API
    ),
}
_OUTPUT_DETAILS: dict[str, tuple[str, ...]] = {"reasoning": ("reasoning_tokens",)}
_DETAILS = {
    "prompt_tokens_details": _INPUT_DETAILS,
    "input_tokens_details": _INPUT_DETAILS,
    "completion_tokens_details": _OUTPUT_DETAILS,
    "output_tokens_details": _OUTPUT_DETAILS,
}
# Where a chunk or a completion has its usage, if it is not in `usage`.
_ENVELOPES = ("x_groq",)


def reported(completion: dict[str, Any]) -> Report | None:
    """The usage of a completion or a chunk; None without one."""
    usage = completion.get("usage")
    if isinstance(usage, dict):
        return _report(usage)
    for name in _ENVELOPES:
        envelope = completion.get(name)
        if isinstance(envelope, dict) and isinstance(envelope.get("usage"), dict):
            return _report(envelope["usage"])
    return None


def reported_in_choice(choice: dict[str, Any]) -> Report | None:
    """The usage of a choice, where Moonshot reports that of a stream; None without one."""
    usage = choice.get("usage")
    return _report(usage) if isinstance(usage, dict) else None


def _report(usage: dict[str, Any]) -> Report:
    counts: dict[str, int] = {}
    _read(usage, _NAMES, counts)
    for name, names in _DETAILS.items():
        details = usage.get(name)
        if isinstance(details, dict):
            _read(details, names, counts)
    if reasoning := counts.get("reasoning"):
        return Report(counts, {"output_tokens_details": {"thinking_tokens": reasoning}})
    return Report(counts)


def _read(
    members: dict[str, Any], names: dict[str, tuple[str, ...]], counts: dict[str, int]
) -> None:
    for kind, of_servers in names.items():
        for name in of_servers:
            number = count(members[name]) if name in members else None
            if number is not None and number > counts.get(kind, -1):
                counts[kind] = number
