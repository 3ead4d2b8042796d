"""Joins what upstreams cut that count text in UTF-16 units: half a character at the end of one
event, "\\ud83d", and the other half, "\\ude00", at the beginning of the next."""

from typing import Any

_Place = tuple[object, ...]


class Halves:
    """The halves that wait, for one stream. One whose other half never comes is left out.

    Only events that hold such a half are shown to it: JSON that has none is decoded elsewhere, and
    what is cut has a half on either side.
    """

    def __init__(self) -> None:
        self._waiting: dict[_Place, str] = {}

    def join(self, event: Any) -> Any:
        """Return the event with the half that its texts begin with made whole, and without the one
        that they end in, which waits."""
        return self._joined(event, ())

    def _joined(self, value: Any, place: _Place) -> Any:
        if isinstance(value, str):
            return self._text(value, place)
        if isinstance(value, list):
            return [self._joined(one, (*place, at)) for at, one in enumerate(value)]
        if not isinstance(value, dict):
            return value
        # Blocks and tool calls have a number, wherever in a list they stand.
        number = value.get("index")
        here = (*place, number if isinstance(number, int) else None)
        return {name: self._joined(one, (*here, name)) for name, one in value.items()}

    def _text(self, text: str, place: _Place) -> str:
        first_half = self._waiting.pop(place, "")
        if first_half and "\udc00" <= text[:1] <= "\udfff":
            pair = (first_half + text[0]).encode("utf-16", "surrogatepass")
            text = pair.decode("utf-16") + text[1:]
        if "\ud800" <= text[-1:] <= "\udbff":
            self._waiting[place] = text[-1]
            return text[:-1]
        return text
