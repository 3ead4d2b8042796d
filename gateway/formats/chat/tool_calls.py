"""Tells the tool calls of a streamed chat completion apart.

OpenAI numbers the calls, and sends id and name with the first fragment of each:

    {"index": 0, "id": "call_1", "function": {"name": "clock", "arguments": ""}}
    {"index": 0, "function": {"arguments": "{\\"zone\\": \\"UTC\\"}"}}

Other servers number every call 0, or none; send no id, an empty one, or the same for each; repeat
the name in every fragment. So each of the three can begin a new call.
"""

from collections.abc import Iterator
from typing import Any

from gateway.formats.chat.reply import ToolCall
from gateway.reply.blocks import ToolBlock


class PendingCall:
    """A tool call under construction. Its block opens once the name is known; fragments of
    arguments that arrive earlier are buffered in `early`."""

    def __init__(self, position: int | None) -> None:
        self.position = position
        self.call_id = ""
        self.name = ""
        self.block: ToolBlock | None = None
        self.early: list[str] = []
        self.has_arguments = False
        self.is_named_again = False  # once it was complete: the name may be that of another call

    @property
    def is_complete(self) -> bool:
        """Whether its arguments are a whole object."""
        return self.block is not None and self.block.is_complete


class CallsInOrder:
    """The calls of one stream, in the order in which they began."""

    def __init__(self) -> None:
        self._calls: list[PendingCall] = []

    def __bool__(self) -> bool:
        return bool(self._calls)

    def assign(self, pieces: list[ToolCall]) -> Iterator[tuple[PendingCall, ToolCall]]:
        """Each fragment of one chunk with the call that it belongs to, old or new. Two entries of
        one chunk with a name each are two calls."""
        named: set[int] = set()
        for piece in pieces:
            call = latest = self._call_of(piece)
            is_second = bool(piece.name) and id(latest) in named
            if latest is None or is_second or _begins_another(latest, piece):
                call = PendingCall(piece.position)
                if latest is not None and not piece.name:
                    call.name = latest.name
                self._calls.append(call)
            assert call is not None
            if piece.name:
                named.add(id(call))
                call.is_named_again = call.is_complete
            call.call_id = call.call_id or piece.call_id
            call.name = call.name or piece.name
            yield call, piece

    def _call_of(self, piece: ToolCall) -> PendingCall | None:
        """The latest call that the fragment can belong to: by its number, or else by its id, or
        else by its name while that call is incomplete, or else the latest of all."""
        latest_first = reversed(self._calls)
        if piece.position is not None:
            return next((one for one in latest_first if one.position == piece.position), None)
        if not self._calls:
            return None
        if piece.call_id:
            same = [one for one in latest_first if one.call_id == piece.call_id]
            return same[0] if same else self._unnamed(piece)
        if piece.name:
            for one in latest_first:
                if one.name == piece.name and not one.is_complete:
                    return one
        return self._calls[-1]

    def _unnamed(self, piece: ToolCall) -> PendingCall | None:
        """The latest call, if this fragment with a new id can only go on with it: some servers
        make up an id for each fragment, but name the tool in the first alone."""
        return None if piece.name else self._calls[-1]


def _begins_another(call: PendingCall, piece: ToolCall) -> bool:
    """Whether a fragment begins another call than the one it seems to belong to."""
    if not call.name:
        return False
    if not piece.name:
        return call.is_named_again and _begins_an_object(piece.arguments)
    is_other_id = bool(piece.call_id and call.call_id and piece.call_id != call.call_id)
    is_other_name = piece.name != call.name
    if call.is_complete:
        # The same name once more, and nothing else, is repeated in a last fragment.
        return is_other_id or is_other_name or _begins_an_object(piece.arguments)
    return is_other_name or (is_other_id and not call.has_arguments)


def _begins_an_object(arguments: Any) -> bool:
    return isinstance(arguments, dict) or (
        isinstance(arguments, str) and arguments.lstrip().startswith("{")
    )
