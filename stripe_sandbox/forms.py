"""Decode Stripe's form encoding (`line_items[0][price_data][currency]=usd`), with typed access.

Worked example: `a=1&b[x]=2&c[0]=3&c[1]=4&d[]=5` decodes to
`{"a": "1", "b": {"x": "2"}, "c": {"0": "3", "1": "4"}, "d": {"0": "5"}}`.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from stripe_sandbox.errors import InvalidRequest

Tree = dict[str, Any]

_SUBKEY = re.compile(r"\[([^\[\]]*)\]")


def decode(pairs: Iterable[tuple[str, str]]) -> Tree:
    """Nested parameters; lists stay dicts keyed by position."""
    root: Tree = {}
    for key, value in pairs:
        head, *rest = [key.split("[", 1)[0], *_SUBKEY.findall(key)]
        branch = root
        for sub in rest:
            branch = branch.setdefault(head, {})
            if not isinstance(branch, dict):
                raise InvalidRequest("Invalid object", param=key)
            head = sub or str(len(branch))
        branch[head] = value
    return root


class Params:
    """Reads parameters by name and type, and tracks those that were never read."""

    def __init__(self, tree: Tree, path: str = "") -> None:
        self.tree = tree
        self._path = path
        self._read: set[str] = set()
        self._inner: list[Params] = []

    def name(self, key: str) -> str:
        return f"{self._path}[{key}]" if self._path else key

    def has(self, key: str) -> bool:
        return key in self.tree

    def text(self, key: str, *, max_length: int = 5000) -> str | None:
        """The value, or None when absent or empty: an empty value unsets a field at Stripe."""
        self._read.add(key)
        value = self.tree.get(key)
        if isinstance(value, dict):
            raise InvalidRequest(f"Invalid string: {self.name(key)}", param=self.name(key))
        if value is not None and len(value) > max_length:
            raise InvalidRequest(
                f"Invalid string: must be at most {max_length} characters", param=self.name(key)
            )
        return value or None

    def required(self, key: str) -> str:
        value = self.text(key)
        if value is None:
            raise InvalidRequest(
                f"Missing required param: {self.name(key)}.",
                param=self.name(key),
                code="parameter_missing",
            )
        return value

    def integer(self, key: str) -> int | None:
        value = self.text(key)
        if value is None:
            return None
        if not re.fullmatch(r"-?\d{1,18}", value):
            raise InvalidRequest(
                f"Invalid integer: {value}",
                param=self.name(key),
                code="parameter_invalid_integer",
            )
        return int(value)

    def required_integer(self, key: str) -> int:
        """Zero or more: every required integer here is an amount."""
        self.required(key)
        value = self.integer(key) or 0
        if value < 0:
            raise InvalidRequest(
                "This value must be greater than or equal to 0.",
                param=self.name(key),
                code="parameter_invalid_integer",
            )
        return value

    def boolean(self, key: str) -> bool | None:
        value = self.text(key)
        if value not in (None, "true", "false"):
            raise InvalidRequest(f"Invalid boolean: {value}", param=self.name(key))
        return None if value is None else value == "true"

    def choice(self, key: str, options: Iterable[str]) -> str | None:
        value, known = self.text(key), list(options)
        if value is not None and value not in known:
            raise InvalidRequest(
                f"Invalid {self.name(key)}: must be one of {', '.join(known)}",
                param=self.name(key),
            )
        return value

    def url(self, key: str) -> str | None:
        value = self.text(key)
        if value is not None and urlsplit(value).scheme not in ("http", "https"):
            raise InvalidRequest("Not a valid URL", param=self.name(key), code="url_invalid")
        return value

    def group(self, key: str) -> "Params":
        """A nested object; empty when absent."""
        self._read.add(key)
        inner = self.tree.get(key) or {}
        if not isinstance(inner, dict):
            raise InvalidRequest("Invalid object", param=self.name(key))
        child = Params(inner, self.name(key))
        self._inner.append(child)
        return child

    def items(self, key: str) -> list["Params"]:
        group = self.group(key)
        return [group.group(index) for index in group.tree]

    def texts(self, key: str) -> list[str]:
        group = self.group(key)
        return [group.required(index) for index in group.tree]

    def metadata(self, key: str = "metadata") -> dict[str, str]:
        """Key-value pairs; an empty value deletes the key."""
        self._read.add(key)
        pairs = self.tree.get(key) or {}
        if not isinstance(pairs, dict) or any(isinstance(value, dict) for value in pairs.values()):
            raise InvalidRequest("Invalid metadata", param=self.name(key))
        if len(pairs) > 50 or any(len(k) > 40 or len(v) > 500 for k, v in pairs.items()):
            raise InvalidRequest(
                "Metadata holds up to 50 keys of 40 characters and values of 500",
                param=self.name(key),
            )
        return dict(pairs)

    def refuse_unknown(self) -> None:
        """Call when all known parameters have been read."""
        for key in self.tree:
            if key not in self._read:
                raise InvalidRequest(
                    f"Received unknown parameter: {self.name(key)}",
                    param=self.name(key),
                    code="parameter_unknown",
                )
        for child in self._inner:
            child.refuse_unknown()
