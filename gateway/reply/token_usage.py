"""A call's token usage, from the upstream's reports and from the output that was delivered."""

from typing import Any

import msgspec

from gateway.reply.events import Usage

# The longest context that the catalogue can declare. At the highest possible price, costs and their
# sums stay well within PostgreSQL's bigint.
_MAX_TOKENS = 2**31 - 1
_INPUT_COUNTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_DETAILS = ("cache_creation", "output_tokens_details", "server_tool_use")
_BYTES_PER_TOKEN = 4


class UsageTally:
    """Merges the usage reports of one reply. Reported counts never shrink; an input or output count
    that was not reported is estimated."""

    def __init__(self, *, input_tokens_estimate: int) -> None:
        self._input_estimate = input_tokens_estimate
        self._input = [0] * len(_INPUT_COUNTS)
        self._output: int | None = None
        self._details: dict[str, Any] = {}

    def merge(self, report: Any, *, is_final: bool = True) -> None:
        """Merge a report in the Messages format. The output count of a report that is not final is
        a placeholder and ignored."""
        if not isinstance(report, dict):
            return
        self._merge_input(report)
        output = count(report.get("output_tokens"))
        if is_final and output is not None:
            self._output = max(output, self._output or 0)
        for name in _DETAILS:
            if name in report and (details := _counts(report[name])):
                self._details[name] = details

    def _merge_input(self, report: dict[str, Any]) -> None:
        # The three are merged together: their separate maxima would count a token twice that one
        # report has as cached and another does not.
        known: list[int] = []
        for name in _INPUT_COUNTS:
            value = report.get(name)
            number = 0 if value is None else count(value)
            if number is None:
                return
            known.append(number)
        if sum(known) >= sum(self._input):
            self._input = known

    @property
    def reported_output(self) -> int:
        """The largest output count of the upstream so far; 0 without one."""
        return self._output or 0

    def usage_of_reply(self, content: list[dict[str, Any]]) -> Usage:
        """The final usage of a complete reply; output is estimated only if it was not reported."""
        return self.usage(delivered_tokens=0 if self._output else estimate_output(content))

    def usage(self, *, delivered_tokens: int) -> Usage:
        """The final usage. `delivered_tokens` replaces an output count that was not reported, or
        was reported as 0 although output was delivered."""
        if self._output is None or (self._output == 0 and delivered_tokens):
            return self.with_output(delivered_tokens, is_estimated=True)
        return self.with_output(self._output)

    def with_output(self, output_tokens: int, *, is_estimated: bool = False) -> Usage:
        """The known or estimated input, with the given output count."""
        has_input = any(self._input)
        fresh, cache_creation, cache_read = self._input
        is_estimated = is_estimated or not has_input
        # Breakdowns of a report that is not used would contradict the charge.
        details = {} if is_estimated else self._details
        return Usage(
            fresh if has_input else self._input_estimate,
            output_tokens,
            cache_creation,
            cache_read,
            details,
            is_estimated,
        )


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
    if type(value) is float and value.is_integer():
        value = int(value)
    # `isinstance` would accept True and False.
    return value if type(value) is int and 0 <= value <= _MAX_TOKENS else None


def _counts(value: Any) -> dict[str, int]:
    if not isinstance(value, dict):
        return {}
    counts = {str(name): count(number) for name, number in value.items()}
    return {name: number for name, number in counts.items() if number is not None}
