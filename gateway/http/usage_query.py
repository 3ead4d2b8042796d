"""The parameters of GET /v1/usage, and the cursors of its pages."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
from starlette.datastructures import QueryParams

from gateway.errors import InvalidRequest
from usage.reading import Filters, Grouping, Question, UsageRow, Width

LONGEST = {
    Width.QUARTER: timedelta(days=7),
    Width.HOUR: timedelta(days=31),
    Width.DAY: timedelta(days=366),
    Width.WEEK: timedelta(days=2 * 366),
    Width.MONTH: timedelta(days=5 * 366),
}
DEFAULT_LENGTH = {
    Width.QUARTER: timedelta(hours=6),
    Width.HOUR: timedelta(days=1),
    Width.DAY: timedelta(days=30),
    Width.WEEK: timedelta(weeks=12),
    Width.MONTH: timedelta(days=366),
}
GROUPINGS = (Grouping.MODEL, Grouping.KEY, Grouping.SOURCE, Grouping.TAG, Grouping.SESSION)
MOST_ROWS = 1_000
_LONGEST_ZONE = 64
_LONGEST_CURSOR = 4_096
_Choice = TypeVar("_Choice", bound=StrEnum)
_Cursor = tuple[datetime, datetime, datetime, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class UsageQuery:
    """What is asked. With a cursor, the range is that of the page before, also if it ended now."""

    bucket: Width
    since: datetime
    until: datetime
    zone: tzinfo
    zone_name: str
    group_by: tuple[Grouping, ...]
    limit: int
    after: tuple[datetime, tuple[str, ...]] | None

    @classmethod
    def parse(cls, params: QueryParams, *, now: datetime) -> "UsageQuery":
        """Read the parameters of an address; raises InvalidRequest, which names the parameter."""
        bucket = _choice(tuple(Width), params.get("bucket", Width.DAY), "bucket")
        group_by = _group_by(params)
        cursor = _cursor(params.get("cursor"), groups=len(group_by))
        since, until = cursor[:2] if cursor else _range(params, bucket, now)
        zone_name = params.get("time_zone", "UTC")
        return cls(
            bucket=bucket,
            since=since,
            until=until,
            zone=_zone(zone_name),
            zone_name=zone_name,
            group_by=group_by,
            limit=_limit(params.get("limit")),
            after=cursor and cursor[2:],
        )

    def question(self, workspace_id: int) -> Question:
        """Return the question of one page; it asks for a row more, to know whether there is one."""
        try:
            return Question(
                workspace_id=workspace_id,
                since=self.since,
                until=self.until,
                width=self.bucket,
                zone=self.zone,
                group_by=self.group_by,
                limit=self.limit + 1,
                after=self.after,
            )
        except ValueError as error:
            raise InvalidRequest(str(error).capitalize(), path="group_by") from None

    def total(self, workspace_id: int) -> Question:
        """Return the question of the sums over the whole range, in which each call counts once."""
        return Question(
            workspace_id=workspace_id, since=self.since, until=self.until, filters=Filters()
        )


def cursor_of(asked: UsageQuery, last: UsageRow) -> str:
    """Return the cursor of the page after this row."""
    started_at, groups = last.cursor
    text = msgspec.json.encode((asked.since, asked.until, started_at, groups))
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _cursor(text: str | None, *, groups: int) -> _Cursor | None:
    if text is None:
        return None
    try:
        if len(text) > _LONGEST_CURSOR:
            raise ValueError
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        since, until, started_at, values = msgspec.json.decode(decoded, type=_Cursor)
        if not (since.tzinfo and until.tzinfo and started_at.tzinfo):
            raise ValueError
        if len(values) != groups or any("\0" in value for value in values):
            raise ValueError
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise InvalidRequest("Input should be the `next_cursor` of a page", path="cursor") from None
    return since, until, started_at, values


def _range(params: QueryParams, bucket: Width, now: datetime) -> tuple[datetime, datetime]:
    until = _moment(params, "to") or now
    since = _moment(params, "from") or _before(until, DEFAULT_LENGTH[bucket])
    if not since < until:
        raise InvalidRequest("Input should be before `to`", path="from")
    if until - since > LONGEST[bucket]:
        days = LONGEST[bucket].days
        raise InvalidRequest(f"Input should be at most {days} days before `to`", path="from")
    return since, until


def _group_by(params: QueryParams) -> tuple[Grouping, ...]:
    names = [name for name in params.get("group_by", "").split(",") if name]
    return tuple(dict.fromkeys(_choice(GROUPINGS, name, "group_by") for name in names))


def _limit(text: str | None) -> int:
    if text is None:
        return MOST_ROWS
    if text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MOST_ROWS:
        return int(text)
    raise InvalidRequest(f"Input should be a number from 1 to {MOST_ROWS}", path="limit")


def _zone(name: str) -> tzinfo:
    try:
        if not name.isprintable() or len(name) > _LONGEST_ZONE:
            raise ValueError
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise InvalidRequest(
            "Input should be a time zone such as Europe/Berlin", path="time_zone"
        ) from None


def _before(until: datetime, length: timedelta) -> datetime:
    try:
        return until - length
    except OverflowError:  # in the first days of the first year
        raise InvalidRequest("Input should be a later time", path="to") from None


def _choice(choices: tuple[_Choice, ...], text: str, name: str) -> _Choice:
    for choice in choices:
        if choice.value == text:
            return choice
    listed = ", ".join(f"'{one.value}'" for one in choices)
    raise InvalidRequest(f"Input should be one of {listed}", path=name)


def _moment(params: QueryParams, name: str) -> datetime | None:
    """Read an RFC 3339 moment; a plus sign in an address arrives as a space."""
    text = params.get(name)
    if text is None:
        return None
    try:
        if not text.isprintable():  # fromisoformat stops reading at a NUL
            raise ValueError
        moment = datetime.fromisoformat(text.replace(" ", "+").upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest(
            "Input should be a time such as 2026-11-22T00:00:00Z", path=name
        ) from None
