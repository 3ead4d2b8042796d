"""Names of tools: as a server accepts them, and as the caller knows them.

A chat upstream takes 64 characters at most, so longer names are shortened and restored. Models also
decorate the names that they are offered, `functions.get_weather`, or let marks of their template
slip in, `get_weather<|channel|>commentary`. Such a name is mapped back to the tool that it can only
mean. Any other is passed on in characters that every server accepts, since the caller sends it back
with the next turn.
"""

import hashlib
import re
from collections.abc import Iterable
from itertools import chain
from typing import Any

from gateway.request.parse import MessagesRequest

_MAX_CHARS = 64
_DIGEST_CHARS = 12
_is_usual = re.compile(r"[a-zA-Z0-9_-]{1,64}").fullmatch
_WORD = re.compile(r"[a-zA-Z0-9_-]+")
_OTHER = re.compile(r"[^a-zA-Z0-9_-]+")
_MARK = "<|"  # begins a mark of a chat template
_NAMELESS = "tool"


def shorten(name: str) -> str:
    """Deterministic, so that upstreams' prompt caches stay valid."""
    if len(name) <= _MAX_CHARS:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_CHARS]
    return f"{name[: _MAX_CHARS - _DIGEST_CHARS - 1]}_{digest}"


def _accepted(name: str) -> str:
    """A name in characters, and of a length, that every server accepts."""
    return name if _is_usual(name) else shorten(_OTHER.sub("_", name).strip("_") or _NAMELESS)


class Names:
    """The names of the tools that one request offers. They are looked at only if a tool is
    called."""

    def __init__(self, tools: Iterable[dict[str, Any]]) -> None:
        self._tools = tools
        self._known: dict[str, str] | None = None

    @classmethod
    def of(cls, request: MessagesRequest) -> "Names":
        """The tools of a request, with those that are added in mid-conversation."""
        return cls(chain(request.fields.get("tools", ()), request.added_tools))

    def restored(self, name: str) -> str:
        """The caller's name for what an upstream calls so."""
        offered = self._offered()
        if name in offered or not name:
            return offered.get(name, "")
        head = name.partition(_MARK)[0]
        for text in (head, name):
            meant = {offered[word] for word in _WORD.findall(text) if word in offered}
            if len(meant) == 1:
                return meant.pop()
            if meant:
                return _accepted(name)
        letters = _letters(head)
        alike = {tool for tool in offered.values() if letters and _letters(tool) == letters}
        return alike.pop() if len(alike) == 1 else _accepted(name)

    def sent(self, name: str) -> str:
        """The name of a call in the conversation, as a chat upstream accepts it."""
        return name if _is_usual(name) else shorten(self.restored(name))

    def _offered(self) -> dict[str, str]:
        """The caller's names, by themselves and by what a chat upstream receives."""
        if self._known is None:
            names = [str(tool["name"]) for tool in self._tools if tool.get("name")]
            self._known = {shorten(name): name for name in names} | {name: name for name in names}
        return self._known


def _letters(name: str) -> str:
    """What is left of a name without case and separators; some models write `Get-Weather`."""
    return _OTHER.sub("", name).replace("_", "").replace("-", "").lower()
