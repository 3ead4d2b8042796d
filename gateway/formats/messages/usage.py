"""Reads the usage reports of Messages upstreams.

`input_tokens` excludes what is cached, and a report may hold the counts of further iterations:

    {"input_tokens": 10, "output_tokens": 5, "iterations": [
        {"type": "compaction", "input_tokens": 80000, "output_tokens": 400},
        {"type": "message", "input_tokens": 10, "output_tokens": 5}]}
"""

from typing import Any

from gateway.reply.events import Iteration
from gateway.reply.token_usage import Report, count, counts_in

_INPUT_COUNTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_OURS = "credits_"
_DETAILS = ("output_tokens_details", "server_tool_use")

_USUAL = frozenset({*_INPUT_COUNTS, "output_tokens", "cache_creation"})
_KNOWN = _USUAL | {*_DETAILS, "iterations"}


def reported(usage: Any) -> Report | None:
    """The report in a message, or in an event of a stream; None without one."""
    if not isinstance(usage, dict):
        return None
    counts = _input(usage)
    if (output := count(usage.get("output_tokens"))) is not None:
        counts["output"] = output
    # The names are compared first: most reports have no more than the usual four.
    if usage.keys() <= _USUAL:
        return Report(counts)
    details = {name: kept for name in _DETAILS if (kept := counts_in(usage.get(name)))}
    extras = {
        name: value
        for name, value in usage.items()
        if not name.startswith(_OURS) and (name not in _KNOWN or value is None)
    }
    listed = usage.get("iterations")
    if not isinstance(listed, list):
        return Report(counts, details, (), extras)
    iterations = [_iteration(one) for one in listed if isinstance(one, dict)]
    return Report(counts, details, tuple(iterations), extras)


def _input(usage: dict[str, Any]) -> dict[str, int]:
    """The counts of the input; none if one of them is no count."""
    values = map(usage.get, _INPUT_COUNTS)
    known = [0 if value is None else count(value) for value in values]
    fresh, written, read = known
    if fresh is None or written is None or read is None:
        return {}
    kept = usage.get("cache_creation")
    counts = _kept(kept) if isinstance(kept, dict) else {}
    if counts:
        written = max(written, sum(counts.values()))
    if written:
        counts["written"] = written
    if read:
        counts["read"] = read
    # A report without it has a part of the input only.
    if usage.get("input_tokens") is not None:
        counts["input"] = fresh + written + read
    return counts


def _kept(creation: dict[str, Any]) -> dict[str, int]:
    named = (
        ("written_5m", creation.get("ephemeral_5m_input_tokens")),
        ("written_1h", creation.get("ephemeral_1h_input_tokens")),
    )
    return {name: number for name, value in named if (number := count(value)) is not None}


def _iteration(wire: dict[str, Any]) -> Iteration:
    counts = _input(wire)
    written, read = counts.get("written", 0), counts.get("read", 0)
    an_hour = counts.get("written_1h", 0)
    fresh = counts.get("input", written + read) - written - read
    output = count(wire.get("output_tokens")) or 0
    kind, model = (_text(wire.get(name)) for name in ("type", "model"))
    return Iteration(kind, model, (fresh, output, written - an_hour, read, an_hour), wire)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
