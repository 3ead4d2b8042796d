"""What a seeded bug is."""

from typing import NamedTuple


class Edit(NamedTuple):
    """A piece of text that stands once in a file, and what takes its place."""

    file: str
    old: str
    new: str


class Bug(NamedTuple):
    """What is wrong, where, and which tests must notice."""

    name: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
