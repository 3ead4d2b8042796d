"""Takes quotations of requests and answers out of an upstream's words, for the operator's log.

    400 invalid_request_error: cannot read 'Dear Ms Doe, your diagnosis is'   →   cannot read '…'
    500 server_error: Failed to parse input at pos 0: Dear Ms Doe             →   Failed to parse
        input at pos 0: …

Prompts and answers belong in no log, and nothing tells a quotation of an answer from the upstream's
own words. So a word stays only if it is known: the words of error messages (`error_words.txt`), the
names of the request's members, and the names that the operator has configured. Numbers stay as far
as they cannot be a date, an address or the number of a card, and are not in the request. Of known
words, those go that quote the request.
"""

import functools
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from gateway.formats.masking import LABELS, MASK

_ERROR_WORDS = frozenset(Path(__file__).with_name("error_words.txt").read_text("ascii").split())
# So many words in a row that also stand in a row in the request are a quotation of it. Fewer are
# in nearly every text.
_WORDS_OF_A_QUOTATION = 3
# So many numbers with no word between them are data.
_NUMBERS_OF_DATA = 3
_CHUNK_BYTES = 64 * 1024  # the interpreter's lock is held for one at a time
# The text and the request must be divided in the same way: escapes and ASCII punctuation are gaps.
_WORD = re.compile(r"[A-Za-z0-9_\x80-\U0010ffff]+")
_GAPS_AS_SPACES = bytes(
    byte if byte >= 0x80 or chr(byte).isalnum() or byte == ord("_") else ord(" ")
    for byte in range(256)
)
_ESCAPES = ("\\n", "\\r", "\\t", "\\b", "\\f")
# What a name is made of: `tool_choice`, `BadRequestError`, `HTTPException`.
_PIECE_OF_A_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# Groups of thousands, a decimal, a size or an index in a path; neither dates nor addresses, nor
# what begins with 0 as numbers of telephones do.
_NUMBER = (
    r"(?<![\w./:+-])(?:[1-9]\d{0,2}(?:,\d{3}){1,3}|[1-9]\d{0,6}|0)(?:\.\d{1,3})?"
    r"(?:[bgkms]|[mun]s|[KMGT]i?B|th)?(?![\w/-]|[.:,]\d)"
    r"|(?<=[A-Za-z_]\.)\d{1,4}(?![\w/-]|[.:,]\d)"
)
# Shorter numbers are in nearly every request, and say nothing of a person.
_MIN_QUOTED_DIGITS = 3
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
    """The text with `…` for what it has from the request, and for every word that is not known.

    `sent` is the request as the upstream received it; its size decides how long this takes (about
    20 ms for each MB). `known` are names to keep, such as the model's.
    """
    for escape in _ESCAPES:
        text = text.replace(escape, " ")
    if (speaks_of := _OF_AN_ANSWER.search(text)) is not None:
        end = _CLAUSE_END.search(text, speaks_of.end())
        text = text if end is None else f"{text[: end.end()]} {MASK}"
    names = tuple(known)
    kept = LABELS.union(*(_WORD.findall(name) for name in names))
    haystack = _words_of(sent)

    @functools.cache
    def is_in_request(*words: str) -> bool:
        return f" {' '.join(words)} ".encode(errors="replace") in haystack

    text = _QUOTED.sub(lambda match: _quoted(match, is_in_request, kept), text)
    tokens = [*_tokens_of(names).finditer(text)]
    is_cut = [not _stays(token, is_in_request, names) for token in tokens]
    _cut_runs(is_cut, [token[0] for token in tokens], is_in_request, kept)
    _cut_data(is_cut, [token["number"] is not None or token[0].isdigit() for token in tokens])
    return _cut_out(text, tokens, is_cut)


def _tokens_of(names: tuple[str, ...]) -> re.Pattern[str]:
    """What a text is divided into: these names, numbers and words."""
    name = "|".join(map(re.escape, names)) or "(?!)"
    return re.compile(f"(?P<name>(?<!\\w)(?:{name})(?!\\w))|(?P<number>{_NUMBER})|{_WORD.pattern}")


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


def _stays(token: re.Match[str], is_in_request: _IsIn, names: tuple[str, ...]) -> bool:
    """Whether a token stays if it is no part of a longer quotation."""
    text = token[0]
    if token["name"] is not None or text in names:
        return True
    if token["number"] is None:
        return text in LABELS or _is_known(text)
    digits = _WORD.findall(text)
    return sum(map(len, digits)) < _MIN_QUOTED_DIGITS or not is_in_request(*digits)


def _is_known(word: str) -> bool:
    """Whether a word is one of error messages, or a name that consists of such words."""
    if word.lower() in _ERROR_WORDS:
        return True
    pieces = _PIECE_OF_A_NAME.findall(word)
    is_whole = sum(map(len, pieces)) == len(word) - word.count("_")
    return is_whole and all(piece.lower() in _ERROR_WORDS for piece in pieces)


def _cut_runs(
    is_cut: list[bool], tokens: list[str], is_in_request: _IsIn, kept: frozenset[str]
) -> None:
    """Cut the words out that stand in the request in a row."""
    for begin in range(len(tokens) - _WORDS_OF_A_QUOTATION + 1):
        run = tokens[begin : begin + _WORDS_OF_A_QUOTATION]
        words = [word for token in run for word in _WORD.findall(token)]
        if not all(word in kept or word.isdigit() for word in words) and is_in_request(*words):
            is_cut[begin : begin + _WORDS_OF_A_QUOTATION] = [True] * _WORDS_OF_A_QUOTATION


def _cut_data(is_cut: list[bool], is_number: list[bool]) -> None:
    """Cut whole rows of numbers out where one is cut or which are long."""
    begin = 0
    for end in range(len(is_number) + 1):
        if end < len(is_number) and is_number[end]:
            continue
        if end - begin >= _NUMBERS_OF_DATA or any(is_cut[begin:end]):
            is_cut[begin:end] = [True] * (end - begin)
        begin = end + 1


def _cut_out(text: str, tokens: list[re.Match[str]], is_cut: list[bool]) -> str:
    parts: list[str] = []
    end = 0
    for token, cut in zip(tokens, is_cut, strict=True):
        if not cut:
            parts.append(text[end : token.end()])
        elif not (parts and parts[-1] == MASK):
            parts += [text[end : token.start()], MASK]
        end = token.end()
    parts.append(text[end:])
    return "".join(parts)
