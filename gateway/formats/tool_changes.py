"""Tools that a conversation adds and removes, for servers that do not know such blocks.

    {"role": "system", "content": [
        {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "push"}},
        {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {…}}}]}

They are taken out of the messages, and the tools of the request become those on offer at its end.
"""

from collections.abc import Iterator
from typing import Any

from gateway.errors import InvalidRequest

Tool = dict[str, Any]
Block = dict[str, Any]

ADDITION, REMOVAL = "tool_addition", "tool_removal"
_CHANGES = (ADDITION, REMOVAL)
_SEARCHES = "tool_search_tool"  # how the types of tools begin that find deferred ones


def are_leading(messages: list[dict[str, Any]]) -> bool:
    """Whether tools change before the first user turn: these system turns join the prompt, which
    can hold text alone."""
    for message in messages:
        if message["role"] == "user":
            return False
        if any(_is_change(block) for block in _blocks(message)):
            return True
    return False


def applied(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with the tools on offer at the end of the conversation. Raises InvalidRequest for
    a change of a tool that there is not, and of the tools of an MCP server."""
    offer = _Offer(fields.get("tools", []))
    for path, block in _all_blocks(fields["messages"]):
        if _is_change(block):
            offer.change(block, f"{path}.tool")
        elif block["type"] == "compaction":
            for m, change in enumerate(_changes_of(block)):
                offer.change(change, f"{path}.tool_changes.{m}.tool")
        elif block["type"] == "tool_result":
            offer.reveal(block.get("content"))
    changed = fields | {
        "tools": offer.tools(),
        "messages": list(_without_changes(fields["messages"])),
    }
    _check_choice(changed)
    return changed


def _changes_of(compaction: Block) -> list[Any]:
    """The changes of the messages that a block of compaction stands for."""
    changes = compaction.get("tool_changes")
    return changes if isinstance(changes, list) else []


class _Offer:
    """All tools that are known by now, in their order, and which of them are on offer."""

    def __init__(self, tools: list[Tool]) -> None:
        finds = any(str(tool.get("type")).startswith(_SEARCHES) for tool in tools)
        self._known = {str(tool.get("name") or n): tool for n, tool in enumerate(tools)}
        self._on_offer = {
            name for name, tool in self._known.items() if finds or not tool.get("defer_loading")
        }

    def change(self, block: Any, path: str) -> None:
        kind = block.get("type") if isinstance(block, dict) else None
        tool = block.get("tool") if kind in _CHANGES else None
        if not isinstance(tool, dict):
            raise InvalidRequest("Input should be an object", path=path)
        if kind == REMOVAL:
            self._on_offer.discard(self._referenced(tool, path))
            return
        if tool.get("type") == "tool_definition":
            definition = tool["definition"]
            name = str(definition.get("name"))
            self._known[name] = definition
        else:
            name = self._referenced(tool, path)
        self._on_offer.add(name)

    def reveal(self, content: Any) -> None:
        """The deferred tools that a search of the caller's has found."""
        for inner in content if isinstance(content, list) else []:
            if inner["type"] == "tool_reference" and inner.get("tool_name") in self._known:
                self._on_offer.add(str(inner["tool_name"]))

    def tools(self) -> list[Tool]:
        return [tool for name, tool in self._known.items() if name in self._on_offer]

    def _referenced(self, tool: dict[str, Any], path: str) -> str:
        if tool.get("type") != "tool_reference":
            reason = f"'{tool.get('type')}' is not available for this model"
            raise InvalidRequest(reason, path=f"{path}.type")
        name = tool.get("name")
        if name not in self._known:
            raise InvalidRequest(f"Tool '{name}' not found", path=f"{path}.name")
        return str(name)


def _check_choice(fields: dict[str, Any]) -> None:
    choice = fields.get("tool_choice") or {}
    if choice.get("type") != "tool":
        return
    if all(tool.get("name") != choice["name"] for tool in fields["tools"]):
        raise InvalidRequest(f"Tool '{choice['name']}' is not on offer", path="tool_choice")


def _without_changes(messages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The messages without such blocks; one that held nothing else is left out."""
    for message in messages:
        if not any(_is_change(block) for block in _blocks(message)):
            yield message
        elif kept := [block for block in message["content"] if not _is_change(block)]:
            yield message | {"content": kept}


def _all_blocks(messages: list[dict[str, Any]]) -> Iterator[tuple[str, Block]]:
    for n, message in enumerate(messages):
        for m, block in enumerate(_blocks(message)):
            yield f"messages.{n}.content.{m}", block


def _blocks(message: dict[str, Any]) -> list[Block]:
    content = message["content"]
    return content if isinstance(content, list) else []


def _is_change(block: Block) -> bool:
    return block["type"] in _CHANGES
