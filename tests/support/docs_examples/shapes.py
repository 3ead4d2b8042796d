"""The shape of a sample's output: structure, names and order, without texts and numbers.

Hello there                    text
credits: 12                    credits: number
{"id": "msg_1", "n": [1, 2]}   {id: string, n: [number]}
event: ping + data: {…}        the event's name and its structure; repeated ones count once
"""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

_FACT = re.compile(r"\s*[{\[]?\s*'?\"?([A-Za-z][\w -]*?)'?\"?: (.+?),?\s*$")
_NUMBER = re.compile(r"[\d,.]+")
# Members whose value is a name of the API, not data.
_NAMES = ("type", "object", "role", "error_code")
_TEXT = "text"


def differences(recorded: str, got: str, *, has_free_text: bool) -> list[str]:
    """Return the lines in which the shapes differ, as a diff has them.

    A model's own words may look like anything: with `has_free_text`, text counts for nothing, and
    only labels of numbers in the recording are labels.
    """
    facts = (_fact(line) for line in recorded.splitlines())
    labels = {label for label, value in facts if _NUMBER.fullmatch(value) or not has_free_text}
    before, after = (_lines(_shape(text, labels), has_free_text) for text in (recorded, got))
    if before == after:
        return []
    return [f"- {line}" for line in before if line not in after] + [
        f"+ {line}" for line in after if line not in before
    ] or ["the order differs"]


def _lines(entries: Iterator[str], has_free_text: bool) -> list[str]:
    kept = (entry for entry in entries if not (has_free_text and entry == _TEXT))
    return [entry for entry, _ in groupby(kept)]


def _shape(text: str, labels: set[str]) -> Iterator[str]:
    whole = _decoded(text)
    if whole is not None:
        yield _structure(whole)
        return
    name = ""
    for line in text.splitlines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: ") and name != "ping":
            yield f"{name} {_structure(_decoded(line.removeprefix('data: ')))}"
        elif line.strip() and not line.startswith((":", "data: ")):
            yield _line(line, labels)


def _line(line: str, labels: set[str]) -> str:
    decoded = _decoded(line)
    if isinstance(decoded, dict | list):
        return _structure(decoded)
    label, value = _fact(line)
    if not label or label not in labels:
        return _TEXT
    return f"{label}: {'number' if _NUMBER.fullmatch(value) else 'text'}"


def _fact(line: str) -> tuple[str, str]:
    found = _FACT.match(line)
    return (found[1], found[2]) if found else ("", "")


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _structure(value: Any, name: str = "") -> str:
    if isinstance(value, dict):
        members = (f"{key}: {_structure(value[key], key)}" for key in sorted(value))
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(kind for kind, _ in groupby(map(_structure, value))) + "]"
    if isinstance(value, str):
        return value if name in _NAMES else "string"
    return {bool: "boolean", type(None): "null"}.get(type(value), "number")
