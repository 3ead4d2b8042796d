"""Converts textual documents to plain text blocks, for models without document input."""

from typing import Any

Block = dict[str, Any]


def is_textual(block: Block) -> bool:
    """Whether the request itself contains the document's text."""
    return block.get("type") == "document" and block["source"]["type"] in ("text", "content")


def as_blocks(block: Block) -> list[Block]:
    """A textual document as text and image blocks, its title and context first."""
    source = block["source"]
    heading = [block[name] for name in ("title", "context") if block.get(name)]
    if source["type"] == "text":
        return [_text("\n\n".join([*heading, source["data"]]))]
    content = source["content"]
    parts = [_text(content)] if isinstance(content, str) else content
    return [_text("\n\n".join(heading)), *parts] if heading else list(parts)


def search_result_as_block(block: Block) -> Block:
    texts = [part["text"] for part in block["content"] if part.get("type") == "text"]
    return _text("\n\n".join([block["title"], block["source"], *texts]))


def flatten(content: list[Block]) -> list[Block]:
    """The same content with every textual document as text blocks, in tool results too."""
    flat: list[Block] = []
    for block in content:
        if is_textual(block):
            flat += as_blocks(block)
        elif block["type"] == "tool_result" and isinstance(block.get("content"), list):
            flat.append(block | {"content": flatten(block["content"])})
        else:
            flat.append(block)
    return flat


def _text(text: str) -> Block:
    return {"type": "text", "text": text}
