"""Takes quotations of requests and answers out of an upstream's words, for the operator's log.

    400 invalid_request_error: cannot read 'Dear Ms Doe, your diagnosis is'   →   cannot read '…'
    500 server_error: Failed to parse input at pos 0: Dear Ms Doe             →   Failed to parse
        input at pos 0: …

Prompts and answers belong in no log. What operators need stays: names of machines, of models and of
the request's members, numbers, and the upstream's own sentences.
"""

import functools
import re
from collections.abc import Callable, Iterable

from gateway.formats.masking import LABELS, MASK

# So many words in a row that also stand in a row in the request are a quotation of it. Fewer are
# in nearly every text.
_WORDS_OF_A_QUOTATION = 3
# A word that is no plain one, such as a name of the caller's with digits, is quoted from here on.
_MIN_ODD_CHARS = 6
_MAX_WORD_CHARS = 40
_CHUNK_BYTES = 64 * 1024  # the interpreter's lock is held for one at a time
# The text and the request must be divided in the same way: escapes and ASCII punctuation are gaps.
_WORD = re.compile(r"[A-Za-z0-9_\x80-\U0010ffff]+")
_GAPS_AS_SPACES = bytes(
    byte if byte >= 0x80 or chr(byte).isalnum() or byte == ord("_") else ord(" ")
    for byte in range(256)
)
_ESCAPES = ("\\n", "\\r", "\\t", "\\b", "\\f")
_PLAIN = re.compile(r"[A-Za-z]{1,24}|[a-z]+(?:_[a-z]+)+|\d{1,9}")
_QUOTED = re.compile(r"(?<![\w])(['\"`])(.+?)\1(?!\w)")
_MAX_QUOTED_WORDS = 6
# Servers that cannot read what a model has written quote it, and it stands in no request.
_OF_AN_ANSWER = re.compile(
    r"pars(?:e|ing)|generation|deseriali|unterminated|unexpected (?:token|character|end)"
    r"|(?:invalid|malformed|not valid) (?:json|tool|function|arguments)|last read",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[:'\"`{\[<]")

# Whether words stand in the request in a row.
_IsIn = Callable[..., bool]


def without_quotations(text: str, sent: bytes, *, known: Iterable[str] = ()) -> str:
    """The text with `…` for what it has from the request or from an answer.

    `sent` is the request as the upstream received it; its size decides how long this takes (about
    20 ms for each MB). `known` are names to keep, such as the model's.
    """
    for escape in _ESCAPES:
        text = text.replace(escape, " ")
    if (speaks_of := _OF_AN_ANSWER.search(text)) is not None:
        end = _CLAUSE_END.search(text, speaks_of.end())
        text = text if end is None else f"{text[: end.end()]} {MASK}"
    kept = LABELS.union(*(_WORD.findall(name) for name in known))
    haystack = _words_of(sent)

    @functools.cache
    def is_in_request(*words: str) -> bool:
        return f" {' '.join(words)} ".encode(errors="replace") in haystack

    text = _QUOTED.sub(lambda match: _quoted(match, is_in_request, kept), text)
    return _without_runs(text, is_in_request, kept)


def _words_of(sent: bytes) -> bytes:
    """The request's words, divided by single spaces."""
    chunks: list[bytes] = []
    for begin in range(0, len(sent), _CHUNK_BYTES):
        chunk = sent[begin : begin + _CHUNK_BYTES]
        for escape in _ESCAPES:
            chunk = chunk.replace(escape.encode(), b" ")
        chunk = chunk.translate(_GAPS_AS_SPACES)
        edges = (b" " if chunk[:1] == b" " else b"", b" " if chunk[-1:] == b" " else b"")
        chunks.append(edges[0] + b" ".join(chunk.split()) + edges[1])
    return b" " + b"".join(chunks) + b" "


def _quoted(match: re.Match[str], is_in_request: _IsIn, kept: frozenset[str]) -> str:
    mark, inner = match[1], match[2]
    words = _WORD.findall(inner)
    if all(word in kept or word.isdigit() for word in words):
        return match[0]
    is_quotation = len(words) > _MAX_QUOTED_WORDS or is_in_request(*words)
    return f"{mark}{MASK}{mark}" if is_quotation else match[0]


def _without_runs(text: str, is_in_request: _IsIn, kept: frozenset[str]) -> str:
    """The text without the runs of words, and without the odd words, that are in the request."""
    matches = list(_WORD.finditer(text))
    words = [match[0] for match in matches]
    is_cut = [word not in kept and _is_quoted_alone(word, is_in_request) for word in words]
    for begin in range(len(words) - _WORDS_OF_A_QUOTATION + 1):
        run = words[begin : begin + _WORDS_OF_A_QUOTATION]
        if not all(word in kept or word.isdigit() for word in run) and is_in_request(*run):
            is_cut[begin : begin + _WORDS_OF_A_QUOTATION] = [True] * _WORDS_OF_A_QUOTATION
    parts: list[str] = []
    end = 0
    for match, cut in zip(matches, is_cut, strict=True):
        if not cut:
            parts.append(text[end : match.end()])
        elif not (parts and parts[-1] == MASK):
            parts += [text[end : match.start()], MASK]
        end = match.end()
    parts.append(text[end:])
    return "".join(parts)


def _is_quoted_alone(word: str, is_in_request: _IsIn) -> bool:
    """Whether a word is the caller's although nothing beside it is, or is data and no word."""
    if len(word) > _MAX_WORD_CHARS:
        return True
    if len(word) < _MIN_ODD_CHARS or _PLAIN.fullmatch(word):
        return False
    return is_in_request(word)
