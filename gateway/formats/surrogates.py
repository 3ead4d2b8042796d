"""Joins surrogate pairs that an upstream split between events. Upstreams that count text in UTF-16
units send the high surrogate, "\\ud83d", in one event and the low one, "\\ude00", in the next."""

from typing import Any

_JsonPath = tuple[object, ...]


class SurrogateJoiner:
    """The pending high surrogates of one stream. One whose low surrogate never comes is dropped.

    It only needs the events that hold a lone surrogate: other JSON is decoded elsewhere, and a
    split pair leaves one in both events.
    """

    def __init__(self) -> None:
        self._pending: dict[_JsonPath, str] = {}

    def join(self, event: Any) -> Any:
        """Return the event with a leading low surrogate joined to its pending high one, and
        without a trailing high surrogate, which becomes pending."""
        return self._joined(event, ())

    def _joined(self, value: Any, path: _JsonPath) -> Any:
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, list):
            return [self._joined(item, (*path, at)) for at, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        # Blocks and tool calls are identified by their `index`, not by their place in a list.
        index = value.get("index")
        here = (*path, index if isinstance(index, int) else None)
        return {name: self._joined(item, (*here, name)) for name, item in value.items()}

    def _text(self, text: str, path: _JsonPath) -> str:
        high = self._pending.pop(path, "")
        if high and "\udc00" <= text[:1] <= "\udfff":
            pair = (high + text[0]).encode("utf-16", "surrogatepass")
            text = pair.decode("utf-16") + text[1:]
        if "\ud800" <= text[-1:] <= "\udbff":
            self._pending[path] = text[-1]
            return text[:-1]
        return text
