"""Content blocks of an answer: how each kind is opened, extended, closed, and cleaned when whole.

A block is fed an upstream's deltas and hands out those that clients understand. Its start event
always has the empty form (`text: ""`, `input: {}`): clients add the deltas to it, and some do
not look at what a start carries.
"""

from typing import Any

import msgspec

from gateway.reply import tool_inputs

Delta = dict[str, Any]

# Tools that the upstream runs by itself. Their results are sent whole, in their start event.
_PROVIDERS_CALLS = frozenset({"server_tool_use", "mcp_tool_use"})
_PROVIDERS_RESULTS = frozenset(
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
OF_PROVIDERS = _PROVIDERS_CALLS | _PROVIDERS_RESULTS
_CALLS = _PROVIDERS_CALLS | {"tool_use"}
_WHOLE = _PROVIDERS_RESULTS | {"redacted_thinking"}


class Block:
    """A block on its way to the caller. `index` is None until its start was sent."""

    # Whether it may be closed, unasked, as soon as another block has something to say.
    may_yield = True

    def __init__(self, wire: dict[str, Any]) -> None:
        self._wire = wire
        self.index: int | None = None
        self.is_stopped = False  # the upstream is done with it
        self.is_closed = False  # the caller was told so
        self.pending: list[Delta] = []

    def start(self) -> dict[str, Any]:
        return self._wire

    def takes(self, delta_type: str) -> bool:
        """Whether deltas of this type belong into this kind of block."""
        return False

    def accept(self, delta: Delta) -> Delta | None:
        """What to pass on of a delta that `takes` approved, if anything."""
        return None

    def finish(self) -> list[Delta]:
        """What is owed before the stop."""
        return []

    def start_text(self) -> str:
        """What of the start counts as delivered output."""
        return ""


class TextBlock(Block):
    def __init__(self, initial: str = "") -> None:
        super().__init__({"type": "text", "text": ""})
        if initial:
            self.pending.append({"type": "text_delta", "text": initial})

    def takes(self, delta_type: str) -> bool:
        return delta_type in ("text_delta", "citations_delta")

    def accept(self, delta: Delta) -> Delta | None:
        if delta["type"] == "citations_delta":
            return delta if isinstance(delta.get("citation"), dict) else None
        return _filled(delta, "text")


class ThinkingBlock(Block):
    """The signature is sent once, last: clients replace what they have by it."""

    def __init__(self, initial: str = "", signature: Any = "") -> None:
        super().__init__({"type": "thinking", "thinking": "", "signature": ""})
        self._signature = signature if isinstance(signature, str) else ""
        if initial:
            self.pending.append({"type": "thinking_delta", "thinking": initial})

    def takes(self, delta_type: str) -> bool:
        return delta_type in ("thinking_delta", "signature_delta")

    def accept(self, delta: Delta) -> Delta | None:
        if delta["type"] == "thinking_delta":
            return _filled(delta, "thinking")
        if isinstance(delta.get("signature"), str):
            self._signature = delta["signature"]
        return None

    def finish(self) -> list[Delta]:
        return [{"type": "signature_delta", "signature": self._signature}]


class ToolBlock(Block):
    """A tool call. Pieces of its input pass at once, from the first `{` to its closing `}`;
    anything else is kept back and read as a whole at the end, since a client that has been sent
    half of something unreadable raises."""

    def __init__(self, wire: dict[str, Any], initial: Any = None) -> None:
        super().__init__(wire | {"input": {}})
        self._initial = initial
        self._scanner: tool_inputs.ObjectScanner | None = None
        self._kept_back = ""

    @property
    def may_yield(self) -> bool:  # type: ignore[override]
        return self._scanner is not None and self._scanner.is_complete

    @property
    def is_call(self) -> bool:
        """Whether the caller is the one to run it."""
        return bool(self._wire["type"] == "tool_use")

    @property
    def is_cut(self) -> bool:
        """Whether its input began and did not end."""
        return self._scanner is not None and not self._scanner.is_complete

    def takes(self, delta_type: str) -> bool:
        return delta_type == "input_json_delta"

    def accept(self, delta: Delta) -> Delta | None:
        text = delta.get("partial_json")
        if not isinstance(text, str):
            return None
        if self._scanner is None:
            self._kept_back += text
            text = self._kept_back.lstrip()
            if not text.startswith("{"):
                return None
            self._scanner = tool_inputs.ObjectScanner()
        passed = text[: self._scanner.feed(text)]
        return {"type": "input_json_delta", "partial_json": passed} if passed else None

    def finish(self) -> list[Delta]:
        if self._scanner is not None:
            return []
        whole = tool_inputs.parse(self._kept_back) or tool_inputs.parse(self._initial)
        if not whole:
            return []
        return [{"type": "input_json_delta", "partial_json": msgspec.json.encode(whole).decode()}]

    def start_text(self) -> str:
        return str(self._wire["name"])


class CompactionBlock(Block):
    """A summary that stands for an earlier part of the conversation. It comes in one delta; without
    content it says that the summary failed."""

    def takes(self, delta_type: str) -> bool:
        return delta_type == "compaction_delta"

    def accept(self, delta: Delta) -> Delta | None:
        return delta if isinstance(delta.get("content"), str | None) else None


def from_start(wire: Any, ids: tool_inputs.CallIds) -> Block | None:
    """The block that an upstream's `content_block_start` opens; None for one that clients would
    choke on."""
    if not isinstance(wire, dict):
        return None
    kind = _text(wire.get("type"))
    if kind == "text":
        return TextBlock(_text(wire.get("text")))
    if kind == "thinking":
        return ThinkingBlock(_text(wire.get("thinking")), wire.get("signature"))
    whole = clean(wire, ids)
    if whole is None:
        return None
    if kind == "compaction":
        return CompactionBlock(whole)
    return ToolBlock(whole, whole["input"]) if kind in _CALLS else Block(whole)


def for_delta(delta_type: str) -> Block | None:
    """The block that a delta without a start must have meant."""
    if delta_type == "text_delta":
        return TextBlock()
    return ThinkingBlock() if delta_type == "thinking_delta" else None


def clean(wire: Any, ids: tool_inputs.CallIds) -> dict[str, Any] | None:
    """A whole block with every field that clients require and no null they reject; None for one
    they do not know."""
    if not isinstance(wire, dict):
        return None
    kind = _text(wire.get("type"))
    block = {name: value for name, value in wire.items() if value is not None}
    if kind == "text":
        block["text"] = _text(block.get("text"))
        return block
    if kind == "thinking":
        required = {name: _text(wire.get(name)) for name in ("thinking", "signature")}
        return block | required
    if kind in _CALLS and _text(wire.get("name")):
        call = {"id": ids.claim(wire.get("id")), "input": tool_inputs.parse(wire.get("input"))}
        return block | call
    return block if kind in _WHOLE else None


def clean_all(content: Any) -> list[dict[str, Any]]:
    """The content of a whole answer: at least one block, since clients look at the first."""
    ids = tool_inputs.CallIds()
    parts = content if isinstance(content, list) else []
    kept = [block for part in parts if (block := clean(part, ids)) is not None]
    return kept or [{"type": "text", "text": ""}]


def _filled(delta: Delta, name: str) -> Delta | None:
    text = delta.get(name)
    return delta if isinstance(text, str) and text else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
