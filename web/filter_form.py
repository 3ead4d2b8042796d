"""The form of a page's filters, drawn by templates/filters/form.html.

Each kind of field has a template. A change of one reloads the page's part at once; without scripts
there is a button.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple


@dataclass(frozen=True)
class Choice:
    """One of several values, each with its words. `empty` are the words of none of them, and empty
    itself where one is always chosen."""

    name: str
    label: str
    options: Sequence[tuple[str, str]]
    value: str
    empty: str = "all"

    template: ClassVar[str] = "filters/choice.html"

    @property
    def is_set(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.empty and self.value)

    @property
    def offered(self) -> list[tuple[str, str]]:
        """All options; the chosen value first, if it is none of them."""
        is_known = not self.value or any(value == self.value for value, _ in self.options)
        chosen = [] if is_known else [(self.value, self.value)]
        none = [("", self.empty)] if self.empty else []
        return [*none, *chosen, *self.options]


@dataclass(frozen=True)
class Text:
    """A value that is typed."""

    name: str
    label: str
    value: str
    placeholder: str = "any"

    template: ClassVar[str] = "filters/text.html"

    @property
    def is_set(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.value)


@dataclass(frozen=True)
class Search:
    """Text that is searched for; its label is its placeholder."""

    name: str
    label: str
    value: str

    template: ClassVar[str] = "filters/search.html"
    is_set: ClassVar[bool] = False  # it is seen as it is


@dataclass(frozen=True)
class Time:
    """A day, or a moment in UTC: `type` is that of the browser's field."""

    name: str
    label: str
    value: str
    type: str = "date"

    template: ClassVar[str] = "filters/time.html"

    @property
    def is_set(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.value)


@dataclass(frozen=True)
class Check:
    """Something that is on or off."""

    name: str
    label: str
    is_set: bool

    template: ClassVar[str] = "filters/check.html"


@dataclass(frozen=True)
class Kept:
    """A value that the form does not change."""

    name: str
    value: str

    template: ClassVar[str] = "filters/kept.html"
    is_set: ClassVar[bool] = False


class Link(NamedTuple):
    """A set of values with an address of its own."""

    name: str
    label: str
    address: str
    is_current: bool


@dataclass(frozen=True)
class Links:
    """Some sets of values that are offered as links."""

    name: str
    label: str
    links: Sequence[Link]

    template: ClassVar[str] = "filters/links.html"
    is_set: ClassVar[bool] = False


@dataclass(frozen=True)
class Note:
    """Words beside the fields."""

    words: str

    template: ClassVar[str] = "filters/note.html"
    is_set: ClassVar[bool] = False


Field = Choice | Text | Search | Time | Check | Kept | Links | Note


@dataclass(frozen=True)
class More:
    """Fields that are folded away, unless one of them is set."""

    name: str
    label: str
    fields: Sequence[Field]

    template: ClassVar[str] = "filters/more.html"

    @property
    def is_set(self) -> bool:
        """Whether one of its fields is."""
        return any(field.is_set for field in self.fields)


class FilterForm(NamedTuple):
    """A form. `prefix` begins the ids of its fields; `part` is the id of the page's part that a
    change reloads from `url`."""

    prefix: str
    url: str
    part: str
    fields: Sequence[Field | More]
