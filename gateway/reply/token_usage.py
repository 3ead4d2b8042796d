"""A call's token usage, from the upstream's reports and from the output that was delivered."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from catalogue.pricing import TOOLS
from gateway.reply.events import REQUESTS, TOOL_USE, Iteration, Usage

# The longest context that the catalogue can declare. At the highest possible price, costs and their
# sums stay well within PostgreSQL's bigint.
_MAX_TOKENS = 2**31 - 1
_MOST_DIGITS = len(str(_MAX_TOKENS))
_BYTES_PER_TOKEN = 4


class Report(NamedTuple):
    """One usage report, whatever its names. A format fills in the `counts` that its server sent:

    input       all input, what is cached included
    read        the part of it that was read from the cache
    written     the part of it that was written to the cache
    written_5m, written_1h   parts of what was written, by how long it is kept
    output      the output; some servers leave the reasoning out of it
    reasoning   the reasoning
    total       input and output together

    `details` are other breakdowns, which are passed on; `iterations` and `extras` as in Usage.
    """

    counts: Mapping[str, int]
    details: Mapping[str, Mapping[str, int]] = {}
    iterations: tuple[Iteration, ...] = ()
    extras: Mapping[str, Any] = {}


class UsageTally:
    """Merges the usage reports of one reply. An input or output count that was not reported is
    estimated.

    Each count is the largest that was reported, so the order of reports does not matter, and a
    later report without a breakdown does not undo an earlier one.
    """

    def __init__(self, *, input_tokens_estimate: int) -> None:
        self._input_estimate = input_tokens_estimate
        self._counts: dict[str, int] = {}
        self._details: dict[str, dict[str, int]] = {}
        self._iterations: tuple[Iteration, ...] = ()
        self._extras: dict[str, Any] = {}
        self._seen_uses: dict[str, int] = {}
        self._extras_at_start: dict[str, Any] = {}
        self.output_at_start = 0  # a placeholder, which clients overwrite

    def merge(self, report: Report | None, *, is_final: bool = True) -> None:
        """Merge a report. The output count of one that is not final is a placeholder and
        ignored, as are its counts of uses of tools."""
        if report is None:
            return
        counts, details = report.counts, report.details
        if not is_final and TOOL_USE in details:
            details = {name: numbers for name, numbers in details.items() if name != TOOL_USE}
        if not is_final and "output" in counts:
            self.output_at_start = counts["output"]
            counts = {name: number for name, number in counts.items() if name != "output"}
        _raise_to(self._counts, counts)
        for name, numbers in details.items():
            _raise_to(self._details.setdefault(name, {}), numbers)
        if report.extras:
            _fill(self._extras if is_final else self._extras_at_start, report.extras)
        if report.iterations:
            self._iterations = max(self._iterations, report.iterations, key=_size)

    def note_block(self, block: Mapping[str, Any]) -> None:
        """Count a use of a tool that the provider runs, for a report that does not count them."""
        if block.get("type") != TOOL_USE:
            return
        name = str(block.get("name"))
        tool = next((tool for tool in TOOLS if tool in name), None)
        if tool is not None:  # bash_code_execution is code_execution too
            key = f"{tool}{REQUESTS}"
            self._seen_uses[key] = self._seen_uses.get(key, 0) + 1

    def _uses(self) -> dict[str, int]:
        """Uses by tool: as reported, or, of one whose uses the report does not count, as seen."""
        return self._seen_uses | self._details.get(TOOL_USE, {})

    @property
    def reported_output(self) -> int:
        """The largest output count of the upstream so far; 0 without one."""
        return self._counts.get("output", 0)

    @property
    def reported_reasoning(self) -> int:
        """The largest count of reasoning of the upstream so far; 0 without one."""
        return self._counts.get("reasoning", 0)

    def usage_of_reply(self, content: list[dict[str, Any]]) -> Usage:
        """The final usage of a complete reply; output is estimated only if it was not reported."""
        known = self._resolved()
        delivered = 0 if known.output else estimate_output(content)
        return self._final(known, delivered_tokens=delivered)

    def usage(self, *, delivered_tokens: int) -> Usage:
        """The final usage. `delivered_tokens` replaces an output count that was not reported, or
        was reported as 0 although output was delivered."""
        return self._final(self._resolved(), delivered_tokens=delivered_tokens)

    def usage_at_start(self) -> Usage:
        """The usage that the beginning of an answer reports, as far as it is known then."""
        usage = self.with_output(self.output_at_start)
        if not self._extras_at_start:
            return usage
        return msgspec.structs.replace(usage, extras=dict(self._extras_at_start))

    def with_output(self, output_tokens: int, *, is_estimated: bool = False) -> Usage:
        """The known or estimated input, with the given output count. `is_estimated`: the output is
        our own estimate."""
        return self._usage(self._resolved(), output_tokens, is_estimated=is_estimated)

    def _final(self, known: "_Resolved", *, delivered_tokens: int) -> Usage:
        output = known.output
        if output is None or (output == 0 and delivered_tokens):
            return self._usage(known, delivered_tokens, is_estimated=True)
        return self._usage(known, output, is_estimated=False)

    def _usage(self, known: "_Resolved", output_tokens: int, *, is_estimated: bool) -> Usage:
        has_input = bool(known.input or self._iterations)
        details: dict[str, Any] = {}
        if has_input and (kept := self._kept(known.written)):
            details["cache_creation"] = kept
        # Breakdowns of a report that is not used would contradict the charge.
        if has_input and not is_estimated:
            details |= self._details
        if (self._seen_uses or self._details) and (uses := self._uses()):
            details[TOOL_USE] = uses
        return Usage(
            known.fresh if has_input else self._input_estimate,
            output_tokens,
            known.written,
            known.read,
            details,
            is_estimated or not has_input,
            self._iterations,
            dict(self._extras),
        )

    def _kept(self, written: int) -> dict[str, int]:
        """What was written to the cache, by how long it is kept, as far as it was reported."""
        kept: dict[str, int] = {}
        if (minutes := self._counts.get("written_5m")) is not None:
            kept["ephemeral_5m_input_tokens"] = minutes = min(minutes, written)
        if (an_hour := self._counts.get("written_1h")) is not None:
            kept["ephemeral_1h_input_tokens"] = min(an_hour, written - (minutes or 0))
        return kept

    def _resolved(self) -> "_Resolved":
        counts = self._counts
        read, written = counts.get("read", 0), counts.get("written", 0)
        if "written_5m" in counts or "written_1h" in counts:
            written = max(written, counts.get("written_5m", 0) + counts.get("written_1h", 0))
        known, output = _completed(counts, cached=read + written)
        if read or written:
            read = min(read, known)
            written = min(written, known - read)
        return _Resolved(known, read, written, output)


class _Resolved(msgspec.Struct, frozen=True):
    input: int
    read: int
    written: int
    output: int | None

    @property
    def fresh(self) -> int:
        """The input that is neither written to the cache nor read from it."""
        return self.input - self.read - self.written


def _completed(counts: Mapping[str, int], *, cached: int) -> tuple[int, int | None]:
    """All input and all output, from what was reported of input, output and their total.

    The total tells what a server counts beside the two: its reasoning (xAI, Gemini), or what is
    cached. 1,000 + 200 with 300 of reasoning and a total of 1,500 is an output of 500.
    """
    known, output, total = counts.get("input", 0), counts.get("output"), counts.get("total")
    if total is None:
        return known, output
    if known and not output:
        return known, max(total - known, 0) or output
    if output and not known:
        return max(total - output, 0), output
    if output is None:
        return known, None
    beside = total - known - output
    reasoning = counts.get("reasoning", 0)
    if beside <= 0:
        return known, output
    if beside == reasoning:
        return known, output + beside
    if cached and beside in (cached, cached + reasoning):
        return known + cached, output + beside - cached
    return known, output if reasoning else output + beside


def _fill(extras: dict[str, Any], reported: Mapping[str, Any]) -> None:
    """Add members; a null never replaces a value."""
    for name, value in reported.items():
        if value is not None or name not in extras:
            extras[name] = value


def _raise_to(counts: dict[str, int], reported: Mapping[str, int]) -> None:
    """Raise each count to the reported one, if that is larger."""
    if not counts:  # nearly always: it is the only report
        counts.update(reported)
        return
    for name, number in reported.items():
        if number > counts.get(name, -1):
            counts[name] = number


def _size(iterations: tuple[Iteration, ...]) -> tuple[int, int, bytes]:
    """The key by which the fuller of two lists wins; their bytes break a tie, in any order."""
    tokens = sum(sum(one.tokens) for one in iterations)
    return len(iterations), tokens, msgspec.json.encode([one.wire for one in iterations])


def estimate_tokens(text_bytes: int) -> int:
    """Estimates the tokens of UTF-8 text: one for four bytes, rounded up.

    English has about four characters per token; other scripts have fewer, but more bytes per
    character. Code and digits have about three, so the estimate errs in the caller's favour. It is
    0 only for empty text.
    """
    return -(-text_bytes // _BYTES_PER_TOKEN)


def utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def estimate_output(content: list[dict[str, Any]]) -> int:
    return estimate_tokens(sum(map(_block_bytes, content)))


def _block_bytes(block: dict[str, Any]) -> int:
    texts = [
        block[name] for name in ("text", "thinking", "name") if isinstance(block.get(name), str)
    ]
    size = sum(map(utf8_length, texts))
    return size + len(msgspec.json.encode(block["input"])) if block.get("input") else size


def count(value: Any) -> int | None:
    """A token count, or None for a value that cannot be one."""
    if type(value) is int:  # `isinstance` would accept True and False
        return value if 0 <= value <= _MAX_TOKENS else None
    if (type(value) is float and value.is_integer()) or (
        type(value) is str and value.isdecimal() and len(value) <= _MOST_DIGITS
    ):
        return count(int(value))
    return None


def counts_in(value: Any) -> dict[str, int]:
    """The members of an object that are token counts."""
    if not isinstance(value, dict):
        return {}
    counts = {str(name): count(number) for name, number in value.items()}
    return {name: number for name, number in counts.items() if number is not None}
