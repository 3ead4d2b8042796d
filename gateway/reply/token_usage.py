"""Adds up what an upstream says and what was delivered: the two sources of a call's usage."""

from typing import Any

import msgspec

from gateway.reply.events import Usage

# No context is longer than a catalogue can say. What calls cost, and sums of it, stay far inside
# PostgreSQL's bigint, at the dearest price there can be.
_MOST_TOKENS = 2**31 - 1
_INPUT_COUNTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_DETAILS = ("cache_creation", "output_tokens_details", "server_tool_use")
_BYTES_PER_TOKEN = 4


class UsageTally:
    """The usage reports of one answer. What was reported once never shrinks; a side that nobody
    reported is counted by us."""

    def __init__(self, *, input_tokens_estimate: int) -> None:
        self._input_estimate = input_tokens_estimate
        self._input = [0] * len(_INPUT_COUNTS)
        self._output: int | None = None
        self._details: dict[str, Any] = {}

    def merge(self, report: Any, *, is_final: bool = True) -> None:
        """Take a report in the Messages shape. The output count of one that is not final is a
        placeholder and passed over."""
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
        # The three are taken together: the largest of each would count a token twice that one
        # report calls cached and another does not.
        known: list[int] = []
        for name in _INPUT_COUNTS:
            value = report.get(name)
            number = 0 if value is None else count(value)
            if number is None:
                return
            known.append(number)
        if sum(known) >= sum(self._input):
            self._input = known

    def usage_of_whole(self, content: list[dict[str, Any]]) -> Usage:
        """The final usage of a whole answer: only one without a figure is counted by us."""
        return self.usage(
            delivered_tokens=0 if self._output else delivered_tokens_estimate(content)
        )

    def usage(self, *, delivered_tokens: int) -> Usage:
        """The final usage. `delivered_tokens` stands in for an output that was not reported, or
        reported as 0 against the evidence."""
        if self._output is None or (self._output == 0 and delivered_tokens):
            return self.with_output(delivered_tokens, is_estimated=True)
        return self.with_output(self._output)

    def with_output(self, output_tokens: int, *, is_estimated: bool = False) -> Usage:
        """The input as far as it is known, with an output count of one's own."""
        has_input = any(self._input)
        fresh, cache_creation, cache_read = self._input
        is_estimated = is_estimated or not has_input
        # Break-downs of a report that is not believed would contradict what is charged.
        details = {} if is_estimated else self._details
        return Usage(
            fresh if has_input else self._input_estimate,
            output_tokens,
            cache_creation,
            cache_read,
            details,
            is_estimated,
        )


def tokens_of(text_bytes: int) -> int:
    """About how many tokens so much UTF-8 is: one for four bytes, rounded up.

    English has four characters to a token; other scripts have fewer, but more bytes to each.
    Code and digits run at three, so the estimate errs on the caller's side. It is 0 only for
    nothing at all.
    """
    return -(-text_bytes // _BYTES_PER_TOKEN)


def delivered_tokens_estimate(content: list[dict[str, Any]]) -> int:
    """The output of a whole answer by the rule of `tokens_of`."""
    return tokens_of(sum(map(_block_bytes, content)))


def utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _block_bytes(block: dict[str, Any]) -> int:
    texts = [
        block[name] for name in ("text", "thinking", "name") if isinstance(block.get(name), str)
    ]
    size = sum(map(utf8_length, texts))
    return size + len(msgspec.json.encode(block["input"])) if block.get("input") else size


def count(value: Any) -> int | None:
    """A count of tokens, or None for anything that cannot be one."""
    if type(value) is float and value.is_integer():
        value = int(value)
    # A subclass of int would be True or False.
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else None


def _counts(value: Any) -> dict[str, int]:
    if not isinstance(value, dict):
        return {}
    counts = {str(name): count(number) for name, number in value.items()}
    return {name: number for name, number in counts.items() if number is not None}
