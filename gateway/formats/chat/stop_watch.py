"""Watches the text of an answer for stop sequences, where a server may not take all of them.

OpenAI takes four. What may be the beginning of one is kept back until more text has come.
"""

from typing import NamedTuple

_TAKEN_EVERYWHERE = 4


class Watched(NamedTuple):
    """Text that can be passed on, and the stop sequence that ends it."""

    text: str
    stop: str | None


class StopWatch:
    """For one text that arrives in pieces."""

    def __init__(self, stops: list[str]) -> None:
        self._stops = stops
        self._kept = ""

    def feed(self, text: str) -> Watched:
        text = self._kept + text
        if found := _first(text, self._stops):
            self._kept = ""
            return Watched(text[: found[0]], found[1])
        kept = max((_beginning(text, stop) for stop in self._stops), default=0)
        self._kept = text[len(text) - kept :]
        return Watched(text[: len(text) - kept], None)

    def rest(self) -> str:
        """What was kept back, once no more text comes."""
        kept, self._kept = self._kept, ""
        return kept


def needed(stops: list[str]) -> bool:
    """Whether some server takes fewer."""
    return len(stops) > _TAKEN_EVERYWHERE


def cut(text: str, stops: list[str]) -> Watched:
    """A complete text up to the first stop sequence in it."""
    found = _first(text, stops) if needed(stops) else None
    return Watched(text, None) if found is None else Watched(text[: found[0]], found[1])


def _first(text: str, stops: list[str]) -> tuple[int, str] | None:
    places = [(text.find(stop), stop) for stop in stops if stop in text]
    return min(places, default=None)


def _beginning(text: str, stop: str) -> int:
    """How many characters at the end of the text may begin the stop sequence."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
