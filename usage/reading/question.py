"""What can be asked of a workspace's usage."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum


class Width(StrEnum):
    """The length of a bucket. Days, weeks and months are those of the question's time zone; a week
    begins on Monday."""

    QUARTER = "15m"
    HOUR = "1h"
    DAY = "1d"
    WEEK = "1w"
    MONTH = "1mo"


class Grouping(StrEnum):
    """The ways to split a bucket.

    Model, key and source go together in any order; the others stand alone. A call with two tags
    counts in both; the group None has the calls without any, and the empty tag those with a tag
    beyond the day's first 200. Of errors, only `requests` and `errors` are known.
    """

    MODEL = "model"
    KEY = "key"
    SOURCE = "source"
    TAG = "tag"
    SESSION = "session"
    ERROR = "error"


_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_TOGETHER = frozenset({Grouping.MODEL, Grouping.KEY, Grouping.SOURCE})


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Restricts a question. `is_console` is for calls without a key; a tag stands alone."""

    key_id: int | None = None
    is_console: bool = False
    model: str | None = None
    source: str | None = None
    tag: str | None = None
    session: str | None = None

    @property
    def has_dimensions(self) -> bool:
        """Whether it restricts model, key or source."""
        return self.is_console or (self.key_id, self.model, self.source) != (None, None, None)


@dataclass(frozen=True, kw_only=True)
class Question:
    """A workspace's usage from `since` up to, and not at, `until`.

    Without a width there is one bucket, the whole range. `after` is the last row of a page: its
    bucket's start and its groups as text; rows follow it. Raises ValueError for a combination that
    cannot be answered.
    """

    workspace_id: int
    since: datetime
    until: datetime
    width: Width | None = None
    zone: tzinfo = UTC
    group_by: tuple[Grouping, ...] = ()
    filters: Filters = Filters()
    limit: int | None = None
    after: tuple[datetime, tuple[str, ...]] | None = None

    def __post_init__(self) -> None:
        if len(self.group_by) > 1 and not set(self.group_by) <= _TOGETHER:
            raise ValueError("tag, session and error cannot be combined with another grouping")
        if self.filters.tag is not None and (self.group_by or self.filters.has_dimensions):
            raise ValueError("a tag cannot be combined with a grouping or another filter")
        if Grouping.TAG in self.group_by and (self.filters != Filters()):
            raise ValueError("groups by tag cannot be filtered")

    @property
    def is_of_tags(self) -> bool:
        """Whether the roll-ups of tags answer it."""
        return self.filters.tag is not None or Grouping.TAG in self.group_by

    @property
    def is_of_sessions(self) -> bool:
        """Whether the roll-up of sessions answers it, or the records for a part of a session."""
        return self.filters.session is not None or Grouping.SESSION in self.group_by

    def within_calendar(self) -> "Question":
        """Return the same question about that part of the range which calls can be in.

        Python has no moments around the buckets of the first and the last year.
        """
        since, until = (min(max(one, _EARLIEST), _LATEST) for one in (self.since, self.until))
        return replace(self, since=since, until=until)
