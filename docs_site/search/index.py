"""An index of entries in memory, and the ranking of what it finds. Pure.

Each word of a query must be in the entry: as it is, as the beginning of a word, or, if no word
begins with it, with one letter wrong. If no entry has them all, those with most of them are found.
Each counts by how well it matches, where it stands (title before text before code) and how rare it
is. An entry whose title is the whole query comes first; for a question, the pages do.
"""

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from docs_site.search.entries import HEADING, PAGE, Entry
from docs_site.search.words import (
    is_one_edit_apart,
    is_question,
    parts,
    query_words,
    stem,
    whole_words,
)

_TITLE, _TRAIL, _TEXT, _CODE = 10.0, 2.0, 2.0, 1.0
_PART = 0.6  # a part of a name, against the whole of it
_STEM = 0.9  # `streaming` as `stream`
_BEGINNING, _MISSPELT = 0.6, 0.3
_SHORTEST_MISSPELT = 4
_WHOLE_TITLE = 1000.0
_KINDS = {PAGE: 1.5, HEADING: 1.0}
_OTHER_KIND = 1.2
_KINDS_FOR_QUESTION = {PAGE: 3.0, HEADING: 1.5}
_OTHER_KIND_FOR_QUESTION = 0.5

Postings = dict[int, float]  # entry's number → weight of the word in it


class Hit(NamedTuple):
    """An entry that was found, and its score."""

    entry: Entry
    score: float


class Index:
    """Entries by their words."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = list(entries)
        self._postings: dict[str, Postings] = defaultdict(dict)
        for number, entry in enumerate(self._entries):
            for word, weight in _weighed(entry):
                known = self._postings[word]
                known[number] = max(known.get(number, 0.0), weight)
        self._vocabulary = sorted(self._postings)

    def search(self, query: str) -> list[Hit]:
        """Return what matches every word, best first, or else what matches most of them.

        Ties keep the order of the pages.
        """
        words = query_words(query)
        matches = [match for word in words for match in self._matches_of_name(word)]
        found = Counter(number for match in matches for number in match)
        most = max(found.values(), default=0)
        numbers = sorted(number for number, count in found.items() if count == most)
        score = self._score_for_question if is_question(query) else self._score
        hits = [Hit(self._entries[number], score(number, words, matches)) for number in numbers]
        return sorted(hits, key=lambda hit: -hit.score)

    def _score(self, number: int, words: list[str], matches: list[Postings]) -> float:
        entry = self._entries[number]
        score = sum(match.get(number, 0.0) for match in matches)
        is_whole = whole_words(entry.title) == words
        return score * _KINDS.get(entry.kind, _OTHER_KIND) + _WHOLE_TITLE * is_whole

    def _score_for_question(self, number: int, _: list[str], matches: list[Postings]) -> float:
        kind = self._entries[number].kind
        score = sum(match.get(number, 0.0) for match in matches)
        return score * _KINDS_FOR_QUESTION.get(kind, _OTHER_KIND_FOR_QUESTION)

    def _matches_of_name(self, word: str) -> list[Postings]:
        """Return the entries with the name, or, if no entry has it, those with its parts."""
        match = self._matches(word)
        return [match] if match else [self._matches(part) for part in parts(word) or [word]]

    def _matches(self, word: str) -> Postings:
        """Return the entries with the word, with how well and how rarely it matches."""
        found: Postings = {}
        for known, quality in self._alike(word):
            for number, weight in self._postings[known].items():
                found[number] = max(found.get(number, 0.0), weight * quality)
        rarity = math.log(1 + len(self._entries) / len(found)) if found else 0.0
        return {number: weight * rarity for number, weight in found.items()}

    def _alike(self, word: str) -> Iterator[tuple[str, float]]:
        """Yield the words of the entries that count as this word, with how well they match."""
        beginning = list(self._beginning_with(word))
        if beginning:
            for known in beginning:
                yield known, 1.0 if known == word else _BEGINNING
        elif len(word) >= _SHORTEST_MISSPELT:
            for known in self._vocabulary:
                if is_one_edit_apart(word, known):
                    yield known, _MISSPELT

    def _beginning_with(self, word: str) -> Iterator[str]:
        for at in range(bisect_left(self._vocabulary, word), len(self._vocabulary)):
            if not self._vocabulary[at].startswith(word):
                return
            yield self._vocabulary[at]


def _weighed(entry: Entry) -> Iterator[tuple[str, float]]:
    fields = (
        (entry.title, _TITLE),
        (entry.trail, _TRAIL),
        (entry.text, _TEXT),
        (entry.code, _CODE),
    )
    for text, weight in fields:
        for word in whole_words(text):
            yield word, weight
            if verb := stem(word):
                yield verb, weight * _STEM
            yield from ((part, weight * _PART) for part in parts(word))
