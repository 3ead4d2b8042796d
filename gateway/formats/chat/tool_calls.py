"""Tells the tool calls of a streamed chat completion apart.

OpenAI numbers the calls, and sends id and name with the first fragment of each:

    {"index": 0, "id": "call_1", "function": {"name": "clock", "arguments": ""}}
    {"index": 0, "function": {"arguments": "{\\"zone\\": \\"UTC\\"}"}}

Other servers number every call 0, or none, or a call otherwise than its arguments; send no id, an
empty one, or the same for each; repeat the name in every fragment. So each of the three can begin a
new call.
"""

from collections.abc import Iterator
from typing import Any

from gateway.formats.chat.reply import ToolCall
from gateway.reply import tool_inputs
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
    """The calls of one stream, and those that a further fragment can belong to: a server that loops
    sends thousands, so none is searched for."""

    def __init__(self) -> None:
        self._latest: PendingCall | None = None
        self._at: dict[int, PendingCall] = {}  # the latest with each number
        self._with_id: dict[str, PendingCall] = {}
        self._named: dict[str, list[PendingCall]] = {}  # but for those that were found complete
        self._nameless: list[PendingCall] = []  # at first

    def __bool__(self) -> bool:
        return self._latest is not None

    @property
    def is_cut(self) -> bool:
        """Whether the input of the latest call has begun, and not ended."""
        block = None if self._latest is None else self._latest.block
        return block is not None and block.is_cut

    def assign(self, pieces: list[ToolCall]) -> Iterator[tuple[PendingCall, ToolCall]]:
        """Each fragment of one chunk with the call that it belongs to, old or new. Two entries of
        one chunk with a name each are two calls."""
        named: set[int] = set()
        for piece in pieces:
            call = latest = self._call_of(piece)
            is_second = bool(piece.name) and id(latest) in named
            if latest is None or is_second or _begins_another(latest, piece):
                call = self._begin(piece, latest)
            assert call is not None
            if piece.name:
                named.add(id(call))
                call.is_named_again = call.is_complete
            self._note(call, piece)
            yield call, piece

    def check_names(self) -> None:
        """At the end of the stream. Raises InvalidToolInput for a call whose name has not come."""
        for call in self._nameless:
            if not call.name:
                tool_inputs.drop_nameless("".join(call.early).strip(" \t\r\n{}"))

    def _begin(self, piece: ToolCall, latest: PendingCall | None) -> PendingCall:
        call = self._latest = PendingCall(piece.position)
        if piece.position is not None:
            self._at[piece.position] = call
        if latest is None and not piece.name:
            self._nameless.append(call)
        if latest is not None and not piece.name:
            call.name = latest.name
            self._named.setdefault(call.name, []).append(call)
        return call

    def _note(self, call: PendingCall, piece: ToolCall) -> None:
        """Note the id and the name of a call with its first fragment that has them."""
        if piece.call_id and not call.call_id:
            call.call_id = piece.call_id
            self._with_id[call.call_id] = call
        if piece.name and not call.name:
            call.name = piece.name
            self._named.setdefault(call.name, []).append(call)

    def _call_of(self, piece: ToolCall) -> PendingCall | None:
        """The latest call that the fragment can belong to: by its number, or else by its id, or
        else by its name while that call is incomplete, or else the latest of all."""
        if piece.position is not None:
            return self._at.get(piece.position) or self._continued(piece)
        if piece.call_id:
            return self._with_id.get(piece.call_id) or self._unnamed(piece)
        return self._incomplete(piece.name) or self._latest

    def _continued(self, piece: ToolCall) -> PendingCall | None:
        """The latest call, if it still waits for its arguments and the fragment is nothing else:
        some proxies number a call otherwise than its arguments."""
        call = self._latest
        if call is None or not call.name or call.has_arguments or piece.name or piece.call_id:
            return None
        assert piece.position is not None
        self._at[piece.position] = call
        return call

    def _incomplete(self, name: str) -> PendingCall | None:
        calls = self._named.get(name, [])
        while calls and calls[-1].is_complete:
            calls.pop()
        return calls[-1] if calls else None

    def _unnamed(self, piece: ToolCall) -> PendingCall | None:
        """The latest call, if this fragment with a new id can only go on with it: some servers
        make up an id for each fragment, but name the tool in the first alone."""
        return None if piece.name else self._latest


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
