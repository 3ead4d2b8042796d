"""The filters of the request log: read from its address, written into its query. Pure.

/developers/usage/requests?range=7d&key=12&status=error&tag=team:web
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from usage.reading import Filters
from web import filter_values
from web.filter_values import NO_KEY

RANGES = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "all": ("All time", timedelta(days=36_500)),
}
DEFAULT_RANGE = "30d"
SUCCEEDED, FAILED = "ok", "error"
STATUSES = (400, 401, 402, 403, 404, 413, 429, 499, 500, 503, 504, 529)
# A parameter of the address: its name for a person, and its condition. psycopg fills in the values.
_CONDITIONS = {
    "key": ("Key", "key_id = %(key)s"),
    "model": ("Model", "resolved_model = %(model)s"),
    "status": ("Status", "status = %(status)s"),
    "error": ("Error", "error_code = %(error)s AND error_type <> ''"),
    "stop": ("Stop reason", "stop_reason = %(stop)s"),
    "source": ("Source", "source = %(source)s"),
    "tag": ("Tag", "%(tag)s = ANY (tags)"),
    "session": ("Session", "session_id = %(session)s"),
    "q": ("Tag or session", "(session_id = %(q)s OR %(q)s = ANY (tags))"),
}
_INDEXED = frozenset({"error", "session"})
_WORDS_OF_STATUS = {
    SUCCEEDED: ("Succeeded", "error_type = ''"),
    FAILED: ("With an error", "error_type <> ''"),
}
_MOMENTS = {"from": "From", "to": "Until"}


class Chip(NamedTuple):
    """A filter that is set, in words, with the address of the log without it."""

    name: str
    value: str
    without: str


class LogFilter(NamedTuple):
    """What is asked of the log: the parameters that are set, and the range of time."""

    values: dict[str, str]
    range_name: str
    since: datetime
    until: datetime

    @property
    def is_narrow(self) -> bool:
        """Whether calls of the range are left out."""
        return bool(self.narrowing)

    @property
    def narrowing(self) -> dict[str, str]:
        """The values that leave calls out, by parameter."""
        return {name: text for name, text in self.values.items() if name in _CONDITIONS}

    @property
    def is_searched(self) -> bool:
        """Whether calls are read that do not pass it: an index finds those of some values alone."""
        return bool(self.narrowing.keys() - _INDEXED)

    @property
    def has_own_index(self) -> bool:
        """Whether an index finds the calls with its values."""
        return bool(self.narrowing.keys() & _INDEXED)

    @property
    def is_to_now(self) -> bool:
        """Whether new calls belong to it."""
        return "to" not in self.values

    @property
    def indexed(self) -> str:
        """The conditions in SQL on a record for which there is an index."""
        return self._conditions(self.narrowing.keys() & _INDEXED)

    @property
    def condition(self) -> str:
        """The other conditions; the values of all are `parameters`."""
        return self._conditions(self.narrowing.keys() - _INDEXED)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the conditions."""
        return {name: _parameter(name, text) for name, text in self.narrowing.items()}

    def address(self, **more: str) -> str:
        """Return the query of the log with these filters and these parameters."""
        return filter_values.address({"range": self.range_name, **self.values, **more})

    def chips(self, key_names: Mapping[str, str]) -> list[Chip]:
        """Return the filters that are set; keys are named by their ids."""
        return [
            Chip(*_in_words(name, text, key_names), self.address(**{name: ""}))
            for name, text in self.values.items()
        ]

    def _conditions(self, names: Collection[str]) -> str:
        parts = [_condition(name, text) for name, text in self.values.items() if name in names]
        return " AND ".join(parts) or "true"


def of_roll_ups(narrowing: Mapping[str, str]) -> Filters | None:
    """Return the filters of a question about the calls that pass these values; None if roll-ups do
    not know them."""
    key = narrowing.get("key")
    if narrowing.keys() <= {"key", "model", "source"}:
        return Filters(
            key_id=int(key) if key and key != NO_KEY else None,
            is_console=key == NO_KEY,
            model=narrowing.get("model"),
            source=narrowing.get("source"),
        )
    if narrowing.keys() == {"session"}:
        return Filters(session=narrowing["session"])
    return None


def parse(params: Mapping[str, str], *, now: datetime) -> LogFilter:
    """Read the parameters of an address; what is not understood is left out."""
    values = {
        name: text
        for name in (*_CONDITIONS, *_MOMENTS)
        if (text := filter_values.text(params, name)) and _is_readable(name, text)
    }
    range_name = params.get("range", "")
    if range_name not in RANGES:
        range_name = DEFAULT_RANGE
    until = _moment(values.get("to")) or now + timedelta(seconds=1)
    since = _moment(values.get("from")) or now - RANGES[range_name][1]
    return LogFilter(values, range_name, since, until)


def _is_readable(name: str, text: str) -> bool:
    if name == "key":
        return filter_values.is_key(text)
    if name == "status":
        return text in _WORDS_OF_STATUS or text in map(str, (200, *STATUSES))
    if name in _MOMENTS:
        return _moment(text) is not None
    return True


def _condition(name: str, text: str) -> str:
    if name == "key" and text == NO_KEY:
        return "key_id IS NULL"
    if name == "status" and text in _WORDS_OF_STATUS:
        return _WORDS_OF_STATUS[text][1]
    return _CONDITIONS[name][1]


def _parameter(name: str, text: str) -> Any:
    return int(text) if name in ("key", "status") and text.isdecimal() else text


def _in_words(name: str, text: str, key_names: Mapping[str, str]) -> tuple[str, str]:
    if name in _MOMENTS:
        return _MOMENTS[name], f"{text.replace('T', ' ')} UTC"
    label = _CONDITIONS[name][0]
    if name == "key":
        return label, "Console" if text == NO_KEY else key_names.get(text, text)
    if name == "status" and text in _WORDS_OF_STATUS:
        return label, _WORDS_OF_STATUS[text][0]
    return label, text


def _moment(text: str | None) -> datetime | None:
    """Read a moment as a browser's field writes it: 2026-11-30T14:05, in UTC."""
    try:
        moment = datetime.fromisoformat(text or "")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
