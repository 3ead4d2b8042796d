"""Words of texts and queries. Pure.

A name such as `upstream_empty` or `caicaini/swift` is one word, and each of its parts is one too:
who types `max tokens` finds `max_tokens`. Plurals count as their singular, and `streaming` is also
found as `stream`.
"""

import re

_WORD = re.compile(r"[a-z0-9]+(?:[\[\]_./:-]+[a-z0-9]+)*")
_NAME = re.compile(r"[a-z0-9_]+")
_PART = re.compile(r"[a-z0-9]+")
_IGNORED = frozenset(
    (
        *("a", "an", "and", "can", "do", "does", "for", "how", "i", "in", "is", "it", "my", "of"),
        *("on", "or", "the", "to", "what", "when", "where", "which", "why", "with"),
    )
)
# A query with one of these asks for an explanation; one without may be the name of something.
_ASKING = frozenset(("can", "do", "does", "how", "is", "what", "when", "where", "which", "why"))
# Verbs of such questions that say nothing about the subject.
_FILLING = frozenset(
    ("from", "get", "give", "have", "make", "many", "much", "need", "send", "should", "use", "want")
)
_SHORTEST_PLURAL = 4
_SHORTEST_STEM = 5


def whole_words(text: str) -> list[str]:
    """Return the words in their order; a name of several parts is one."""
    return [_singular(word) for word in _WORD.findall(text.lower())]


def parts(word: str) -> list[str]:
    """Return the parts of a name of several; nothing for a plain word.

    Those of `usage.credits_consumed` are `usage`, `credits_consumed`, `credit` and `consumed`.
    """
    found = dict.fromkeys([*_NAME.findall(word), *_PART.findall(word)])
    return [_singular(part) for part in found if part != word]


def query_words(query: str) -> list[str]:
    """Return the words to search for, without those that stand everywhere."""
    words = whole_words(query)
    ignored = _IGNORED | _FILLING if is_question(query) else _IGNORED
    return [word for word in words if word not in ignored] or words


def is_question(query: str) -> bool:
    """Whether the query is a question of several words, such as `how do I stream`."""
    words = query.lower().split()
    return len(words) > 1 and not _ASKING.isdisjoint(words)


def stem(word: str) -> str | None:
    """Return the verb of a word such as `streaming`, or None."""
    root = word.removesuffix("ing")
    is_verb = word.isalpha() and root != word and len(root) >= _SHORTEST_STEM
    return root if is_verb else None


def _singular(word: str) -> str:
    if len(word) < _SHORTEST_PLURAL or not word.isalpha() or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word.removesuffix("s")


def is_one_edit_apart(one: str, other: str) -> bool:
    """Whether one insertion, deletion, replacement or swap of neighbours makes one the other."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = _common_prefix(one, other)
    left, right = one[start:], other[start:]
    if len(left) == len(right):
        is_swap = left[:2] == right[1::-1] and left[2:] == right[2:]
        return left[1:] == right[1:] or is_swap
    longer, shorter = (left, right) if len(left) > len(right) else (right, left)
    return longer[1:] == shorter


def _common_prefix(one: str, other: str) -> int:
    length = min(len(one), len(other))
    return next((at for at in range(length) if one[at] != other[at]), length)
