"""Recognises that an upstream finds the prompt too long, or `max_tokens` too large, by its words.

Each server has words of its own, and clients act on two of them alone. So a message counts by what
it speaks of: a length of text or tokens that is more than something holds, and is not a rate, a
file or `max_tokens`. Each number in it is the limit, a part of what was sent, or neither, by the
words beside it:

    maximum context length is 131072 tokens … 140000 tokens (135904 in the messages, 4096 in …
                       limit: ^^^^^^          sum: ^^^^^^    input: ^^^^^^     output: ^^^^
"""

import re
from typing import Any, NamedTuple

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,12}")
_BEFORE_CHARS, _AFTER_CHARS = 60, 40

_LENGTH = re.compile(
    r"context|prompt|\btokens?\b|\binputs?\b|\bmessages\b|conversation|sequence|_tokens_",
    re.IGNORECASE,
)
_EXCESS = re.compile(
    r"exceed|too (?:long|large|many)|(?:longer|larger|more|greater|bigger) than|overflow"
    r"|less than \d+ tokens|must be (?:<=|less)|reduce the length|_too_long"
    r"|(?:context|prompt|input|model) (?:length|size)(?: is|\b.{0,20}\d)|maximum context",
    re.IGNORECASE,
)
# Rates, and limits of an account or of `thinking`.
_RATE = re.compile(
    r"\bper (?:second|minute|hour|day|min|month)\b|\b[tr]p[mdh]\b|rate.?limit|quota"
    r"|budget(?! \(\d+ tokens\))"
    r"|too many requests",
    re.IGNORECASE,
)
# Sizes of other things, unless they are counted in tokens.
_OTHER = re.compile(
    r"\bbytes?\b|\b[km]i?b\b|\bimages?\b|\bpixels?\b|\bfiles?\b|\bpages\b|\btools?\b|\bitems\b"
    r"|too many messages|\b(?:array|string) too long|\bids?\b|\bnames?\b",
    re.IGNORECASE,
)
_TOKENS = re.compile(r"\btokens?\b|context", re.IGNORECASE)
_COMPARED = re.compile(r"(\d[\d,]*)(?: tokens)? > (\d[\d,]*)")
_OUTPUT_CAP = re.compile(
    r"max_(?:completion_|new_|output_)?tokens|maxoutputtokens|maximum tokens you requested",
    re.IGNORECASE,
)
_OF_INPUT = re.compile(
    r"\binputs?\b(?! validation)|\bprompt\b|\bmessages\b|context (?:length|size|window)",
    re.IGNORECASE,
)
_CAP = re.compile(
    r"(?:at most|less than or equal to|<=|up to|not exceed|limit of|\[\s*\d+\s*,|between \d+ and"
    r"|maximum[^.\d]{0,30})\W{0,3}(\d[\d,]*)",
    re.IGNORECASE,
)
_CAP_PLUS_ONE = re.compile(r"\bto (\d[\d,]*) \(exclusive\)", re.IGNORECASE)  # Gemini
_REQUESTED = re.compile(
    r"(?:too large|provided|requested|got|received|given|is|value of)\W{1,3}(\d[\d,]*)",
    re.IGNORECASE,
)

_IS_LIMIT_BEFORE = re.compile(
    r"(?:maximum|\bmax\w*|\blimit\w*|allowed|\bonly|<=|at most|exceed\w*|less than"
    r"|context (?:length|size|window))"
    r"(?:(?!requested|resulted|too large|length is longer)[^.;\d]){0,40}$",
    re.IGNORECASE,
)
_IS_LIMIT_AFTER = re.compile(r"^\W{0,3}(?:tokens? )?(?:maximum|limit|allowed)", re.IGNORECASE)
_IS_OUTPUT = re.compile(
    r"^\W*(?:tokens?\W+)?(?:(?:in|of|from|for)\W+)?(?:the )?"
    r"(?:output|completion|generat|max_(?:new|completion|output)?_?tokens)",
    re.IGNORECASE,
)
_IS_INPUT = re.compile(
    r"^\W*(?:tokens?\W+)?(?:(?:in|of|from|for)\W+)?(?:the |your )?"
    r"(?:(?:text|tool|audio|image) )?(?:input|messages|prompt)",
    re.IGNORECASE,
)


class TooLong(NamedTuple):
    """What the upstream says of the prompt, as far as it gives numbers."""

    sent: int | None = None
    limit: int | None = None
    output: int | None = None  # where only input and output together are too long

    def message(self) -> str | None:
        """The wording that clients read the numbers from; None without both."""
        if self.sent is None or self.limit is None:
            return None
        if self.output is not None:
            return (
                f"input length and `max_tokens` exceed context limit: {self.sent} + {self.output} "
                f"> {self.limit}, decrease input length or `max_tokens` and try again"
            )
        return f"prompt is too long: {self.sent} tokens > {self.limit} maximum"


class OutputCap(NamedTuple):
    """The most that `max_tokens` may be, and what it was, where the upstream says so."""

    limit: int
    requested: int | None


def output_cap(text: str) -> OutputCap | None:
    """Whether the message refuses `max_tokens` alone."""
    if not _OUTPUT_CAP.search(text) or _OF_INPUT.search(text):
        return None
    caps = [_number(found) for found in _CAP.findall(text)]
    caps += [_number(found) - 1 for found in _CAP_PLUS_ONE.findall(text)]
    if not caps:
        return None
    requested = [_number(found) for found in _REQUESTED.findall(text)]
    limit = caps[0]
    return OutputCap(limit, next((number for number in requested if number > limit), None))


def too_long(error: dict[str, Any], text: str, words: str) -> TooLong | None:
    """Whether the message says that the prompt is too long. `words` are the message with the
    error's code and type."""
    sent, limit = error.get("n_prompt_tokens"), error.get("n_ctx")
    if isinstance(sent, int) and isinstance(limit, int):
        return TooLong(sent, limit)
    if not (_LENGTH.search(words) and _EXCESS.search(words)) or _RATE.search(words):
        return None
    if _OTHER.search(text) and not _TOKENS.search(text):
        return None
    return _with_numbers(text)


def _with_numbers(text: str) -> TooLong:
    limits: list[int] = []
    inputs: list[int] = []
    outputs: list[int] = []
    others: list[int] = []
    found = list(_NUMBER.finditer(text))
    if not found:
        return TooLong()
    ends = [match.start() for match in found[1:]] + [len(text)]
    starts = [0] + [match.end() for match in found[:-1]]
    for match, start, end in zip(found, starts, ends, strict=True):
        before = text[max(start, match.start() - _BEFORE_CHARS) : match.start()]
        after = text[match.end() : min(end, match.end() + _AFTER_CHARS)]
        if _IS_OUTPUT.match(after):
            kind = outputs
        elif _IS_INPUT.match(after):
            kind = inputs
        elif _IS_LIMIT_BEFORE.search(before) or _IS_LIMIT_AFTER.match(after):
            kind = limits
        else:
            kind = others
        kind.append(_number(match.group()))
    judged = _judged(limits, inputs, outputs or others if inputs else outputs, others)
    if judged.limit is None and (compared := _COMPARED.search(text)):
        sent, limit = map(_number, compared.groups())
        return TooLong(sent, limit) if sent > limit else judged
    return judged


def _judged(limits: list[int], inputs: list[int], outputs: list[int], others: list[int]) -> TooLong:
    """The numbers, if they say what the message says: that more was sent than fits."""
    if not limits:
        return TooLong()
    limit = limits[0]
    sent = sum(inputs) if inputs else max(others, default=0)
    if sent > limit:
        return TooLong(sent, limit)
    if inputs and outputs and sent + outputs[0] > limit:
        return TooLong(sent, limit, outputs[0])
    return TooLong()


def _number(digits: str) -> int:
    return int(digits.replace(",", ""))
