"""Content blocks of a reply: how each kind is opened, extended, closed, and cleaned if complete.

A block accepts an upstream's deltas and returns those that clients understand. Its start event is
always empty (`text: ""`, `input: {}`): clients append the deltas to it, and some ignore content in
a start.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from gateway.errors import InvalidToolInput
from gateway.reply import object_scanner, tool_inputs

Delta = dict[str, Any]

# Tools that the upstream runs itself. Their results are complete in the start event.
_PROVIDER_CALLS = frozenset({"server_tool_use", "mcp_tool_use"})
_PROVIDER_RESULTS = frozenset(
    {
        "advisor_tool_result",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
        "container_upload",
        "mcp_tool_listing",
        "mcp_tool_result",
        "compaction",
    }
)
PROVIDER_BLOCKS = _PROVIDER_CALLS | _PROVIDER_RESULTS
_CALLS = _PROVIDER_CALLS | {"tool_use"}
_NO_TEXT: dict[str, Any] = {"type": "text", "text": ""}
_SENT_WHOLE = _PROVIDER_RESULTS | {"redacted_thinking"}
_KNOWN = _CALLS | _SENT_WHOLE | {"text", "thinking"}
_EMPTY_OBJECT = re.compile(r"\s*\{\s*\}\s*")
_UNDECIDED = re.compile(r"\{\s*\}?\s*")
_EMPTY_FIRST = re.compile(r"^(?:\s*\{\s*\})+(?=\s*\{)")
_OBJECT = re.compile(r"\{\s*[^\s}]")


class Block:
    """A block being sent to the caller. `index` is None until its start is sent."""

    # Whether it may be closed, without a stop from the upstream, once another block has content.
    can_close_early = True
    is_call = False  # whether it is a tool call that the caller runs
    is_cut = False  # whether it is a call whose input began and did not end

    def __init__(self, wire: dict[str, Any]) -> None:
        self._wire = wire
        self.index: int | None = None
        self.is_stopped = False  # the upstream has ended it
        self.is_closed = False  # its stop was sent to the caller
        self.pending: list[Delta] = []
        self.further: list[Block] = []  # found in this one, until they are queued

    def start(self) -> dict[str, Any]:
        return self._wire

    def matches(self, delta_type: str) -> bool:
        """Whether deltas of this type belong in this kind of block."""
        return False

    def accept(self, delta: Delta) -> Delta | None:
        """The part of a matching delta to forward, if any."""
        return None

    def accept_late(self, delta: Delta) -> None:
        """Read a delta that came after the block was closed."""

    def cut_call(self) -> "Block | None":
        """The last of several calls in this one, if its input did not end."""
        return None

    def finish(self) -> list[Delta]:
        """Deltas to send before the stop."""
        return []

    def start_text(self) -> str:
        """The text in the start event that counts as delivered output."""
        return ""


class TextBlock(Block):
    def __init__(self, initial: str = "", *, is_cited: bool = False) -> None:
        super().__init__(dict(_NO_TEXT, citations=[]) if is_cited else dict(_NO_TEXT))
        if initial:
            self.pending.append({"type": "text_delta", "text": initial})

    def matches(self, delta_type: str) -> bool:
        return delta_type in ("text_delta", "citations_delta")

    def accept(self, delta: Delta) -> Delta | None:
        if delta["type"] == "citations_delta":
            return delta if isinstance(delta.get("citation"), dict) else None
        return _non_empty(delta, "text")


class ThinkingBlock(Block):
    """The signature is sent once, at the end: clients overwrite it with each signature delta.
    `sign` makes one where the upstream gives none: clients drop or rewrite unsigned thinking."""

    def __init__(
        self, initial: str = "", signature: Any = "", *, sign: Callable[[], str] | None = None
    ) -> None:
        super().__init__({"type": "thinking", "thinking": "", "signature": ""})
        self._signature = signature if isinstance(signature, str) else ""
        self.sign = sign
        if initial:
            self.pending.append({"type": "thinking_delta", "thinking": initial})

    def matches(self, delta_type: str) -> bool:
        return delta_type in ("thinking_delta", "signature_delta")

    def accept(self, delta: Delta) -> Delta | None:
        if delta["type"] == "thinking_delta":
            return _non_empty(delta, "thinking")
        if isinstance(delta.get("signature"), str):
            self._signature = delta["signature"]
        return None

    def finish(self) -> list[Delta]:
        signature = self._signature or (self.sign() if self.sign is not None else "")
        return [{"type": "signature_delta", "signature": signature}]


class ToolBlock(Block):
    """A tool call. Fragments of its input are forwarded at once, from the first `{` to its closing
    `}`. Other input is buffered and parsed at the end, since clients raise for fragments that do
    not form an object. So is an empty object, which some servers put before the input. `accept` and
    `finish` raise InvalidToolInput for input that is none.

    A further object in the input is another call of the same tool, see FurtherObjects.
    """

    def __init__(self, wire: dict[str, Any], initial: Any = None) -> None:
        super().__init__(wire | {"input": {}})
        self._initial = initial
        self._scanner: object_scanner.ObjectScanner | None = None
        self._buffered = ""
        self._after: tool_inputs.FurtherObjects | None = None
        self._ahead: ToolBlock | None = None  # reads the fragments that wait
        self._read_ahead = 0

    @property
    def can_close_early(self) -> bool:  # type: ignore[override]
        if self._scanner is None:
            return _EMPTY_OBJECT.fullmatch(self._buffered) is not None
        return self._scanner.is_complete and not self._is_in_another

    @property
    def is_call(self) -> bool:  # type: ignore[override]
        return bool(self._wire["type"] == "tool_use")

    @property
    def is_cut(self) -> bool:  # type: ignore[override]
        if self._scanner is not None:
            return not self._scanner.is_complete
        return self._is_invalid(self._buffered)

    @property
    def is_complete(self) -> bool:
        """Whether its input has arrived as a whole."""
        if self._scanner is not None:
            return self._scanner.is_complete and not self._is_in_another
        if self.pending:
            return self._is_complete_ahead()
        text = self._buffered.strip()
        return bool(text) and not self._is_invalid(text)

    def _is_complete_ahead(self) -> bool:
        """While the block waits for its turn. Each fragment is read once."""
        if self._ahead is None:
            self._ahead = ToolBlock(self._wire, self._initial)
        unread, self._read_ahead = self.pending[self._read_ahead :], len(self.pending)
        try:
            for delta in unread:
                self._ahead.accept(delta)
        except InvalidToolInput:
            self._ahead = ToolBlock(self._wire)  # in its turn the block raises this, too
        return self._ahead.is_complete

    def matches(self, delta_type: str) -> bool:
        return delta_type == "input_json_delta"

    def accept(self, delta: Delta) -> Delta | None:
        text = tool_inputs.text_of(delta.get("partial_json"))
        if self._scanner is None:
            text = self._begun(text)
            if not text:
                return None
            self._scanner = object_scanner.ObjectScanner()
        elif self._scanner.is_complete:
            self._read_further(text, 0)
            return None
        passed = self._scanner.feed(text)
        if self._scanner.is_complete:
            self._read_further(text, self._scanner.end)
        return {"type": "input_json_delta", "partial_json": passed} if passed else None

    def _begun(self, text: str) -> str:
        """All of the input, once it has begun with an object that is not empty."""
        text = _EMPTY_FIRST.sub("", (self._buffered + text).lstrip())
        if _UNDECIDED.fullmatch(text):  # so that it stays short, whatever white space comes
            text = "{}" if "}" in text else "{"
        self._buffered = text
        return text if _OBJECT.match(text) else ""

    def _read_further(self, text: str, at: int) -> None:
        if at >= len(text) or not self.is_call:
            return
        if self._after is None:
            first = self._scanner.value if self._scanner is not None else {}
            self._after = tool_inputs.FurtherObjects(first)
        self.further += map(self._call_with, self._after.feed(text, at))

    def _call_with(self, value: dict[str, Any]) -> "ToolBlock":
        call = self._another(value)
        call.is_stopped = True
        return call

    def _another(self, initial: Any = None) -> "ToolBlock":
        return ToolBlock(self._wire | {"id": tool_inputs.made_id()}, initial)

    @property
    def _is_in_another(self) -> bool:
        return self._after is not None and self._after.is_open

    def cut_call(self) -> Block | None:
        if self._after is None or not self._after.is_open:
            return None
        call = self._another()
        text = self._after.open_text
        call.pending.append({"type": "input_json_delta", "partial_json": text})
        return call

    def accept_late(self, delta: Delta) -> None:
        self._read_further(tool_inputs.text_of(delta.get("partial_json")), 0)

    def finish(self) -> list[Delta]:
        if self._scanner is not None or self.is_cut:
            return []  # an answer that the token limit cuts is delivered as far as it came
        parsed, *others = tool_inputs.parse_all(self._buffered)
        if others and not self.is_call:
            raise InvalidToolInput
        self.further += map(self._call_with, others)
        parsed = parsed or self._initial
        if not (parsed or self._buffered.strip()):
            return []
        text = msgspec.json.encode(parsed or {}).decode()
        return [{"type": "input_json_delta", "partial_json": text}]

    @staticmethod
    def _is_invalid(text: str) -> bool:
        try:
            tool_inputs.parse_all(text)
        except InvalidToolInput:
            return True
        return False

    def start_text(self) -> str:
        return str(self._wire["name"])


class CompactionBlock(Block):
    """A summary that replaces an earlier part of the conversation. It arrives in one delta; one
    without content means that compaction failed."""

    def matches(self, delta_type: str) -> bool:
        return delta_type == "compaction_delta"

    def accept(self, delta: Delta) -> Delta | None:
        return delta if isinstance(delta.get("content"), str | None) else None


class UnknownBlock(Block):
    """A block of a type that we do not know, passed on as it is with all of its deltas."""

    can_close_early = False

    def matches(self, delta_type: str) -> bool:
        return True

    def accept(self, delta: Delta) -> Delta | None:
        return delta


def from_start(wire: Any, ids: tool_inputs.CallIds) -> Block | None:
    """The block that an upstream's `content_block_start` opens; None for one without a type, or a
    call without a name."""
    if not isinstance(wire, dict):
        return None
    kind = _text(wire.get("type"))
    if kind == "text":
        return TextBlock(_text(wire.get("text")), is_cited=wire.get("citations") == [])
    if kind == "thinking":
        return ThinkingBlock(_text(wire.get("thinking")), wire.get("signature"))
    cleaned = clean(wire, ids)
    if cleaned is None:
        return None
    if kind not in _KNOWN:
        return UnknownBlock(cleaned)
    if kind == "compaction":
        return CompactionBlock(cleaned)
    return ToolBlock(cleaned, cleaned["input"]) if kind in _CALLS else Block(cleaned)


def implied_by_delta(delta_type: str) -> Block | None:
    """The block that a delta without a start implies."""
    if delta_type == "text_delta":
        return TextBlock()
    return ThinkingBlock() if delta_type == "thinking_delta" else None


def clean(wire: Any, ids: tool_inputs.CallIds) -> dict[str, Any] | None:
    """A complete block with all fields that clients require and without nulls, which they reject;
    one of a type that we do not know as it is; None for one without a type. Raises
    InvalidToolInput."""
    if not isinstance(wire, dict):
        return None
    kind = _text(wire.get("type"))
    if kind and kind not in _KNOWN:
        return wire
    if kind == "compaction":
        return dict(wire)  # without content it means that the compaction failed
    block = {name: value for name, value in wire.items() if value is not None}
    if kind == "text":
        block["text"] = _text(block.get("text"))
        return block
    if kind == "thinking":
        required = {name: _text(wire.get(name)) for name in ("thinking", "signature")}
        return block | required
    if kind in _CALLS:
        parsed = tool_inputs.parse(wire.get("input"))
        if not _text(wire.get("name")):
            tool_inputs.drop_nameless(parsed)
            return None
        return block | {"id": ids.claim(wire.get("id")), "input": parsed}
    return block if kind in _SENT_WHOLE else None


def clean_all(content: Any, *, may_be_cut: Callable[[], bool]) -> list[dict[str, Any]]:
    """The content of a complete reply: at least one block, since clients read the first.

    Raises InvalidToolInput; where the answer `may_be_cut`, such a call is left out instead.
    """
    ids = tool_inputs.CallIds()
    kept: list[dict[str, Any]] = []
    for part in content if isinstance(content, list) else []:
        try:
            calls = _calls(part, may_be_cut)
        except InvalidToolInput:
            if not may_be_cut():
                raise
            continue
        kept += [block for call in calls if (block := clean(call, ids)) is not None]
    return kept or [dict(_NO_TEXT)]


def _calls(part: Any, may_be_cut: Callable[[], bool]) -> list[Any]:
    """The calls that a server wrote into one; otherwise the block alone."""
    raw = part.get("input") if isinstance(part, dict) and part.get("type") == "tool_use" else None
    if not isinstance(raw, str):
        return [part]
    try:
        inputs = tool_inputs.parse_all(raw)
    except InvalidToolInput:
        inputs = tool_inputs.parse_all(raw, may_be_cut=may_be_cut())
    return [part | {"input": one} for one in inputs]


def are_empty(content: list[dict[str, Any]]) -> bool:
    """Whether clean blocks have no content: one empty text in their place."""
    return content == [_NO_TEXT]


def _non_empty(delta: Delta, name: str) -> Delta | None:
    text = delta.get(name)
    return delta if isinstance(text, str) and text else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
