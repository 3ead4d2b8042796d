"""Thinking that a model writes into its text, in tags, where its server does not take it out.

    <think>
    They want the time.
    </think>

    It is noon.

Only the beginning of an answer is looked at: later on the tags are words about themselves. It is a
habit that an upstream has or not, since a model may be asked to begin with such a tag.
"""

from enum import Enum
from typing import NamedTuple

OPENING, CLOSING = "<think>", "</think>"


class Split(NamedTuple):
    """A piece of an answer's text, as thinking and as text."""

    thinking: str
    text: str


class _Part(Enum):
    BEFORE = "before the first word"
    OPENED = "after the opening tag"
    THINKING = "in the tags"
    GAP = "between the tag and the text"
    TEXT = "in the text"


class TagSplitter:
    """For one answer whose text arrives in pieces. What may be a part of a tag is kept back."""

    def __init__(self) -> None:
        self._part = _Part.BEFORE
        self._kept = ""

    def feed(self, piece: str) -> Split:
        if self._part is _Part.TEXT:
            return Split("", piece)
        self._kept += piece
        thinking = ""
        if self._part is _Part.BEFORE:
            self._begin()
        if self._part is _Part.OPENED and self._kept:
            self._part, self._kept = _Part.THINKING, self._kept.removeprefix("\n")
        if self._part is _Part.THINKING:
            thinking = self._thought()
        return Split(thinking, self._text())

    def rest(self) -> Split:
        """What was kept back, once no more text comes."""
        kept, self._kept = self._kept, ""
        if self._part is _Part.THINKING:
            return Split(kept, "")
        return Split("", kept if self._part is _Part.BEFORE else "")

    def _begin(self) -> None:
        begun = self._kept.lstrip()
        if begun.startswith(OPENING):
            self._part, self._kept = _Part.OPENED, begun.removeprefix(OPENING)
        elif not OPENING.startswith(begun):
            self._part = _Part.TEXT

    def _thought(self) -> str:
        thought, tag, rest = self._kept.partition(CLOSING)
        if tag:
            self._part, self._kept = _Part.GAP, rest
            return thought
        sure = len(thought) - _begun(thought)
        self._kept = thought[sure:]
        return thought[:sure]

    def _text(self) -> str:
        if self._part is _Part.GAP and (text := self._kept.lstrip("\r\n")):
            self._part, self._kept = _Part.TEXT, text
        if self._part is not _Part.TEXT:
            return ""
        text, self._kept = self._kept, ""
        return text


def split(text: str) -> Split:
    """A whole answer's text."""
    splitter = TagSplitter()
    first, rest = splitter.feed(text), splitter.rest()
    return Split(first.thinking + rest.thinking, first.text + rest.text)


def joined(thinking: str, text: str) -> str:
    """The text as the model wrote it."""
    return f"{OPENING}\n{thinking}{CLOSING}\n\n{text}"


def _begun(text: str) -> int:
    """How many characters at the end may begin the closing tag."""
    longest = min(len(CLOSING) - 1, len(text))
    return next((n for n in range(longest, 0, -1) if text.endswith(CLOSING[:n])), 0)
